//! The portal as a browser uses it (curl with a cookie jar): from the main password to an app password that works, and what must not work.

use crate::support::http::Http;
use crate::support::imap::Imap;
use crate::support::process::{run, run_in};
use crate::support::server::{DOMAIN, OCTROI, configured, configured_with_profiles, plain_profile};
use crate::support::sink::{Mood, Sink};
use crate::support::smtp::Smtp;
use crate::support::{Server, eventually, shared, unique};
use std::path::Path;
use tempfile::TempDir;

/// The main password of every [`newcomer`].
pub(crate) const MAIN: &str = "Un-Long-Mot-De-Passe-42";

/// Somebody's browser.
pub(crate) struct Browser<'a> {
    pub(crate) server: &'a Server,
    jar: TempDir,
    /// What the last request was answered with.
    pub(crate) page: String,
}

impl<'a> Browser<'a> {
    pub(crate) fn open(server: &'a Server) -> Self {
        let mut browser = Self { server, jar: tempfile::tempdir().unwrap(), page: String::new() };
        browser.go("/portal/");
        browser
    }

    /// What curl is to be told for a request by this browser.
    pub(crate) fn arguments(&self, path: &str) -> Vec<String> {
        let jar = self.jar.path().join("jar");
        let jar = jar.to_str().unwrap();
        let certificate = self.server.certificate().to_str().unwrap();
        let url = format!("https://localhost:{}{path}", self.server.port("https"));
        let fixed = ["--silent", "--show-error", "--location", "--cacert", certificate, "--cookie", jar, "--cookie-jar", jar, &url];
        fixed.map(str::to_owned).into()
    }

    pub(crate) fn curl(&mut self, path: &str, more: &[&str]) {
        let fixed = self.arguments(path);
        let fixed: Vec<&str> = fixed.iter().map(String::as_str).collect();
        self.page = run("curl", &[&fixed[..], more].concat()).good();
    }

    pub(crate) fn go(&mut self, path: &str) {
        self.curl(path, &[]);
    }

    /// Send a form with the page's token.
    pub(crate) fn send(&mut self, path: &str, fields: &[(&str, &str)]) {
        let token = between(&self.page, "name=\"token\" value=\"", "\"").to_owned();
        self.send_with(path, &token, fields);
    }

    /// Set up an authenticator; its secret.
    pub(crate) fn enrol(&mut self) -> String {
        self.go("/portal/second-factor");
        self.send("/portal/second-factor", &[]);
        let secret = between(&self.page, "id=\"secret\">", "<").to_owned();
        self.send("/portal/second-factor/confirm", &[("code", &code(&secret))]);
        secret
    }

    pub(crate) fn send_with(&mut self, path: &str, token: &str, fields: &[(&str, &str)]) {
        let pairs: Vec<String> = [("token", token)].iter().chain(fields).map(|(name, value)| format!("{name}={value}")).collect();
        let more: Vec<&str> = pairs.iter().flat_map(|pair| ["--data-urlencode", pair]).collect();
        self.curl(path, &more);
    }
}

#[track_caller]
pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split_once(after).unwrap().0
}

/// A new agent with a main password and nothing else.
pub(crate) fn newcomer(server: &Server) -> String {
    newcomer_as(server, "agent")
}

/// The same with another profile.
pub(crate) fn newcomer_as(server: &Server, profile: &str) -> String {
    let address = format!("{}@{DOMAIN}", unique("portal"));
    let data = server.data().to_str().unwrap();
    let arguments = ["account", "add", &address, "--profile", profile, "--password-stdin", "--data", data];
    run_in(Path::new("."), &[], &format!("{MAIN}\n"), OCTROI, &arguments).good();
    address
}

/// The code that an authenticator shows now for a secret as the page shows it.
pub(crate) fn code(secret: &str) -> String {
    code_in(secret, 0)
}

/// The code that it shows next. It counts already, so nobody has to wait for it who has used the one of now.
pub(crate) fn next_code(secret: &str) -> String {
    code_in(secret, 30)
}

