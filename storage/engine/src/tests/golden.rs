//! The encoding of each change, kept: what is in a journal today must be readable by every later version.
//!
//! A failure here means that the format has changed. Fields and variants may be appended, with a new line in the fixture for what they
//! look like; what is there must stay. `OCTROI_GOLDEN=write` writes the file anew.

use super::world::{account, collection, item, name};
use crate::Change;
use octroi_model::{
    AccountId, Alias, AliasId, AliasName, Annotated, AppPassword, AppPasswordId, AuditEntry, AuditLine, AuditVia, CollectionId,
    CollectionKind, Confirmation, ContentRef, Device, Encoding, FactorId, FactorKind, Factors, FlagEdit, Flags, Grantee, Group, GroupId,
    Hash, Head, Item, LastUse, LeadsTo, Lock, LockId, LockRoot, LockScope, LockToken, LockedItem, ModSeq, Narrowing, Outcome, Passkey,
    QuotaLimit, QuotaRoot, Reach, Rights, ScramKeys, Service, Services, SpecialUse, TotpState, Tries, Uid, UidSet, UnixTime,
};

pub(crate) fn app_password() -> AppPassword {
    AppPassword {
        id: AppPasswordId(40),
        account: AccountId(7),
        public_id: "k3f9".into(),
        keyed_hash: [3; 32],
        label: "téléphone".into(),
        // All that there were when this was written down.
        services: Service::ALL[..5].iter().fold(Services::NONE, |all, (service, _)| all.with(*service)),
        created: UnixTime(1_700_000_000),
        expires: Some(UnixTime(1_800_000_000)),
        enrolled: true,
        rights: Rights::parse("lrswipkxtea").unwrap(),
        last_used: None,
    }
}

pub(crate) fn confirmation() -> Confirmation {
    Confirmation { app_password: AppPasswordId(40), network: "192.0.2.0/24".into(), at: UnixTime(1_700_000_100) }
}

fn head() -> Head {
    Head { uid_next: Uid(12), modseq: ModSeq(345), items: 9, unseen: 4, deleted: 1, bytes: 123_456 }
}

fn full_item() -> Item {
    let content = ContentRef {
        segment: 3,
        offset: 4096,
        facts_stored: 10,
        header_stored: 200,
        body_stored: 5000,
        header_bytes: 400,
        body_bytes: 9000,
        encoding: Encoding::Zstd,
    };
    Item {
        uid: Uid(11),
        modseq: ModSeq(345),
        saved: UnixTime(1_700_000_001),
        properties: Some([1u8, 2, 3].as_slice().into()),
        content,
        hash: Hash([9; 32]),
        ..item(Flags::SEEN | Flags::keyword(3).unwrap(), Some("été.txt"))
    }
}

fn audit_entry() -> AuditEntry {
    AuditEntry {
        at: UnixTime(6),
        account: Some(AccountId(7)),
        act: "log-in".into(),
        subject: "imap".into(),
        peer: "192.0.2.1".into(),
        outcome: Outcome::Refused,
        reason: "zone".into(),
    }
}

fn factors() -> Factors {
    let passkey =
        Passkey { id: FactorId(42), label: "clé".into(), sealed: vec![1, 2], created: UnixTime(7), last_used: Some(UnixTime(8)) };
    let device = |id, reach| Device { id: FactorId(id), reach, created: UnixTime(7), last_used: None };
    Factors {
        version: 2,
        passkeys: vec![passkey],
        devices: vec![device(43, Reach::Mail("a@b.example".parse().unwrap())), device(44, Reach::Message("+33 1".into()))],
        recovery: vec![[4; 32]],
        tries: vec![(FactorKind::Recovery, Tries { wrong: 5, locked_until: UnixTime(9) })],
    }
}

/// One of each, in the order of the enum.
fn all() -> Vec<Change> {
    let id = CollectionId(5);
    let mut full = collection(5, Some(4), "Actes", CollectionKind::Folder);
    full.special_use = Some(SpecialUse::Archive);
    full.acl = Some(vec![
        (Grantee::Account(AccountId(8)), Rights::READ),
        (Grantee::Profile("agent".into()), Rights::parse("lrswipkxtea").unwrap()),
        (Grantee::Anyone, Rights::NONE),
    ]);
    full.keywords = vec!["$Forwarded".into()];
    full.properties = vec![("displayname".into(), "Actes signés".into())];
    full.head = head();
    let mut owner = account(7, "lea@douane.example");
    owner.totp = Some(TotpState { sealed_secret: vec![1, 2], last_step: 99 });
    owner.subscriptions = vec!["INBOX".into()];
    let first = vec![
        Change::CreateCollection { collection: full, parent_head: Some(head()) },
        Change::RenameCollection {
            collection: id,
            parent: CollectionId(6),
            name: name("2026"),
            old_parent_head: head(),
            new_parent_head: head(),
        },
        Change::RemoveCollection { collection: id, parent_head: None },
        Change::SetAcl { collection: id, acl: None },
        Change::SetProperty { collection: id, name: "colour".into(), value: Some("#ff0000".into()), head: head() },
        Change::SetSpecialUse { collection: id, special_use: Some(SpecialUse::Junk) },
        Change::AddKeyword { collection: id, keyword: "$Junk".into() },
        Change::Put { collection: id, item: full_item(), head: head() },
        Change::Flag {
            collection: id,
            uids: UidSet::from_ranges([(Uid(1), Uid(4)), (Uid(9), Uid(9))]),
            edit: FlagEdit::add(Flags::DELETED),
            modseq: ModSeq(346),
            head: head(),
        },
        Change::Expunge { collection: id, uids: UidSet::from_uids([Uid(2)]), modseq: ModSeq(347), head: head() },
        Change::CreateAccount(owner),
        Change::RemoveAccount(AccountId(7)),
        Change::SetPassword { account: AccountId(7), password_hash: Some("$argon2id$".into()) },
        Change::SetTotp { account: AccountId(7), sealed_secret: Some(vec![5, 6]) },
        Change::UseTotpStep { account: AccountId(7), step: 100 },
        Change::SetProfile { account: AccountId(7), profile: "operator".into(), remote_access: true },
        Change::Subscribe { account: AccountId(7), mailbox: "Sent".into(), subscribed: true },
        Change::Mint(app_password()),
        Change::Revoke(AppPasswordId(40)),
        Change::Used { id: AppPasswordId(40), last_use: LastUse { at: UnixTime(5), peer: "192.0.2.1".into(), service: Service::Imap } },
        Change::Confirm(confirmation()),
        Change::Audit(audit_entry()),
        Change::SetQuota { root: QuotaRoot::Account(AccountId(7)), limit: Some(QuotaLimit { bytes: 10 << 30, items: Some(1000) }) },
        Change::SetQuota { root: QuotaRoot::Collection(id), limit: None },
    ];
    [first, later(id)].concat()
}

