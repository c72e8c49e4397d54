//! Path patterns: `*` within one segment, `**` for any number of segments.
//!
//! Used by the rules of a profile. What always holds: a match takes at most (octets of the path) × (octets of the pattern) steps,
//! whatever either contains, as after a mismatch only the last star is ever tried again.

use std::fmt;

/// Longest pattern, in octets: bounds the work of one match.
pub const PATTERN_BYTES_MAX: usize = 512;

/// A checked pattern. There is no way to write a literal `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Segment>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    /// `**`
    AnyDepth,
    /// One segment without a star.
    Exact(String),
    /// One segment with `*` in it.
    Glob(String),
}

/// Why a text is not a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternError {
    /// Nothing between two slashes, or at one end.
    EmptySegment,
    /// `**` beside other characters.
    Stars,
    /// More than [`PATTERN_BYTES_MAX`] octets.
    TooLong,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmptySegment => "a path pattern has no empty segment and neither begins nor ends with '/'",
            Self::Stars => "'**' stands alone between slashes",
            Self::TooLong => "the path pattern is too long",
        })
    }
}

impl std::error::Error for PatternError {}

impl Pattern {
    /// Check and take a pattern.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.len() > PATTERN_BYTES_MAX {
            return Err(PatternError::TooLong);
        }
        let segment = |text: &str| match text {
            "" => Err(PatternError::EmptySegment),
            "**" => Ok(Segment::AnyDepth),
            _ if text.contains("**") => Err(PatternError::Stars),
            _ if text.contains('*') => Ok(Segment::Glob(text.to_owned())),
            _ => Ok(Segment::Exact(text.to_owned())),
        };
        Ok(Self(text.split('/').map(segment).collect::<Result<_, _>>()?))
    }

    /// Does the whole of `path`, whose segments are separated by `/`, fit?
    pub fn matches(&self, path: &str) -> bool {
        self.fits(Segments { head: None, rest: Some(path) })
    }

    /// Does `area/path` fit, or `area` alone if the path is empty? Allocates nothing: this is asked for every rule of every decision.
    pub(crate) fn matches_in(&self, area: &str, path: &str) -> bool {
        self.fits(Segments { head: Some(area), rest: (!path.is_empty()).then_some(path) })
    }

    fn fits(&self, path: Segments<'_>) -> bool {
        let is_star = |segment: &Segment| *segment == Segment::AnyDepth;
        let fits = |segment: &Segment, name: &str| match segment {
            Segment::AnyDepth => false,
            Segment::Exact(exact) => exact == name,
            Segment::Glob(glob) => wild(glob.as_bytes(), name.bytes(), |g| *g == b'*', |g, n| *g == n),
        };
        wild(&self.0, path, is_star, fits)
    }

    /// The first segment, as written, unless it is `**`.
    pub(crate) fn first(&self) -> Option<&str> {
        match self.0.first() {
            Some(Segment::Exact(text) | Segment::Glob(text)) => Some(text),
            Some(Segment::AnyDepth) | None => None,
        }
    }
}

/// The segments of a path, one after the other; an area may stand before them.
#[derive(Clone)]
struct Segments<'a> {
    head: Option<&'a str>,
    rest: Option<&'a str>,
}

impl<'a> Iterator for Segments<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.head.is_some() {
            return self.head.take();
        }
        let rest = self.rest?;
        let (segment, later) = match rest.bytes().position(|b| b == b'/') {
            Some(slash) => (&rest[..slash], Some(&rest[slash + 1..])),
            None => (rest, None),
        };
        self.rest = later;
        Some(segment)
    }
}

/// Does `text` fit `pattern`, in which a star stands for any number of elements? Greedy: if what follows the last star
/// can match at all, it matches where it is found first, so earlier stars need no second try.
fn wild<P, T>(
    pattern: &[P],
    mut text: impl Iterator<Item = T> + Clone,
    is_star: impl Fn(&P) -> bool,
    fits: impl Fn(&P, T) -> bool,
) -> bool {
    let mut p = 0;
    // Behind the last star, and where in the text the elements after it were tried last.
    let mut retry = None;
    loop {
        if p < pattern.len() && is_star(&pattern[p]) {
            p += 1;
            retry = Some((p, text.clone()));
            continue;
        }
        let mut ahead = text.clone();
        let Some(element) = ahead.next() else { break };
        if p < pattern.len() && fits(&pattern[p], element) {
            p += 1;
            text = ahead;
        } else if let Some((after_star, tried)) = &mut retry {
            tried.next();
            p = *after_star;
            text = tried.clone();
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(is_star)
}
