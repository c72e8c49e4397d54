//! Postfix and Exim, from private folders, exchanging mail with us both ways. They have to be started as root.

use super::{bounce, submission};
use crate::support::imap::Imap;
use crate::support::internet::{Internet, Manner};
use crate::support::process::run_in;
use crate::support::server::configured;
use crate::support::{Server, eventually, message, unique};
use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A mail server that ends with this.
struct Peer {
    folder: TempDir,
    stop: Vec<String>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = Command::new(&self.stop[0]).args(&self.stop[1..]).status();
        if std::thread::panicking() {
            for log in ["log", "mainlog", "paniclog"] {
                eprintln!("{}", fs::read_to_string(self.folder.path().join(log)).unwrap_or_default());
            }
        }
    }
}

impl Peer {
    /// The text of the message with that in it, once it is there.
    fn received(&self, what: &str) -> String {
        eventually(what, || {
            let files = fs::read_dir(self.folder.path().join("mail/box/new")).ok()?;
            files.flatten().filter_map(|file| fs::read_to_string(file.path()).ok()).find(|text| text.contains(what))
        })
    }
}

/// A folder that the daemons of a mail server can enter, with some folders in it that belong to somebody.
fn folder(owned: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::Builder::new().prefix("octroi-peer-").tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    for (name, owner) in owned {
        let path = folder.path().join(name);
        fs::create_dir_all(&path).unwrap();
        let changed = Command::new("chown").arg(owner).arg(&path).status().unwrap();
        assert!(changed.success(), "this test needs root");
    }
    folder
}

/// Takes mail for `post.example` and hands all other mail to `relay`.
fn postfix(ip: IpAddr, port: u16, relay: u16) -> Peer {
    let folder = folder(&[("etc", "root"), ("queue", "root"), ("data", "postfix"), ("mail", "mail")]);
    let at = folder.path().display();
    let main = format!(
        "compatibility_level = 3.6\nqueue_directory = {at}/queue\ndata_directory = {at}/data\ncommand_directory = /usr/sbin\n\
         daemon_directory = /usr/lib/postfix/sbin\nmail_owner = postfix\nsetgid_group = postdrop\nmyhostname = mx.post.example\n\
         inet_interfaces = loopback-only\ninet_protocols = ipv4\nmydestination =\nvirtual_mailbox_domains = post.example\n\
         virtual_mailbox_base = {at}/mail\nvirtual_mailbox_maps = static:box/\nvirtual_uid_maps = static:8\nvirtual_gid_maps = static:8\n\
         virtual_minimum_uid = 1\nmaillog_file = {at}/log\nmaillog_file_prefixes = /tmp, /var\nrelayhost = [127.0.0.1]:{relay}\n\
         smtp_tls_security_level = may\n"
    );
    let internal = "pickup unix n - n 1 1 pickup\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n\
         rewrite unix - - n - - trivial-rewrite\nbounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\ntrace unix - - n - 0 bounce\n\
         proxymap unix - n n - - proxymap\nsmtp unix - - n - - smtp\nerror unix - - n - - error\nretry unix - - n - - error\n\
         virtual unix - n n - - virtual\nanvil unix - - n - 1 anvil\ntlsmgr unix - - n 1000? 1 tlsmgr\nscache unix - - n - 1 scache\n\
         postlog unix-dgram n - n - 1 postlogd\n";
    let etc = folder.path().join("etc");
    fs::write(etc.join("main.cf"), main).unwrap();
    fs::write(etc.join("master.cf"), format!("{ip}:{port} inet n - n - - smtpd\n{internal}")).unwrap();
    let etc = etc.display().to_string();
    run_in(Path::new("/"), &[], "", "postfix", &["-c", &etc, "start"]).good();
    Peer { folder, stop: ["postfix", "-c", &etc, "stop"].map(str::to_owned).to_vec() }
}

/// Takes mail for `exim.example` and hands all other mail to `relay`.
fn exim(ip: IpAddr, port: u16, relay: u16) -> Peer {
    let folder = folder(&[("", "Debian-exim"), ("spool", "Debian-exim"), ("mail", "Debian-exim")]);
    let at = folder.path().display();
    // It starts itself again as the user it was built for, who may not reach where the project is.
    let program = folder.path().join("exim4");
    fs::copy(exim_program(), &program).unwrap();
    let configuration = format!(
        "primary_hostname = mx.exim.example\nexim_path = {}\nspool_directory = {at}/spool\nlog_file_path = {at}/%slog\npid_file_path = {at}/pid\n\
         daemon_smtp_ports = {port}\nlocal_interfaces = {ip}\nchunking_advertise_hosts = *\ndsn_advertise_hosts = *\nnever_users =\n\
         acl_smtp_rcpt = accept\nacl_smtp_data = accept\nbegin routers\nours:\n  driver = accept\n  domains = exim.example\n  transport = box\n\
         out:\n  driver = manualroute\n  route_list = * 127.0.0.1\n  self = send\n  transport = relay\nbegin transports\nbox:\n\
         \x20 driver = appendfile\n  directory = {at}/mail/box\n  maildir_format\n  create_directory\n  user = Debian-exim\nrelay:\n  driver = smtp\n\
         \x20 port = {relay}\n  allow_localhost\n",
        program.display()
    );
    let file = folder.path().join("conf");
    fs::write(&file, configuration).unwrap();
    let started = Command::new(&program).arg("-C").arg(&file).args(["-bd", "-q10s"]).status().unwrap();
    assert!(started.success());
    let pid = eventually("Exim to start", || fs::read_to_string(folder.path().join("pid")).ok().filter(|pid| pid.ends_with('\n')));
    Peer { folder, stop: vec!["kill".to_owned(), pid.trim().to_owned()] }
}

