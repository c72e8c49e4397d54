//! ID. RFC 2971.

use crate::reply::{Done, Reply};
use crate::state::State;
use crate::wire::Wire;
use imap_codec::imap_types::core::{IString, NString};
use imap_codec::imap_types::response::Data;

/// Characters of a client's name that are kept for the audit.
const CLIENT_CHARACTERS_MAX: usize = 100;
/// RFC 2971 section 3.3.
const FIELDS_MAX: usize = 30;

/// ID.
pub(crate) async fn id(wire: &mut Wire, state: &mut State, parameters: Option<Vec<(IString<'_>, NString<'_>)>>) -> Done {
    let parameters = parameters.unwrap_or_default();
    if parameters.len() > FIELDS_MAX {
        return Err(Reply::bad("At most 30 fields").into());
    }
    if let Ok(visitor) = state.visitor() {
        visitor.client = client(parameters);
    }
    // Only the name: a version would tell which attacks to try.
    let ours = ("name", "Octroi");
    let parameters = IString::try_from(ours.0).ok().zip(NString::try_from(ours.1).ok()).map(|pair| vec![pair]);
    wire.data(Data::Id { parameters }).await?;
    Ok(Reply::ok("Done"))
}

/// Name and version as one harmless line.
fn client(parameters: Vec<(IString<'_>, NString<'_>)>) -> Option<String> {
    let (mut name, mut version) = (None, None);
    for (field, value) in parameters {
        let slot = match field.as_ref().to_ascii_lowercase().as_slice() {
            b"name" => &mut name,
            b"version" => &mut version,
            _ => continue,
        };
        *slot = value.into_option().map(|octets| String::from_utf8_lossy(&octets).into_owned());
    }
    let text: Vec<String> = [name, version].into_iter().flatten().collect();
    let text: String = text.join(" ").chars().filter(|c| !c.is_control()).take(CLIENT_CHARACTERS_MAX).collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_client_cannot_write_lines_into_the_audit() {
        let pair = |field: &'static str, value: &'static str| (IString::try_from(field).unwrap(), NString::try_from(value).unwrap());
        let named = client(vec![pair("Version", "1.0\r\nroot"), pair("os", "x"), pair("NAME", "Thunderbird")]);
        assert_eq!(named.as_deref(), Some("Thunderbird 1.0root"));
        assert_eq!(client(Vec::new()), None);
    }
}