fn code_in(secret: &str, seconds: i64) -> String {
    octroi_gate::code_at(&secret.replace(' ', ""), octroi_model::UnixTime::now().0 + seconds).unwrap()
}

/// Set up an authenticator in another browser, where the second factor is fresh then; its secret.
pub(crate) fn enrol_elsewhere(server: &Server, address: &str) -> String {
    let mut browser = Browser::open(server);
    browser.send("/portal/sign-in", &[("address", address), ("password", MAIN)]);
    browser.enrol()
}

#[test]
fn from_the_main_password_to_an_app_password_that_works_until_it_is_revoked() {
    let server = shared();
    let address = newcomer(server);
    let mut browser = Browser::open(server);
    browser.send("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    assert!(!browser.page.contains("name=\"service\""), "without a second factor nothing can be minted");
    browser.enrol();
    browser.send("/portal/app-passwords", &[("label", "portable <b>1</b>"), ("service", "imap"), ("preset", "full"), ("days", "")]);
    let app_password = between(&browser.page, "id=\"app-password\">", "<").to_owned();
    Imap::try_login(server, &address, &app_password).unwrap().ok("SELECT INBOX");
    let files = format!("/dav/files/{address}/");
    assert_eq!(Http::with(server, &address, &app_password).request("PROPFIND", &files, &[("Depth", "0")], b"").status, 401);
    browser.go("/portal/app-passwords");
    assert!(browser.page.contains("portable &lt;b&gt;1") && !browser.page.contains("<b>1"), "a label is text, never markup");
    let id = app_password.split('-').next().unwrap();
    browser.send("/portal/app-passwords/revoke", &[("id", id)]);
    assert!(Imap::try_login(server, &address, &app_password).is_err());
}

#[test]
fn a_second_factor_is_asked_for_and_a_code_counts_once() {
    let server = shared();
    let address = newcomer(server);
    let mut browser = Browser::open(server);
    browser.send("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    browser.go("/portal/second-factor");
    browser.send("/portal/second-factor", &[]);
    let secret = between(&browser.page, "id=\"secret\">", "<").to_owned();
    let used = code(&secret);
    browser.send("/portal/second-factor/confirm", &[("code", &used)]);
    assert!(browser.page.contains("/portal/sign-out"));

    let mut again = Browser::open(server);
    again.send("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    assert!(again.page.contains("name=\"code\"") && !again.page.contains("/portal/sign-out"));
    again.send("/portal/code", &[("code", &used)]);
    assert!(!again.page.contains("/portal/sign-out"), "a used code opens nothing");
    again.go("/portal/");
    assert!(!again.page.contains("/portal/sign-out"));
}

#[test]
fn wrong_passwords_and_forged_forms_open_nothing() {
    let server = shared();
    let address = newcomer(server);
    let mut browser = Browser::open(server);
    browser.send("/portal/sign-in", &[("address", &address), ("password", "Un-Autre-Mot-De-Passe-42")]);
    let wrong = browser.page.clone();
    assert!(!wrong.contains("/portal/sign-out"));
    let mut stranger = Browser::open(server);
    stranger.send("/portal/sign-in", &[("address", &format!("nobody@{DOMAIN}")), ("password", "Un-Autre-Mot-De-Passe-42")]);
    let nobody = stranger.page.clone();
    let token = |page: &str| between(page, "name=\"token\" value=\"", "\"").to_owned();
    let said = |page: &str, address: &str| page.replace(&token(page), "TOKEN").replace(address, "ADDRESS");
    let unknown = format!("nobody@{DOMAIN}");
    assert!(wrong.contains("role=\"alert\""), "{wrong}");
    assert_eq!(said(&wrong, &address), said(&nobody, &unknown), "an unknown address is answered like a wrong password");
    let mut forged = Browser::open(server);
    forged.send_with("/portal/sign-in", "0000", &[("address", &address), ("password", MAIN)]);
    assert!(!forged.page.contains("/portal/sign-out"), "a form without its token does nothing");
    let headers = Http::anonymous(server).request("GET", "/portal/", &[], b"");
    let policy = headers.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-inline"), "{policy}");
    // With `no-referrer`, which other paths have, a browser says `Origin: null` with our own forms, and they are refused.
    assert_eq!(headers.header("referrer-policy"), Some("same-origin"));
}

