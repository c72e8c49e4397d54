//! The extensions that a script may ask for with `require`.

/// An extension by its registered name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub(crate) enum Extension {
    Body,
    Copy,
    Date,
    EncodedCharacter,
    Envelope,
    Ereject,
    Fileinto,
    Flags,
    Index,
    Mailbox,
    Reject,
    Relational,
    Subaddress,
    Vacation,
    VacationSeconds,
    Variables,
    /// A comparator beyond those that are always there.
    UnicodeCasemap,
    AsciiNumeric,
    /// RFC 5228 section 2.7.3: always there, and may be named.
    Octet,
    AsciiCasemap,
}

impl Extension {
    /// All, by the name in `require`.
    pub(crate) const ALL: [(Self, &'static str); 20] = [
        (Self::Fileinto, "fileinto"),
        (Self::Envelope, "envelope"),
        (Self::EncodedCharacter, "encoded-character"),
        (Self::Reject, "reject"),
        (Self::Ereject, "ereject"),
        (Self::Copy, "copy"),
        (Self::Vacation, "vacation"),
        (Self::VacationSeconds, "vacation-seconds"),
        (Self::Relational, "relational"),
        (Self::Subaddress, "subaddress"),
        (Self::Flags, "imap4flags"),
        (Self::Mailbox, "mailbox"),
        (Self::Variables, "variables"),
        (Self::Date, "date"),
        (Self::Index, "index"),
        (Self::Body, "body"),
        (Self::AsciiNumeric, "comparator-i;ascii-numeric"),
        (Self::UnicodeCasemap, "comparator-i;unicode-casemap"),
        (Self::Octet, "comparator-i;octet"),
        (Self::AsciiCasemap, "comparator-i;ascii-casemap"),
    ];

    /// The extension of that name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(one, _)| one)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(one, _)| *one == self).map_or("", |(_, name)| name)
    }
}

/// The comparators.
pub const COMPARATORS: [&str; 4] = ["i;ascii-casemap", "i;octet", "i;ascii-numeric", "i;unicode-casemap"];

/// What a script may ask for, as ManageSieve tells it (RFC 5804 section 1.7).
pub fn capabilities() -> impl Iterator<Item = &'static str> {
    let implied = |one: &Extension| matches!(one, Extension::Octet | Extension::AsciiCasemap);
    Extension::ALL.into_iter().filter(move |(one, _)| !implied(one)).map(|(_, name)| name)
}

/// Which of them a script has asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Required(u32);

impl Required {
    pub(crate) fn add(&mut self, extension: Extension) {
        self.0 |= 1 << extension as u32;
        // RFC 6131 section 2: asking for seconds asks for vacation.
        if extension == Extension::VacationSeconds {
            self.add(Extension::Vacation);
        }
    }

    pub(crate) fn has(self, extension: Extension) -> bool {
        self.0 & (1 << extension as u32) != 0
    }
}
