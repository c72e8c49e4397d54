//! APPEND. RFC 9051 section 6.3.12, with APPENDUID (RFC 4315) and LITERAL+ (RFC 7888).
//!
//! The message is never whole in memory: the reader leaves its literal on the connection, and it goes from there to the store in pieces.

use super::store::decode;
use crate::config::ImapConfig;
use crate::refusal::as_target;
use crate::reply::{Done, End, Fault, Reply, bad_name};
use crate::wire::grammar::append::Announced;
use crate::wire::mailbox::MailboxName;
use crate::wire::{Trust, Wire, date};
use imap_codec::imap_types::response::{Code, StatusKind};
use octroi_gate::{Append as AppendPurpose, Draft, Granted, Mailbox as MailboxObject, MailboxAt, Session, Upload};
use octroi_model::{Flags, UnixTime};
use std::num::NonZeroU32;
use std::time::Duration;

/// For the CRLF behind the message.
const REST_DEADLINE: Duration = Duration::from_mins(1);

/// All that can be known before the message comes.
struct Ready {
    target: Granted<MailboxObject, AppendPurpose>,
    flags: Flags,
    keywords: Vec<String>,
    date: UnixTime,
}

/// Take the message, or refuse it: before it is sent if the client waits, past it if it is under way.
pub(crate) async fn append(wire: &mut Wire, session: &Session, mailbox: &MailboxName, message: &Announced, config: &ImapConfig) -> Done {
    let ready = match prepare(session, mailbox, message, config).await {
        Ok(ready) => ready,
        Err(fault) => {
            wire.refuse_literal(message.literal, Trust::Member).await?;
            return Err(fault);
        }
    };
    let upload = match ready.target.upload().await {
        Ok(upload) => upload,
        Err(refusal) => {
            wire.refuse_literal(message.literal, Trust::Member).await?;
            return Err(refusal.into());
        }
    };
    wire.invite(message.literal).await?;
    let taken = take(wire, upload, message.literal.bytes).await?;
    let rest = wire.line(Trust::Member, REST_DEADLINE).await.map_err(End::from)?;
    if !rest.bytes.is_empty() {
        wire.skip(&rest.bytes, Trust::Member).await?;
        return Err(Reply::bad("One message per APPEND").into());
    }
    let content = taken?.finish_message(octroi_mime::describe).await?;
    let draft = Draft { content, flags: ready.flags, keywords: ready.keywords, date: ready.date };
    let appended = ready.target.append(vec![draft]).await?;
    let uid = appended.uids.first().and_then(|uid| NonZeroU32::new(uid.0));
    Ok(match (NonZeroU32::new(appended.uid_validity.0), uid) {
        (Some(uid_validity), Some(uid)) => Reply::ok("Appended").with(Code::AppendUid { uid_validity, uid }),
        _ => Reply::ok("Appended"),
    })
}

/// Decode, check, open the mailbox.
async fn prepare(session: &Session, mailbox: &MailboxName, message: &Announced, config: &ImapConfig) -> Result<Ready, Fault> {
    let (flags, keywords) = decode(&message.flags)?;
    if message.is_binary {
        return Err(Reply::bad("BINARY is not offered").into());
    }
    let path = mailbox.path().ok_or_else(bad_name)?;
    if message.literal.bytes > config.append_bytes_max {
        let text = format!("A message may have {} octets", config.append_bytes_max).into();
        return Err(Fault::Reply(Reply { kind: StatusKind::No, code: Some(Code::TooBig), text }));
    }
    if message.literal.bytes == 0 {
        return Err(Reply::no("CANNOT", "A message has at least one octet").into());
    }
    let target = session.open(MailboxAt(path), AppendPurpose).await.map_err(as_target)?;
    target.room_for(message.literal.bytes)?;
    let keywords = keywords.into_iter().map(str::to_owned).collect();
    let date = message.date.as_ref().map_or_else(UnixTime::now, date::instant_of);
    Ok(Ready { target, flags, keywords, date })
}

/// From the connection to the store. The message is read to its end even if the store gives up on it.
async fn take(wire: &mut Wire, upload: Upload, bytes: u64) -> Result<Result<Upload, Fault>, End> {
    let mut taken = Ok(upload);
    let mut countdown = wire.countdown(bytes);
    while let Some((want, within)) = countdown.next_piece() {
        let octets = wire.connection.read_some(want, within).await?;
        let count = octets.len();
        if let Ok(upload) = &mut taken
            && let Err(refusal) = upload.write(octets).await
        {
            taken = Err(refusal.into());
        }
        wire.connection.consume(count);
        countdown.took(count);
    }
    Ok(taken)
}
