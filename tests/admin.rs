//! The administrator's commands while the server runs, and what they do to sessions that are open.

use crate::support::http::Http;
use crate::support::imap::Imap;
use crate::support::process::{Ran, run, run_in};
use crate::support::server::{DOMAIN, OCTROI, configuration, configured, last_word};
use crate::support::{PATIENCE, Server, eventually, shared, unique};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Run a command of `octroi` on the running server's data folder.
pub(crate) fn octroi(server: &Server, arguments: &[&str]) -> Ran {
    let data = server.data().to_str().unwrap();
    run(OCTROI, &[arguments, &["--data", data]].concat())
}

/// Mint an app password: its text, and the id that `revoke` wants.
pub(crate) fn mint(server: &Server, address: &str, services: &str) -> (String, String) {
    let label = unique("label");
    let said = octroi(server, &["app-password", "mint", address, "--label", &label, "--services", services]).good();
    let secret = last_word(&said);
    let listed = octroi(server, &["app-password", "list", address]).good();
    let line = listed.lines().find(|l| l.contains(&label)).unwrap_or_else(|| panic!("{label} is not in {listed}"));
    assert!(!listed.contains(&secret), "a secret is shown once only");
    (secret, line.split_whitespace().next().unwrap().to_owned())
}

#[test]
fn accounts_come_and_go_while_the_server_runs() {
    let server = shared();
    let address = format!("{}@{DOMAIN}", unique("new"));
    let said = octroi(server, &["account", "add", &address, "--profile", "agent", "--name", "Une Nouvelle"]).good();
    let password = last_word(&said);
    assert!(password.len() >= 12, "{said}");
    octroi(server, &["account", "add", &address, "--profile", "agent"]).bad();
    assert!(octroi(server, &["account", "list"]).good().lines().any(|l| l.contains(&address) && l.contains("agent")));

    let (secret, _) = mint(server, &address, "imap,files");
    let mut imap = Imap::try_login(server, &address, &secret).unwrap();
    imap.ok("SELECT INBOX");
    assert!(Imap::try_login(server, &address, &password).is_err(), "the main password opens no mailbox");
    octroi(server, &["account", "remove", &address]).good();
    assert!(!octroi(server, &["account", "list"]).good().contains(&address));
    assert!(Imap::try_login(server, &address, &secret).is_err());
}

#[test]
fn an_account_takes_its_password_from_standard_input() {
    let server = shared();
    let address = format!("{}@{DOMAIN}", unique("given"));
    let data = server.data().to_str().unwrap();
    let arguments = ["account", "add", &address, "--profile", "agent", "--password-stdin", "--data", data];
    let said = run_in(Path::new("."), &[], "Un-Long-Mot-De-Passe-42\n", OCTROI, &arguments).good();
    assert!(!said.contains("Un-Long-Mot-De-Passe-42"), "{said}");
    let weak = format!("{}@{DOMAIN}", unique("weak"));
    run_in(Path::new("."), &[], "short\n", OCTROI, &["account", "add", &weak, "--profile", "agent", "--password-stdin", "--data", data])
        .bad();
    octroi(server, &["account", "add", &weak, "--profile", "no-such-profile"]).bad();
    octroi(server, &["account", "add", "no address", "--profile", "agent"]).bad();
    assert!(!octroi(server, &["account", "list"]).good().contains(&weak), "a refused account is not there");
}

#[test]
fn an_app_password_opens_only_what_it_was_made_for() {
    let server = shared();
    let person = server.user(6);
    let (mail, _) = mint(server, &person.address, "imap");
    let (files, _) = mint(server, &person.address, "files");
    Imap::try_login(server, &person.address, &mail).unwrap();
    assert!(Imap::try_login(server, &person.address, &files).is_err());
    let status =
        |secret: &str, path: &str| Http::with(server, &person.address, secret).request("PROPFIND", path, &[("Depth", "0")], b"").status;
    assert_eq!(status(&files, &person.files), 207);
    assert_ne!(status(&files, &person.calendars), 207);
    assert_ne!(status(&mail, &person.files), 207);
    octroi(server, &["app-password", "mint", &person.address, "--label", "x", "--services", "imap,teleport"]).bad();
    octroi(server, &["app-password", "mint", &person.address, "--label", "x", "--services", "imap", "--expires", "soon"]).bad();
    octroi(server, &["app-password", "revoke", "no-such-id"]).bad();
}

