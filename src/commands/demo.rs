//! `octroi demo`: start, fill, say how to connect, serve.

use crate::cli::Demo;
use crate::commands::serve::{log_to_stderr, until_stopped};
use crate::config::{Config, Dns, Listen, MailAuth, Outbound, Spam};
use crate::demo::{DOMAIN, Person, Ready, fill, people, ports};
use crate::limits::Limits;
use crate::server::{Server, Store};
use octroi_gate::Admin;
use octroi_model::Address;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const PROFILES: &str = include_str!("../../deploy/profiles.toml");

pub(crate) async fn run(arguments: Demo) -> Result<ExitCode, String> {
    log_to_stderr("warn");
    let temporary = if arguments.data.is_none() { Some(temporary_folder()?) } else { None };
    let data = match (&arguments.data, &temporary) {
        (Some(data), _) => data.clone(),
        (None, Some(folder)) => folder.path().to_owned(),
        (None, None) => return Err("no data folder".to_owned()),
    };
    let quiet = arguments.json;
    let progress = |what: &str| {
        if !quiet {
            println!("  preparing {what} …");
        }
    };
    let (listen, sockets) = ports::claim().await?;
    let config = configuration(&arguments, &data, listen)?;
    let file = data.join("octroi.toml");
    let store = Store::open(&config).await?;
    // Only now is the folder ours: another demo may be running in it.
    write_down(&config, &file)?;
    let server = Server::start(&config, Some(&file), store, sockets)?;
    let mut people = if let Some(people) = saved(&data) {
        people
    } else {
        let policy = config.profiles().map_err(|e| e.to_string())?.policy;
        fill::all(&server.gate, &server.admin, policy, &progress).await?
    };
    add_plain_accounts(&server.admin, &arguments, &mut people, &progress).await?;
    save(&data, &people)?;
    announce(&config, &server, people, quiet)?;
    until_stopped().await;
    server.stop().await;
    Ok(ExitCode::SUCCESS)
}

fn temporary_folder() -> Result<tempfile::TempDir, String> {
    tempfile::Builder::new().prefix("octroi-demo-").tempdir().map_err(|e| format!("cannot make a temporary folder: {e}"))
}

/// The demo's configuration. The profiles are put into the data folder, where they can be changed and read again.
fn configuration(arguments: &Demo, data: &Path, listen: Listen) -> Result<Config, String> {
    fs::create_dir_all(data).map_err(|e| format!("cannot make {}: {e}", data.display()))?;
    let profiles = data.join("profiles.toml");
    if !profiles.exists() {
        fs::write(&profiles, PROFILES).map_err(|e| format!("cannot write {}: {e}", profiles.display()))?;
    }
    let https = listen.https.first().map_or(8443, SocketAddr::port);
    Ok(Config {
        data: data.to_owned(),
        organisation: "Direction des douanes (demo)".to_owned(),
        hostname: "localhost".to_owned(),
        domains: vec![DOMAIN.to_owned(), arguments.domain.clone()],
        postmaster: Some(people::address(people::TEAM_LEAD)?),
        profiles: Some(profiles),
        language: None,
        portal_url: Some(format!("https://localhost:{https}/portal/")),
        support: Some("Assistance informatique : poste 4242".to_owned()),
        listen,
        tls: None,
        acme: None,
        proxies: crate::config::Proxies::default(),
        dns: Dns::default(),
        inbound: crate::config::Inbound::default(),
        mail_auth: MailAuth::default(),
        spam: Spam::default(),
        // Sample people tell real servers nothing.
        reports: crate::config::Reports { tls: false, ..crate::config::Reports::default() },
        documents: crate::config::Documents::default(),
        outbound: Outbound { smarthost: arguments.smarthost.clone(), ..Outbound::default() },
        push: crate::config::Push { enabled: true, ..crate::config::Push::default() },
        subscriptions: crate::config::Subscriptions::default(),
        second_factor: crate::config::SecondFactor::default(),
        quota: crate::config::Quota::default(),
        store: crate::store_options::StoreOptions::default(),
        limits: Limits::for_load_from_one_peer(),
    })
}

