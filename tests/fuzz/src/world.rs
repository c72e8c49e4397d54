//! A store in memory with two accounts: the one that the client may log in to, and another whose mail it must never see.
//!
//! Made when the first input comes. What inputs do to a mailbox stays, so the account is a new one now and then, and more rarely so is
//! the store.

use crate::dialogue::{Ends, Protocol};
use data_encoding::BASE64;
use octroi_engine::{Embedded, Options};
use octroi_gate::{Admin, DataKey, Errands, Gate, Limits, NewAccount, Opened, Organisation, Policy, Queue, Scope};
use octroi_model::{Address, Service, Services, Uid};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Stands in the mail of the account that may be logged in to.
pub(crate) const MINE: &[u8] = b"Wk3vXt9rQb7mLz5h";
/// Stands in everything that belongs to the other account.
pub(crate) const THEIRS: &[u8] = b"Nf8dYp2sGc6jRa4u";

/// Inputs between two accounts.
const INPUTS_PER_ACCOUNT: u32 = 64;
/// Accounts between two stores.
const ACCOUNTS_PER_STORE: u32 = 128;

/// Messages of one input that are looked at in the queue.
const QUEUED_MAX: usize = 1000;

const PROFILES: &str = r#"
[profile.plain]
send_to = "inside"
[profile.plain.services]
imap = ["*"]
submission = ["*"]
sieve = ["*"]
[profile.plain.second_factor]
"*" = "enrolment"
[[profile.plain.action]]
action = "share"
with = ["*"]
[[profile.plain.rule]]
owner = "self"
path = "**"
rights = "lrswipkxtea"
[[profile.plain.rule]]
owner = "others"
path = "**"
rights = "lrswipkxte"
"#;

/// Small, and each in its own way hard to read.
const MAIL: [&[u8]; 8] = [
    include_bytes!("../../../fixtures/mail/plain.eml"),
    include_bytes!("../../../fixtures/mail/forwarded.eml"),
    include_bytes!("../../../fixtures/mail/rfc9051-parts.eml"),
    include_bytes!("../../../fixtures/mail/utf8-subject.eml"),
    include_bytes!("../../../fixtures/mail/latin1-8bit.eml"),
    include_bytes!("../../../fixtures/mail/groups.eml"),
    include_bytes!("../../../fixtures/mail/broken-headers.eml"),
    include_bytes!("../../../fixtures/mail/delivery-report.eml"),
];

/// See the module.
pub(crate) struct World {
    runtime: Runtime,
    gate: Gate,
    admin: Admin,
    ends: Ends,
    user: String,
    secret: String,
    plain: String,
    inputs: u32,
    accounts: u32,
    queue: Queue,
    _rest: (Errands, TempDir),
}

