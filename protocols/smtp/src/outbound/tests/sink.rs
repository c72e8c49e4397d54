//! For the tests: a server on loopback that says what it is told to, and keeps what it heard.

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::crypto::ring;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// What the server does, in order.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// Say this.
    Say(&'static str),
    /// Hear a line that begins so.
    Hear(&'static str),
    /// Hear a message up to its end.
    HearData,
    /// Shake hands; the rest is under TLS.
    StartTls,
    /// Break off.
    Drop,
}

/// A running server.
pub(super) struct Sink {
    pub(super) address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

impl Sink {
    /// Play a script per connection, the last one for all that come after.
    pub(super) async fn start(scripts: Vec<Vec<Step>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let kept = heard.clone();
        tokio::spawn(async move {
            let mut count = 0;
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let script = scripts[count.min(scripts.len() - 1)].clone();
                count += 1;
                let kept = kept.clone();
                tokio::spawn(async move { play(Box::new(tcp), &script, &kept).await });
            }
        });
        Self { address, heard }
    }

    /// Everything heard so far, messages as one text with their end.
    pub(super) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

async fn play(stream: Box<dyn Duplex>, script: &[Step], heard: &Mutex<Vec<String>>) {
    let mut stream = BufReader::new(stream);
    for step in script {
        match step {
            Step::Say(text) => stream.write_all(text.as_bytes()).await.unwrap(),
            Step::Hear(start) => {
                let line = line(&mut stream).await;
                assert!(line.starts_with(start), "{line:?} does not begin with {start}");
                heard.lock().unwrap().push(line.trim_end().to_owned());
            }
            Step::HearData => {
                let mut data = String::new();
                while !(data.ends_with("\r\n.\r\n") || data == ".\r\n") {
                    let more = line(&mut stream).await;
                    if more.is_empty() {
                        break;
                    }
                    data.push_str(&more);
                }
                heard.lock().unwrap().push(data);
            }
            Step::StartTls => {
                let inner: Box<dyn Duplex> = Box::new(acceptor().accept(stream).await.unwrap());
                stream = BufReader::new(inner);
            }
            Step::Drop => return,
        }
    }
    // Take what comes until the client goes.
    while !line(&mut stream).await.is_empty() {}
}

async fn line(stream: &mut BufReader<Box<dyn Duplex>>) -> String {
    let mut line = Vec::new();
    let read = timeout(Duration::from_secs(5), stream.read_until(b'\n', &mut line)).await;
    if read.is_err() { String::new() } else { String::from_utf8(line).unwrap() }
}

fn acceptor() -> TlsAcceptor {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec!["mx.b.example".to_owned()]).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], signing_key.serialize_der().try_into().unwrap())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
