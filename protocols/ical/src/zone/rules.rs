//! The rules of a VTIMEZONE (RFC 5545 section 3.6.5), for zones that IANA does not know.

use crate::tree::Node;
use jiff::tz::TimeZone;

pub(super) fn zone_of(_node: &Node<'_>) -> Option<TimeZone> {
    None
}