#[test]
fn help_tells_everybody_where_programs_connect() {
    let server = shared();
    let page = Http::anonymous(server).request("GET", "/portal/help", &[], b"").text();
    for service in ["imaps", "submissions", "managesieve"] {
        assert!(page.contains(&format!(">{}<", server.port(service))), "the port of {service}: {page}");
    }
    assert!(page.contains(&format!(">{}<", server.url("/"))), "{page}");
    assert!(page.contains("poste 4242"), "whom to ask is told: {page}");
}

/// The eight digits that the command wrote down last; the file goes, so that the next one is another.
fn sent(folder: &Path) -> String {
    let text = eventually("a code", || {
        let text = std::fs::read_to_string(folder.join("text")).ok()?;
        std::fs::remove_file(folder.join("text")).unwrap();
        Some(text)
    });
    let digits = |word: &&str| word.len() == 8 && word.bytes().all(|b| b.is_ascii_digit());
    text.split(|c: char| !c.is_ascii_alphanumeric()).find(digits).unwrap_or_else(|| panic!("no code in {text}")).to_owned()
}

#[test]
fn a_code_that_is_sent_signs_in_and_sets_a_forgotten_password() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("send");
    std::fs::write(&script, format!("cat > {0}/new; mv {0}/new {0}/text\n", folder.path().display())).unwrap();
    let server = &configured(&format!("[second_factor]\ncommand = [\"/bin/sh\", \"{}\"]\n", script.display()));
    let address = newcomer_as(server, "plain");
    let mut browser = Browser::open(server);
    browser.send("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    browser.go("/portal/second-factor");
    browser.send("/portal/second-factor/device", &[("reach", "+33 6 12 34 56 78")]);
    browser.send("/portal/second-factor/device/confirm", &[("code", &sent(folder.path()))]);
    browser.go("/portal/second-factor");
    assert!(browser.page.contains("+33 6 12 34 56 78"), "the telephone is enrolled: {}", browser.page);

    let mut again = Browser::open(server);
    again.send("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    assert!(
        !again.page.contains("/portal/sign-out") && !again.page.contains("6 12 34"),
        "the number is not told to whom has the password only"
    );
    let device = between(&again.page, "name=\"device\" value=\"", "\"").to_owned();
    again.send("/portal/code/send", &[("device", &device)]);
    let code = sent(folder.path());
    again.send("/portal/code", &[("code", &code)]);
    assert!(again.page.contains("/portal/sign-out"), "{}", again.page);

    let mut forgetful = Browser::open(server);
    forgetful.go("/portal/forgotten");
    forgetful.send("/portal/forgotten", &[("address", &format!("nobody@{DOMAIN}"))]);
    let nobody = forgetful.page.clone();
    forgetful.go("/portal/forgotten");
    forgetful.send("/portal/forgotten", &[("address", &address)]);
    assert_eq!(
        between(&nobody, "<main", "name=\"token\""),
        between(&forgetful.page, "<main", "name=\"token\""),
        "nobody learns who is here"
    );
    let new = "Phare-Brume-Quai-7319";
    let code = sent(folder.path());
    forgetful.send("/portal/forgotten/reset", &[("address", &address), ("code", &code), ("other", ""), ("new", new), ("again", new)]);
    browser.go("/portal/");
    assert!(!browser.page.contains("/portal/sign-out"), "whoever was signed in is not any more");
    let mut back = Browser::open(server);
    back.send("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    assert!(!back.page.contains("name=\"device\""), "the old password opens nothing");
    back.send("/portal/sign-in", &[("address", &address), ("password", new)]);
    assert!(back.page.contains("name=\"device\""), "the new one asks for the second factor: {}", back.page);
}

