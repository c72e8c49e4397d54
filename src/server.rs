//! A running server: the store behind the gate, the listeners before it, and the order in which they end.

use crate::acme::Keeper;
use crate::admin::handle::Handler;
use crate::admin::socket;
use crate::config::{Config, Listen};
use crate::courier::Courier;
use crate::dkim::Keys;
use crate::limits::Connections;
use crate::profiles::Profiles;
use crate::push::Herald;
use crate::reports::Reporter;
use crate::scheduling::Scheduler;
use crate::subscriptions::Subscriber;
use crate::tls::{Acceptors, Certificate};
use octroi_dns::Resolver;
use octroi_gate::{Admin, DataKey, Errands, Gate, Opened, Organisation, Pushes, Queue};
use octroi_http::HttpConfig;
use octroi_ical::ExpansionLimits;
use octroi_imap::ImapConfig;
use octroi_mailauth::{Authenticator, Keyring};
use octroi_managesieve::ManageSieveConfig;
use octroi_model::UnixTime;
use octroi_net::{ACME_TLS_ALPN, Acceptor, Authority, Connection, ListenerOptions, Networks, Peer, Shutdown, TlsMode};
use octroi_portal::{PortalConfig, Served};
use octroi_smtp::{Kind, Proofs, SmtpConfig, SpamHooks};
use std::fs;
use std::future::Future;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};

/// How long connections may take to end once the server stops.
const ENDING: Duration = Duration::from_secs(10);

/// How often it is looked what has been kept for long enough: times are in days.
const SWEEP_EVERY: Duration = Duration::from_hours(1);

/// The port that an `https` URL need not name.
const HTTPS_PORT: u16 = 443;

/// The store with the gate before it.
pub(crate) struct Store {
    pub(crate) gate: Gate,
    pub(crate) admin: Admin,
    pub(crate) queue: Queue,
    pub(crate) errands: Errands,
    pub(crate) pushes: Pushes,
    /// Whose word counts for clients' certificates.
    pub(crate) authorities: Vec<Authority>,
}

impl Store {
    /// Open the data folder of a configuration; it is made when it is not there.
    pub(crate) async fn open(config: &Config) -> Result<Self, String> {
        let data = &config.data;
        fs::create_dir_all(data).map_err(|e| format!("cannot make {}: {e}", data.display()))?;
        fs::set_permissions(data, fs::Permissions::from_mode(0o700)).map_err(|e| format!("cannot close {}: {e}", data.display()))?;
        let Profiles { policy, authorities } = config.profiles().map_err(|e| e.to_string())?;
        let engine = octroi_engine::Embedded::open(data, config.engine_options().map_err(|e| e.to_string())?)
            .await
            .map_err(|e| format!("cannot open the store in {}: {e}", data.display()))?;
        let key =
            DataKey::load_or_create(&data.join(octroi_gate::KEY_FILE)).map_err(|e| format!("cannot use the data folder's key: {e}"))?;
        let organisation = Organisation {
            name: config.organisation.clone(),
            hostname: config.hostname.clone(),
            domains: config.domains.iter().map(|d| d.to_lowercase()).collect(),
            postmaster: config.postmaster.clone(),
            portal_url: config.portal_url.clone().unwrap_or_else(|| format!("https://{}/portal/", config.hostname)),
        };
        let language = config.language().map_err(|e| e.to_string())?;
        let account_quota = config.quota.of_account().map_err(|e| e.to_string())?;
        let sends_to_numbers = config.second_factor.reaches_numbers();
        let script_bytes_max = config.filters().script_bytes_max as u64;
        let learns = config.spam.rspamd_learn.is_some();
        let own =
            octroi_gate::Limits { account_quota, language, sends_to_numbers, script_bytes_max, learns, ..octroi_gate::Limits::default() };
        let limits = config.documents.over(&config.limits.gate.over(own))?;
        let Opened { gate, admin, queue, errands, pushes } =
            Gate::open(engine, organisation, policy, limits, key).await.map_err(|e| format!("cannot open the store: {e}"))?;
        Ok(Self { gate, admin, queue, errands, pushes, authorities })
    }
}

