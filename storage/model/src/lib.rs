//! Values with invariants, shared by every other crate: ids, uids, flags, rights, addresses, names.
//!
//! Called by everyone; knows no one and does no I/O. What is constructed is valid: fields that carry an invariant
//! are private and have a constructor that can fail. All of these are written to the journal with `postcard`, so
//! fields and enum variants are only ever appended, never reordered.

mod account;
mod address;
mod alias;
mod annotation;
mod audit;
mod collection;
mod content;
mod factor;
mod flags;
mod group;
mod ids;
mod item;
mod language;
mod lock;
mod name;
mod quota;
mod rights;
mod uidset;

pub use account::{Account, AppPassword, Confirmation, LastUse, Narrowing, ScramKeys, Service, Services, TotpState};
pub use address::{Address, AddressError, domain_key};
pub use alias::{Alias, AliasName, LeadsTo};
pub use annotation::{Annotated, AnnotationEdit, Annotations};
pub use audit::{AuditEntry, AuditFrom, AuditLine, AuditQuery, AuditVia, Outcome};
pub use collection::{Acl, Collection, CollectionKind, Grantee, Head, SpecialUse};
pub use content::{ContentRef, Encoding, Etag, Hash};
pub use factor::{Device, FactorKind, Factors, Passkey, Reach, Tries};
pub use flags::{FlagEdit, Flags, KEYWORDS_MAX};
pub use group::Group;
pub use ids::{AccountId, AliasId, AppPasswordId, CollectionId, FactorId, GroupId, LockId, ModSeq, Uid, UidValidity, UnixTime};
pub use item::{COUNTED, Item, Tombstone};
pub use language::Language;
pub use lock::{Lock, LockRoot, LockScope, LockToken, LockedItem};
pub use name::{NAME_BYTES_MAX, Name, NameError, PATH_DEPTH_MAX, Path};
pub use quota::{Quota, QuotaLimit, QuotaRoot, QuotaUsage};
pub use rights::Rights;
pub use uidset::UidSet;
