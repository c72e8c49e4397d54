//! Behind proxies: who is listed says for whom it comes, and nobody else does. A real HAProxy stands in front, real clients come through.
//!
//! Octroi sees HAProxy come from an address of loopback that is listed, and HAProxy sees its clients come from where curl binds itself.
//! The service is open from the zone *office* only, so that whether a log-in is let in tells which address counted.

use crate::support::process::{Ran, run};
use crate::support::server::{configured_with_profiles, plain_profile, watch};
use crate::support::{Person, Server, eventually, free_ports};
use std::fmt::Write;
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

const OFFICE: &str = "127.9.0.1";
const ANYWHERE: &str = "127.8.0.1";
/// Proxies from which the PROXY protocol is taken; the second one lies in the office itself.
const PROXY: &str = "127.0.0.5";
const OFFICE_PROXY: &str = "127.9.0.5";
/// The proxy from which forwarded headers are taken.
const FORWARDER: &str = "127.0.0.6";

const ZONES: &str = "[zone.office]\nnetworks = [\"127.9.0.0/16\"]\n";

fn server() -> Server {
    let proxies = format!("[proxies]\nproxy_protocol = [\"{PROXY}/32\", \"{OFFICE_PROXY}\"]\nforwarded = [\"{FORWARDER}\"]\n");
    configured_with_profiles(&format!("{ZONES}{}", plain_profile("description = \"At the office only\"", "office", "")), &proxies)
}

/// HAProxy with one socket for each way to say for whom it comes.
struct Haproxy {
    child: Child,
    /// Ends it when this process is gone.
    _watchdog: Child,
    _folder: TempDir,
    ports: Vec<(&'static str, u16)>,
}

impl Haproxy {
    fn before(server: &Server) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (https, imaps, imap) = (server.address("https"), server.address("imaps"), server.address("imap"));
        let ways = [
            ("https-v1", format!("mode tcp\n server s {https} source {PROXY} send-proxy")),
            ("https-v2", format!("mode tcp\n server s {https} source {PROXY} send-proxy-v2 proxy-v2-options unique-id,crc32c")),
            ("imaps-v1", format!("mode tcp\n server s {imaps} source {PROXY} send-proxy")),
            ("imaps-v2", format!("mode tcp\n server s {imaps} source {PROXY} send-proxy-v2")),
            ("imap-v2", format!("mode tcp\n server s {imap} source {PROXY} send-proxy-v2")),
            ("https-bare", format!("mode tcp\n server s {https} source {PROXY}")),
            ("https-unlisted", format!("mode tcp\n server s {https} source {FORWARDER} send-proxy")),
            ("imap-unlisted", format!("mode tcp\n server s {imap} source {ANYWHERE} send-proxy")),
            ("x-forwarded-for", format!("mode http\n option forwardfor\n server s {https} source {FORWARDER} ssl verify none")),
            (
                "forwarded",
                format!(
                    "mode http\n http-request add-header Forwarded for=%[src];proto=http\n server s {https} source {FORWARDER} ssl verify none"
                ),
            ),
            ("forwarded-unlisted", format!("mode http\n option forwardfor\n server s {https} source 127.0.0.1 ssl verify none")),
        ];
        let ports: Vec<(&str, u16)> = ways
            .iter()
            .map(|(name, _)| {
                let [port] = free_ports();
                (*name, port)
            })
            .collect();
        let mut text = "defaults\n timeout connect 10s\n timeout client 60s\n timeout server 60s\n".to_owned();
        for ((name, way), (_, port)) in ways.iter().zip(&ports) {
            writeln!(text, "listen {name}\n bind 127.0.0.1:{port}\n {way}").unwrap();
        }
        let file = folder.path().join("haproxy.cfg");
        fs::write(&file, text).unwrap();
        let (child, watchdog) = start(&file);
        eventually("HAProxy to listen", || TcpStream::connect(("127.0.0.1", ports[0].1)).ok());
        Self { child, _watchdog: watchdog, _folder: folder, ports }
    }

    fn port(&self, way: &str) -> u16 {
        self.ports.iter().find(|(name, _)| *name == way).unwrap().1
    }
}

