//! Octets of a command to what it asks for. A command that is malformed does nothing.

use std::borrow::Cow;
use zeroize::Zeroizing;

/// Octets of a quoted string (RFC 5804 section 4).
const QUOTED_BYTES_MAX: usize = 1024;

/// What a client asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Authenticate {
        mechanism: String,
        initial: Option<Zeroizing<Vec<u8>>>,
    },
    Capability,
    CheckScript {
        script: String,
    },
    DeleteScript {
        name: String,
    },
    GetScript {
        name: String,
    },
    HaveSpace {
        name: String,
        bytes: u64,
    },
    ListScripts,
    Logout,
    Noop {
        tag: Option<String>,
    },
    PutScript {
        name: String,
        script: String,
    },
    RenameScript {
        from: String,
        to: String,
    },
    /// Empty: none.
    SetActive {
        name: String,
    },
    StartTls,
    Unauthenticate,
}

/// Why there is no request, for the client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) Cow<'static, str>);

fn malformed<T>(text: impl Into<Cow<'static, str>>) -> Result<T, Malformed> {
    Err(Malformed(text.into()))
}

enum Argument {
    Text(Zeroizing<Vec<u8>>),
    Number(u64),
}

/// Read a command, its literals in their places and without its last line end.
pub(crate) fn parse(octets: &[u8]) -> Result<Request, Malformed> {
    let end = octets.iter().position(|octet| !octet.is_ascii_alphanumeric()).unwrap_or(octets.len());
    let name = String::from_utf8_lossy(&octets[..end]).to_ascii_uppercase();
    if name.is_empty() {
        return malformed("A command begins with its name");
    }
    let mut arguments = arguments(&octets[end..])?.into_iter();
    let mut text = || match arguments.next() {
        Some(Argument::Text(octets)) => utf8(&octets),
        Some(Argument::Number(_)) => malformed("A string is expected, not a number"),
        None => malformed("An argument is missing"),
    };
    let request = match name.as_str() {
        "AUTHENTICATE" => Request::Authenticate { mechanism: text()?, initial: initial(&mut arguments)? },
        "CAPABILITY" => Request::Capability,
        "CHECKSCRIPT" => Request::CheckScript { script: text()? },
        "DELETESCRIPT" => Request::DeleteScript { name: text()? },
        "GETSCRIPT" => Request::GetScript { name: text()? },
        "HAVESPACE" => Request::HaveSpace { name: text()?, bytes: number(&mut arguments)? },
        "LISTSCRIPTS" => Request::ListScripts,
        "LOGOUT" => Request::Logout,
        "NOOP" => Request::Noop { tag: initial(&mut arguments)?.map(|tag| utf8(&tag)).transpose()? },
        "PUTSCRIPT" => Request::PutScript { name: text()?, script: text()? },
        "RENAMESCRIPT" => Request::RenameScript { from: text()?, to: text()? },
        "SETACTIVE" => Request::SetActive { name: text()? },
        "STARTTLS" => Request::StartTls,
        "UNAUTHENTICATE" => Request::Unauthenticate,
        _ => return malformed("The command is not known"),
    };
    if arguments.next().is_some() { malformed("There is an argument too many") } else { Ok(request) }
}

fn utf8(octets: &[u8]) -> Result<String, Malformed> {
    String::from_utf8(octets.to_vec()).map_err(|_| Malformed("A string is not UTF-8".into()))
}

fn initial(arguments: &mut impl Iterator<Item = Argument>) -> Result<Option<Zeroizing<Vec<u8>>>, Malformed> {
    match arguments.next() {
        None => Ok(None),
        Some(Argument::Text(octets)) => Ok(Some(octets)),
        Some(Argument::Number(_)) => malformed("A string is expected, not a number"),
    }
}

fn number(arguments: &mut impl Iterator<Item = Argument>) -> Result<u64, Malformed> {
    match arguments.next() {
        Some(Argument::Number(number)) => Ok(number),
        _ => malformed("A number is expected"),
    }
}

/// One string alone, as in an exchange of SASL.
pub(super) fn string(octets: &[u8]) -> Result<Zeroizing<Vec<u8>>, Malformed> {
    match take(octets)? {
        (Argument::Text(text), b"") => Ok(text),
        _ => malformed("A string alone is expected"),
    }
}

fn arguments(mut rest: &[u8]) -> Result<Vec<Argument>, Malformed> {
    let mut found = Vec::new();
    while let Some((b' ', after)) = rest.split_first() {
        // Spaces at the end are the commonest slip.
        let after = after.trim_ascii_start();
        if after.is_empty() {
            return Ok(found);
        }
        let (argument, left) = take(after)?;
        found.push(argument);
        rest = left;
    }
    if rest.is_empty() { Ok(found) } else { malformed("Arguments are separated by a space") }
}

fn take(octets: &[u8]) -> Result<(Argument, &[u8]), Malformed> {
    match octets.first() {
        Some(b'"') => quoted(&octets[1..]),
        Some(b'{') => literal(&octets[1..]),
        Some(digit) if digit.is_ascii_digit() => {
            let end = octets.iter().position(|octet| !octet.is_ascii_digit()).unwrap_or(octets.len());
            let number = std::str::from_utf8(&octets[..end]).ok().and_then(|digits| digits.parse::<u32>().ok());
            match number {
                Some(number) => Ok((Argument::Number(u64::from(number)), &octets[end..])),
                None => malformed("The number is too large"),
            }
        }
        _ => malformed("A string or a number is expected"),
    }
}