/// What is asked for on the command line is what the list tells, and what holds.
#[test]
fn an_app_password_is_as_narrow_as_it_was_asked_for() {
    let server = shared();
    let person = server.user(5);
    let asked = ["--preset", "read", "--folder", "mail/INBOX", "--folder", "files/**", "--expires", "30", "--confirm", "device"];
    let label = unique("narrow");
    let begin = ["app-password", "mint", &person.address, "--label", &label, "--services", "imap,files"];
    let secret = last_word(&octroi(server, &[&begin[..], &asked[..]].concat()).good());
    let listed = octroi(server, &["app-password", "list", &person.address]).good();
    let line = listed.lines().find(|l| l.contains(&label)).unwrap_or_else(|| panic!("{label} is not in {listed}"));
    for part in ["read", "mail/INBOX=lrs", "files/**=lrs", "confirm device", "until ", "never used", "password"] {
        assert!(line.contains(part), "{part} is missing in {line}");
    }
    let id = line.split('\t').next().unwrap();
    // It has to be confirmed first: a code this person does not have, so it opens nothing.
    assert!(Imap::try_login(server, &person.address, &secret).is_err());
    octroi(server, &["app-password", "revoke", id]).good();

    let label = unique("letters");
    let begin = ["app-password", "mint", &person.address, "--label", &label, "--services", "imap"];
    let secret = last_word(&octroi(server, &[&begin[..], &["--folder", "mail/INBOX", "--rights", "lr"]].concat()).good());
    let mut imap = Imap::try_login(server, &person.address, &secret).unwrap();
    imap.ok("SELECT INBOX");
    assert!(!imap.command("CREATE Elsewhere").is_ok());
    assert!(!imap.command("SELECT Drafts").is_ok());
    eventually("the use in the list", || {
        let listed = octroi(server, &["app-password", "list", &person.address]).good();
        let line = listed.lines().find(|l| l.contains(&label)).unwrap();
        (line.contains("at most lr") && line.contains("from 127.0.0.1 (imap")).then_some(())
    });

    for wrong in [["--preset", "everything"], ["--folder", "nowhere/**"], ["--zone", "nowhere"], ["--confirm", "maybe"], ["--rights", "z"]]
    {
        octroi(server, &[&begin[..], &wrong[..]].concat()).bad();
    }
    octroi(server, &["app-password", "mint", &person.address, "--label", "d", "--services", "submission", "--preset", "draft"]).bad();
}

#[test]
fn an_account_is_given_another_profile_and_password() {
    let server = shared();
    let address = format!("{}@{DOMAIN}", unique("changed"));
    octroi(server, &["account", "add", &address, "--profile", "agent"]).good();
    let line = || octroi(server, &["account", "list"]).good().lines().find(|l| l.starts_with(&address)).unwrap().to_owned();
    octroi(server, &["account", "set", &address, "--remote", "yes"]).good();
    assert!(line().contains("agent\tremote"), "{}", line());
    assert!(octroi(server, &["account", "list", "--remote"]).good().contains(&address));
    octroi(server, &["account", "set", &address, "--profile", "team-lead"]).good();
    assert!(line().contains("team-lead\tremote"), "{}", line());
    octroi(server, &["account", "set", &address, "--remote", "no", "--profile", "agent"]).good();
    assert!(line().contains("agent\t-"), "{}", line());
    octroi(server, &["account", "set", &address]).bad();
    octroi(server, &["account", "set", &address, "--profile", "nobody"]).bad();
    octroi(server, &["account", "set", "nobody@bench.test", "--remote", "yes"]).bad();
    let share = octroi(server, &["account", "list", "--remote"]).good();
    assert!(share.lines().last().unwrap().ends_with(" %)"), "{share}");

    let first = last_word(&octroi(server, &["account", "password", &address]).good());
    assert!(first.len() >= 12);
    let data = server.data().to_str().unwrap();
    let from_stdin = ["account", "password", &address, "--password-stdin", "--data", data];
    run_in(Path::new("."), &[], "Un-Autre-Long-Mot-De-Passe-43\n", OCTROI, &from_stdin).good();
    run_in(Path::new("."), &[], "short\n", OCTROI, &from_stdin).bad();
    octroi(server, &["account", "password", "nobody@bench.test"]).bad();
}