/// Sockets that are bound but not served yet, so that nothing is open before the store is.
pub(crate) struct Sockets {
    pub(crate) imap: Vec<TcpListener>,
    pub(crate) imaps: Vec<TcpListener>,
    pub(crate) smtp: Vec<TcpListener>,
    pub(crate) submission: Vec<TcpListener>,
    pub(crate) submissions: Vec<TcpListener>,
    pub(crate) lmtp: Vec<TcpListener>,
    pub(crate) lmtp_socket: Option<UnixListener>,
    pub(crate) managesieve: Vec<TcpListener>,
    pub(crate) https: Vec<TcpListener>,
}

impl Sockets {
    /// Bind everything that is listed.
    pub(crate) async fn bind(listen: &Listen) -> Result<Self, String> {
        Ok(Self {
            imap: bind(&listen.imap).await?,
            imaps: bind(&listen.imaps).await?,
            smtp: bind(&listen.smtp).await?,
            submission: bind(&listen.submission).await?,
            submissions: bind(&listen.submissions).await?,
            lmtp: bind(&listen.lmtp).await?,
            lmtp_socket: listen.lmtp_socket.as_deref().map(|path| crate::unix_socket::bind(path, listen)).transpose()?,
            managesieve: bind(&listen.managesieve).await?,
            https: bind(&listen.https).await?,
        })
    }
}

