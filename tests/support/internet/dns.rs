//! The DNS of the fake internet: one server that answers for the root and for every zone, signed or not.

use hickory_server::Server;
use hickory_server::dnssec::NxProofKind;
use hickory_server::net::runtime::{Time, TokioRuntimeProvider};
use hickory_server::proto::dnssec::crypto::Ed25519SigningKey;
use hickory_server::proto::dnssec::rdata::{DNSKEY, DS};
use hickory_server::proto::dnssec::{DigestType, DnssecSigner, PublicKey, SigningKey};
use hickory_server::proto::op::ResponseCode;
use hickory_server::proto::rr::{LowerName, Name, RecordType};
use hickory_server::proto::serialize::txt::Parser;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::store::in_memory::InMemoryZoneHandler;
use hickory_server::zone_handler::{AxfrPolicy, Catalog, DnssecZoneHandler, MessageResponseBuilder, ZoneType};
use rustls::pki_types::PrivatePkcs8KeyDer;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;
use tokio::net::{TcpListener, UdpSocket};
use tokio::runtime::Runtime;

/// How a zone is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signing {
    None,
    Good,
    Bogus,
}

/// A running server. It ends with this.
pub(super) struct Dns {
    address: SocketAddr,
    zones: Mutex<BTreeMap<String, Zone>>,
    root: Key,
    served: Arc<Served>,
    runtime: Option<Runtime>,
}

struct Zone {
    records: String,
    signing: Signing,
    key: Key,
}

/// What the server answers from.
#[derive(Default)]
struct Served {
    /// By apex.
    catalogs: RwLock<HashMap<LowerName, Arc<Catalog>>>,
    broken: Mutex<HashSet<LowerName>>,
}