/// Who has lost every factor enrols anew; the app passwords that were made under the old ones go on.
#[test]
fn second_factors_are_reset() {
    let server = Server::demo();
    let agent = server.with_profile("agent");
    let line = || octroi(&server, &["account", "list"]).good().lines().find(|l| l.starts_with(&agent.address)).unwrap().to_owned();
    assert!(line().contains("second factor"), "{}", line());
    octroi(&server, &["account", "second-factor-reset", &agent.address]).good();
    assert!(!line().contains("second factor"), "{}", line());
    octroi(&server, &["account", "second-factor-reset", "nobody@bench.test"]).bad();
}

/// What is shared with a group is shared with who is in it, as long as they are.
#[test]
fn groups_are_shared_with() {
    let server = Server::demo();
    let (owner, agent) = ("documents@douane.example", server.with_profile("agent"));
    let name = unique("group");
    octroi(&server, &["group", "add", &name]).good();
    octroi(&server, &["group", "add", &name]).bad();
    octroi(&server, &["group", "add", "no name"]).bad();
    octroi(&server, &["share", owner, "files/Procedures", "--with", &format!("group:{name}=lr")]).good();
    let sees = || {
        let path = format!("{}Shared/{owner}/Procedures/", agent.files);
        Http::new(&server, agent).request("PROPFIND", &path, &[("Depth", "0")], b"").status == 207
    };
    assert!(!sees());
    octroi(&server, &["group", "join", &name, &agent.address]).good();
    assert!(sees());
    let listed = octroi(&server, &["group", "list"]).good();
    assert!(listed.lines().any(|l| l.starts_with(&name) && l.contains(&agent.address)), "{listed}");
    octroi(&server, &["group", "leave", &name, &agent.address]).good();
    assert!(!sees());
    octroi(&server, &["group", "join", &name, "nobody@bench.test"]).bad();
    octroi(&server, &["group", "join", "no-such-group", &agent.address]).bad();
    octroi(&server, &["group", "remove", &name]).good();
    octroi(&server, &["group", "remove", &name]).bad();
}

/// A live session must not outlive its credential: it ends within a second, also while it only waits.
#[test]
fn revoking_ends_an_idle_session() {
    let server = shared();
    let person = server.user(6);
    let (secret, id) = mint(server, &person.address, "imap,files");
    let mut imap = Imap::try_login(server, &person.address, &secret).unwrap();
    imap.ok("SELECT INBOX");
    imap.wire.send("i IDLE\r\n");
    while !imap.wire.line().starts_with('+') {}
    octroi(server, &["app-password", "revoke", &id]).good();
    // Counted from when the command is done. It is patience on top of that second which keeps a busy machine from failing this.
    let revoked = Instant::now();
    imap.wire.set_patience(PATIENCE);
    let mut said = Vec::new();
    while let Ok(Some(line)) = imap.wire.try_line() {
        said.push(line);
    }
    let took = revoked.elapsed();
    assert!(said.iter().any(|l| l.starts_with("* BYE")), "{said:?}");
    assert!(took < Duration::from_secs(20), "the session ended only after {took:?}");
    assert!(Imap::try_login(server, &person.address, &secret).is_err());
    let response = Http::with(server, &person.address, &secret).request("PROPFIND", &person.files, &[("Depth", "0")], b"");
    assert_eq!(response.status, 401);
}

