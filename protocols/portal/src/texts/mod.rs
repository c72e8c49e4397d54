//! All that the portal says, a file for each area, English and French side by side: what lacks one of them does not compile.
//!
//! Pages take an area's texts with `Area::of(language)`.

pub(crate) mod accounts;
pub(crate) mod app_passwords;
pub(crate) mod audit;
pub(crate) mod calendars;
pub(crate) mod connect;
pub(crate) mod devices;
pub(crate) mod factors;
pub(crate) mod files;
pub(crate) mod filters;
pub(crate) mod frame;
pub(crate) mod help;
pub(crate) mod missing;
pub(crate) mod notices;
pub(crate) mod overview;
pub(crate) mod password;
pub(crate) mod planning;
pub(crate) mod refusals;
pub(crate) mod rules;
pub(crate) mod sessions;
pub(crate) mod shares;
pub(crate) mod sign_in;

/// An area's texts: a struct with a field for each, and the struct's value in each language.
macro_rules! texts {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $english:literal, $french:literal;)* }) => {
        $(#[$doc])*
        pub(crate) struct $name {
            $(pub $field: &'static str,)*
        }

        impl $name {
            const ENGLISH: Self = Self { $($field: $english,)* };
            const FRENCH: Self = Self { $($field: $french,)* };

            /// In that language.
            pub(crate) fn of(language: $crate::language::Language) -> &'static Self {
                match language {
                    $crate::language::Language::English => &Self::ENGLISH,
                    $crate::language::Language::French => &Self::FRENCH,
                }
            }
        }
    };
}
pub(crate) use texts;
