//! What a client has switched on with ENABLE (RFC 5161), or by using it. Owned by the wire: how things are written depends on it.

/// Off at first, and never switched off again but by UNAUTHENTICATE.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
// Each is a capability of its own, and any of them may be on with any other.
#[allow(clippy::struct_excessive_bools)]
pub(crate) struct Enabled {
    /// RFC 9051: ESEARCH instead of SEARCH, no RECENT, names in UTF-8.
    pub(crate) rev2: bool,
    /// RFC 9755: names and quoted strings in UTF-8.
    pub(crate) utf8_accept: bool,
    /// RFC 7162 section 3.1: MODSEQ with every change that is told.
    pub(crate) condstore: bool,
    /// RFC 7162 section 3.2: VANISHED instead of EXPUNGE.
    pub(crate) qresync: bool,
    /// RFC 9586: no message numbers.
    pub(crate) uid_only: bool,
}

impl Enabled {
    /// Names and quoted strings are in UTF-8, both ways.
    pub(crate) fn utf8(self) -> bool {
        self.rev2 || self.utf8_accept
    }

    /// Switch on what is named; returns its name as the answer spells it, or nothing when it is nothing that can be switched on.
    pub(crate) fn enable(&mut self, name: &str) -> Option<&'static str> {
        match name.to_ascii_uppercase().as_str() {
            "IMAP4REV2" => {
                self.rev2 = true;
                Some("IMAP4rev2")
            }
            "UTF8=ACCEPT" => {
                self.utf8_accept = true;
                Some("UTF8=ACCEPT")
            }
            // RFC 7162 section 3.1: switched on by the state, which tells the open mailbox's modseq.
            "CONDSTORE" => Some("CONDSTORE"),
            "QRESYNC" => {
                self.qresync = true;
                Some("QRESYNC")
            }
            "UIDONLY" => {
                self.uid_only = true;
                Some("UIDONLY")
            }
            _ => None,
        }
    }
}