/// Whoever cannot read the data folder cannot administer either: the socket is the owner's alone.
#[test]
fn the_admin_socket_is_private() {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    let server = shared();
    let mut sockets = 0;
    for entry in fs::read_dir(server.data()).unwrap() {
        let metadata = entry.unwrap().metadata().unwrap();
        if metadata.file_type().is_socket() {
            sockets += 1;
            assert_eq!(metadata.permissions().mode() & 0o077, 0);
        }
    }
    assert_eq!(sockets, 1, "the admin socket is in the data folder");
}

#[test]
fn mistakes_in_the_configuration_are_named_with_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("octroi.toml");
    let good = configuration(&folder.path().join("data"), "");
    let check = |text: &str| {
        fs::write(&file, text).unwrap();
        run(OCTROI, &["check", "--config", file.to_str().unwrap()])
    };
    check(&good).good();
    let wrong = format!("{good}\n[nonsense]\nkey = 1\n");
    let line = wrong.lines().position(|l| l == "[nonsense]").unwrap() + 1;
    let said = check(&wrong).bad();
    assert!(said.contains("nonsense") && said.contains(&format!("line {line}")), "{said}");
    let said = check(&format!("no_such_key = true\n{good}")).bad();
    assert!(said.contains("no_such_key") && said.contains("line 1"), "{said}");
    let said = check(&format!("{good}\n= broken\n")).bad();
    assert!(said.contains(&format!("line {}", good.lines().count() + 2)), "{said}");
    // `serve` refuses it just the same, before it listens anywhere.
    fs::write(&file, &wrong).unwrap();
    run(OCTROI, &["serve", "--config", file.to_str().unwrap()]).bad();
    run(OCTROI, &["check", "--config", "/no/such/file.toml"]).bad();
}

/// What the programs of one account leave open must not grow without end.
#[test]
fn sessions_of_one_account_have_a_limit() {
    let server = configured("[limits.gate]\nsessions_per_account_max = 2\nconfirm_wait_seconds = 1\nlog_ins_per_minute_max = 50\n");
    let person = server.user(1);
    let _first = Imap::login(&server, person);
    let second = Imap::login(&server, person);
    assert!(Imap::try_login(&server, &person.address, &person.app_password).is_err());
    // Somebody else is not concerned, and who ends a session has room for another.
    Imap::login(&server, server.user(2));
    drop(second);
    eventually("room for a session", || Imap::try_login(&server, &person.address, &person.app_password).ok());
}

/// The sample names paths of a real installation; with the data elsewhere it must be good as it is, with the sample profiles.
#[test]
fn the_sample_configuration_is_one_that_works() {
    let (folder, deploy) = (tempfile::tempdir().unwrap(), Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy"));
    let sample = fs::read_to_string(deploy.join("octroi.toml")).unwrap();
    let text: Vec<&str> = sample.lines().map(|line| if line.starts_with("data = ") { "data = \"data\"" } else { line }).collect();
    fs::write(folder.path().join("octroi.toml"), text.join("\n")).unwrap();
    fs::copy(deploy.join("profiles.toml"), folder.path().join("profiles.toml")).unwrap();
    run(OCTROI, &["check", "--config", folder.path().join("octroi.toml").to_str().unwrap()]).good();
}

/// Two servers on one data folder would both write its journal.
#[test]
fn a_data_folder_has_one_server() {
    let server = shared();
    let said = run(OCTROI, &["demo", "--json", "--data", server.data().to_str().unwrap()]).bad();
    assert!(said.contains("another process has the data folder open"), "{said}");
}