/// Those that came after the first format, in the order of the enum.
fn later(id: CollectionId) -> Vec<Change> {
    vec![
        Change::Narrow {
            id: AppPasswordId(40),
            to: Narrowing {
                folders: vec![("files/Actes/**".into(), Rights::LOOKUP | Rights::READ)],
                zones: vec!["office".into()],
                confirm: Some("12h".into()),
                preset: Some("read".into()),
                certificate: false,
                client: Some("Thunderbird".into()),
            },
        },
        Change::Unconfirm { app_password: AppPasswordId(40), network: "192.0.2.0/24".into() },
        Change::SetFactors { account: AccountId(7), factors: factors() },
        Change::SetGroup(Group { id: GroupId(41), name: "evaluation".into(), members: vec![AccountId(7)] }),
        Change::RemoveGroup(GroupId(41)),
        Change::Log(AuditLine {
            number: 3,
            link: [8; 32],
            entry: audit_entry(),
            via: AuditVia { credential: "k3f9".into(), zone: "office".into(), client: "curl".into() },
        }),
        Change::SetAcl { collection: id, acl: Some(vec![(Grantee::Group(GroupId(41)), Rights::READ)]) },
        Change::Annotate {
            of: Annotated { collection: Some(id), account: Some(AccountId(7)) },
            entries: vec![("/private/comment".into(), Some([0u8, 255].as_slice().into())), ("/private/x".into(), None)],
        },
        Change::Annotate { of: Annotated { collection: None, account: None }, entries: vec![] },
        Change::KeepScram { id: AppPasswordId(40), keys: ScramKeys { sealed: vec![3, 4] } },
        Change::SetAlias(Alias {
            id: AliasId(42),
            name: AliasName::Address("contact@douane.example".parse().unwrap()),
            leads_to: LeadsTo::Addresses(vec!["lea@douane.example".parse().unwrap()]),
        }),
        Change::SetAlias(Alias {
            id: AliasId(43),
            name: AliasName::Rest("douane.example".into()),
            leads_to: LeadsTo::Group { group: GroupId(41), members_only: true },
        }),
        Change::RemoveAlias(AliasId(42)),
        Change::CreateCollection { collection: collection(6, None, "sieve", CollectionKind::Scripts), parent_head: None },
        Change::Lock(Lock {
            id: LockId(44),
            token: LockToken::new([5; 16]),
            root: LockRoot { collection: id, item: Some(LockedItem { name: name("été.txt"), uid: Uid(11) }) },
            scope: LockScope::Shared,
            deep: true,
            account: AccountId(7),
            credential: "k3f9".into(),
            owner: Some("<owner xmlns=\"DAV:\">Léa</owner>".into()),
            created: UnixTime(1_700_000_000),
            expires: UnixTime(1_700_003_600),
            made: true,
        }),
        Change::RefreshLock { id: LockId(44), expires: UnixTime(1_700_007_200) },
        Change::Unlock(LockId(44)),
        Change::CreateCollection { collection: collection(6, Some(4), ".trash", CollectionKind::Trash), parent_head: None },
        Change::CreateCollection { collection: collection(6, Some(5), ".versions", CollectionKind::Versions), parent_head: None },
        Change::CreateCollection { collection: collection(6, None, "uploads", CollectionKind::Uploads), parent_head: None },
        Change::CreateCollection { collection: collection(6, Some(4), "inbox", CollectionKind::Inbox), parent_head: None },
        Change::CreateCollection { collection: collection(6, Some(4), "outbox", CollectionKind::Outbox), parent_head: None },
        Change::CreateCollection { collection: collection(6, Some(4), ".attachments", CollectionKind::Attachments), parent_head: None },
    ]
}

#[test]
fn the_encoding_of_changes_stays() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/changes.txt");
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let word = |change: &Change| format!("{change:?}").split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned();
    let lines: Vec<String> = all().iter().map(|change| format!("{} {}", word(change), hex(postcard::to_stdvec(change).unwrap()))).collect();
    if std::env::var("OCTROI_GOLDEN").is_ok_and(|what| what == "write") {
        std::fs::write(path, lines.join("\n") + "\n").unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap();
    for (kept, change) in kept.lines().zip(all()) {
        let (_, digits) = kept.split_once(' ').unwrap();
        let bytes: Vec<u8> = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect();
        assert_eq!(postcard::from_bytes::<Change>(&bytes).unwrap(), change);
    }
    assert_eq!(kept.lines().collect::<Vec<_>>(), lines);
}
