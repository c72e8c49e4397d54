//! GETQUOTA. RFC 9208 section 4.1.1: usage and limits of one quota root.

use crate::reply::{Done, Reply};
use crate::wire::{Wire, utf7};
use imap_codec::imap_types::core::{AString, AtomExt, Vec1};
use imap_codec::imap_types::extensions::quota::{QuotaGet, Resource};
use imap_codec::imap_types::response::Data;
use octroi_gate::Session;
use octroi_model::Quota;

/// RFC 9208 section 5.1: STORAGE is in units of 1024 octets.
pub(crate) const STORAGE_UNIT: u64 = 1024;

/// GETQUOTA.
pub(crate) async fn getquota(wire: &mut Wire, session: &Session, root: &AString<'_>) -> Done {
    // A name that is not valid is one that no root has.
    let name = utf7::decode(root.as_ref()).ok_or_else(|| Reply::no("NONEXISTENT", "There is no such quota root"))?;
    let quota = session.mail_quota(&name).map_err(|_| Reply::no("NONEXISTENT", "There is no such quota root"))?;
    tell(wire, &name, &quota).await?;
    Ok(Reply::ok("Done"))
}

/// The QUOTA response. GETQUOTAROOT's too.
pub(crate) async fn tell(wire: &mut Wire, name: &str, quota: &Quota) -> Result<(), crate::reply::End> {
    let storage = QuotaGet::new(Resource::Storage, quota.used.bytes.div_ceil(STORAGE_UNIT), quota.limit.bytes / STORAGE_UNIT);
    let mut quotas = Vec1::from(storage);
    if let Some(max) = quota.limit.items {
        let with_items = [quotas.as_ref(), &[QuotaGet::new(Resource::Message, quota.used.items, max)]].concat();
        quotas = Vec1::try_from(with_items).unwrap_or(quotas);
    }
    wire.data(Data::Quota { root: on_wire(name), quotas }).await
}

/// The name of a quota root as it goes on the wire: as those of mailboxes are written.
pub(crate) fn on_wire(name: &str) -> AString<'static> {
    // Modified UTF-7 is printable ASCII, and only a NUL could be refused.
    AString::try_from(utf7::encode(name)).unwrap_or_else(|_| AString::Atom(AtomExt::unvalidated("quota")))
}
