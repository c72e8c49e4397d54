//! A script as it is run: every name is known, every argument is where it belongs.

use crate::limits::Limits;
use crate::text::Text;

/// A script that can be run.
#[derive(Debug)]
pub struct Script {
    pub(crate) commands: Vec<Command>,
    pub(crate) limits: Limits,
}

/// A command with the line it stands on.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) line: u32,
    pub(crate) what: What,
}

#[derive(Debug)]
pub(crate) enum What {
    /// `if`, `elsif` and `else`: the first whose test holds.
    If {
        branches: Vec<(Test, Vec<Command>)>,
        otherwise: Vec<Command>,
    },
    Stop,
    Keep {
        flags: Option<Vec<Text>>,
    },
    Discard,
    FileInto {
        mailbox: Text,
        copy: bool,
        create: bool,
        flags: Option<Vec<Text>>,
    },
    Redirect {
        to: Text,
        copy: bool,
    },
    Reject {
        reason: Text,
        way: Way,
    },
    Vacation(Box<Vacation>),
    Flags {
        edit: FlagEdit,
        variable: Option<Text>,
        flags: Vec<Text>,
    },
    Set {
        name: String,
        modifiers: Vec<Modifier>,
        value: Text,
    },
}

/// Which of RFC 5429's two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Reject,
    Ereject,
}

/// RFC 5230 section 4.
#[derive(Debug)]
pub(crate) struct Vacation {
    pub(crate) seconds: Option<u64>,
    pub(crate) subject: Option<Text>,
    pub(crate) from: Option<Text>,
    pub(crate) addresses: Vec<Text>,
    pub(crate) mime: bool,
    pub(crate) handle: Option<Text>,
    pub(crate) reason: Text,
}

/// RFC 5232 section 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FlagEdit {
    Set,
    Add,
    Remove,
}

/// RFC 5229 section 4.1, in the order in which they are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Modifier {
    Lower,
    Upper,
    LowerFirst,
    UpperFirst,
    QuoteWildcard,
    Length,
}

impl Modifier {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "lower" => Self::Lower,
            "upper" => Self::Upper,
            "lowerfirst" => Self::LowerFirst,
            "upperfirst" => Self::UpperFirst,
            "quotewildcard" => Self::QuoteWildcard,
            "length" => Self::Length,
            _ => return None,
        })
    }

    /// Two of the same precedence exclude one another.
    pub(crate) fn precedence(self) -> u8 {
        match self {
            Self::Lower | Self::Upper => 40,
            Self::LowerFirst | Self::UpperFirst => 30,
            Self::QuoteWildcard => 20,
            Self::Length => 10,
        }
    }
}

#[derive(Debug)]
pub(crate) enum Test {
    True,
    False,
    Not(Box<Test>),
    All(Vec<Test>),
    Any(Vec<Test>),
    Size { over: bool, than: u64 },
    Exists(Vec<Text>),
    Header { headers: Vec<Text>, index: Index, matching: Match, keys: Vec<Text> },
    Address { headers: Vec<Text>, part: AddressPart, index: Index, matching: Match, keys: Vec<Text> },
    Envelope { parts: Vec<Text>, part: AddressPart, matching: Match, keys: Vec<Text> },
    String { sources: Vec<Text>, matching: Match, keys: Vec<Text> },
    HasFlag { variables: Option<Vec<Text>>, matching: Match, keys: Vec<Text> },
    MailboxExists(Vec<Text>),
    Date { header: Text, index: Index, zone: Zone, part: DatePart, matching: Match, keys: Vec<Text> },
    CurrentDate { zone: Zone, part: DatePart, matching: Match, keys: Vec<Text> },
    Body { transform: Transform, matching: Match, keys: Vec<Text> },
}

/// How values and keys are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) kind: MatchKind,
    pub(crate) comparator: Comparator,
}

/// RFC 5228 section 2.7.1, RFC 5231.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MatchKind {
    Is,
    Contains,
    Matches,
    Count(Relation),
    Value(Relation),
}

/// RFC 5231 section 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    Gt,
    Ge,
    Lt,
    Le,
    Eq,
    Ne,
}

/// RFC 4790.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparator {
    Octet,
    AsciiCasemap,
    AsciiNumeric,
    UnicodeCasemap,
}

/// RFC 5228 section 2.7.4, RFC 5233.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AddressPart {
    All,
    Local,
    Domain,
    User,
    Detail,
}

/// RFC 5260 section 6: which field of that name, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Index {
    Every,
    First(u64),
    Last(u64),
}

/// RFC 5260 section 4.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Zone {
    /// The server's, which is UTC.
    Local,
    Original,
    /// Minutes east of UTC.
    Offset(i32),
}

/// RFC 5260 section 4.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DatePart {
    Year,
    Month,
    Day,
    Date,
    Julian,
    Hour,
    Minute,
    Second,
    Time,
    Iso8601,
    Std11,
    Zone,
    Weekday,
}

/// RFC 5173 section 5.
#[derive(Debug)]
pub(crate) enum Transform {
    Raw,
    Text,
    Content(Vec<Text>),
}
