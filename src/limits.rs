//! The `[limits]` part of the configuration: every limit of every part, by the name it has there.
//!
//! Numbers are plain; keys that end in `_seconds` are times. What is not named keeps the part's own default, whose reason stands where
//! it is defined.

use octroi_dav::DavConfig;
use octroi_gate::Limits as GateLimits;
use octroi_http::HttpConfig;
use octroi_imap::ImapConfig;
use octroi_managesieve::ManageSieveConfig;
use octroi_net::DeflateLimit;
use octroi_portal::PortalConfig;
use octroi_reports::ReportLimits;
use octroi_smtp::SmtpConfig;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU64;
use std::time::Duration;

/// A setting that a number can be put into.
trait Knob {
    fn turn(&mut self, to: u64);
}

macro_rules! knobs {
    ($($number:ty),*) => {$(
        impl Knob for $number {
            fn turn(&mut self, to: u64) {
                *self = <$number>::try_from(to).unwrap_or(<$number>::MAX);
            }
        }
    )*};
}
knobs!(usize, u32, u64);

impl Knob for Option<u32> {
    fn turn(&mut self, to: u64) {
        *self = Some(u32::try_from(to).unwrap_or(u32::MAX));
    }
}

impl Knob for Duration {
    fn turn(&mut self, to: u64) {
        *self = Self::from_secs(to);
    }
}

impl Knob for DeflateLimit {
    fn turn(&mut self, to: u64) {
        *self = Self::new(usize::try_from(to).unwrap_or(usize::MAX));
    }
}

/// A table of the file: its keys, and the setting that each one turns.
macro_rules! section {
    ($(#[$doc:meta])* $name:ident for $target:ty { $($key:ident => $($path:ident).+;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        // The names are the keys of the file.
        #[allow(clippy::struct_field_names)]
        pub(crate) struct $name {
            $(#[serde(skip_serializing_if = "Option::is_none")] $key: Option<NonZeroU64>,)*
        }
        impl $name {
            /// The part's settings with these put in.
            pub(crate) fn over(&self, mut settings: $target) -> $target {
                $(if let Some(to) = self.$key { Knob::turn(&mut settings.$($path).+, to.get()); })*
                settings
            }
        }
    };
}

/// Connections of one listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Connections {
    /// At the same time.
    pub(crate) all_max: usize,
    /// From one IPv4 address or IPv6 /64.
    pub(crate) per_peer_max: usize,
    /// For the TLS handshake.
    pub(crate) handshake: Duration,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            all_max: 10_000,
            // Thunderbird opens five per account, and many people may share one address.
            per_peer_max: 500,
            handshake: Duration::from_secs(30),
        }
    }
}

section! {
    /// `[limits.connections]`, for each listener.
    ConnectionLimits for Connections {
        connections_max => all_max;
        connections_per_peer_max => per_peer_max;
        handshake_seconds => handshake;
    }
}

section! {
    /// `[limits.gate]`
    GateSection for GateLimits {
        recipients_max => recipients_max;
        collections_max => collections_max;
        app_passwords_max => app_passwords_max;
        scripts_max => scripts_max;
        locks_max => locks_max;
        locks_per_account_max => locks_per_account_max;
        lock_owner_bytes_max => lock_owner_bytes_max;
        lock_seconds => lock_time;
        lock_seconds_max => lock_time_max;
        properties_max => properties_max;
        property_bytes_max => property_bytes_max;
        properties_bytes_max => properties_bytes_max;
        push_per_collection_max => push_per_collection_max;
        push_per_account_max => push_per_account_max;
        push_max => push_max;
        push_endpoint_bytes_max => push_endpoint_bytes_max;
        subscriptions_max => subscriptions_max;
        subscription_url_bytes_max => subscription_url_bytes_max;
        published_max => published_max;
        published_visits_per_minute_max => published_visits_per_minute_max;
        uploads_max => uploads_max;
        attendees_max => attendees_max;
        inbox_items_max => inbox_items_max;
        mailed_attachments_bytes_max => mailed_attachments_bytes_max;
        mailed_attachments_total_bytes_max => mailed_attachments_total_bytes_max;
        sharing_notices_max => sharing_notices_max;
        upload_idle_seconds => upload_idle;
        confirm_wait_seconds => confirm_wait;
        sessions_per_account_max => sessions_per_account_max;
        log_ins_per_minute_max => log_ins_per_minute_max;
    }
}

section! {
    /// `[limits.imap]`
    ImapSection for ImapConfig {
        line_bytes_max => line_bytes_max;
        line_bytes_before_login_max => line_bytes_before_login_max;
        literal_bytes_max => literal_bytes_max;
        command_bytes_max => command_bytes_max;
        literal_bytes_before_login_max => literal_bytes_before_login_max;
        command_bytes_before_login_max => command_bytes_before_login_max;
        append_bytes_max => append_bytes_max;
        append_messages_max => append_messages_max;
        messages_per_command_max => messages_per_command_max;
        append_command_bytes_max => append_command_bytes_max;
        discard_bytes_max => discard_bytes_max;
        literal_rate_min => literal_rate_min;
        idle_seconds => idle_timeout;
        login_seconds => login_timeout;
        idle_notice_seconds => idle_notice;
        write_seconds => write_timeout;
        handshake_seconds => handshake_timeout;
        bad_commands_max => bad_commands_max;
        login_failures_max => login_failures_max;
        compressed_max => deflate;
    }
}

