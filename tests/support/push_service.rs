//! A push service on loopback, and programs that listen at it: they decrypt what came with their own reading of RFC 8188, 8291 and 8292.

use super::https_host::{Asker, head, serve};
use super::internet::Internet;
use aes_gcm::Aes128Gcm;
use aes_gcm::aead::{Aead, KeyInit};
use data_encoding::BASE64URL_NOPAD;
use hkdf::Hkdf;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::{PublicKey, SecretKey};
use serde_json::Value;
use sha2::Sha256;
use std::collections::{HashMap, VecDeque};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

/// Its name.
const HOST: &str = "push.service.example";

/// What was posted.
#[derive(Debug, Clone)]
pub(crate) struct Posted {
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

#[derive(Default)]
struct Inner {
    posted: Vec<Posted>,
    /// Answers that come before 201, by path: what stands behind `HTTP/1.1`, and further lines.
    answers: HashMap<String, VecDeque<String>>,
}

/// See the module.
pub(crate) struct PushService {
    address: Ipv4Addr,
    port: u16,
    inner: Arc<Mutex<Inner>>,
}

impl PushService {
    /// With a certificate of the internet's authority, under a name that its DNS knows.
    pub(crate) fn start(internet: &Internet) -> Self {
        let inner = Arc::<Mutex<Inner>>::default();
        let kept = inner.clone();
        let records = |address| format!("push A {address}");
        let (address, port) = serve(internet, HOST, ("service.example", records), move |asker| answer(asker, &kept));
        Self { address, port, inner }
    }

    /// For the configuration of a server that may ask it.
    pub(crate) fn settings(&self, internet: &Internet) -> String {
        let authority = internet.authority();
        let own = format!("[push]\nenabled = true\nnetworks = [\"{}\"]\nauthority = \"{}\"\n", self.address, authority.display());
        format!("{own}[dns]\nservers = [\"{}\"]\n", internet.dns())
    }

    /// A URL of it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{HOST}:{}{path}", self.port)
    }

    /// The same by its address alone.
    pub(crate) fn socket(&self) -> SocketAddr {
        SocketAddr::from((self.address, self.port))
    }

    /// The next request to that path is answered so.
    pub(crate) fn refuse(&self, path: &str, answer: &str) {
        self.inner.lock().unwrap().answers.entry(path.to_owned()).or_default().push_back(answer.to_owned());
    }

    /// What came to a path so far.
    pub(crate) fn posted(&self, path: &str) -> Vec<Posted> {
        self.inner.lock().unwrap().posted.iter().filter(|posted| posted.path == path).cloned().collect()
    }
}

fn answer(asker: &mut Asker, kept: &Mutex<Inner>) -> Option<()> {
    let lines = head(asker)?;
    let path = lines.first()?.strip_prefix("POST ")?.split(' ').next()?.to_owned();
    let header = |line: &String| line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    let headers: HashMap<String, String> = lines.iter().filter_map(header).collect();
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    asker.read_exact(&mut body).ok()?;
    let mut inner = kept.lock().unwrap();
    let said = inner.answers.get_mut(&path).and_then(VecDeque::pop_front).unwrap_or_else(|| "201 Created".to_owned());
    inner.posted.push(Posted { path, headers, body });
    drop(inner);
    let stream = asker.get_mut();
    stream.write_all(format!("HTTP/1.1 {said}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").as_bytes()).ok()?;
    stream.flush().ok()
}

/// A program with its key pair and secret.
pub(crate) struct Program {
    key: SecretKey,
    auth: [u8; 16],
}

impl Program {
    pub(crate) fn new(number: u8) -> Self {
        Self { key: SecretKey::from_slice(&[number; 32]).unwrap(), auth: [number; 16] }
    }

    fn point(&self) -> Vec<u8> {
        self.key.public_key().to_sec1_point(false).as_bytes().to_vec()
    }

    /// The body by which it registers, with these triggers.
    pub(crate) fn registration(&self, endpoint: &str, triggers: &str) -> String {
        let (key, auth) = (BASE64URL_NOPAD.encode(&self.point()), BASE64URL_NOPAD.encode(&self.auth));
        format!(
            r#"<?xml version='1.0' encoding='UTF-8' ?><push-register xmlns="https://bitfire.at/webdav-push" xmlns:D="DAV:"><subscription>
            <web-push-subscription><push-resource>{endpoint}</push-resource><content-encoding>aes128gcm</content-encoding>
            <subscription-public-key type="p256dh">{key}</subscription-public-key><auth-secret>{auth}</auth-secret>
            </web-push-subscription></subscription><trigger>{triggers}</trigger></push-register>"#
        )
    }

    /// What a message says.
    pub(crate) fn open(&self, posted: &Posted) -> String {
        assert_eq!(posted.headers["content-encoding"], "aes128gcm");
        let (salt, rest) = posted.body.split_at(16);
        let (size, rest) = rest.split_at(4);
        assert!(u32::from_be_bytes(size.try_into().unwrap()) as usize >= rest.len() - 66, "one record");
        let (sender, record) = rest[1..].split_at(usize::from(rest[0]));
        let shared = self.key.diffie_hellman(&PublicKey::from_sec1_bytes(sender).unwrap());
        let derive = |salt: &[u8], from: &[u8], info: &[u8], octets: usize| {
            let mut derived = vec![0; octets];
            Hkdf::<Sha256>::new(Some(salt), from).expand(info, &mut derived).unwrap();
            derived
        };
        let info = [b"WebPush: info\0".as_slice(), &self.point(), sender].concat();
        let keying = derive(&self.auth, shared.raw_secret_bytes(), &info, 32);
        let key = derive(salt, &keying, b"Content-Encoding: aes128gcm\0", 16);
        let nonce = derive(salt, &keying, b"Content-Encoding: nonce\0", 12);
        let nonce: [u8; 12] = nonce.try_into().unwrap();
        let mut text = Aes128Gcm::new_from_slice(&key).unwrap().decrypt(&nonce.into(), record).unwrap();
        assert_eq!(text.pop(), Some(2), "the last record");
        String::from_utf8(text).unwrap()
    }
}

/// What the token of a message says, once its signature by this public key was checked.
pub(crate) fn claims(posted: &Posted, public_key: &str) -> Value {
    let token = posted.headers["authorization"].strip_prefix("vapid t=").unwrap();
    let (token, key) = token.split_once(", k=").unwrap();
    assert_eq!(key, public_key);
    let decoded = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let key = VerifyingKey::from_sec1_bytes(&decoded(key)).unwrap();
    key.verify(signed.as_bytes(), &Signature::from_slice(&decoded(signature)).unwrap()).unwrap();
    serde_json::from_slice(&decoded(signed.split('.').nth(1).unwrap())).unwrap()
}
