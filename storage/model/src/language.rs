//! Languages in which the server names things for people.

use crate::SpecialUse;

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// French.
    French,
}

impl Language {
    /// All, with their tags.
    pub const ALL: [(Self, &'static str); 2] = [(Self::English, "en"), (Self::French, "fr")];

    /// By its tag.
    pub fn parse(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == tag).map(|(language, _)| language)
    }
}

impl SpecialUse {
    /// What a mailbox of this use is called. No two uses have one name, in whichever languages.
    pub fn name_in(self, language: Language) -> &'static str {
        match (language, self) {
            (Language::English, Self::Archive) => "Archive",
            (Language::English, Self::Drafts) => "Drafts",
            (Language::English, Self::Junk) => "Junk",
            (Language::English, Self::Sent) => "Sent",
            (Language::English, Self::Trash) => "Trash",
            (Language::French, Self::Archive) => "Archives",
            (Language::French, Self::Drafts) => "Brouillons",
            (Language::French, Self::Junk) => "Indésirables",
            (Language::French, Self::Sent) => "Envoyés",
            (Language::French, Self::Trash) => "Corbeille",
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::Name;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_names_and_differ() {
        let named = |(language, _)| SpecialUse::ALL.map(|(special_use, _)| special_use.name_in(language));
        let names: BTreeSet<&str> = Language::ALL.into_iter().flat_map(named).collect();
        assert_eq!(names.len(), Language::ALL.len() * SpecialUse::ALL.len());
        // As they are stored, so that they can be compared with what a client sends.
        for name in names {
            assert_eq!(Name::new(name).unwrap().as_str(), name);
        }
        for (language, tag) in Language::ALL {
            assert_eq!(Language::parse(tag), Some(language));
        }
        assert_eq!(Language::parse("FR-fr"), None);
    }
}
