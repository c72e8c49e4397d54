//! A card in the other version: vCard 3 (RFC 2426) as vCard 4 (RFC 6350) and back, for who asks for it by content negotiation (RFC 6352 section 5.1.1).
//!
//! Called by reports and GET. What is kept stays as it was put; this is a view of it. What always holds: a line that means the same in both versions is
//! copied octet for octet; what has a form in both is written in the other (RFC 6350 appendix A names the differences); what has none is left out or
//! kept under its name, as both versions allow registered names. Nothing panics.

use crate::card::CardVersion;
use crate::edit::fold;
use crate::tree::{Entry, Node, Tree};

/// A property in pieces.
#[derive(Debug, Clone)]
struct Piece {
    group: String,
    name: String,
    /// Name in upper case, values.
    params: Vec<(String, Vec<String>)>,
    value: String,
}

/// The cards of an object in a version. Cards that are of it already are the octets that were put.
pub fn convert(tree: &Tree<'_>, to: CardVersion) -> Vec<u8> {
    let mut out = Vec::with_capacity(tree.octets.len() + 64);
    for card in &tree.components {
        let version = card.value("VERSION").map(str::trim);
        let (wanted, other) = if to == CardVersion::V4 { ("4.0", "3.0") } else { ("3.0", "4.0") };
        if version != Some(other) || card.name != "VCARD" {
            out.extend_from_slice(&tree.octets[card.range.clone()]);
            continue;
        }
        out.extend_from_slice(&tree.octets[card.begin.clone()]);
        // RFC 6350 section 6.7.9: right behind BEGIN.
        out.extend(fold(&format!("VERSION:{wanted}")));
        for entry in card.properties.iter().filter(|entry| !entry.is("VERSION")) {
            match if to == CardVersion::V4 { newer(entry, card) } else { older(entry) } {
                Some(pieces) => pieces.iter().for_each(|piece| out.extend(fold(&piece.text()))),
                None => out.extend_from_slice(&tree.octets[entry.range.clone()]),
            }
        }
        if to == CardVersion::V3 && card.property("N").is_none() {
            // RFC 2426 section 3.1.2: MUST be present.
            out.extend(fold(&format!("N:{};;;;", card.value("FN").unwrap_or_default().replace(';', "\\;"))));
        }
        out.extend_from_slice(&tree.octets[card.end.clone()]);
    }
    out
}

impl Piece {
    fn of(entry: &Entry<'_>) -> Self {
        let line = entry.line();
        let mut params: Vec<(String, Vec<String>)> = Vec::with_capacity(line.params.len());
        for param in &line.params {
            // A parameter without a value is a type, as in version 2.1.
            let (name, values) = if param.values.is_empty() { ("TYPE", vec![param.name]) } else { (param.name, param.values.clone()) };
            let (name, mut values) = (name.to_ascii_uppercase(), values.into_iter().map(str::to_owned).collect::<Vec<_>>());
            match params.iter_mut().find(|(known, _)| *known == name && name == "TYPE") {
                Some((_, known)) => known.append(&mut values),
                None => params.push((name, values)),
            }
        }
        let group = line.group.unwrap_or_default().to_owned();
        Self { group, name: line.name.to_owned(), params, value: line.value.to_owned() }
    }

    fn text(&self) -> String {
        let mut out = if self.group.is_empty() { String::new() } else { format!("{}.", self.group) };
        out.push_str(&self.name);
        for (name, values) in &self.params {
            out.extend([";", name]);
            for (at, value) in values.iter().enumerate() {
                out.push(if at == 0 { '=' } else { ',' });
                // A quote cannot stand in a value: it would end it.
                let value = value.replace('"', "'");
                if value.contains([',', ';', ':']) { out.extend(["\"", &value, "\""]) } else { out.push_str(&value) }
            }
        }
        out.extend([":", &self.value]);
        out
    }

    fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| known == name).and_then(|(_, values)| values.first()).map(String::as_str)
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.params.iter().position(|(known, _)| known == name)?;
        self.params.remove(at).1.into_iter().next()
    }

    /// Takes a value out of TYPE; says whether it was there.
    fn take_type(&mut self, wanted: &str) -> bool {
        let mut found = false;
        for (_, values) in self.params.iter_mut().filter(|(name, _)| name == "TYPE") {
            let before = values.len();
            values.retain(|value| !value.eq_ignore_ascii_case(wanted));
            found |= values.len() < before;
        }
        self.params.retain(|(name, values)| name != "TYPE" || !values.is_empty());
        found
    }

    fn set(&mut self, name: &str, value: &str) {
        self.params.push((name.to_owned(), vec![value.to_owned()]));
    }

    fn named(mut self, name: &str) -> Vec<Self> {
        name.clone_into(&mut self.name);
        vec![self]
    }
}

/// A line of version 3 in version 4; `None`: as it is.
fn newer(entry: &Entry<'_>, card: &Node<'_>) -> Option<Vec<Piece>> {
    let mut piece = Piece::of(entry);
    let name = piece.name.to_ascii_uppercase();
    let before = piece.text();
    match name.as_str() {
        // RFC 6350 appendix A.2: these are gone.
        "MAILER" | "CLASS" | "NAME" | "PROFILE" | "AGENT" | "SORT-STRING" => return Some(Vec::new()),
        // In version 4 it is a parameter of its address.
        "LABEL" => return Some(label_without_address(&piece, card)),
        "X-ADDRESSBOOKSERVER-KIND" => return Some(piece.named("KIND")),
        "X-ADDRESSBOOKSERVER-MEMBER" => return Some(piece.named("MEMBER")),
        "X-ANNIVERSARY" | "X-EVOLUTION-ANNIVERSARY" => return Some(piece.named("ANNIVERSARY")),
        "PHOTO" | "LOGO" | "SOUND" | "KEY" => data_of_inline(&mut piece, &name),
        "GEO" => {
            if let Some((latitude, longitude)) = piece.value.split_once(';') {
                piece.value = format!("geo:{},{}", latitude.trim(), longitude.trim());
            }
        }
        "TZ" if piece.value.trim().starts_with(['+', '-']) => {
            piece.take("VALUE");
            piece.set("VALUE", "utc-offset");
            piece.value = piece.value.trim().replace(':', "");
        }
        "BDAY" | "ANNIVERSARY" => date_without_dashes(&mut piece),
        "N" => {
            if let Some(sort) = card.value("SORT-STRING") {
                piece.set("SORT-AS", sort);
            }
        }
        "ADR" => {
            if let Some(label) = card.all("LABEL").find(|label| types(&Piece::of(label)) == types(&piece)) {
                piece.set("LABEL", &label.value().replace("\\,", ",").replace("\\;", ";"));
            }
        }
        _ => {}
    }
    if piece.take_type("pref") {
        piece.set("PREF", "1");
    }
    // What every address of mail has, and a character set that there is only one of.
    piece.take_type("internet");
    piece.take("CHARSET");
    // Version 4 has no parameters without a value.
    let bare = entry.line().params.iter().any(|param| param.values.is_empty());
    (bare || piece.text() != before).then(|| vec![piece])
}

fn types(piece: &Piece) -> Vec<String> {
    let of_type = piece.params.iter().filter(|(name, _)| name == "TYPE").flat_map(|(_, values)| values);
    let mut types: Vec<String> = of_type.map(|value| value.to_ascii_lowercase()).filter(|value| value != "pref").collect();
    types.sort_unstable();
    types
}

/// A label that no address takes is an address of nothing but a label.
fn label_without_address(label: &Piece, card: &Node<'_>) -> Vec<Piece> {
    if card.all("ADR").any(|address| types(&Piece::of(address)) == types(label)) {
        return Vec::new();
    }
    let mut address = label.clone();
    address.set("LABEL", &label.value.replace("\\,", ",").replace("\\;", ";"));
    "ADR".clone_into(&mut address.name);
    ";;;;;;".clone_into(&mut address.value);
    vec![address]
}

