//! Where programs find out whether they can be woken (draft-bitfire-webdav-push-00).

use super::{Known, Subject, Viewer, told};
use crate::names::PUSH;
use crate::push::{write_transports, write_triggers};
use crate::xml::Xml;
use octroi_gate::PushFacts;

pub(super) const TABLE: &[Known] =
    &[told(PUSH, "WP:transports", transports), told(PUSH, "WP:topic", topic), told(PUSH, "WP:supported-triggers", triggers)];

fn transports(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    facts(subject).map(|facts| write_transports(facts, xml)).is_some()
}

fn topic(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    facts(subject).map(|facts| xml.characters(&facts.topic)).is_some()
}

fn triggers(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    facts(subject).map(|_| write_triggers(xml)).is_some()
}

/// `None` where nothing can be watched.
fn facts<'a>(subject: &Subject<'a>) -> Option<&'a PushFacts> {
    if let Subject::Folder { facts, .. } = subject { facts.push.as_ref() } else { None }
}
