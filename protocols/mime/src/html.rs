//! Text of HTML, lightly: tags, scripts and styles go, entities are decoded. Called by the text search and the preview; what
//! comes out is for looking words up in, or is shown as plain text, never as HTML.
//!
//! Works character by character with bounded memory, so that a body can come in pieces.

use memchr::memchr2;

/// Where in the source we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Text,
    /// Between `<` and `>`.
    Tag,
    /// In `<!-- -->`, with how many dashes have just been seen.
    Comment(u8),
    /// After `&`.
    Entity,
}

/// A stream of HTML that is turned into text.
#[derive(Debug)]
pub(crate) struct Stripper {
    at: At,
    /// Name of the tag or entity so far.
    name: String,
    name_is_whole: bool,
    /// The element whose content is no text, until its end tag.
    hidden: Option<&'static str>,
    /// Elements whose content is no text.
    hides: &'static [&'static str],
}

impl Stripper {
    pub(crate) fn new() -> Self {
        Self { at: At::Text, name: String::new(), name_is_whole: false, hidden: None, hides: &HIDDEN[..2] }
    }

    /// Of what the page itself shows, without its title.
    pub(crate) fn of_body() -> Self {
        Self { hides: &HIDDEN, ..Self::new() }
    }

    /// Appends the text of the next piece of source.
    pub(crate) fn push(&mut self, source: &str, out: &mut String) {
        let mut rest = source;
        loop {
            // Most of it is text, in which only these two mean something.
            if self.at == At::Text {
                let end = memchr2(b'<', b'&', rest.as_bytes()).unwrap_or(rest.len());
                let (text, later) = rest.split_at(end);
                if self.hidden.is_none() {
                    out.push_str(text);
                }
                rest = later;
            }
            let Some(c) = rest.chars().next() else { return };
            self.character(c, out);
            rest = &rest[c.len_utf8()..];
        }
    }

    /// Appends what was held back at the end of the source.
    pub(crate) fn finish(&mut self, out: &mut String) {
        if self.at == At::Entity {
            self.give_back_entity(out);
        }
        self.at = At::Text;
    }

    fn character(&mut self, c: char, out: &mut String) {
        match self.at {
            At::Text if c == '<' => self.enter(At::Tag),
            At::Text if c == '&' && self.hidden.is_none() => self.enter(At::Entity),
            At::Text => {
                if self.hidden.is_none() {
                    out.push(c);
                }
            }
            At::Tag => self.tag(c, out),
            At::Comment(dashes) => {
                self.at = match (c, dashes) {
                    ('>', 2..) => At::Text,
                    ('-', _) => At::Comment(dashes.saturating_add(1)),
                    _ => At::Comment(0),
                };
            }
            At::Entity => self.entity(c, out),
        }
    }

    fn enter(&mut self, at: At) {
        self.at = at;
        self.name.clear();
        self.name_is_whole = false;
    }

    fn tag(&mut self, c: char, out: &mut String) {
        if c == '>' && !self.name.is_empty() {
            self.at = At::Text;
            return self.end_tag(out);
        }
        // A `<` that begins no tag is text; in a script only an end tag counts.
        let begins = c == '/' || (self.hidden.is_none() && (c.is_ascii_alphabetic() || matches!(c, '!' | '?')));
        if self.name.is_empty() && !begins {
            self.at = At::Text;
            if self.hidden.is_none() {
                out.push('<');
            }
            return self.character(c, out);
        }
        self.name_is_whole |= c.is_whitespace() || (c == '/' && !self.name.is_empty());
        if !self.name_is_whole && self.name.len() < NAME_BYTES_MAX {
            self.name.push(c.to_ascii_lowercase());
            if self.name == "!--" {
                self.at = At::Comment(0);
            }
        }
    }

    fn end_tag(&mut self, out: &mut String) {
        if let Some(hidden) = self.hidden {
            if self.name.strip_prefix('/') == Some(hidden) {
                self.hidden = None;
            }
            return;
        }
        self.hidden = self.hides.iter().copied().find(|hidden| *hidden == self.name);
        let name = self.name.strip_prefix('/').unwrap_or(&self.name);
        if BLOCKS.contains(&name) {
            out.push('\n');
        }
    }

    fn entity(&mut self, c: char, out: &mut String) {
        if c == ';' {
            match entity(&self.name) {
                Some(decoded) => {
                    out.push(decoded);
                    self.at = At::Text;
                    return;
                }
                None => self.name.push(';'),
            }
        } else if self.name.len() < NAME_BYTES_MAX && (c.is_ascii_alphanumeric() || c == '#') {
            self.name.push(c);
            return;
        }
        self.give_back_entity(out);
        if c != ';' {
            self.character(c, out);
        }
    }

    fn give_back_entity(&mut self, out: &mut String) {
        self.at = At::Text;
        out.push('&');
        out.push_str(&self.name);
    }
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|c| *c != '\0');
    }
    ENTITIES.iter().find(|(known, _)| *known == name).map(|(_, c)| *c)
}

/// The longest name that means something to us, and some more.
const NAME_BYTES_MAX: usize = 16;

/// Elements whose content nobody reads; the last is read in the window's frame.
const HIDDEN: [&str; 3] = ["script", "style", "title"];

/// Elements that end a word.
const BLOCKS: [&str; 18] =
    ["br", "p", "div", "td", "th", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "hr", "title", "blockquote", "pre"];

/// The entities that mail really has.
const ENTITIES: [(&str, char); 44] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("agrave", 'à'),
    ("acirc", 'â'),
    ("auml", 'ä'),
    ("aelig", 'æ'),
    ("ccedil", 'ç'),
    ("eacute", 'é'),
    ("egrave", 'è'),
    ("ecirc", 'ê'),
    ("euml", 'ë'),
    ("icirc", 'î'),
    ("iuml", 'ï'),
    ("ntilde", 'ñ'),
    ("ocirc", 'ô'),
    ("ouml", 'ö'),
    ("oelig", 'œ'),
    ("szlig", 'ß'),
    ("ugrave", 'ù'),
    ("ucirc", 'û'),
    ("uuml", 'ü'),
    ("Agrave", 'À'),
    ("Auml", 'Ä'),
    ("Ccedil", 'Ç'),
    ("Eacute", 'É'),
    ("Egrave", 'È'),
    ("Ecirc", 'Ê'),
    ("Ouml", 'Ö'),
    ("Uuml", 'Ü'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("hellip", '…'),
    ("euro", '€'),
    ("deg", '°'),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: &str) -> String {
        let mut stripper = Stripper::new();
        let mut out = String::new();
        // One character at a time: no piece may depend on the next.
        for c in source.chars() {
            stripper.push(&c.to_string(), &mut out);
        }
        stripper.finish(&mut out);
        out
    }

    #[test]
    fn tags_go_and_text_stays() {
        for (source, plain) in [
            ("<p>Tari<b>f</b></p>", "\nTarif\n"),
            ("a<br/>b<BR>c", "a\nb\nc"),
            ("<style type=x>p{}</style>a<script>if (a<b) x()</script>b", "ab"),
            ("a<!-- <b>c</b> -- d --->e", "ae"),
            ("&eacute;t&#233; &amp;c &#x20AC;&nbsp;&zzz; & a &", "été &c € &zzz; & a &"),
            ("1 < 2 <> 3", "1 < 2 <> 3"),
            ("<a href=\"x\">link", "link"),
            ("cut <off", "cut "),
        ] {
            assert_eq!(text(source), plain, "{source}");
        }
    }
}
