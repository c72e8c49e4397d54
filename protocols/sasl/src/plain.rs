//! The one message of PLAIN (RFC 4616 section 2), and a text of LOGIN.

/// User name and secret of `[authzid] NUL authcid NUL passwd`. Nobody acts for somebody else, so an authorisation identity may only repeat
/// the user name.
pub fn plain(response: &[u8]) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(response).ok()?;
    let mut parts = text.split('\0');
    let (identity, user, secret) = (parts.next()?, parts.next()?, parts.next()?);
    let own = identity.is_empty() || identity.eq_ignore_ascii_case(user);
    (parts.next().is_none() && own && !user.is_empty() && !secret.is_empty()).then_some((user, secret))
}

/// A user name or a secret that is a message by itself.
pub fn text(response: &[u8]) -> Option<&str> {
    std::str::from_utf8(response).ok().filter(|text| !text.contains('\0'))
}
