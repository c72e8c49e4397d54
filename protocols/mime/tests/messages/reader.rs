//! A strict reader of ENVELOPE, BODY and BODYSTRUCTURE as RFC 9051 section 9 defines them; panics where a client would stop.

/// A value between brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Nil,
    Text(Vec<u8>),
    Number(u64),
    List(Vec<Value>),
}

use Value::{List, Nil, Number, Text};

impl Value {
    fn list(&self) -> &[Self] {
        match self {
            List(values) => values,
            other => panic!("a list is wanted: {other:?}"),
        }
    }

    fn is_string(&self) -> bool {
        matches!(self, Text(_))
    }

    fn is_nstring(&self) -> bool {
        matches!(self, Text(_) | Nil)
    }
}

/// Reads one list and nothing after it. Lists stand side by side without a space, everything else has exactly one.
pub(crate) fn read(wire: &[u8]) -> Value {
    let mut stack: Vec<Vec<Value>> = vec![Vec::new()];
    let mut at = 0;
    while at < wire.len() {
        let (value, end) = match wire[at] {
            b'(' => {
                stack.push(Vec::new());
                at += 1;
                continue;
            }
            b')' => {
                let list = stack.pop().unwrap();
                assert!(!list.is_empty(), "no list of the grammar is empty");
                (List(list), at + 1)
            }
            b'"' => quoted(wire, at),
            b'{' => literal(wire, at),
            b'0'..=b'9' => number(wire, at),
            _ => {
                assert!(wire[at..].starts_with(b"NIL"), "{:?}", String::from_utf8_lossy(&wire[at..]));
                (Nil, at + 3)
            }
        };
        let was_list = matches!(value, List(_));
        stack.last_mut().unwrap().push(value);
        at = end;
        match wire.get(at) {
            Some(b' ') => {
                at += 1;
                assert!(!matches!(wire.get(at), None | Some(b' ' | b')')), "a space before nothing");
            }
            Some(b'(') => assert!(was_list, "a list directly after a value"),
            Some(b')') | None => {}
            Some(other) => panic!("{:?} after a value", char::from(*other)),
        }
    }
    assert_eq!(stack.len(), 1, "brackets do not balance");
    let mut values = stack.pop().unwrap();
    assert_eq!(values.len(), 1, "one list and nothing else");
    let value = values.pop().unwrap();
    assert!(matches!(value, List(_)));
    value
}

fn quoted(wire: &[u8], at: usize) -> (Value, usize) {
    let mut text = Vec::new();
    let mut i = at + 1;
    loop {
        match wire[i] {
            b'"' => return (Text(text), i + 1),
            b'\\' => {
                assert!(matches!(wire[i + 1], b'"' | b'\\'));
                text.push(wire[i + 1]);
                i += 2;
            }
            b @ (1..=9 | 11..=12 | 14..=127) => {
                text.push(b);
                i += 1;
            }
            b => panic!("octet {b} in a quoted string"),
        }
    }
}

fn literal(wire: &[u8], at: usize) -> (Value, usize) {
    let (Number(length), end) = number(wire, at + 1) else { unreachable!() };
    assert!(wire[end..].starts_with(b"}\r\n"));
    let start = end + 3;
    let text = &wire[start..start + usize::try_from(length).unwrap()];
    assert!(!text.contains(&0), "NUL in a literal");
    (Text(text.to_vec()), start + text.len())
}

fn number(wire: &[u8], at: usize) -> (Value, usize) {
    let end = (at..wire.len()).find(|&i| !wire[i].is_ascii_digit()).unwrap_or(wire.len());
    (Number(std::str::from_utf8(&wire[at..end]).unwrap().parse().unwrap()), end)
}

/// `envelope`.
pub(crate) fn check_envelope(value: &Value) {
    let fields = value.list();
    assert_eq!(fields.len(), 10);
    for at in [0, 1, 8, 9] {
        assert!(fields[at].is_nstring());
    }
    for list in &fields[2..8] {
        if *list == Nil {
            continue;
        }
        let mut in_group = false;
        for address in list.list() {
            let parts = address.list();
            assert_eq!(parts.len(), 4);
            assert!(parts.iter().all(Value::is_nstring));
            // "NIL indicates end of group; if non-NIL and addr-host is NIL, holds group name".
            if parts[3] == Nil {
                assert_eq!(in_group, parts[2] == Nil);
                in_group = !in_group;
                assert_eq!((&parts[0], &parts[1]), (&Nil, &Nil));
            } else {
                assert!(parts[2].is_string());
            }
        }
        assert!(!in_group);
    }
}

/// `body`, with its extension data or without; gives the number of parts. Goes through children with a list of its own.
pub(crate) fn check_body(value: &Value, extended: bool) -> usize {
    let mut waiting = vec![value];
    let mut parts = 0;
    while let Some(body) = waiting.pop() {
        parts += 1;
        let fields = body.list();
        if matches!(fields[0], List(_)) {
            let children = fields.iter().take_while(|field| matches!(field, List(_))).count();
            waiting.extend(&fields[..children]);
            assert!(fields[children].is_string());
            let rest = &fields[children + 1..];
            if extended {
                check_params(&rest[0]);
                check_end(&rest[1..]);
            } else {
                assert_eq!(rest, []);
            }
            continue;
        }
        let (Text(kind), Text(subtype)) = (&fields[0], &fields[1]) else { panic!("no type") };
        check_params(&fields[2]);
        assert!(fields[3].is_nstring() && fields[4].is_nstring() && fields[5].is_string());
        assert!(matches!(fields[6], Number(_)));
        let mut rest = &fields[7..];
        if kind == b"MESSAGE" && (subtype == b"RFC822" || subtype == b"GLOBAL") {
            check_envelope(&rest[0]);
            waiting.push(&rest[1]);
            rest = &rest[2..];
        }
        if rest.len() < fields.len() - 7 || kind == b"TEXT" {
            assert!(matches!(rest[0], Number(_)), "no lines");
            rest = &rest[1..];
        }
        if extended {
            assert!(rest[0].is_nstring());
            check_end(&rest[1..]);
        } else {
            assert_eq!(rest, []);
        }
    }
    parts
}

/// `body-fld-param`.
fn check_params(value: &Value) {
    if *value != Nil {
        let params = value.list();
        assert!(params.len().is_multiple_of(2) && params.iter().all(Value::is_string));
    }
}

/// `body-fld-dsp SP body-fld-lang SP body-fld-loc`.
fn check_end(fields: &[Value]) {
    let [disposition, languages, location] = fields else { panic!("{fields:?}") };
    if *disposition != Nil {
        let [kind, params] = disposition.list() else { panic!("{disposition:?}") };
        assert!(kind.is_string());
        check_params(params);
    }
    assert!(languages.is_nstring() || languages.list().iter().all(Value::is_string));
    assert!(location.is_nstring());
}

#[test]
fn the_reader_is_strict() {
    assert_eq!(
        read(b"(\"a\\\"\" NIL 12 ({2}\r\nx\n)(NIL))"),
        List(vec![Text(b"a\"".into()), Nil, Number(12), List(vec![Text(b"x\n".into())]), List(vec![Nil])])
    );
}