async fn bind(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, String> {
    let mut sockets = Vec::new();
    for address in addresses {
        sockets.push(TcpListener::bind(address).await.map_err(|e| format!("cannot listen on {address}: {e}"))?);
    }
    Ok(sockets)
}

/// A server that answers.
pub(crate) struct Server {
    pub(crate) gate: Gate,
    pub(crate) admin: Admin,
    /// The certificate that clients see.
    pub(crate) certificate: PathBuf,
    shutdown: Shutdown,
    socket: PathBuf,
    lmtp_socket: Option<PathBuf>,
}

impl Server {
    /// Serve the store on the sockets.
    pub(crate) fn start(config: &Config, file: Option<&Path>, store: Store, sockets: Sockets) -> Result<Self, String> {
        let certificate = Certificate::of(config)?;
        let shutdown = Shutdown::new();
        let Store { gate, admin, queue, errands, pushes, authorities } = store;
        let listeners = Listeners {
            gate: gate.clone(),
            authorities,
            shutdown: shutdown.clone(),
            connections: config.limits.connections.over(Connections::default()),
            proxies: config.proxies.by_proxy_protocol().map_err(|e| e.to_string())?,
        };
        let portal = Arc::new(portal_config(config, &sockets));
        let imap = listeners.imap(config, &certificate, sockets.imap, sockets.imaps)?;
        let resolver = Resolver::new(&config.dns.resolver()?);
        let keyring = Keyring::new(config.domains.iter().map(String::as_str));
        let keys = Keys::new(&config.data, keyring.clone());
        keys.start(&admin)?;
        let proofs = proofs(config, &resolver, keyring.clone())?;
        let language = config.language().map_err(|e| e.to_string())?;
        let hostname = config.hostname.clone();
        gate.schedule_with(Arc::new(Scheduler { hostname, language, keyring: keyring.clone(), expansion: expansion(config) }));
        let reports = crate::reports::load(config)?;
        let guard = crate::guard::load(&config.data);
        tokio::spawn(crate::guard::keep(guard.clone(), config.data.clone(), shutdown.clone()));
        let smtp_config = Arc::new(SmtpConfig { proofs, reports: reports.clone(), guard, ..config.smtp()? });
        let smtp = listeners.smtp(&smtp_config, &certificate, [sockets.smtp, sockets.submission, sockets.submissions, sockets.lmtp])?;
        if let Some(socket) = sockets.lmtp_socket {
            listeners.lmtp_socket(&smtp_config, socket);
        }
        if let Some(herald) = Herald::new(config, resolver.clone(), &admin, pushes)? {
            hold_while(&shutdown, herald.run(shutdown.clone()));
        }
        hold_while(&shutdown, Subscriber::new(config, resolver.clone(), admin.clone())?.run(shutdown.clone()));
        let managesieve = listeners.managesieve(config, smtp_config.filters, &certificate, sockets.managesieve)?;
        let https = listeners.https(config, &certificate, portal, sockets.https)?;
        let challenges = https.challenges().clone();
        let acceptors = Acceptors::new(vec![imap, smtp, managesieve, https], listeners.authorities.clone());
        if let Some(keeper) = Keeper::new(config, challenges, acceptors.clone()) {
            tokio::spawn(keeper.run(shutdown.clone()));
        }
        let reporter = Reporter::new(config, reports, resolver.clone(), gate.clone(), queue.clone(), keyring.clone())?;
        hold_while(&shutdown, reporter.clone().run(shutdown.clone()));
        tokio::spawn(sweep_documents(admin.clone(), shutdown.clone()));
        tokio::spawn(crate::directory::keep(admin.clone(), config.organisation.clone(), shutdown.clone()));
        let courier = Courier::new(config, gate.clone(), queue.clone(), keyring)?;
        hold_while(&shutdown, courier.carry(errands, shutdown.clone()));
        let steered = queue.clone();
        hold_while(&shutdown, octroi_smtp::run_queue(queue, gate.clone(), resolver, smtp_config, shutdown.clone()));
        let socket = Config::admin_socket(&config.data);
        let handler = Handler::new(admin.clone(), file.map(Path::to_owned), keys, config);
        let handler = handler.serving(acceptors).queueing(steered).reporting(reporter);
        let admin_listener = socket::bind(&socket).map_err(|e| format!("cannot listen on {}: {e}", socket.display()))?;
        tokio::spawn(socket::serve(admin_listener, handler, shutdown.clone()));
        Ok(Self { gate, admin, certificate: certificate.file, shutdown, socket, lmtp_socket: config.listen.lmtp_socket.clone() })
    }

    /// End: no new connections, let those that are open end, then close the store.
    pub(crate) async fn stop(self) {
        self.shutdown.trigger();
        if !self.shutdown.ended(ENDING).await {
            tracing::warn!("some connections did not end in time");
        }
        self.admin.close().await;
        for socket in [Some(&self.socket), self.lmtp_socket.as_ref()].into_iter().flatten() {
            let _ = fs::remove_file(socket);
        }
    }
}

/// Work that the end of the server waits for.
fn hold_while(shutdown: &Shutdown, work: impl Future<Output = ()> + Send + 'static) {
    let hold = shutdown.hold();
    tokio::spawn(async move {
        work.await;
        drop(hold);
    });
}

/// Have what is kept of documents go when it has been there for long enough, and locks that have ended.
async fn sweep_documents(admin: Admin, shutdown: Shutdown) {
    loop {
        tokio::select! {
            () = shutdown.triggered() => return,
            () = tokio::time::sleep(SWEEP_EVERY) => {}
        }
        let now = UnixTime::now();
        admin.sweep_locks(now).await;
        let gone = admin.sweep_documents(now).await;
        if gone > 0 {
            tracing::info!(gone, "old versions and what lay in the trash for long were removed");
        }
    }
}

/// Who checks mail from elsewhere and signs ours.
fn proofs(config: &Config, resolver: &Resolver, keyring: Keyring) -> Result<Proofs, String> {
    let checks = config.mail_auth.checks()?;
    let authenticator = config.mail_auth.check.then(|| Authenticator::new(resolver, &config.hostname, checks));
    let spam = config.spam.hooks()?.map(|hooks| Arc::new(SpamHooks::new(resolver, hooks)));
    Ok(Proofs { authenticator, keyring, spam })
}

struct Listeners {
    gate: Gate,
    authorities: Vec<Authority>,
    shutdown: Shutdown,
    connections: Connections,
    proxies: Networks,
}

impl Listeners {
    fn imap(
        &self,
        config: &Config,
        certificate: &Certificate,
        offered: Vec<TcpListener>,
        implicit: Vec<TcpListener>,
    ) -> Result<Acceptor, String> {
        let acceptor = certificate.acceptor(&[b"imap"], &self.authorities)?;
        let settings = Arc::new(config.limits.imap.over(ImapConfig::default()));
        let busy = |_: &Peer| Some(b"* BYE [LIMIT] Too many connections, try again later\r\n".to_vec());
        let handler = {
            let (gate, shutdown) = (self.gate.clone(), self.shutdown.clone());
            move |connection| octroi_imap::serve(connection, gate.clone(), settings.clone(), shutdown.clone())
        };
        self.spawn("imap", &TlsMode::Offered(acceptor.clone()), offered, busy, handler.clone());
        self.spawn("imaps", &TlsMode::Implicit(acceptor.clone()), implicit, busy, handler);
        Ok(acceptor)
    }

    /// The sockets: from other servers, submission with STARTTLS and with TLS, LMTP.
    fn smtp(&self, settings: &Arc<SmtpConfig>, certificate: &Certificate, sockets: [Vec<TcpListener>; 4]) -> Result<Acceptor, String> {
        let [inbound, submission, submissions, lmtp] = sockets;
        let acceptor = certificate.acceptor(&[b"smtp"], &self.authorities)?;
        let hostname = self.gate.organisation().hostname.clone();
        let busy = move |_: &Peer| Some(octroi_smtp::busy(&hostname));
        let handler = |kind: Kind| {
            let (gate, settings, shutdown) = (self.gate.clone(), settings.clone(), self.shutdown.clone());
            move |connection| octroi_smtp::serve(kind, connection, gate.clone(), settings.clone(), shutdown.clone())
        };
        self.spawn("smtp", &TlsMode::Offered(acceptor.clone()), inbound, busy.clone(), handler(Kind::Inbound));
        self.spawn("submission", &TlsMode::Offered(acceptor.clone()), submission, busy.clone(), handler(Kind::Submission));
        self.spawn("submissions", &TlsMode::Implicit(acceptor.clone()), submissions, busy.clone(), handler(Kind::Submission));
        self.spawn("lmtp", &TlsMode::None, lmtp, busy, handler(Kind::Lmtp));
        Ok(acceptor)
    }

    fn lmtp_socket(&self, settings: &Arc<SmtpConfig>, socket: UnixListener) {
        let hostname = self.gate.organisation().hostname.clone();
        let busy = move |_: &Peer| Some(octroi_smtp::busy(&hostname));
        let (gate, settings, shutdown) = (self.gate.clone(), settings.clone(), self.shutdown.clone());
        let handler = move |connection| octroi_smtp::serve(Kind::Lmtp, connection, gate.clone(), settings.clone(), shutdown.clone());
        tokio::spawn(octroi_net::serve_local(socket, self.options("lmtp", &TlsMode::None), self.shutdown.clone(), busy, handler));
    }

    fn managesieve(
        &self,
        config: &Config,
        scripts: octroi_sieve::Limits,
        certificate: &Certificate,
        offered: Vec<TcpListener>,
    ) -> Result<Acceptor, String> {
        let acceptor = certificate.acceptor(&[b"managesieve"], &self.authorities)?;
        let settings = Arc::new(config.limits.managesieve.over(ManageSieveConfig { scripts, ..ManageSieveConfig::default() }));
        let busy = |_: &Peer| Some(octroi_managesieve::busy());
        let (gate, shutdown) = (self.gate.clone(), self.shutdown.clone());
        let handler = move |connection| octroi_managesieve::serve(connection, gate.clone(), settings.clone(), shutdown.clone());
        self.spawn("managesieve", &TlsMode::Offered(acceptor.clone()), offered, busy, handler);
        Ok(acceptor)
    }

    fn https(
        &self,
        config: &Config,
        certificate: &Certificate,
        portal: Arc<PortalConfig>,
        sockets: Vec<TcpListener>,
    ) -> Result<Acceptor, String> {
        let acceptor = certificate.acceptor(&[b"h2", b"http/1.1", ACME_TLS_ALPN], &self.authorities)?;
        let forwarded_by = config.proxies.by_forwarded().map_err(|e| e.to_string())?;
        let settings = Arc::new(config.limits.http.over(HttpConfig { forwarded_by, ..HttpConfig::default() }));
        let dav = Arc::new(config.limits.dav.over(octroi_dav::DavConfig::default()));
        let router = octroi_dav::router(self.gate.clone(), dav).merge(octroi_portal::router(self.gate.clone(), portal));
        let shutdown = self.shutdown.clone();
        let handler = move |connection| octroi_http::serve_connection(connection, router.clone(), settings.clone(), shutdown.clone());
        let busy = |_: &Peer| {
            Some(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 30\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec())
        };
        self.spawn("https", &TlsMode::Implicit(acceptor.clone()), sockets, busy, handler);
        Ok(acceptor)
    }

    fn options(&self, name: &'static str, tls: &TlsMode) -> ListenerOptions {
        ListenerOptions {
            name,
            tls: tls.clone(),
            connections_max: self.connections.all_max,
            connections_per_peer_max: self.connections.per_peer_max,
            handshake_timeout: self.connections.handshake,
            proxies: self.proxies.clone(),
        }
    }

    /// Serve each socket in a task of its own.
    fn spawn<B, H, F>(&self, name: &'static str, tls: &TlsMode, sockets: Vec<TcpListener>, busy: B, handler: H)
    where
        B: Fn(&Peer) -> Option<Vec<u8>> + Clone + Send + Sync + 'static,
        H: Fn(Connection) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        for socket in sockets {
            tokio::spawn(octroi_net::serve(socket, self.options(name, tls), self.shutdown.clone(), busy.clone(), handler.clone()));
        }
    }
}

/// The portal's limits, and what its help page tells people: the ports that are really listened on.
fn portal_config(config: &Config, sockets: &Sockets) -> PortalConfig {
    let port = |sockets: &[TcpListener]| sockets.first()?.local_addr().ok().map(|address| address.port());
    let beside_portal = config.portal_url.as_deref().and_then(|url| url.strip_suffix("/portal/")).map(str::to_owned);
    let dav = port(&sockets.https).map(|port| match beside_portal {
        // Whoever says where the portal is has put something before us, and it serves the rest too.
        Some(origin) => origin,
        None if port == HTTPS_PORT => format!("https://{}", config.hostname),
        None => format!("https://{}:{port}", config.hostname),
    });
    let served = Served {
        imap: port(&sockets.imap),
        imaps: port(&sockets.imaps),
        submission: port(&sockets.submission),
        submissions: port(&sockets.submissions),
        managesieve: port(&sockets.managesieve),
        dav,
    };
    let dav_limits = config.limits.dav.over(octroi_dav::DavConfig::default());
    PortalConfig {
        support: config.support.clone(),
        scripts: config.filters(),
        document_bytes_max: dav_limits.document_bytes_max,
        expansion: expansion(config),
        served,
        mta_sts: config.mail_auth.mta_sts_policy(&config.hostname),
        ..config.limits.portal.over(PortalConfig::default())
    }
}

/// What the occurrences of one calendar object may cost, whoever looks for them.
fn expansion(config: &Config) -> ExpansionLimits {
    let limits = config.limits.dav.over(octroi_dav::DavConfig::default());
    ExpansionLimits { instances: limits.instances_max, steps: limits.recurrence_steps_max }
}
