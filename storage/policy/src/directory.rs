//! Whom people of a profile see in the organisation's directory: nobody, unless the profiles file says so.

/// Whom a profile sees.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Directory {
    pub(crate) everybody: bool,
    pub(crate) profiles: Vec<String>,
    pub(crate) groups: bool,
}

impl Directory {
    /// There is something to see.
    pub fn shows_anything(&self) -> bool {
        self.everybody || !self.profiles.is_empty()
    }

    /// Are people of that profile in it?
    pub fn shows(&self, profile: &str) -> bool {
        self.everybody || self.profiles.iter().any(|shown| shown == profile)
    }

    /// Groups are in it, with those of their members that are. Never without any people.
    pub fn shows_groups(&self) -> bool {
        self.groups && self.shows_anything()
    }
}