/// `ENCODING=b` with a type is a `data:` URI of that media type (RFC 6350 section 6.2.4).
fn data_of_inline(piece: &mut Piece, name: &str) {
    let kind = piece.take("TYPE").map(|kind| kind.to_ascii_lowercase());
    let family = match name {
        "SOUND" => "audio",
        "KEY" => "application",
        _ => "image",
    };
    let media_type = kind.map(|kind| match kind.as_str() {
        kind if kind.contains('/') => kind.to_owned(),
        "jpg" => "image/jpeg".to_owned(),
        "pgp" => "application/pgp-keys".to_owned(),
        "x509" => "application/pkix-cert".to_owned(),
        kind => format!("{family}/{kind}"),
    });
    let inline =
        piece.take("ENCODING").is_some_and(|encoding| encoding.eq_ignore_ascii_case("b") || encoding.eq_ignore_ascii_case("base64"));
    if inline {
        piece.take("VALUE");
        let value: String = piece.value.split_whitespace().collect();
        piece.value = format!("data:{};base64,{value}", media_type.unwrap_or_else(|| format!("{family}/*").replace("/*", "/octet-stream")));
    } else if let Some(media_type) = media_type {
        piece.set("MEDIATYPE", &media_type);
    }
}

/// RFC 6350 section 4.3.1 knows the basic form; Apple writes a year for a day without one and says so.
fn date_without_dashes(piece: &mut Piece) {
    let date: String = piece.value.trim().to_owned();
    let omitted = piece.take("X-APPLE-OMIT-YEAR");
    let digits = date.get(..10).map(|day| day.split('-').collect::<Vec<_>>());
    if let Some([year, month, day]) = digits.as_deref()
        && [*year, *month, *day].iter().all(|part| !part.is_empty() && part.bytes().all(|octet| octet.is_ascii_digit()))
    {
        let year = if omitted.as_deref() == Some(*year) { "--" } else { *year };
        piece.value = format!("{year}{month}{day}{}", date[10..].replace(':', ""));
    }
}

/// A line of version 4 in version 3; `None`: as it is.
fn older(entry: &Entry<'_>) -> Option<Vec<Piece>> {
    let mut piece = Piece::of(entry);
    let name = piece.name.to_ascii_uppercase();
    let before = piece.text();
    let mut more = Vec::new();
    match name.as_str() {
        "CLIENTPIDMAP" | "XML" => return Some(Vec::new()),
        "KIND" => return Some(piece.named("X-ADDRESSBOOKSERVER-KIND")),
        "MEMBER" => return Some(piece.named("X-ADDRESSBOOKSERVER-MEMBER")),
        "ANNIVERSARY" => return Some(piece.named("X-ANNIVERSARY")),
        "PHOTO" | "LOGO" | "SOUND" | "KEY" => inline_of_data(&mut piece),
        "GEO" => {
            if let Some((latitude, longitude)) = piece.value.strip_prefix("geo:").and_then(|value| value.split_once(',')) {
                let longitude = longitude.split([',', ';']).next().unwrap_or_default();
                piece.value = format!("{latitude};{longitude}");
            }
        }
        "TZ" if piece.param("VALUE").is_some_and(|value| value.eq_ignore_ascii_case("utc-offset")) => {
            piece.take("VALUE");
            if let Some((hours, minutes)) = piece.value.trim().split_at_checked(3).filter(|(_, minutes)| !minutes.starts_with(':')) {
                piece.value = format!("{hours}:{}", if minutes.is_empty() { "00" } else { minutes });
            }
        }
        "TEL" if piece.value.starts_with("tel:") => {
            piece.take("VALUE");
            piece.value.drain(.."tel:".len());
        }
        "BDAY" => {
            if let Some(day) =
                piece.value.trim().strip_prefix("--").filter(|day| day.len() == 4 && day.bytes().all(|octet| octet.is_ascii_digit()))
            {
                piece.value = format!("1604-{}-{}", &day[..2], &day[2..]);
                piece.set("X-APPLE-OMIT-YEAR", "1604");
            }
        }
        "ADR" => {
            if let Some(label) = piece.take("LABEL") {
                let mut line = piece.clone();
                line.take("GEO");
                line.take("TZ");
                "LABEL".clone_into(&mut line.name);
                line.value = label.replace("^n", "\\n").replace("^'", "\"").replace("^^", "^").replace(',', "\\,").replace(';', "\\;");
                more.push(line);
            }
        }
        _ => {}
    }
    if let Some(sort) = piece.take("SORT-AS")
        && name == "N"
    {
        more.push(Piece { group: String::new(), name: "SORT-STRING".to_owned(), params: Vec::new(), value: sort });
    }
    for unknown in ["ALTID", "PID", "CALSCALE", "MEDIATYPE"] {
        piece.take(unknown);
    }
    if piece.take("PREF").is_some_and(|rank| rank.trim() == "1") {
        match piece.params.iter_mut().find(|(name, _)| name == "TYPE") {
            Some((_, values)) => values.push("pref".to_owned()),
            None => piece.set("TYPE", "pref"),
        }
    }
    if piece.text() == before && more.is_empty() {
        return None;
    }
    more.insert(0, piece);
    Some(more)
}