impl World {
    /// The world for the next input.
    pub(crate) fn for_next(slot: &mut Option<Self>) -> &mut Self {
        if slot.as_ref().is_some_and(|world| world.accounts >= ACCOUNTS_PER_STORE) {
            *slot = None;
        }
        let world = slot.get_or_insert_with(Self::new);
        if world.inputs.is_multiple_of(INPUTS_PER_ACCOUNT) {
            world.accounts += 1;
            let name = format!("u{}", world.accounts);
            (world.user, world.secret) = world.account(&name);
            world.plain = BASE64.encode(format!("\0{}\0{}", world.user, world.secret).as_bytes());
            world.furnish(MINE);
        }
        world.inputs += 1;
        world
    }

    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let organisation = Organisation {
            name: "Test".to_owned(),
            hostname: "mail.octroi.example".to_owned(),
            domains: vec!["octroi.example".to_owned()],
            postmaster: None,
            portal_url: "https://portal.octroi.example/".to_owned(),
        };
        // More log-ins than people make.
        let limits = Limits { log_ins_per_minute_max: u32::MAX, confirm_wait: Duration::ZERO, ..Limits::default() };
        let opened = runtime.block_on(async {
            let engine = Embedded::open(folder.path(), Options::default()).await.unwrap();
            Gate::open(engine, organisation, Policy::parse(PROFILES).unwrap(), limits, DataKey::from_bytes(&[3; 32])).await.unwrap()
        });
        let Opened { gate, admin, queue, errands, .. } = opened;
        let (inputs, accounts, empty) = (0, 0, String::new());
        let rest = (errands, folder);
        let mut world = Self {
            runtime,
            gate,
            admin,
            ends: Ends::new(),
            user: empty.clone(),
            secret: empty.clone(),
            plain: empty,
            inputs,
            accounts,
            queue,
            _rest: rest,
        };
        (world.user, world.secret) = world.account("stranger");
        world.furnish(THEIRS);
        world
    }

    fn account(&self, name: &str) -> (String, String) {
        let user = format!("{name}@octroi.example");
        let address: Address = user.parse().unwrap();
        let secret = self.runtime.block_on(async {
            let new = NewAccount { address: &address, display_name: "", profile: "plain", password: None, remote_access: true };
            self.admin.add_account(new).await.unwrap();
            let scope = Scope::of(Services::NONE.with(Service::Imap).with(Service::Submission).with(Service::Sieve));
            self.admin.mint_app_password(&address, scope, "fuzz").await.unwrap().secret.to_string()
        });
        (user, secret)
    }

    /// Mail with that word in it, in INBOX and in a mailbox of that name; and one with a name that has to be quoted.
    fn furnish(&mut self, marker: &[u8]) {
        let word = String::from_utf8_lossy(marker).into_owned();
        let login = format!("s LOGIN {} {}\r\n", self.user, self.secret);
        let mut commands = format!("{login}s CREATE {word}\r\ns CREATE Work\r\ns CREATE \"a\\\"(\"\r\n").into_bytes();
        let mut append = |mailbox: &str, message: &[u8]| {
            let message = [b"X-Kept: ", marker, b"\r\n", message, marker, b"\r\n"].concat();
            commands.extend_from_slice(format!("s APPEND {mailbox} ({word}) {{{}+}}\r\n", message.len()).as_bytes());
            commands.extend_from_slice(&message);
            commands.extend_from_slice(b"\r\n");
        };
        for message in MAIL {
            append("INBOX", message);
        }
        append(&word, MAIL[0]);
        let answers = self.converse(Protocol::Imap, &commands, crate::ANSWER_BYTES_MAX);
        let answers = String::from_utf8_lossy(&answers);
        assert_eq!(answers.matches("s OK ").count(), 4 + MAIL.len() + 1, "{answers}");
    }

    /// All that the server says to a client that sends these octets.
    pub(crate) fn converse(&mut self, protocol: Protocol, sent: &[u8], answers_max: usize) -> Vec<u8> {
        self.runtime.block_on(self.ends.converse(protocol, &self.gate, sent, answers_max))
    }

    /// Is a message queued for another server that is no report of ours to somebody who is named in `sent`? What is queued is forgotten.
    pub(crate) fn anything_leaves(&self, sent: &[u8]) -> bool {
        self.runtime.block_on(async {
            let (queued, _) = self.queue.after(Uid(0), QUEUED_MAX).await.unwrap();
            let mut leaves = false;
            for one in queued {
                let named = |address: &Address| crate::contains(sent, address.domain().as_bytes());
                leaves |= one.entry.from.is_some() || !one.entry.recipients.iter().all(|recipient| named(&recipient.address));
                self.queue.discard(one.id).await.unwrap();
            }
            leaves
        })
    }

    /// The input with the real name and secret where it says `$user`, `$secret` or `$plain`: no fuzzer guesses them.
    pub(crate) fn filled_in(&self, input: &[u8]) -> Vec<u8> {
        let known = [("$user", &self.user), ("$secret", &self.secret), ("$plain", &self.plain)];
        let mut filled = Vec::with_capacity(input.len());
        let mut rest = input;
        while let [first, after @ ..] = rest {
            if let Some((name, value)) = known.iter().find(|(name, _)| rest.starts_with(name.as_bytes())) {
                filled.extend_from_slice(value.as_bytes());
                rest = &rest[name.len()..];
            } else {
                filled.push(*first);
                rest = after;
            }
        }
        filled
    }

    /// Who may log in.
    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    /// With what.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// The same for SASL PLAIN.
    pub(crate) fn plain(&self) -> &str {
        &self.plain
    }
}
