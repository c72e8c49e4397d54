//! Names of collections and of DAV items: one segment of a path.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Longest name in bytes: what file systems and clients agree on.
pub const NAME_BYTES_MAX: usize = 255;
/// Deepest path: more is refused so that walks stay short.
pub const PATH_DEPTH_MAX: usize = 32;

/// One path segment: not empty, no `/`, NUL or other control character, not `.` or `..`, at most [`NAME_BYTES_MAX`] bytes.
/// Nothing on disk is named by it: files are numbered, so a name can never leave the data folder.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Arc<str>", into = "Arc<str>")]
pub struct Name(Arc<str>);

/// Why a text is not a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameError {
    /// Nothing there.
    Empty,
    /// More than [`NAME_BYTES_MAX`] bytes, or a path deeper than [`PATH_DEPTH_MAX`].
    TooLong,
    /// `.`, `..`, `/` or a control character.
    Forbidden,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the name is empty",
            Self::TooLong => "the name is too long",
            Self::Forbidden => "the name contains a character that is not allowed",
        })
    }
}

impl std::error::Error for NameError {}

impl Name {
    /// Check and take a name.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > NAME_BYTES_MAX {
            return Err(NameError::TooLong);
        }
        if text == "." || text == ".." || text.chars().any(|c| c == '/' || c.is_control()) {
            return Err(NameError::Forbidden);
        }
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<Arc<str>> for Name {
    type Error = NameError;
    fn try_from(text: Arc<str>) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl From<Name> for Arc<str> {
    fn from(name: Name) -> Self {
        name.0
    }
}

/// Names from the top of somebody's tree down, at most [`PATH_DEPTH_MAX`] of them. Empty is the top itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Path(Vec<Name>);

impl Path {
    /// The top.
    pub fn top() -> Self {
        Self::default()
    }

    /// Split `text` at `separator`; each segment must be a valid name.
    pub fn parse(text: &str, separator: char) -> Result<Self, NameError> {
        Self::from_names(text.split(separator).map(Name::new).collect::<Result<_, _>>()?)
    }

    /// From names that are already checked.
    pub fn from_names(names: Vec<Name>) -> Result<Self, NameError> {
        if names.len() > PATH_DEPTH_MAX { Err(NameError::TooLong) } else { Ok(Self(names)) }
    }

    /// The segments, from the top down.
    pub fn names(&self) -> &[Name] {
        &self.0
    }

    /// The path with one more segment.
    pub fn child(&self, name: Name) -> Result<Self, NameError> {
        let mut names = self.0.clone();
        names.push(name);
        Self::from_names(names)
    }

    /// The path without its last segment, and that segment; `None` at the top.
    pub fn split_last(&self) -> Option<(Self, &Name)> {
        let (last, rest) = self.0.split_last()?;
        Some((Self(rest.to_vec()), last))
    }

    /// The segments joined by `separator`.
    pub fn join(&self, separator: &str) -> String {
        self.0.iter().map(Name::as_str).collect::<Vec<_>>().join(separator)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn nothing_climbs() {
        for bad in ["", ".", "..", "a/b", "a\0", "a\r\n"] {
            assert!(Name::new(bad).is_err(), "{bad:?}");
        }
        assert!(Path::parse("a/../b", '/').is_err());
        assert_eq!(Path::parse("Actes/2026", '/').unwrap().join("/"), "Actes/2026");
    }
}