/// A `data:` URI in base64 is `ENCODING=b`; every other URI says that it is one.
fn inline_of_data(piece: &mut Piece) {
    let media_type = piece.take("MEDIATYPE");
    piece.take("VALUE");
    let data = piece.value.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
    let (media_type, value) = match data {
        Some((kind, value)) => {
            let kind = kind.split(';').next().unwrap_or_default().to_owned();
            (Some(kind), Some(value.to_owned()))
        }
        None => (media_type, None),
    };
    piece.set(if value.is_some() { "ENCODING" } else { "VALUE" }, if value.is_some() { "b" } else { "uri" });
    if let Some(value) = value {
        piece.value = value;
    }
    if let Some(kind) = media_type.filter(|kind| !kind.is_empty()) {
        let short = match kind.as_str() {
            "application/pgp-keys" => "PGP",
            "application/pkix-cert" => "X509",
            other => other.rsplit('/').next().unwrap_or_default(),
        };
        piece.set("TYPE", &short.to_ascii_uppercase());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn converted(text: &str, to: CardVersion) -> String {
        String::from_utf8(convert(&Tree::read(text.as_bytes()).unwrap(), to)).unwrap()
    }

    const OLD: &str = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:a\r\nFN:Léa Martin\r\nN:Martin;Léa;;;\r\nSORT-STRING:Martin\r\n\
        EMAIL;TYPE=INTERNET,WORK,pref:lea@douane.example\r\nitem1.TEL;HOME;type=VOICE:+33 1 23\r\nitem1.X-ABLabel:Bureau\r\n\
        PHOTO;ENCODING=b;TYPE=JPEG:AAAA\r\n BBBB\r\nLOGO;VALUE=uri;TYPE=png:https://x.example/l.png\r\nBDAY;X-APPLE-OMIT-YEAR=1604:1604-03-05\r\n\
        GEO:48.85;2.35\r\nTZ:+01:00\r\nADR;TYPE=work:;;1 quai;Paris;;75001;\r\nLABEL;TYPE=work:1 quai\\nParis\r\nMAILER:x\r\nNOTE:a\\, b\r\n  c\r\n\
        X-ADDRESSBOOKSERVER-KIND:group\r\nX-ADDRESSBOOKSERVER-MEMBER:urn:uuid:1\r\nEND:VCARD\r\n";

    #[test]
    fn version_three_as_version_four() {
        let expected = "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:a\r\nFN:Léa Martin\r\nN;SORT-AS=Martin:Martin;Léa;;;\r\n\
            EMAIL;TYPE=WORK;PREF=1:lea@douane.example\r\nitem1.TEL;HOME;type=VOICE:+33 1 23\r\nitem1.X-ABLabel:Bureau\r\n\
            PHOTO:data:image/jpeg;base64,AAAABBBB\r\nLOGO;VALUE=uri;MEDIATYPE=image/png:https://x.example/l.png\r\nBDAY:--0305\r\n\
            GEO:geo:48.85,2.35\r\nTZ;VALUE=utc-offset:+0100\r\nADR;TYPE=work;LABEL=1 quai\\nParis:;;1 quai;Paris;;75001;\r\nNOTE:a\\, b\r\n  c\r\n\
            KIND:group\r\nMEMBER:urn:uuid:1\r\nEND:VCARD\r\n";
        let expected = expected.replace("item1.TEL;HOME;type=VOICE", "item1.TEL;TYPE=HOME,VOICE");
        assert_eq!(converted(OLD, CardVersion::V4), expected);
        assert_eq!(converted(OLD, CardVersion::V3), OLD);
    }

    #[test]
    fn version_four_as_version_three() {
        let new = "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:urn:uuid:1\r\nFN:Paul Moreau\r\nEMAIL;PREF=1;TYPE=work:p@x.example\r\nTEL;VALUE=uri;PREF=1:tel:+33-1\r\n\
            PHOTO:data:image/png;base64,AAAA\r\nLOGO;MEDIATYPE=image/gif:https://x.example/l\r\nBDAY:--0305\r\nGEO:geo:48.85,2.35\r\n\
            ADR;LABEL=\"1 quai, Paris\":;;1 quai;Paris;;;\r\nKIND:group\r\nMEMBER:urn:uuid:2\r\nTZ;VALUE=utc-offset:-0500\r\nCLIENTPIDMAP:1;urn:uuid:3\r\nEND:VCARD\r\n";
        let expected = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:urn:uuid:1\r\nFN:Paul Moreau\r\nEMAIL;TYPE=work,pref:p@x.example\r\nTEL;TYPE=pref:+33-1\r\n\
            PHOTO;ENCODING=b;TYPE=PNG:AAAA\r\nLOGO;VALUE=uri;TYPE=GIF:https://x.example/l\r\nBDAY;X-APPLE-OMIT-YEAR=1604:1604-03-05\r\nGEO:48.85;2.35\r\n\
            ADR:;;1 quai;Paris;;;\r\nLABEL:1 quai\\, Paris\r\nX-ADDRESSBOOKSERVER-KIND:group\r\nX-ADDRESSBOOKSERVER-MEMBER:urn:uuid:2\r\nTZ:-05:00\r\n\
            N:Paul Moreau;;;;\r\nEND:VCARD\r\n";
        assert_eq!(converted(new, CardVersion::V3), expected);
        assert_eq!(converted(new, CardVersion::V4), new);
    }

    proptest! {
        #[test]
        fn every_card_stays_one(lines in proptest::collection::vec("(g\\.)?(PHOTO|GEO|TZ|BDAY|ADR|LABEL|TEL|N|KEY|EMAIL|XML|ANNIVERSARY)(;TYPE=[a-z,]{0,9}|;PREF|;ENCODING=b|;VALUE=uri|;LABEL=\"[a-z;,: ]{0,9}\"|;SORT-AS=é)?:([-+;:,0-9é]{0,12}|data:[a-z/;]{0,9};base64,AA|tel:é|geo:[0-9,;]{0,5})", 0..8), four in any::<bool>()) {
            let (version, to, from) =
                if four { ("4.0", CardVersion::V3, CardVersion::V4) } else { ("3.0", CardVersion::V4, CardVersion::V3) };
            let text = format!("BEGIN:VCARD\r\nVERSION:{version}\r\nUID:a\r\nFN:b\r\n{}\r\nEND:VCARD\r\n", lines.join("\r\n"));
            let out = converted(&text, to);
            let facts = crate::validate_card(out.as_bytes()).unwrap();
            prop_assert_eq!(facts.version, to);
            // And back again, without a fault.
            let back = convert(&Tree::read(out.as_bytes()).unwrap(), from);
            prop_assert!(crate::validate_card(&back).is_ok());
        }
    }
}
