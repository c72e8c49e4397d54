//! What an app password was narrowed to, as it is decided by: read from its record in one way, for sessions and for explaining.

use octroi_model::{Narrowing, Rights};
use octroi_policy::{Pattern, SecondFactor};

/// The collections that a credential was narrowed to; `None`: all.
#[derive(Default)]
pub(crate) struct Folders(Option<Vec<(Pattern, Rights)>>);

impl Folders {
    /// A pattern that cannot be understood (any more) opens nothing.
    pub(crate) fn of(narrowing: &Narrowing) -> Self {
        let patterns = narrowing.folders.iter().filter_map(|(text, rights)| Some((Pattern::parse(text).ok()?, *rights)));
        Self((!narrowing.folders.is_empty()).then(|| patterns.collect()))
    }

    /// What they leave of rights at `area/path`, as the owner's programs name it.
    pub(crate) fn leave(&self, rights: Rights, path: &str) -> Rights {
        let Some(folders) = &self.0 else { return rights };
        let fitting = folders.iter().filter(|(pattern, _)| pattern.matches(path.trim_end_matches('/')));
        rights & fitting.fold(Rights::NONE, |sum, (_, rights)| sum | *rights)
    }
}

/// What a new device or network needs beyond the profile; what cannot be understood (any more) is taken for the strictest.
pub(crate) fn confirm(narrowing: &Narrowing) -> Option<SecondFactor> {
    narrowing.confirm.as_ref().map(|text| text.parse().unwrap_or(SecondFactor::Within(1)))
}
