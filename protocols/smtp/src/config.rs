//! Every limit and deadline of SMTP, with its unit and its reason. Filled by the program from its configuration file; the
//! defaults are what RFC 5321 asks for.

pub use crate::outbound::Login;

use crate::guard::Guard;
use crate::proof::Proofs;
use crate::told::Told;
use octroi_net::Networks;
use octroi_reports::Reports;
use rustls::pki_types::CertificateDer;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Octets in a MiB.
const MIB: u64 = 1024 * 1024;

/// Settings of the SMTP, submission and LMTP servers and of the outbound queue.
#[derive(Debug, Clone)]
pub struct SmtpConfig {
    /// Octets of a message, told to clients with SIZE (RFC 1870). Larger ones are refused with 552.
    pub message_bytes_max: u64,
    /// Octets of a message's header: it is held in memory while it is looked at. At most 1 MiB is understood.
    pub header_bytes_max: usize,
    /// Recipients of one transaction; RFC 5321 section 4.5.3.1.8 wants at least 100. The gate may allow fewer.
    pub recipients_max: usize,
    /// `Received` fields in a message before it counts as looping (RFC 5321 section 6.3 wants at least 100).
    pub received_max: usize,
    /// Commands since the last message was accepted: more than this is no mail client.
    pub commands_per_message_max: u32,
    /// Refused commands in one session before it is ended with 421.
    pub errors_max: u32,
    /// Failed log-ins in one session before it is ended with 421.
    pub auth_failures_max: u32,
    /// Recipients that are not ours, or not there, in one session before each further one is answered late.
    pub unknown_recipients_quick: u32,
    /// The same before the session is ended with 421: nobody shall learn our addresses by guessing.
    pub unknown_recipients_max: u32,
    /// How late.
    pub unknown_recipient_delay: Duration,
    /// Refused commands in one session before each further one is answered late.
    pub errors_quick: u32,
    /// How late.
    pub error_delay: Duration,
    /// Messages on their way in at the same time, over all connections: each takes up to a mebibyte of memory until it is on disk. More are
    /// put off with 452, so that a slow disk or a crowd grows the peers' queues and not our memory.
    pub receptions_max: usize,
    /// Octets of refused data that are read only to reach its end; a peer that sends more is cut off.
    pub discarded_bytes_max: u64,
    /// What is asked of strangers on port 25.
    pub strangers: StrangerLimits,
    /// What is known of them.
    pub guard: Guard,
    /// Whom we have told something of late.
    pub told: Told,
    /// How long our people may have a message held until it leaves (RFC 4865); zero: not at all.
    pub future_release_max: Duration,
    /// The highest priority that our people may give a message (RFC 6710), from -9 to 9; what is higher counts as this.
    pub priority_max: i8,
    /// Deadlines of the servers.
    pub timeouts: ServerTimeouts,
    /// Deadlines of the outbound client.
    pub client_timeouts: ClientTimeouts,
    /// The outbound queue.
    pub queue: QueueConfig,
    /// What recipients' filters may make us do.
    pub filters: octroi_sieve::Limits,
    /// Who checks mail from elsewhere and signs ours.
    pub proofs: Proofs,
    /// What other servers are told of all this, and what they tell us.
    pub reports: Reports,
}

/// What is asked of who connects to port 25 from a network that is not ours. Networks are IPv4 /24 and IPv6 /64; senders are counted within
/// their network. Over a limit they are told to come back later.
#[derive(Debug, Clone)]
pub struct StrangerLimits {
    /// Networks of which nothing of this is asked, such as those of our own relays.
    pub trusted: Networks,
    /// How long the greeting waits for who talks before it: no mail server does. Zero still looks whether something has come already.
    pub greeting_delay: Duration,
    /// Put off who is new, until so long after the first try; `None`: nobody.
    pub greylist: Option<Duration>,
    /// Connections of one network.
    pub network_connections_per_minute_max: u32,
    /// Messages of one network.
    pub network_messages_per_minute_max: u32,
    /// Recipients of one network's messages.
    pub network_recipients_per_minute_max: u32,
    /// Messages of one sender.
    pub sender_messages_per_minute_max: u32,
    /// Recipients of one sender's messages.
    pub sender_recipients_per_minute_max: u32,
    /// Recipients that are not here which one network has named of late, over all its connections, before each further one is answered late.
    /// One is forgotten every half minute.
    pub network_unknown_recipients_quick: u32,
    /// The same before its connections are ended.
    pub network_unknown_recipients_max: u32,
    /// Reports on messages of one network that have arrived: their senders are what somebody claims.
    pub network_reports_per_minute_max: u32,
}