struct Key(PrivatePkcs8KeyDer<'static>);

impl Key {
    fn generate() -> Self {
        Self(Ed25519SigningKey::generate_pkcs8().unwrap())
    }

    fn signer(&self, origin: &Name) -> DnssecSigner {
        let key = Ed25519SigningKey::from_pkcs8(&self.0).unwrap();
        DnssecSigner::new(self.public(), Box::new(key), origin.clone(), Duration::from_hours(24))
    }

    fn public(&self) -> DNSKEY {
        DNSKEY::from_key(&Ed25519SigningKey::from_pkcs8(&self.0).unwrap().to_public_key().unwrap())
    }
}

impl Dns {
    pub(super) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let served = Arc::new(Served::default());
        let (udp, tcp) = runtime.block_on(async {
            // Both at the same port; that of UDP may be taken by somebody else.
            loop {
                let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
                if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()).await {
                    return (udp, tcp);
                }
            }
        });
        let address = tcp.local_addr().unwrap();
        let answering = Answering(Arc::clone(&served));
        runtime.spawn(async move {
            let mut server = Server::new(answering);
            server.register_socket(udp);
            server.register_listener(tcp, Duration::from_mins(1), 64);
            server.block_until_done().await.unwrap();
        });
        let dns = Self { address, zones: Mutex::default(), root: Key::generate(), served, runtime: Some(runtime) };
        dns.rebuild();
        dns
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The root's key in the form of a zone file.
    pub(super) fn trust_anchor(&self) -> String {
        format!(". 3600 IN DNSKEY {}\n", self.root.public())
    }

    pub(super) fn set(&self, origin: &str, records: &str, signing: Signing) {
        let zone = Zone { records: records.to_owned(), signing, key: Key::generate() };
        self.zones.lock().unwrap().insert(origin.trim_end_matches('.').to_owned(), zone);
        self.rebuild();
    }

    pub(super) fn set_broken(&self, origin: &str, broken: bool) {
        let name = LowerName::from(name(origin));
        let mut all = self.served.broken.lock().unwrap();
        if broken {
            all.insert(name)
        } else {
            all.remove(&name)
        };
    }

    fn rebuild(&self) {
        let zones = self.zones.lock().unwrap();
        let mut catalogs = HashMap::new();
        let mut root = String::new();
        for (origin, zone) in zones.iter() {
            let apex = name(origin);
            let _ = writeln!(root, "{origin}. 60 IN NS ns.{origin}.");
            if zone.signing != Signing::None {
                let vouched = if zone.signing == Signing::Good { zone.key.public() } else { Key::generate().public() };
                let digest = vouched.to_digest(&apex, DigestType::SHA256).unwrap();
                let (tag, algorithm) = (vouched.calculate_key_tag().unwrap(), vouched.public_key().algorithm());
                let ds = DS::new(tag, algorithm, DigestType::SHA256, digest.as_ref().to_vec());
                let _ = writeln!(root, "{origin}. 60 IN DS {ds}");
            }
            let key = (zone.signing != Signing::None).then_some(&zone.key);
            catalogs.insert(LowerName::from(apex.clone()), self.catalog(&apex, &zone.records, key));
        }
        catalogs.insert(LowerName::from(Name::root()), self.catalog(&Name::root(), &root, Some(&self.root)));
        *self.served.catalogs.write().unwrap() = catalogs;
    }

    /// One zone, so that it is we who choose the zone that answers.
    fn catalog(&self, origin: &Name, records: &str, key: Option<&Key>) -> Arc<Catalog> {
        // An answer is believed for a second, so that a test can change it.
        let text = format!("$TTL 1\n@ IN SOA ns hostmaster 1 60 60 600 1\n@ IN NS ns\n{records}\n");
        let (_, records) = Parser::new(text.clone(), None, Some(origin.clone())).parse().unwrap_or_else(|e| panic!("{e}: {text}"));
        let proof = key.map(|_| NxProofKind::Nsec);
        let zone: InMemoryZoneHandler<TokioRuntimeProvider> =
            InMemoryZoneHandler::new(origin.clone(), records, ZoneType::Primary, AxfrPolicy::Deny, proof).unwrap();
        if let Some(key) = key {
            self.runtime.as_ref().unwrap().block_on(async {
                zone.add_zone_signing_key(key.signer(origin)).await.unwrap();
                zone.secure_zone().await.unwrap();
            });
        }
        let mut catalog = Catalog::new();
        catalog.upsert(LowerName::from(origin.clone()), vec![Arc::new(zone)]);
        Arc::new(catalog)
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        // Dropped within somebody's runtime, it may not wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn name(text: &str) -> Name {
    Name::from_ascii(format!("{}.", text.trim_end_matches('.'))).unwrap()
}

struct Answering(Arc<Served>);

impl Answering {
    /// Who answers; `None` when nobody may.
    fn zone_of(&self, asked: &LowerName, kind: RecordType) -> Option<Arc<Catalog>> {
        let catalogs = self.0.catalogs.read().unwrap();
        let broken = self.0.broken.lock().unwrap();
        let mut name = asked.clone();
        // RFC 4035 section 3.1.4.1: the parent answers for DS.
        let mut above = kind == RecordType::DS && !name.is_root();
        let mut found = None;
        loop {
            if broken.contains(&name) {
                return None;
            }
            if !above && found.is_none() {
                found = catalogs.get(&name).cloned();
            }
            if name.is_root() {
                return found;
            }
            above = false;
            name = name.base_name();
        }
    }
}

impl RequestHandler for Answering {
    fn handle_request<'a, 'b, 'c, R, T>(
        &'a self,
        request: &'b Request,
        response: R,
    ) -> Pin<Box<dyn Future<Output = ResponseInfo> + Send + 'c>>
    where
        'a: 'c,
        'b: 'c,
        R: ResponseHandler + 'c,
        T: Time + 'c,
    {
        Box::pin(async move {
            let zone = request.request_info().ok().and_then(|info| self.zone_of(info.query.name(), info.query.query_type()));
            if let Some(catalog) = zone {
                return catalog.handle_request::<R, T>(request, response).await;
            }
            let mut response = response;
            let failure = MessageResponseBuilder::from_message_request(request).error_msg(&request.metadata, ResponseCode::ServFail);
            response.send_response(failure).await.unwrap()
        })
    }
}
