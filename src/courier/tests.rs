//! Codes by every way there is: from a real enrolment at a server that listens nowhere, to a script, a webhook and somebody's mail server.
#![allow(clippy::unwrap_used)] // A test that cannot go on says so by panicking.

#[path = "../../tests/support/sink.rs"]
#[allow(dead_code)] // Here it is always kind.
mod sink;

use super::message::Messenger;
use crate::config::{Config, SecondFactor};
use crate::server::{Server, Sockets, Store};
use octroi_gate::{DeviceEnrolment, NewAccount, PortalSession, Refusal, SignIn};
use octroi_model::{Address, Reach};
use std::future::Future;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PASSWORD: &str = "Un-Long-Mot-De-Passe-42";
const NUMBER: &str = "+33 6 12 34 56 78";
const PATIENCE: Duration = Duration::from_mins(1);

struct Running {
    server: Server,
    folder: TempDir,
    session: PortalSession,
}

/// A server with one account that is signed in to the portal.
async fn start(more: &str) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let text = format!(
        "data = \"{}\"\norganisation = \"Douane\"\nhostname = \"mail.test\"\ndomains = [\"douane.test\"]\n[listen]\n{more}",
        data.display()
    );
    let config = Config::parse(&text).unwrap();
    let store = Store::open(&config).await.unwrap();
    let server = Server::start(&config, None, store, Sockets::bind(&config.listen).await.unwrap()).unwrap();
    let address: Address = "lea@douane.test".parse().unwrap();
    let new = NewAccount { address: &address, display_name: "Léa", profile: "plain", password: Some(PASSWORD), remote_access: true };
    server.admin.add_account(new).await.unwrap();
    let SignIn::Open(session) = server.gate.sign_in("lea@douane.test", PASSWORD, IpAddr::V4(Ipv4Addr::LOCALHOST)).await else {
        panic!("it does not sign in")
    };
    Running { server, folder, session }
}

async fn eventually<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Eight digits, and nothing else of digits beside them.
fn code_in(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 8).map(str::to_owned)
}

async fn enrolled(session: &PortalSession, begun: &DeviceEnrolment, code: &str) {
    let wrong = if code == "00000000" { "00000001" } else { "00000000" };
    assert!(matches!(session.confirm_device_enrolment(begun, wrong).await, Err(Refusal::InvalidCode)));
    session.confirm_device_enrolment(begun, code).await.unwrap();
    assert_eq!(session.factors().unwrap().devices.len(), 1);
}

fn run<F: Future<Output = ()>>(test: F) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test);
}

fn script(folder: &Path, text: &str) -> String {
    let file = folder.join("send-sms");
    std::fs::write(&file, text).unwrap();
    format!("[second_factor]\ncommand = [\"/bin/sh\", \"{}\", \"--quick\"]\n", file.display())
}

#[test]
fn a_command_gets_the_number_and_the_text() {
    run(async {
        let scripts = tempfile::tempdir().unwrap();
        let more = script(scripts.path(), "for a; do echo \"$a\"; done > \"$0.args\"; cat > \"$0.new\"; mv \"$0.new\" \"$0.text\"\n");
        let Running { server, folder, session } = start(&more).await;
        let begun = session.begin_device(Reach::Message(NUMBER.to_owned())).unwrap();
        let text = eventually("the text", || std::fs::read_to_string(scripts.path().join("send-sms.text")).ok()).await;
        let code = code_in(&text).unwrap_or_else(|| panic!("no code in {text}"));
        assert!(text.starts_with("Douane") && text.contains("10 min"), "{text}");
        let arguments = std::fs::read_to_string(scripts.path().join("send-sms.args")).unwrap();
        assert_eq!(arguments.lines().collect::<Vec<_>>(), ["--quick", NUMBER]);
        enrolled(&session, &begun, &code).await;
        server.stop().await;
        drop(folder);
    });
}

/// A command that hangs ends with the server at the latest, and holds up no notice meanwhile.
#[test]
fn a_command_that_hangs_is_killed() {
    run(async {
        let scripts = tempfile::tempdir().unwrap();
        let more = script(scripts.path(), "echo $$ > \"$0.pid.new\"; mv \"$0.pid.new\" \"$0.pid\"; exec sleep 600\n");
        let Running { server, folder, session } = start(&more).await;
        session.begin_device(Reach::Message(NUMBER.to_owned())).unwrap();
        let pid = eventually("the command", || std::fs::read_to_string(scripts.path().join("send-sms.pid")).ok()).await;
        let process = Path::new("/proc").join(pid.trim());
        assert!(process.exists());
        let stopping = Instant::now();
        server.stop().await;
        assert!(stopping.elapsed() < Duration::from_secs(8), "the server waited for the command");
        eventually("the command to be gone", || {
            let command = std::fs::read_to_string(process.join("cmdline")).unwrap_or_default();
            (!command.contains("sleep")).then_some(())
        })
        .await;
        drop(folder);
    });
}

/// Takes one request and says this; what came is given back by the thread.
fn web_server(answer: &'static str) -> (u16, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, seen) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(String::new())));
    let kept = Arc::clone(&seen);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (mut came, mut buffer) = (Vec::new(), [0; 4096]);
            // The body is one JSON object.
            while !came.ends_with(b"}") {
                match stream.read(&mut buffer) {
                    Ok(count) if count > 0 => came.extend_from_slice(&buffer[..count]),
                    _ => break,
                }
            }
            *kept.lock().unwrap() = String::from_utf8_lossy(&came).into_owned();
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (port, seen)
}