fn quoted(octets: &[u8]) -> Result<(Argument, &[u8]), Malformed> {
    let mut text = Zeroizing::new(Vec::new());
    let mut at = 0;
    while let Some(octet) = octets.get(at) {
        at += 1;
        match octet {
            b'"' => return Ok((Argument::Text(text), &octets[at..])),
            b'\\' => match octets.get(at) {
                Some(escaped @ (b'"' | b'\\')) => {
                    text.push(*escaped);
                    at += 1;
                }
                _ => return malformed("Only a quote and a backslash are escaped"),
            },
            b'\r' | b'\n' | 0 => return malformed("A line end in a string needs a literal"),
            other => text.push(*other),
        }
        if text.len() > QUOTED_BYTES_MAX {
            return malformed("The quoted string is too long: use a literal");
        }
    }
    malformed("The string has no end")
}

/// Behind the brace: `number+}`, a line end, and so many octets, which the input has read already.
fn literal(octets: &[u8]) -> Result<(Argument, &[u8]), Malformed> {
    let close = octets.iter().position(|octet| *octet == b'}').ok_or(Malformed("The literal is malformed".into()))?;
    let size = announced(&octets[..close]).and_then(|size| usize::try_from(size).ok());
    let (Some(size), Some(text)) = (size, octets[close + 1..].strip_prefix(b"\r\n")) else {
        return malformed("A literal is `{number+}` at the end of its line");
    };
    match text.split_at_checked(size) {
        Some((text, rest)) => Ok((Argument::Text(Zeroizing::new(text.to_vec())), rest)),
        None => malformed("The literal is cut"),
    }
}

/// RFC 5804 section 4, literal-c2s: the `number+` of a literal.
fn announced(inner: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(inner.strip_suffix(b"+")?).ok()?;
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then(|| digits.parse::<u32>().ok().map(u64::from)).flatten()
}

/// The octets of the literal that is announced at the end of a line, if one is.
pub(super) fn literal_behind(line: &[u8]) -> Option<u64> {
    let inner = line.strip_suffix(b"}")?;
    let open = inner.iter().rposition(|octet| *octet == b'{')?;
    announced(&inner[open + 1..])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> String {
        text.to_owned()
    }

    /// RFC 5804 section 2.
    #[test]
    fn examples_of_the_rfc() {
        for (octets, request) in [
            (&b"CAPABILITY"[..], Request::Capability),
            (b"noop", Request::Noop { tag: None }),
            (b"NOOP \"STARTTLS-SYNC-42\"", Request::Noop { tag: Some(name("STARTTLS-SYNC-42")) }),
            (b"HAVESPACE \"myscript\" 999999", Request::HaveSpace { name: name("myscript"), bytes: 999_999 }),
            (b"PUTSCRIPT \"foo\" {7+}\r\n#com\r\nx", Request::PutScript { name: name("foo"), script: name("#com\r\nx") }),
            (b"PutScript {3+}\r\nfoo \"a\\\"b\\\\\" ", Request::PutScript { name: name("foo"), script: name("a\"b\\") }),
            (b"SETACTIVE \"\"", Request::SetActive { name: name("") }),
            (b"RENAMESCRIPT \"foo\" \"bar\"", Request::RenameScript { from: name("foo"), to: name("bar") }),
            (b"Authenticate \"GSSAPI\"", Request::Authenticate { mechanism: name("GSSAPI"), initial: None }),
            (b"CHECKSCRIPT {0+}\r\n", Request::CheckScript { script: name("") }),
        ] {
            assert_eq!(parse(octets), Ok(request), "{octets:?}");
        }
        let octets = b"AUTHENTICATE \"PLAIN\" {4+}\r\nQUFB";
        assert_eq!(parse(octets), Ok(Request::Authenticate { mechanism: name("PLAIN"), initial: Some(Zeroizing::new(b"QUFB".to_vec())) }));
    }

    #[test]
    fn what_is_malformed_does_nothing() {
        for octets in [
            &b""[..],
            b" NOOP",
            b"FROB",
            b"NOOP x",
            b"NOOP \"a",
            b"NOOP \"a\\n\"",
            b"NOOP \"a\"\"b\"",
            b"NOOP \"a\" \"b\"",
            b"GETSCRIPT",
            b"GETSCRIPT 5",
            b"GETSCRIPT \"\xff\"",
            b"HAVESPACE \"a\"",
            b"HAVESPACE \"a\" 99999999999",
            b"PUTSCRIPT \"a\" {3}\r\nabc",
            b"PUTSCRIPT \"a\" {4+}\r\nabc",
            b"PUTSCRIPT \"a\" {3+}abc",
            b"LOGOUT now",
        ] {
            assert!(parse(octets).is_err(), "{octets:?}");
        }
        assert!(parse(format!("NOOP \"{}\"", "a".repeat(1025)).as_bytes()).is_err());
    }

    #[test]
    fn literals_are_announced_at_the_end_of_a_line() {
        assert_eq!(literal_behind(b"PUTSCRIPT \"a\" {31+}"), Some(31));
        for line in [&b"PUTSCRIPT \"a\" {31}"[..], b"{+}", b"{99999999999+}", b"{3+} ", b"3+}", b"{-3+}"] {
            assert_eq!(literal_behind(line), None, "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = parse(&octets);
        }

        #[test]
        fn no_command_panics(command in "(PUTSCRIPT|NOOP|HAVESPACE)( |\"|\\{|\\}|[0-9]|\\+|\r\n|a|\\\\){0,20}") {
            let _ = parse(command.as_bytes());
        }
    }
}
