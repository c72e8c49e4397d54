//! Zones by certificate: a program at a secured post has a certificate that an authority of ours issued, wherever it connects from.

use crate::admin::octroi;
use crate::support::process::{Ran, run, run_in};
use crate::support::server::{configured_with_profiles, last_word, plain_profile};
use crate::support::{Person, Server, eventually};
use std::fs;
use std::path::{Path, PathBuf};

/// What `plain` is in the sample.
fn rules() -> String {
    plain_profile("send_to = \"anyone\"\nportal = true", "*", "")
}

const ZONE: &str = "[zone.secured]\nclient_ca = \"secured-ca.pem\"\n";

/// Make certificates by somebody else's program.
#[track_caller]
fn openssl(folder: &Path, arguments: &str) {
    let arguments: Vec<&str> = arguments.split(' ').collect();
    run_in(folder, &[], "", "openssl", &arguments).good();
}

/// An authority `NAME.pem`, and a certificate that it issued, `NAME-post.pem` with `NAME-post.key`.
fn authority(folder: &Path, name: &str) {
    let new = "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(folder, &format!("{new} -x509 -days 30 -keyout {name}.key -out {name}.pem -subj /CN={name}"));
    openssl(folder, &format!("{new} -keyout {name}-post.key -out {name}-post.csr -subj /CN={name}-post"));
    fs::write(folder.join("extensions"), "basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n").unwrap();
    let signed = format!("x509 -req -days 30 -in {name}-post.csr -CA {name}.pem -CAkey {name}.key -CAcreateserial -extfile extensions");
    openssl(folder, &format!("{signed} -out {name}-post.pem"));
}

fn folder(server: &Server) -> PathBuf {
    Path::new(server.config()).parent().unwrap().to_owned()
}

/// A server with a zone for those whom the authority `one` vouches for.
fn with_zone() -> Server {
    let server = configured_with_profiles(&rules(), "");
    let folder = folder(&server);
    authority(&folder, "one");
    fs::copy(folder.join("one.pem"), folder.join("secured-ca.pem")).unwrap();
    fs::write(folder.join("profiles.toml"), format!("{ZONE}{}", rules())).unwrap();
    octroi(&server, &["reload"]).good();
    server
}

/// The status of a look at one's own documents, by curl; `None` if the handshake failed.
fn files(server: &Server, person: &Person, secret: &str, post: Option<&str>) -> Option<u16> {
    let (folder, user) = (folder(server), format!("{}:{secret}", person.address));
    let url = server.url(&format!("/dav/files/{}/", person.address));
    let file = |end: &str| post.map_or(String::new(), |post| folder.join(format!("{post}-post.{end}")).to_str().unwrap().to_owned());
    let (certificate, key) = (file("pem"), file("key"));
    let shown = ["--cert", &certificate, "--key", &key];
    let fixed = ["--silent", "--cacert", server.certificate().to_str().unwrap(), "--user", &user, "--write-out", "\n%{http_code}"];
    let asked = ["-X", "PROPFIND", "-H", "Depth: 0", &url];
    let ran: Ran = run("curl", &[&fixed[..], if post.is_some() { &shown[..] } else { &[] }, &asked[..]].concat());
    ran.ok.then(|| last_word(&ran.output).parse().unwrap())
}

/// What an IMAP server says to a log-in by openssl's client.
fn imap(server: &Server, person: &Person, secret: &str, post: Option<&str>) -> String {
    imap_says(server, &format!("LOGIN {} {secret}", person.address), post)
}

/// What it says to any one command.
fn imap_says(server: &Server, command: &str, post: Option<&str>) -> String {
    let (folder, certificate) = (folder(server), server.certificate().to_str().unwrap());
    let address = format!("localhost:{}", server.port("imaps"));
    let (pem, key) = post.map_or((String::new(), String::new()), |post| (format!("{post}-post.pem"), format!("{post}-post.key")));
    let shown = ["-cert", &pem, "-key", &key];
    let fixed = ["s_client", "-quiet", "-crlf", "-CAfile", certificate, "-connect", &address];
    let input = format!("a {command}\nb SELECT INBOX\nc LOGOUT\n");
    run_in(&folder, &[], &input, "openssl", &[&fixed[..], if post.is_some() { &shown[..] } else { &[] }].concat()).output
}

#[test]
fn an_app_password_for_a_zone_opens_with_the_certificate_only() {
    let server = with_zone();
    let person = server.user(1).clone();
    let arguments = ["app-password", "mint", &person.address, "--label", "post", "--services", "imap,files", "--zone", "secured"];
    let secret = last_word(&octroi(&server, &arguments).good());

    assert_eq!(files(&server, &person, &secret, None), Some(401));
    assert_eq!(files(&server, &person, &secret, Some("one")), Some(207));
    assert!(imap(&server, &person, &secret, None).contains("a NO"));
    let said = imap(&server, &person, &secret, Some("one"));
    assert!(said.contains("a OK"), "{said}");
    // One that was not narrowed opens either way.
    assert_eq!(files(&server, &person, &person.app_password, None), Some(207));

    // The trail says in which zone it was.
    let shown = || octroi(&server, &["audit", "show", "--account", &person.address]).good();
    let opened = |text: &str| text.lines().any(|l| l.contains("done") && l.contains("log-in") && l.contains("zone secured"));
    eventually("the log-in in the trail", || opened(&shown()).then_some(()));
    let line = shown().lines().find(|l| l.contains("refused") && l.contains("log-in")).map(str::to_owned).unwrap();
    assert!(line.contains("zone anywhere"), "{line}");

    // A certificate of somebody else's authority is nobody's: the handshake ends.
    authority(&folder(&server), "two");
    assert_eq!(files(&server, &person, &person.app_password, Some("two")), None);
}

