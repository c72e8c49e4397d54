//! Which language a visitor reads, by `Accept-Language` (RFC 9110 section 12.5.4).

use crate::texts::{ENGLISH, FRENCH, Texts};
use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;

/// Ranges that are looked at.
const RANGES_MAX: usize = 20;

/// A language that the portal speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    French,
}

impl Language {
    /// The one that the visitor likes best; English if neither is named.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let ranges = headers.get_all(ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        let mut best = (0, Self::English);
        for (language, weight) in ranges.take(RANGES_MAX).filter_map(range) {
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }

    /// All that the portal says.
    pub(crate) fn texts(self) -> &'static Texts {
        match self {
            Self::English => &ENGLISH,
            Self::French => &FRENCH,
        }
    }
}

/// A language range and its weight in thousandths; the first of equals counts.
fn range(range: &str) -> Option<(Language, u32)> {
    let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
    let language = match tag.trim().split('-').next()?.to_ascii_lowercase().as_str() {
        "fr" => Language::French,
        "en" => Language::English,
        _ => return None,
    };
    let weight = match parameters.trim().strip_prefix("q=") {
        None => 1000,
        Some(weight) => (weight.trim().parse::<f32>().ok()?.clamp(0.0, 1.0) * 1000.0) as u32,
    };
    Some((language, weight))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_heavier_language_wins() {
        let of = |value: &str| Language::of(&[(ACCEPT_LANGUAGE, value.parse().unwrap())].into_iter().collect());
        assert_eq!(of("fr-CH, fr;q=0.9, en;q=0.8"), Language::French);
        assert_eq!(of("de, en;q=0.5, fr;q=0.7"), Language::French);
        assert_eq!(of("en-GB,en;q=0.9,fr;q=0.8"), Language::English);
        assert_eq!(of("de"), Language::English);
        assert_eq!(of("fr;q=0, en;q=NaN"), Language::English);
        assert_eq!(Language::of(&HeaderMap::new()), Language::English);
    }
}
