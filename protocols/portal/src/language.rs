//! Which language a visitor reads: the one they chose (a cookie), or else by `Accept-Language` (RFC 9110 section 12.5.4).

use http::header::{ACCEPT_LANGUAGE, COOKIE};
use http::{HeaderMap, HeaderValue};

/// Ranges that are looked at.
const RANGES_MAX: usize = 20;
/// The cookie with the choice.
const COOKIE_NAME: &str = "__Host-octroi-language";

/// A language that the portal speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    French,
}

impl Language {
    /// Every one, in the order of the switch.
    pub(crate) const ALL: [Self; 2] = [Self::French, Self::English];

    /// The one that was chosen; else the one that the browser likes best; English if neither is named.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        chosen(headers).unwrap_or_else(|| accepted(headers))
    }

    /// Its tag.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
        }
    }

    /// Its own name for itself.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::French => "Français",
        }
    }

    /// By its tag.
    pub(crate) fn parse(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }

    /// The header that keeps the choice for a year.
    pub(crate) fn set_cookie(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::English => "__Host-octroi-language=en; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=31536000",
            Self::French => "__Host-octroi-language=fr; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=31536000",
        })
    }
}

fn chosen(headers: &HeaderMap) -> Option<Language> {
    let mut pairs = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    pairs.find_map(|pair| Language::parse(pair.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('=')?))
}

fn accepted(headers: &HeaderMap) -> Language {
    let ranges = headers.get_all(ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let mut best = (0, Language::English);
    for (language, weight) in ranges.take(RANGES_MAX).filter_map(range) {
        if weight > best.0 {
            best = (weight, language);
        }
    }
    best.1
}

/// A language range and its weight in thousandths; the first of equals counts.
fn range(range: &str) -> Option<(Language, u32)> {
    let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
    let language = Language::parse(&tag.trim().split('-').next()?.to_ascii_lowercase())?;
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

    #[test]
    fn a_choice_wins_over_what_the_browser_likes() {
        let of = |cookie: &str| {
            Language::of(&[(ACCEPT_LANGUAGE, "fr".parse().unwrap()), (COOKIE, cookie.parse().unwrap())].into_iter().collect())
        };
        assert_eq!(of("a=b; __Host-octroi-language=en"), Language::English);
        for nothing in ["__Host-octroi-language=de", "__Host-octroi-languages=en", "x__Host-octroi-language=en", ""] {
            assert_eq!(of(nothing), Language::French, "{nothing}");
        }
        for language in Language::ALL {
            let cookie = language.set_cookie();
            assert_eq!(of(cookie.to_str().unwrap().split(';').next().unwrap()), language);
        }
    }
}