/// So that `octroi serve --config` and the other commands can use what the demo made. Paths are relative to the file.
fn write_down(config: &Config, file: &Path) -> Result<(), String> {
    let portable = Config { data: PathBuf::from("."), profiles: Some(PathBuf::from("profiles.toml")), ..config.clone() };
    let text = toml::to_string(&portable).map_err(|e| format!("cannot write the configuration: {e}"))?;
    fs::write(file, text).map_err(|e| format!("cannot write {}: {e}", file.display()))
}

async fn add_plain_accounts(admin: &Admin, arguments: &Demo, people: &mut Vec<Person>, progress: &dyn Fn(&str)) -> Result<(), String> {
    if arguments.accounts > 0 {
        progress(&format!("{} plain accounts", arguments.accounts));
    }
    for number in 1..=arguments.accounts {
        let address = Address::new(&format!("u{number}"), &arguments.domain).map_err(|e| format!("{}: {e}", arguments.domain))?;
        if !people.iter().any(|p| p.address == address.to_string()) {
            people.push(people::plain(admin, &address).await?);
        }
    }
    Ok(())
}

fn saved(data: &Path) -> Option<Vec<Person>> {
    serde_json::from_slice(&fs::read(data.join("demo.json")).ok()?).ok()
}

fn save(data: &Path, people: &[Person]) -> Result<(), String> {
    let fail = |e: std::io::Error| format!("cannot write demo.json: {e}");
    let partial = data.join("demo.json.new");
    let mut out = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial).map_err(fail)?;
    out.write_all(&serde_json::to_vec(people).map_err(|e| e.to_string())?).map_err(fail)?;
    out.sync_all().map_err(fail)?;
    fs::rename(partial, data.join("demo.json")).map_err(fail)
}

fn announce(config: &Config, server: &Server, mut people: Vec<Person>, json: bool) -> Result<(), String> {
    let https = config.listen.https.first().map_or(8443, SocketAddr::port);
    for person in &mut people {
        person.files = format!("https://localhost:{https}/dav/files/{}/", person.address);
        person.calendars = format!("https://localhost:{https}/dav/calendars/{}/", person.address);
    }
    let mut addresses = BTreeMap::new();
    let listen = &config.listen;
    let sockets = [
        ("imap", &listen.imap),
        ("imaps", &listen.imaps),
        ("smtp", &listen.smtp),
        ("submission", &listen.submission),
        ("submissions", &listen.submissions),
        ("lmtp", &listen.lmtp),
        ("managesieve", &listen.managesieve),
    ];
    for (name, bound) in sockets {
        addresses.extend(bound.first().map(|address| (name, address.to_string())));
    }
    addresses.insert("https", format!("https://localhost:{https}"));
    let ready = Ready { addresses, certificate: server.certificate.display().to_string(), data: config.data.display().to_string(), people };
    let mut out = std::io::stdout().lock();
    let text = if json { serde_json::to_string(&ready).map_err(|e| e.to_string())? } else { for_people(&ready) };
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|e| format!("cannot print: {e}"))
}

fn for_people(ready: &Ready) -> String {
    let mut lines = vec![String::new(), "Octroi is running, on this machine only. Connect your programs to:".to_owned()];
    lines.extend(ready.addresses.iter().map(|(name, address)| format!("  {name:12} {address}")));
    lines.extend(ready.addresses.get("https").map(|address| format!("  portal       {address}/portal/")));
    lines.push(format!("  certificate  {} (self-made: your program will ask once)", ready.certificate));
    lines.push(format!("  data         {}", ready.data));
    lines.push(String::new());
    lines.push("Log in with the address and its app password; the main password opens the portal only.".to_owned());
    for person in ready.people.iter().take(12) {
        lines.push(format!("  {} ({})", person.address, person.profile));
        lines.push(format!("    app password   {}", person.app_password));
        if let (Some(password), Some(totp)) = (&person.password, &person.totp_secret) {
            lines.push(format!("    main password  {password}   second factor (TOTP secret) {totp}"));
        }
        lines.push(format!("    documents      {}", person.files));
        lines.push(format!("    calendars      {}", person.calendars));
    }
    if ready.people.len() > 12 {
        lines.push(format!("  … and {} more; --json lists them all", ready.people.len() - 12));
    }
    lines.push(String::new());
    lines.push("Stop with Ctrl-C.".to_owned());
    lines.join("\n")
}