section! {
    /// `[limits.smtp]`
    SmtpSection for SmtpConfig {
        message_bytes_max => message_bytes_max;
        header_bytes_max => header_bytes_max;
        recipients_max => recipients_max;
        received_max => received_max;
        commands_per_message_max => commands_per_message_max;
        errors_quick => errors_quick;
        error_delay_seconds => error_delay;
        errors_max => errors_max;
        auth_failures_max => auth_failures_max;
        unknown_recipients_quick => unknown_recipients_quick;
        unknown_recipients_max => unknown_recipients_max;
        unknown_recipient_delay_seconds => unknown_recipient_delay;
        receptions_max => receptions_max;
        network_connections_per_minute_max => strangers.network_connections_per_minute_max;
        network_messages_per_minute_max => strangers.network_messages_per_minute_max;
        network_recipients_per_minute_max => strangers.network_recipients_per_minute_max;
        sender_messages_per_minute_max => strangers.sender_messages_per_minute_max;
        sender_recipients_per_minute_max => strangers.sender_recipients_per_minute_max;
        network_unknown_recipients_quick => strangers.network_unknown_recipients_quick;
        network_unknown_recipients_max => strangers.network_unknown_recipients_max;
        network_reports_per_minute_max => strangers.network_reports_per_minute_max;
        discarded_bytes_max => discarded_bytes_max;
        future_release_seconds => future_release_max;
        command_seconds => timeouts.command;
        data_seconds => timeouts.data;
        message_seconds => timeouts.message;
        handshake_seconds => timeouts.handshake;
        write_seconds => timeouts.write;
        queue_expiry_seconds => queue.expiry;
        queue_connections_max => queue.connections_max;
        queue_per_destination_max => queue.per_destination_max;
        queue_connection_messages_max => queue.connection_messages_max;
        queue_connection_seconds => queue.connection_age;
        queue_connection_idle_seconds => queue.connection_idle;
        queue_notifications_per_hour_max => queue.notifications_max;
        queue_sweep_seconds => queue.poll;
        queue_hosts_max => queue.hosts_max;
        queue_attempt_seconds => queue.attempt;
    }
}

section! {
    /// `[limits.reports]`
    ReportSection for ReportLimits {
        domains_max => domains_max;
        rows_per_domain_max => rows_per_domain_max;
        rows_max => rows_max;
        message_bytes_max => message_bytes_max;
        unpacked_bytes_max => unpacked_bytes_max;
        records_max => records_max;
        kept_max => kept_max;
        kept_rows_max => kept_rows_max;
        kept_days => kept_days;
        readers_max => readers_max;
    }
}

section! {
    /// `[limits.sieve]`
    SieveSection for octroi_sieve::Limits {
        script_bytes_max => script_bytes_max;
        nesting_max => nesting_max;
        actions_max => actions_max;
        redirects_max => redirects_max;
        variables_max => variables_max;
        variable_bytes_max => variable_bytes_max;
        body_bytes_max => body_bytes_max;
        work_bytes_max => work_bytes_max;
    }
}

section! {
    /// `[limits.managesieve]`
    ManageSieveSection for ManageSieveConfig {
        line_bytes_max => line_bytes_max;
        literal_bytes_before_login_max => literal_bytes_before_login_max;
        discard_bytes_max => discard_bytes_max;
        idle_seconds => idle_timeout;
        login_seconds => login_timeout;
        literal_seconds => literal_timeout;
        write_seconds => write_timeout;
        handshake_seconds => handshake_timeout;
        bad_commands_max => bad_commands_max;
        login_failures_max => login_failures_max;
    }
}

section! {
    /// `[limits.http]`
    HttpSection for HttpConfig {
        header_bytes_max => header_bytes_max;
        header_fields_max => header_fields_max;
        header_seconds => header_timeout;
        body_seconds => body_timeout;
        connection_idle_seconds => connection_idle;
        streams_max => streams_max;
        window_bytes => window_bytes;
    }
}

section! {
    /// `[limits.dav]`
    DavSection for DavConfig {
        document_bytes_max => document_bytes_max;
        object_bytes_max => object_bytes_max;
        own_alarms_bytes_max => own_alarms_bytes_max;
        xml_bytes_max => xml_bytes_max;
        sync_members_max => sync_members_max;
        sync_collections_max => sync_collections_max;
        invitees_max => invitees_max;
        invitation_bytes_max => invitation_bytes_max;
        query_results_max => query_results_max;
        instances_max => instances_max;
        recurrence_steps_max => recurrence_steps_max;
        attendees_max => attendees_max;
        attachment_bytes_max => attachment_bytes_max;
        attachments_max => attachments_max;
        year_min => year_min;
        year_max => year_max;
        search_visits_max => search_visits_max;
        search_results_max => search_results_max;
        search_bytes_max => search_bytes_max;
        search_seconds => search_time;
    }
}

section! {
    /// `[limits.portal]`
    PortalSection for PortalConfig {
        idle_seconds => idle;
        lifetime_seconds => lifetime;
        code_wait_seconds => code_wait;
        sessions_max => sessions_max;
        sign_ins_max => sign_ins_max;
        login_flow_seconds => login_flow;
        login_flows_max => login_flows_max;
    }
}

/// `[limits]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    pub(crate) connections: ConnectionLimits,
    pub(crate) gate: GateSection,
    pub(crate) imap: ImapSection,
    pub(crate) smtp: SmtpSection,
    pub(crate) reports: ReportSection,
    pub(crate) sieve: SieveSection,
    pub(crate) managesieve: ManageSieveSection,
    pub(crate) http: HttpSection,
    pub(crate) dav: DavSection,
    pub(crate) portal: PortalSection,
}

impl Limits {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Limits for load from one machine: the demo's peers all have one address.
    pub(crate) fn for_load_from_one_peer() -> Self {
        let many = NonZeroU64::new(20_000);
        Self { connections: ConnectionLimits { connections_per_peer_max: many, ..ConnectionLimits::default() }, ..Self::default() }
    }
}
