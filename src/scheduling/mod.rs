//! What the gate asks about meetings, answered by the codec, and invitations as mail.
//!
//! Given to the gate by `server`. Nothing is decided here.

mod mail;

use jiff::Timestamp;
use octroi_gate::{
    Content, GroupMember, Invitation, ObjectChange, ObjectFacts, Outgoing, Received, SchedulingCodec, SchedulingFault, Sender, Telling,
};
use octroi_ical::ExpansionLimits;
use octroi_ical::itip::{self, Addresses, Change, Fault, Role};
use octroi_ical::{Tree, managed_attachments};
use octroi_mailauth::{Keyring, Signing};
use octroi_model::Language;

/// The codec, with what mail that leaves needs.
pub(crate) struct Scheduler {
    pub(crate) hostname: String,
    pub(crate) language: Language,
    pub(crate) keyring: Keyring,
    /// What finding out when an object is may cost.
    pub(crate) expansion: ExpansionLimits,
}

/// The moment, as DTSTAMP has it.
fn now() -> String {
    octroi_ical::utc_text(Timestamp::now())
}

fn addresses(of: &[String]) -> Addresses {
    Addresses::of(of.iter().map(String::as_str))
}

impl SchedulingCodec for Scheduler {
    fn uid(&self, octets: &[u8]) -> Option<String> {
        itip::uid_of(octets).map(|(uid, _)| uid)
    }

    fn message(&self, octets: &[u8]) -> Option<(String, &'static str)> {
        let (uid, method) = itip::uid_of(octets)?;
        let known = [itip::Method::Request, itip::Method::Cancel, itip::Method::Reply].map(itip::Method::name);
        known.into_iter().find(|known| method.as_deref() == Some(*known)).map(|method| (uid, method))
    }

    fn describe(&self, octets: &[u8]) -> Option<ObjectFacts> {
        octroi_dav::describe_object(octets, &self.expansion)
    }

    fn newly_asked(&self, change: &ObjectChange<'_>) -> Vec<String> {
        let asked = change.new.map(|new| itip::newly_asked(change.old, new, &addresses(change.me)));
        asked.into_iter().flatten().collect()
    }

    fn with_members(&self, change: &ObjectChange<'_>, groups: &[(String, Vec<GroupMember>)]) -> Option<Vec<u8>> {
        let member = |one: &GroupMember| itip::Member { address: one.address.clone(), name: one.name.clone() };
        let groups: Vec<_> = groups.iter().map(|(group, members)| (group.clone(), members.iter().map(member).collect())).collect();
        change.new.map(|new| itip::with_members(change.old, new, &groups, &addresses(change.me)))
    }

    fn with_sender(&self, change: &ObjectChange<'_>, sender: Sender<'_>) -> Option<Vec<u8>> {
        let address;
        let sender = match sender {
            Sender::Nobody => itip::Sender::Nobody,
            Sender::Themselves => itip::Sender::Themselves,
            Sender::Delegate(delegate) => {
                address = delegate.to_string();
                itip::Sender::Delegate(&address)
            }
        };
        itip::with_sender(change.old, change.new?, &addresses(change.me), sender)
    }

    fn change(&self, change: &ObjectChange<'_>) -> Result<Outgoing, SchedulingFault> {
        let (me, now) = (addresses(change.me), now());
        let manner = change.manner;
        let change = Change { old: change.old, new: change.new, me: &me, now: &now, merges: manner.merges, replies: manner.replies };
        let outgoing = itip::change(&change).map_err(|fault| match fault {
            Fault::SeveralOrganizers => SchedulingFault::SeveralOrganizers,
            Fault::Organizer => SchedulingFault::Organizer,
            Fault::Attendee => SchedulingFault::Attendee,
        })?;
        let telling = |message: itip::Message| Telling {
            method: message.method.name(),
            to: message.to,
            octets: message.octets,
            matters: message.matters,
        };
        Ok(Outgoing {
            scheduled: outgoing.role != Role::Neither,
            stored: outgoing.stored,
            messages: outgoing.messages.into_iter().map(telling).collect(),
        })
    }

    fn with_statuses(&self, octets: &[u8], statuses: &[(String, String)]) -> Vec<u8> {
        itip::with_statuses(octets, statuses)
    }

    fn receive(&self, existing: Option<&[u8]>, message: &[u8], me: &[String], from: Option<&str>) -> Received {
        // What comes by mail carries nothing that is managed here, whatever it says: that would open it to whom it reaches.
        let unmanaged = from.and_then(|_| octroi_ical::unmanaged(message));
        let message = unmanaged.as_deref().unwrap_or(message);
        let from = from.map(itip::address_key);
        match itip::receive(existing, message, &addresses(me), from.as_deref()) {
            itip::Received::Stored { octets, keeps_tag } => Received::Stored { octets, keeps_tag },
            itip::Received::Refresh => Received::Ignored("the organizer is asked how it stands"),
            itip::Received::Ignored(why) => Received::Ignored(why),
        }
    }

    fn attachments(&self, octets: &[u8]) -> Vec<String> {
        let Ok(tree) = Tree::read(octets) else { return Vec::new() };
        let mut ids: Vec<String> = managed_attachments(&tree).into_iter().map(|one| one.id).collect();
        ids.sort();
        ids.dedup();
        ids
    }

    fn carries(&self, octets: &[u8], id: &str) -> bool {
        Tree::read(octets).is_ok_and(|tree| managed_attachments(&tree).iter().any(|one| one.id == id))
    }

    fn booking_window(&self) -> (i64, i64) {
        itip::booking_window(&now()).unwrap_or((0, 0))
    }

    fn decide(&self, object: &[u8], me: &[String], others: &[Vec<u8>]) -> Option<(Vec<u8>, Vec<u8>)> {
        let decision = itip::decide(object, &addresses(me), others, &now())?;
        Some((decision.object, decision.reply))
    }

    fn mail(&self, invitation: &Invitation<'_>) -> Option<Content> {
        let octets = mail::compose(&self.hostname, self.language, invitation)
            .inspect_err(|error| tracing::warn!(%error, "an invitation could not be made"))
            .ok()?;
        let octets = Signing::signed(&self.keyring, &octets).unwrap_or_else(|error| {
            tracing::warn!(error, "an invitation is not signed");
            octets
        });
        let (facts, header_bytes) = octroi_mime::describe(&octets);
        Some(Content::message(&facts, &octets, header_bytes))
    }
}