#[test]
fn a_webhook_gets_the_number_and_the_text() {
    run(async {
        let (port, seen) = web_server("HTTP/1.1 204 No Content\r\n\r\n");
        let Running { server, folder, session } =
            start(&format!("[second_factor]\nwebhook = \"http://127.0.0.1:{port}/sms?token=abc\"\n")).await;
        let begun = session.begin_device(Reach::Message(NUMBER.to_owned())).unwrap();
        let request = eventually("the request", || Some(seen.lock().unwrap().clone()).filter(|text| !text.is_empty())).await;
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /sms?token=abc HTTP/1.1\r\n"), "{head}");
        let head = head.to_lowercase();
        assert!(head.contains("content-type: application/json") && head.contains(&format!("host: 127.0.0.1:{port}")), "{head}");
        let posted: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(posted["to"], NUMBER);
        let code = code_in(posted["text"].as_str().unwrap()).unwrap();
        enrolled(&session, &begun, &code).await;
        server.stop().await;
        drop(folder);
    });
}

#[test]
fn what_was_not_sent_is_an_error_without_the_code() {
    run(async {
        let webhook = |port: u16, scheme: &str| SecondFactor {
            command: Vec::new(),
            webhook: Some(format!("{scheme}://{}:{port}/", if scheme == "http" { "127.0.0.1" } else { "localhost" })),
        };
        let text = "code 12345678";
        let (port, _) = web_server("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
        let error = Messenger::new(&webhook(port, "http")).unwrap().unwrap().send(NUMBER, text).await.unwrap_err();
        assert!(error.contains("302") && !error.contains("1234") && !error.contains("33 6"), "{error}");
        // Nobody vouches for this certificate: the text does not leave.
        let (port, seen) = tls_server().await;
        let error = Messenger::new(&webhook(port, "https")).unwrap().unwrap().send(NUMBER, text).await.unwrap_err();
        assert!(error.contains("UnknownIssuer"), "{error}");
        assert!(!*seen.lock().unwrap(), "the handshake went through");
        let failing = SecondFactor { command: vec!["/bin/sh".to_owned(), "-c".to_owned(), "cat; exit 3".to_owned()], webhook: None };
        let error = Messenger::new(&failing).unwrap().unwrap().send(NUMBER, text).await.unwrap_err();
        assert!(error.contains('3') && !error.contains("1234"), "{error}");
    });
}

/// With a certificate that it has made itself; tells whether a handshake went through.
async fn tls_server() -> (u16, Arc<Mutex<bool>>) {
    let pair = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&pair).unwrap();
    let key = rustls_pki_types::PrivateKeyDer::try_from(pair.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, seen) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(false)));
    let kept = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if acceptor.accept(stream).await.is_ok() {
                *kept.lock().unwrap() = true;
            }
        }
    });
    (port, seen)
}

#[test]
fn a_mail_goes_to_an_address_elsewhere() {
    run(async {
        let elsewhere = sink::Sink::start(sink::Mood::Kind);
        let Running { server, folder, session } = start(&format!("[outbound]\nsmarthost = \"127.0.0.1:{}\"\n", elsewhere.port())).await;
        assert!(matches!(session.begin_device(Reach::Mail("lea@douane.test".parse().unwrap())), Err(Refusal::Unsupported)));
        let begun = session.begin_device(Reach::Mail("lea@elsewhere.test".parse().unwrap())).unwrap();
        let received = eventually("the mail", || elsewhere.received().first().cloned()).await;
        assert_eq!((received.from.as_str(), received.to.as_slice()), ("", &["lea@elsewhere.test".to_owned()][..]));
        let text = String::from_utf8(received.data).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        for field in ["postmaster@douane.test", "Auto-Submitted: auto-generated", "To: <lea@elsewhere.test>"] {
            assert!(head.contains(field), "{field} is missing in:\n{head}");
        }
        let code = body.lines().find_map(|line| code_in(line.trim()).filter(|code| code == line.trim())).unwrap();
        assert!(!head.contains(&code), "who reads the header learns no code");
        enrolled(&session, &begun, &code).await;
        server.stop().await;
        drop(folder);
    });
}

#[test]
fn a_number_without_a_way_to_it_is_not_enrolled() {
    run(async {
        let Running { server, folder, session } = start("").await;
        assert!(!session.sends_to_numbers());
        assert_eq!(session.begin_device(Reach::Message(NUMBER.to_owned())).err(), Some(octroi_gate::Refusal::Unsupported));
        assert!(session.factors().unwrap().devices.is_empty());
        server.stop().await;
        drop(folder);
    });
}

#[test]
fn one_way_at_most_and_a_safe_one() {
    let command = |words: &[&str]| SecondFactor { command: words.iter().map(|&w| w.to_owned()).collect(), webhook: None };
    let webhook = |url: &str| SecondFactor { command: Vec::new(), webhook: Some(url.to_owned()) };
    for good in [command(&[]), command(&["/usr/bin/send"]), webhook("https://sms.example/send"), webhook("http://[::1]:8080/")] {
        super::check(&good).unwrap();
    }
    let both = SecondFactor { webhook: webhook("https://sms.example/").webhook, ..command(&["/usr/bin/send"]) };
    for (bad, why) in [
        (both, "not both"),
        (command(&["send-sms"]), "absolute"),
        (webhook("http://sms.example/"), "loopback"),
        (webhook("https://me:secret@sms.example/"), "user"),
        (webhook("ftp://sms.example/"), "neither"),
        (webhook("/send"), "URL"),
    ] {
        let error = super::check(&bad).unwrap_err();
        assert!(error.contains(why) && error.contains("second_factor"), "{error}");
    }
}