impl Default for StrangerLimits {
    fn default() -> Self {
        Self {
            // A relay on this machine, and those who test it.
            trusted: Networks::loopback(),
            greeting_delay: Duration::from_millis(500),
            greylist: None,
            network_connections_per_minute_max: 300,
            network_messages_per_minute_max: 3000,
            network_recipients_per_minute_max: 10_000,
            sender_messages_per_minute_max: 600,
            sender_recipients_per_minute_max: 5000,
            network_unknown_recipients_quick: 20,
            network_unknown_recipients_max: 100,
            network_reports_per_minute_max: 60,
        }
    }
}

/// How long the servers wait.
#[derive(Debug, Clone)]
pub struct ServerTimeouts {
    /// For the next command: RFC 5321 section 4.5.3.2.7 wants at least 5 minutes.
    pub command: Duration,
    /// For the next piece of a message.
    pub data: Duration,
    /// For the whole of a message, so that one octet a minute does not hold a connection for ever.
    pub message: Duration,
    /// For the TLS handshake after STARTTLS.
    pub handshake: Duration,
    /// For the peer to take our replies.
    pub write: Duration,
}

/// How long the outbound client waits (RFC 5321 section 4.5.3.2).
#[derive(Debug, Clone)]
pub struct ClientTimeouts {
    /// For the TCP connection.
    pub connect: Duration,
    /// For the greeting (section 4.5.3.2.1: 5 minutes).
    pub greeting: Duration,
    /// For the replies to EHLO, STARTTLS and MAIL (section 4.5.3.2.2: 5 minutes), and for the TLS handshake.
    pub command: Duration,
    /// For the reply to RCPT (section 4.5.3.2.3: 5 minutes).
    pub recipient: Duration,
    /// For the reply to DATA (section 4.5.3.2.4: 2 minutes).
    pub data_start: Duration,
    /// For the peer to take a block of data (section 4.5.3.2.5: 3 minutes).
    pub data_block: Duration,
    /// For the reply to the end of data (section 4.5.3.2.6: 10 minutes).
    pub data_end: Duration,
    /// For the reply to QUIT, which tells nothing any more.
    pub quit: Duration,
}

/// Settings of the outbound queue.
#[derive(Debug, Clone)]
pub struct QueueConfig {
    /// Waiting time before each further attempt; the last one repeats. A fifth is added or taken away by chance, so that messages
    /// that failed together are not tried together.
    pub retry: Vec<Duration>,
    /// How long an entry is tried (RFC 5321 section 4.5.4.1: at least 4 to 5 days).
    pub expiry: Duration,
    /// All mail goes there (`mail.example` and 25, …) instead of to the MX of its domain.
    pub smarthost: Option<HostPort>,
    /// Domains (lower case) with a fixed next hop, for private networks and tests; it goes before the smarthost.
    pub routes: HashMap<String, HostPort>,
    /// What TLS the next hop of a route or the smarthost must speak. Hosts found through MX get [`OutboundTls::Opportunistic`].
    pub relay_tls: OutboundTls,
    /// The port of the hosts that DNS names.
    pub port: u16,
    /// DNS may name addresses of this machine and link-local ones: for private networks and tests.
    pub private_addresses: bool,
    /// Connections to all destinations together.
    pub connections_max: usize,
    /// Connections to one destination at the same time.
    pub per_destination_max: usize,
    /// Hosts that are tried for one destination in one attempt (RFC 5321 section 5.1 wants at least two).
    pub hosts_max: usize,
    /// The whole of an attempt at one message for one destination.
    pub attempt: Duration,
    /// When its sender is told that a message takes longer; `None` for never.
    pub delay_notice: Option<Duration>,
    /// Notifications to one address within an hour; what is more is not told.
    pub notifications_max: u32,
    /// Messages over one connection: a host may count them.
    pub connection_messages_max: u32,
    /// How long a connection is used.
    pub connection_age: Duration,
    /// How long a connection waits for the next message before it is closed.
    pub connection_idle: Duration,
    /// Domains are asked for their MTA-STS policies (RFC 8461).
    pub mta_sts: bool,
    /// The port where they tell them; another than 443 only in private networks and tests.
    pub mta_sts_port: u16,
    /// Where their policies are kept.
    pub mta_sts_folder: Option<PathBuf>,
    /// Whose certificates count beside those of the public authorities.
    pub authorities: Vec<CertificateDer<'static>>,
    /// Who we are to the smarthost.
    pub login: Option<Arc<Login>>,
    /// How long attempts under way may go on after the signal to shut down.
    pub shutdown_grace: Duration,
    /// How often the queue is looked at when it gives no sign of change.
    pub poll: Duration,
}