#[test]
fn a_reload_changes_all_or_nothing() {
    let server = with_zone();
    let (person, folder) = (server.user(1).clone(), folder(&server));
    let zones = || octroi(&server, &["explain", &person.address, "imap", "INBOX", "--zone", "guarded"]).ok;
    let mint = || octroi(&server, &["app-password", "mint", &person.address, "--label", "z", "--services", "files", "--zone", "secured"]);
    let secret = last_word(&mint().good());

    // New rules, and an authority that is none: neither is in force.
    fs::write(folder.join("profiles.toml"), format!("{ZONE}[zone.guarded]\nnetworks = [\"192.0.2.0/24\"]\n{}", rules())).unwrap();
    fs::write(folder.join("secured-ca.pem"), "no certificate\n").unwrap();
    let said = octroi(&server, &["reload"]).bad();
    assert!(said.contains("secured-ca.pem") && said.contains("no certificate") && said.contains("zone `secured`"), "{said}");
    assert!(!zones());
    assert_eq!(files(&server, &person, &secret, Some("one")), Some(207));
    fs::remove_file(folder.join("secured-ca.pem")).unwrap();
    let said = octroi(&server, &["reload"]).bad();
    assert!(said.contains("cannot read") && said.contains("secured-ca.pem"), "{said}");

    // A certificate of the server's own that does not fit its key: the rules are not in force either.
    fs::copy(folder.join("one.pem"), folder.join("secured-ca.pem")).unwrap();
    let own = fs::read(server.certificate()).unwrap();
    fs::copy(folder.join("one.pem"), server.certificate()).unwrap();
    octroi(&server, &["reload"]).bad();
    assert!(!zones());
    fs::write(server.certificate(), own).unwrap();

    // All is well: rules, authority and the server's own certificate are others.
    authority(&folder, "two");
    fs::copy(folder.join("two.pem"), folder.join("secured-ca.pem")).unwrap();
    let key = server.certificate().with_file_name("key.pem");
    let (certificate, key) = (server.certificate().to_str().unwrap(), key.to_str().unwrap());
    let names = "-subj /CN=localhost -addext subjectAltName=DNS:localhost";
    openssl(
        &folder,
        &format!("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -keyout {key} -out {certificate} {names}"),
    );
    octroi(&server, &["reload"]).good();
    assert!(zones());
    // curl trusts the new certificate only, so an answer means that it was shown.
    assert_eq!(files(&server, &person, &secret, Some("two")), Some(207));
    assert_eq!(files(&server, &person, &secret, Some("one")), None);
}

/// A certificate is registered like an app password is made, and ended like one.
#[test]
fn a_certificate_is_registered_as_a_credential() {
    let server = with_zone();
    let (person, folder) = (server.user(2).clone(), folder(&server));
    let register = |file: &str| {
        let file = folder.join(file);
        let arguments = ["app-password", "mint", &person.address, "--label", "post 7", "--services", "imap", "--certificate"];
        octroi(&server, &[&arguments[..], &[file.to_str().unwrap()]].concat())
    };
    let id = last_word(&register("one-post.pem").good());
    let list = || octroi(&server, &["app-password", "list", &person.address]).good();
    let listed = list();
    let line = listed.lines().find(|l| l.starts_with(&id)).unwrap_or_else(|| panic!("{id} is not in {listed}"));
    assert!(line.contains("\tcertificate\t") && line.contains("post 7"), "{line}");
    register("one-post.pem").bad();
    let said = register("one-post.key").bad();
    assert!(said.contains("certificate cannot be read"), "{said}");
    register("no-such.pem").bad();
    // SASL EXTERNAL with no authorisation identity: whose it is says the certificate.
    let external = |post| imap_says(&server, "AUTHENTICATE EXTERNAL =", post);
    let said = external(Some("one"));
    assert!(said.contains("AUTH=EXTERNAL") && said.contains("a OK") && said.contains("b OK"), "{said}");
    let said = external(None);
    assert!(!said.contains("AUTH=EXTERNAL") && !said.contains("a OK"), "{said}");
    // Over HTTP it stands for a credential, within its services: this one is for mail.
    assert_eq!(files(&server, &person, "x", Some("one")), Some(401));
    octroi(&server, &["app-password", "revoke", &id]).good();
    assert!(!list().contains(&id));
    assert!(!external(Some("one")).contains("a OK"), "what is revoked opens nothing");
}