fn start(file: &Path) -> (Child, Child) {
    let mut command = Command::new("haproxy");
    command.args(["-db", "-f"]).arg(file).stdin(Stdio::null()).stdout(Stdio::null());
    let child = command.spawn().expect("haproxy is not installed; ./test installs it");
    let watchdog = watch(&child, None);
    (child, watchdog)
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// curl, bound to that address of ours.
fn curl(server: &Server, source: &str, person: &Person, url: &str, more: &[&str]) -> Ran {
    let user = format!("{}:{}", person.address, person.app_password);
    let certificate = server.certificate().to_str().unwrap();
    let fixed = ["--silent", "--show-error", "--ipv4", "--cacert", certificate, "--interface", source, "--user", &user];
    run("curl", &[&fixed[..], more, &[url]].concat())
}

/// The status of a listing of one's documents.
fn listed(server: &Server, source: &str, url: &str, more: &[&str]) -> u16 {
    let person = &server.people()[0];
    let url = format!("{url}/dav/files/{}/", person.address);
    let list = ["-X", "PROPFIND", "-H", "Depth: 0", "--output", "/dev/null", "--write-out", "%{http_code}"];
    curl(server, source, person, &url, &[&list[..], more].concat()).good().parse().unwrap()
}

#[test]
fn the_client_of_a_listed_proxy_is_where_it_is() {
    let server = server();
    let haproxy = Haproxy::before(&server);
    // To a stranger a closed zone must look like a wrong password.
    let (open, closed) = (207, 401);
    assert_eq!(listed(&server, OFFICE, &server.url(""), &[]), open, "as it is without a proxy");
    assert_eq!(listed(&server, ANYWHERE, &server.url(""), &[]), closed);
    for (way, scheme) in [("https-v1", "https"), ("https-v2", "https"), ("x-forwarded-for", "http"), ("forwarded", "http")] {
        let url = format!("{scheme}://localhost:{}", haproxy.port(way));
        assert_eq!(listed(&server, OFFICE, &url, &[]), open, "{way}");
        assert_eq!(listed(&server, ANYWHERE, &url, &[]), closed, "{way}");
    }
    let person = &server.people()[0];
    for (way, scheme) in [("imaps-v1", "imaps"), ("imaps-v2", "imaps"), ("imap-v2", "imap")] {
        let url = format!("{scheme}://localhost:{}/", haproxy.port(way));
        let said = curl(&server, OFFICE, person, &url, &["--ssl-reqd"]).good();
        assert!(said.contains("INBOX"), "{way}: {said}");
        curl(&server, ANYWHERE, person, &url, &["--ssl-reqd"]).bad();
    }
    // curl itself as the proxy: it tells its own address in version 1. Without the header a listed proxy is not heard.
    assert_eq!(listed(&server, OFFICE_PROXY, &server.url(""), &["--haproxy-protocol"]), open);
    curl(&server, OFFICE_PROXY, person, &server.url("/"), &[]).bad();
    curl(&server, OFFICE, person, &format!("https://localhost:{}/", haproxy.port("https-bare")), &[]).bad();
}

/// The attack on zones: whoever is outside says that they come from the office.
#[test]
fn a_forged_forwarded_header_or_proxy_line_moves_nobody_into_a_zone() {
    let server = server();
    let haproxy = Haproxy::before(&server);
    let person = &server.people()[0];
    let forged = [
        vec![format!("X-Forwarded-For: {OFFICE}")],
        vec![format!("X-Forwarded-For: {OFFICE}, {FORWARDER}")],
        vec![format!("Forwarded: for={OFFICE}")],
        vec![format!("Forwarded: for=\"{OFFICE}:1\";by={FORWARDER}, for={FORWARDER}")],
        vec![format!("Forwarded: for={OFFICE}"), format!("X-Forwarded-For: {OFFICE}")],
        vec!["Forwarded: for=\"".to_owned(), "X-Forwarded-For: \"".to_owned()],
    ];
    let x_forwarded_for = format!("http://localhost:{}", haproxy.port("x-forwarded-for"));
    let forwarded = format!("http://localhost:{}", haproxy.port("forwarded"));
    let unlisted = format!("http://localhost:{}", haproxy.port("forwarded-unlisted"));
    for lines in &forged {
        let headers: Vec<&str> = lines.iter().flat_map(|line| ["-H", line.as_str()]).collect();
        assert_eq!(listed(&server, ANYWHERE, &server.url(""), &headers), 401, "{lines:?}");
        // Nor does it move anybody out of one.
        assert_eq!(listed(&server, OFFICE, &server.url(""), &headers), 207, "{lines:?}");
        // Through a listed proxy, which writes one of the two headers: the other is contradicted.
        for url in [&x_forwarded_for, &forwarded] {
            assert!(matches!(listed(&server, ANYWHERE, url, &headers), 400 | 401), "{url} {lines:?}");
        }
    }
    // A proxy that is not listed for what it does.
    assert_eq!(listed(&server, OFFICE, &unlisted, &[]), 401);
    // It is read where TLS should begin, and the connection ends.
    curl(&server, OFFICE, person, &format!("https://localhost:{}/", haproxy.port("https-unlisted")), &[]).bad();
    curl(&server, OFFICE, person, &server.url("/"), &["--haproxy-protocol"]).bad();
    // In the clear it is a line like any other: refused as a command, and the log-in comes from where it comes.
    let url = format!("imap://localhost:{}/", haproxy.port("imap-unlisted"));
    curl(&server, OFFICE, person, &url, &["--ssl-reqd"]).bad();
}
