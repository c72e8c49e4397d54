//! A certificate from an authority: Pebble, the test server of Let's Encrypt, asks the real program whether its names are its own.

use crate::support::process::{Ran, run, run_in};
use crate::support::server::{Server, configured, watch};
use crate::support::{eventually, free_ports};
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const HOST: &str = "mail.octroi.test";

/// A program that ends with the test.
struct Running {
    child: Child,
    /// Ends it when this process is gone.
    _watchdog: Child,
}

impl Running {
    fn start(mut command: Command, log: &Path) -> Self {
        let out = fs::File::options().create(true).append(true).open(log).unwrap();
        let child = command.stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out).spawn().unwrap();
        let watchdog = watch(&child, None);
        Self { child, _watchdog: watchdog }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Pebble and a DNS in which every name is this machine; the port of its directory, and its own certificate.
fn authority(folder: &Path, https: u16) -> (Vec<Running>, u16) {
    let [directory, management, dns, dns_management] = free_ports();
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    fs::write(folder.join("pebble.pem"), own.cert.pem()).unwrap();
    fs::write(folder.join("pebble.key"), own.signing_key.serialize_pem()).unwrap();
    let settings = serde_json::json!({"pebble": {
        "listenAddress": format!("127.0.0.1:{directory}"), "managementListenAddress": format!("127.0.0.1:{management}"),
        "certificate": folder.join("pebble.pem"), "privateKey": folder.join("pebble.key"),
        "httpPort": 1, "tlsPort": https, "ocspResponderURL": "", "externalAccountBindingRequired": false,
    }});
    fs::write(folder.join("pebble.json"), settings.to_string()).unwrap();
    let mut names = Command::new("pebble-challtestsrv");
    let (dns, dns_management) = (format!("127.0.0.1:{dns}"), format!("127.0.0.1:{dns_management}"));
    names.args(["-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", "", "-dns01", &dns, "-management", &dns_management]);
    let mut pebble = Command::new("pebble");
    pebble.arg("-config").arg(folder.join("pebble.json")).args(["-dnsserver", &dns]).env("PEBBLE_VA_NOSLEEP", "1");
    let running = vec![Running::start(names, &folder.join("dns.log")), Running::start(pebble, &folder.join("pebble.log"))];
    for address in [dns_management, format!("127.0.0.1:{directory}")] {
        eventually("the authority to listen", || TcpStream::connect(&address).ok());
    }
    (running, directory)
}

/// What a client sees of the server's certificate at an address.
fn shown(address: &str, more: &[&str]) -> Ran {
    let fixed = ["s_client", "-connect", address, "-servername", HOST];
    run("openssl", &[&fixed[..], more].concat())
}

fn issuer(server: &Server) -> String {
    let output = shown(server.address("imaps"), &[]).output;
    output.lines().find(|line| line.starts_with("issuer=")).unwrap_or_default().to_owned()
}

/// The same server with this at the end of its configuration.
fn again_with(server: Server, acme: &str) -> Server {
    let file = server.config().to_owned();
    let text = fs::read_to_string(&file).unwrap();
    let before = text.split("[acme]").next().unwrap().replace("hostname = \"localhost\"", &format!("hostname = \"{HOST}\""));
    fs::write(&file, format!("{before}{acme}")).unwrap();
    server.killed_and_started_again()
}

#[test]
fn a_certificate_is_asked_for_kept_and_extended() {
    let server = configured("");
    let folder = Path::new(server.config()).parent().unwrap().to_owned();
    let (_running, directory) = authority(&folder, server.port("https"));
    assert!(!issuer(&server).contains("Pebble"));

    let acme = format!(
        "[acme]\nterms_agreed = true\ndirectory = \"https://127.0.0.1:{directory}/dir\"\nauthority = \"pebble.pem\"\n\
         contact = [\"postmaster@octroi.test\"]\n"
    );
    let server = again_with(server, &acme);
    let first = eventually("the authority's certificate", || Some(issuer(&server)).filter(|issuer| issuer.contains("Pebble")));
    assert!(shown(server.address("smtp"), &["-starttls", "smtp"]).output.contains("Pebble"), "every protocol shows it: {first}");
    assert!(shown(server.address("https"), &["-alpn", "h2"]).output.contains("Pebble"));
    let kept = fs::read(server.data().join("acme/certificate.pem")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(server.data().join("acme/certificate.pem")).unwrap().permissions());
    assert_eq!(mode & 0o077, 0, "the key is for nobody else");

    // A question that is not open is not answered: no certificate is shown to who only says it is the authority.
    let asked = shown(server.address("https"), &["-alpn", "acme-tls/1"]);
    assert!(asked.output.contains("no peer certificate available"), "{}", asked.output);

    // The next start shows it at once, and asks for no other.
    let server = server.killed_and_started_again();
    assert!(issuer(&server).contains("Pebble"));
    assert_eq!(fs::read(server.data().join("acme/certificate.pem")).unwrap(), kept);

    // Another name: the old certificate will not do.
    let more = "names = [\"mta-sts.octroi.test\"]\n";
    let server = again_with(server, &format!("{acme}{more}"));
    let names = || {
        let text = shown(server.address("imaps"), &["-showcerts"]).output;
        run_in(&folder, &[], &text, "openssl", &["x509", "-noout", "-ext", "subjectAltName"]).output
    };
    eventually("a certificate for both names", || Some(names()).filter(|names| names.contains("mta-sts.octroi.test")));
}

#[test]
fn an_authority_that_is_not_there_leaves_the_server_serving() {
    let [nobody] = free_ports();
    let server = again_with(configured(""), &format!("[acme]\nterms_agreed = true\ndirectory = \"https://127.0.0.1:{nobody}/dir\"\n"));
    eventually("a line in the log", || server.log().contains("no certificate from the authority").then_some(()));
    let seen = shown(server.address("imaps"), &[]).output;
    assert!(seen.contains("BEGIN CERTIFICATE"), "the self-made one is shown: {seen}");
}
