//! Where a version stands among those of its document (RFC 3253 sections 3.4.1 to 3.4.3), in the report on versions.

use super::{History, Known, Subject, Viewer, told};
use crate::names::DAV;
use crate::xml::Xml;

pub(super) const TABLE: &[Known] =
    &[told(DAV, "D:version-name", name), told(DAV, "D:predecessor-set", predecessors), told(DAV, "D:successor-set", successors)];

fn name(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    history(subject).map(|history| xml.characters(&history.name)).is_some()
}

fn predecessors(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    history(subject).map(|history| write_href(history.before.as_deref(), xml)).is_some()
}

fn successors(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    history(subject).map(|history| write_href(history.after.as_deref(), xml)).is_some()
}

fn history<'a>(subject: &Subject<'a>) -> Option<&'a History> {
    if let Subject::File { history, .. } = subject { *history } else { None }
}

fn write_href(href: Option<&str>, xml: &mut Xml) {
    if let Some(href) = href {
        xml.text("D:href", href);
    }
}