/// Unpacked aside by `./test`, for it conflicts with Postfix.
fn exim_program() -> PathBuf {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/exim/usr/sbin/exim4");
    assert!(program.exists(), "{} is missing; ./test unpacks it", program.display());
    program
}

/// What came to the first of our people.
fn arrived(server: &Server, subject: &str) -> String {
    let mut imap = Imap::login(server, server.user(1));
    let uid = eventually(subject, || {
        imap.ok("SELECT INBOX");
        imap.search_subject(subject).first().copied()
    });
    String::from_utf8_lossy(&imap.body(uid)).into_owned()
}

/// To a recipient there, with a report of success asked for; and a message that needs every dot of it.
fn send(server: &Server, to: &str, subject: &str) {
    let from = server.user(1);
    let mut smtp = submission(server, from);
    smtp.expect(&format!("MAIL FROM:<{}> RET=HDRS ENVID=E1", from.address), 250);
    smtp.expect(&format!("RCPT TO:<{to}> NOTIFY=SUCCESS,FAILURE"), 250);
    smtp.expect("DATA", 354);
    smtp.wire.send(format!("{}..a dot\r\n...\r\nlast line\r\n.\r\n", message(&from.address, to, subject)).as_bytes());
    assert_eq!(smtp.reply().unwrap().code, 250);
}

#[test]
fn postfix_and_we_exchange_mail() {
    let internet = Internet::start();
    let ip = IpAddr::V4(internet.address());
    internet.zone("post.example", &format!("@ MX 10 mx\nmx A {ip}"));
    let server = configured(&internet.settings());
    let peer = postfix(ip, internet.port(), server.port("smtp"));
    let subject = unique("to-postfix");
    send(&server, "someone@post.example", &subject);
    let text = peer.received(&subject);
    assert!(text.replace('\r', "").ends_with("\n.a dot\n..\nlast line\n"), "{text}");
    // Postfix knows DSN, and tells of the success itself: to us.
    let told = bounce(&server, "someone@post.example");
    assert!(told.contains("mx.post.example") && told.contains("Action: delivered") && told.contains("Original-Envelope-Id: E1"), "{told}");

    let subject = unique("from-postfix");
    let to = server.user(1).address.clone();
    let etc = peer.folder.path().join("etc").display().to_string();
    let text = format!("From: a@post.example\nTo: {to}\nSubject: {subject}\n\n.a dot\nlast line\n");
    run_in(Path::new("/"), &[], &text, "sendmail", &["-i", "-C", &etc, "-f", "a@post.example", &to]).good();
    assert!(arrived(&server, &subject).ends_with("\r\n.a dot\r\nlast line\r\n"));
}

#[test]
fn exim_and_we_exchange_mail() {
    let internet = Internet::start();
    let ip = IpAddr::V4(internet.address());
    internet.zone("exim.example", &format!("@ MX 10 mx\nmx A {ip}"));
    let server = configured(&internet.settings());
    let peer = exim(ip, internet.port(), server.port("smtp"));
    let subject = unique("to-exim");
    send(&server, "someone@exim.example", &subject);
    let text = peer.received(&subject);
    assert!(text.replace('\r', "").ends_with("\n.a dot\n..\nlast line\n"), "{text}");

    let subject = unique("from-exim");
    let to = server.user(1).address.clone();
    let text = format!("From: a@exim.example\nTo: {to}\nSubject: {subject}\n\n.a dot\nlast line\n");
    let conf = peer.folder.path().join("conf").display().to_string();
    run_in(Path::new("/"), &[], &text, exim_program().to_str().unwrap(), &["-i", "-C", &conf, "-f", "a@exim.example", &to]).good();
    assert!(arrived(&server, &subject).ends_with("\r\n.a dot\r\nlast line\r\n"));
}

/// The load generator of Postfix towards us, and its sink behind us.
#[test]
fn smtp_source_and_smtp_sink() {
    let internet = Internet::start();
    let (own, _) = Internet::self_signed(&["mx.b.example"]);
    let host = internet.domain("b.example", Manner::tls(own));
    let server = configured(&internet.settings());
    let to = server.user(1).address.clone();
    let address = format!("inet:127.0.0.1:{}", server.port("smtp"));
    run_in(Path::new("/"), &[], "", "smtp-source", &["-s", "4", "-m", "40", "-l", "5000", "-f", "a@b.example", "-t", &to, &address]).good();
    let mut imap = Imap::login(&server, server.user(1));
    eventually("all of them", || imap.ok("SELECT INBOX").text().contains("* 40 EXISTS").then_some(()));
    assert!(host.received().is_empty());
}