/// Before anybody has logged in, programs learn where to: both addresses, the same answer, with the ports that are listened on.
#[test]
fn mail_programs_are_told_where_to_connect() {
    let server = shared();
    let nobody = Http::anonymous(server);
    let told = nobody.request("GET", "/mail/config-v1.1.xml?emailaddress=somebody%40bench.test", &[], b"");
    assert_eq!((told.status, told.header("content-type")), (200, Some("text/xml; charset=utf-8")));
    for (service, security) in [("imaps", "SSL"), ("imap", "STARTTLS"), ("submissions", "SSL"), ("submission", "STARTTLS")] {
        let expected = format!("<hostname>localhost</hostname><port>{}</port><socketType>{security}<", server.port(service));
        assert!(told.text().contains(&expected), "{expected}: {}", told.text());
    }
    assert!(told.text().contains(&format!("<domain>{DOMAIN}</domain>")), "{}", told.text());
    let same = nobody.request("GET", "/.well-known/autoconfig/mail/config-v1.1.xml", &[], b"");
    assert_eq!((same.status, same.text()), (200, told.text()));
    assert_eq!(nobody.request("POST", "/mail/config-v1.1.xml", &[], b"").status, 405);
}

/// Away and sending on, filled in; the script is there over ManageSieve and by the command, and does what was filled in.
#[test]
fn a_filter_is_filled_in_and_works() {
    let sink = Sink::start(Mood::Kind);
    let server = &configured(&format!("[outbound]\nsmarthost = \"127.0.0.1:{}\"\n", sink.port()));
    let address = newcomer_as(server, "plain");
    let mut browser = Browser::open(server);
    browser.send("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    enrol_elsewhere(server, &address);
    browser.go("/portal/filters");
    assert!(browser.page.contains("/portal/step-up") && !browser.page.contains("/portal/filters/simple"), "{}", browser.page);
    browser.send("/portal/filters/simple", &[("away", "on"), ("text", "x")]);
    assert!(scripts(server, &address).is_empty(), "nothing without a factor of just now");

    let mut browser = Browser::open(server);
    let address = newcomer_as(server, "plain");
    browser.send("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    browser.enrol();
    browser.go("/portal/filters");
    let away = [("away", "on"), ("from", "2020-01-01"), ("until", "2099-12-31"), ("subject", "Away"), ("text", "Back \"soon\".\n.\nLéa")];
    let onward = [("onward", "on"), ("copy", "on"), ("to", "friend@elsewhere.test")];
    for (wrong, fault) in [
        (("to", address.as_str()), "to-fault"),
        (("to", "nobody"), "to-fault"),
        (("text", " "), "text-fault"),
        (("until", "2019-01-01"), "until-fault"),
        (("from", "yesterday"), "from-fault"),
    ] {
        let fields: Vec<(&str, &str)> = away.iter().chain(&onward).map(|one| if one.0 == wrong.0 { wrong } else { *one }).collect();
        browser.send("/portal/filters/simple", &fields);
        assert!(browser.page.contains(&format!("id=\"{fault}\"")), "{wrong:?}: {}", browser.page);
    }
    assert!(scripts(server, &address).is_empty());
    browser.send("/portal/filters/simple", &[&away[..], &onward].concat());
    assert!(browser.page.contains("role=\"status\"") && browser.page.contains("value=\"2099-12-31\""), "{}", browser.page);
    assert!(scripts(server, &address).starts_with("active\t"));
    let script = octroi(server, &["sieve", "get", &address, "portal"]);
    assert!(script.contains("redirect :copy \"friend@elsewhere.test\";") && script.contains("vacation :days 7"), "{script}");

    let text = format!("From: <a@elsewhere.test>\r\nTo: <{address}>\r\nSubject: {}\r\n\r\nx\r\n", unique("away"));
    assert_eq!(Smtp::connect(server, "smtp").try_send("a@elsewhere.test", &address, &text).unwrap().code, 250);
    let sent_to = |to: &str| sink.received().into_iter().find(|message| message.to.iter().any(|one| one == to));
    let answer = eventually("the answer", || sent_to("a@elsewhere.test"));
    assert!(String::from_utf8_lossy(&answer.data).contains("Subject: Away"));
    eventually("the copy", || sent_to("friend@elsewhere.test"));

    // One that somebody altered is theirs; with no box ticked it goes.
    let altered = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(altered.path(), script.replace(":days 7", ":days 1")).unwrap();
    octroi(server, &["sieve", "put", &address, "portal", altered.path().to_str().unwrap()]);
    browser.go("/portal/filters");
    assert!(browser.page.contains("altered by hand") && !browser.page.contains("2099-12-31"), "{}", browser.page);
    browser.send("/portal/filters/simple", &[("text", ""), ("to", "")]);
    assert!(scripts(server, &address).is_empty());
}

#[test]
fn a_filter_is_written_and_refused_at_its_line() {
    let server = &configured("");
    let address = newcomer_as(server, "plain");
    let mut browser = Browser::open(server);
    browser.send("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    browser.enrol();
    browser.go("/portal/filters/script");
    let write = |browser: &mut Browser<'_>, name: &str, script: &str, more: &[(&str, &str)]| {
        browser.send("/portal/filters/script", &[&[("name", name), ("script", script)][..], more].concat());
    };
    write(&mut browser, "été <1>", "keep;\r\nfrob \"<b>\";\r\n", &[("new", "on")]);
    assert!(
        browser.page.contains("Line 2: there is no command `frob`") && browser.page.contains("2: frob &quot;&lt;b&gt;&quot;;"),
        "{}",
        browser.page
    );
    assert!(browser.page.contains("keep;") && scripts(server, &address).is_empty(), "what was written is still there");
    // As large as a script may be, and all of it written as three octets.
    let large = format!("keep;\r\n#{}\r\n", "\"".repeat(60_000));
    write(&mut browser, "été <1>", &large, &[("new", "on"), ("run", "on")]);
    assert!(browser.page.contains("role=\"status\""), "{:.3000}", browser.page);
    assert!(scripts(server, &address).starts_with("active\t") && scripts(server, &address).contains("été <1>"));
    assert_eq!(octroi(server, &["sieve", "get", &address, "été <1>"]), large);
    assert!(browser.page.contains("Another filter is active") && browser.page.contains("été &lt;1&gt;"), "{}", browser.page);
    browser.go("/portal/filters/script");
    write(&mut browser, "été <1>", "stop;", &[("new", "on")]);
    assert!(browser.page.contains("id=\"name-fault\""), "{}", browser.page);
    browser.go("/portal/filters/script?name=%C3%A9t%C3%A9%20%3C1%3E");
    write(&mut browser, "été <1>", "stop;", &[]);
    assert_eq!(octroi(server, &["sieve", "get", &address, "été <1>"]), "stop;");
    browser.send("/portal/filters/delete", &[("name", "été <1>")]);
    assert!(browser.page.contains("Deactivate it first"), "{}", browser.page);
    browser.send("/portal/filters/activate", &[("name", "")]);
    browser.send("/portal/filters/delete", &[("name", "été <1>")]);
    assert!(scripts(server, &address).is_empty());
    let trail = octroi(server, &["audit", "show", "--account", &address]);
    assert!(trail.contains("filter put") && trail.contains("portal"), "{trail}");

    // Whose profile has no filters has none here either.
    let rules = plain_profile("send_to = \"anyone\"\nportal = true", "*", "").replace("sieve = [\"*\"]\n", "");
    let server = &configured_with_profiles(&rules, "");
    let address = newcomer_as(server, "plain");
    let mut browser = Browser::open(server);
    browser.send("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    browser.enrol();
    browser.go("/portal/filters");
    assert!(browser.page.contains("does not let you keep filters") && !browser.page.contains("/portal/filters/script"), "{}", browser.page);
    browser.send("/portal/filters/script", &[("name", "a"), ("script", "keep;"), ("new", "on")]);
    assert!(scripts(server, &address).is_empty());
}

fn octroi(server: &Server, arguments: &[&str]) -> String {
    run(OCTROI, &[arguments, &["--config", server.config()]].concat()).good()
}

fn scripts(server: &Server, address: &str) -> String {
    octroi(server, &["sieve", "list", address])
}