/// A host (name or IP address) and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// Name or address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// What TLS is asked of the next hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutboundTls {
    /// When it is offered, with any certificate (RFC 7435); in the clear otherwise.
    Opportunistic,
    /// Always, with a certificate for its name from a public authority.
    Verified,
}

impl Default for SmtpConfig {
    fn default() -> Self {
        Self {
            message_bytes_max: 50 * MIB,
            header_bytes_max: 256 * 1024,
            recipients_max: 1000,
            received_max: 100,
            // Enough for every recipient that a message may have, and some that are refused.
            commands_per_message_max: 3000,
            errors_max: 20,
            auth_failures_max: 3,
            unknown_recipients_quick: 5,
            unknown_recipients_max: 20,
            unknown_recipient_delay: Duration::from_secs(2),
            errors_quick: 10,
            error_delay: Duration::from_secs(1),
            receptions_max: 500,
            discarded_bytes_max: 256 * MIB,
            strangers: StrangerLimits::default(),
            guard: Guard::default(),
            told: Told::default(),
            future_release_max: Duration::from_hours(30 * 24),
            priority_max: 4,
            timeouts: ServerTimeouts::default(),
            client_timeouts: ClientTimeouts::default(),
            queue: QueueConfig::default(),
            proofs: Proofs::default(),
            reports: Reports::default(),
            filters: octroi_sieve::Limits::default(),
        }
    }
}

impl Default for ServerTimeouts {
    fn default() -> Self {
        Self {
            command: Duration::from_mins(5),
            data: Duration::from_mins(3),
            message: Duration::from_hours(1),
            handshake: Duration::from_secs(30),
            write: Duration::from_mins(1),
        }
    }
}

impl Default for ClientTimeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            greeting: Duration::from_mins(5),
            command: Duration::from_mins(5),
            recipient: Duration::from_mins(5),
            data_start: Duration::from_mins(2),
            data_block: Duration::from_mins(3),
            data_end: Duration::from_mins(10),
            quit: Duration::from_secs(2),
        }
    }
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self {
            retry: [1, 5, 15, 30, 60, 120, 240].map(Duration::from_mins).to_vec(),
            expiry: Duration::from_hours(5 * 24),
            smarthost: None,
            routes: HashMap::new(),
            relay_tls: OutboundTls::Opportunistic,
            port: 25,
            private_addresses: false,
            connections_max: 200,
            per_destination_max: 10,
            hosts_max: 5,
            attempt: Duration::from_mins(30),
            delay_notice: Some(Duration::from_hours(4)),
            notifications_max: 100,
            connection_messages_max: 100,
            connection_age: Duration::from_mins(5),
            connection_idle: Duration::from_secs(2),
            mta_sts: true,
            mta_sts_port: 443,
            mta_sts_folder: None,
            authorities: Vec::new(),
            login: None,
            shutdown_grace: Duration::from_secs(5),
            poll: Duration::from_mins(1),
        }
    }
}
