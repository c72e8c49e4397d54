//! Parts of pages: fields with their hints and faults, choices, tables that become cards on a narrow screen, the picture of a code.
//!
//! What always holds: a field has a label, and its hint and fault are tied to it by `aria-describedby`.

use crate::frame::Notice;
use crate::language::Language;
use crate::texts::factors::Factors;
use crate::texts::frame::Frame;
use maud::{Markup, html};
use octroi_model::UnixTime;
use qrcode::{Color, QrCode};
use std::fmt::Write as _;

/// Light modules round a code, without which cameras do not find it (ISO 18004).
const QUIET: usize = 4;

/// A field for one line of text.
#[derive(Default)]
pub(crate) struct Field<'a> {
    /// Its `id` and `name`.
    pub id: &'a str,
    pub label: &'a str,
    /// The kind of input; text if empty.
    pub kind: &'a str,
    /// What the browser may fill in (`autocomplete`).
    pub fill: &'a str,
    pub hint: Option<&'a str>,
    pub value: Option<&'a str>,
    /// Characters at most.
    pub characters_max: Option<u16>,
    pub optional: bool,
    /// The cursor begins here.
    pub first: bool,
    pub digits: bool,
}

impl Field<'_> {
    /// The field; `notice` may hold what is wrong with it.
    pub(crate) fn show(&self, language: Language, notice: &Notice) -> Markup {
        let fault = notice.of_field(self.id);
        html! {
            div.field {
                label for=(self.id) {
                    (self.label)
                    @if self.optional { " " span.optional { "(" (Frame::of(language).optional) ")" } }
                }
                (notes(self.id, self.hint, fault))
                input id=(self.id) name=(self.id) type=(if self.kind.is_empty() { "text" } else { self.kind }) autocomplete=(self.fill)
                    value=[self.value] maxlength=[self.characters_max] required[!self.optional] autofocus[self.first]
                    inputmode=[self.digits.then_some("numeric")]
                    aria-describedby=[described_by(self.id, self.hint, fault)] aria-invalid=[fault.map(|_| "true")];
            }
        }
    }
}

/// A field for a code of any kind of factor.
pub(crate) fn code_field(language: Language, notice: &Notice, first: bool) -> Markup {
    let texts = Factors::of(language);
    // Letters too: a recovery code has some.
    let field = Field { hint: Some(texts.code_hint), characters_max: Some(32), first, ..one_time(texts) };
    field.show(language, notice)
}

/// A field for a code of digits only: what `hint` says.
pub(crate) fn digits_field(language: Language, notice: &Notice, hint: &str) -> Markup {
    let field = Field { hint: Some(hint), characters_max: Some(16), digits: true, ..one_time(Factors::of(language)) };
    field.show(language, notice)
}

fn one_time(texts: &Factors) -> Field<'_> {
    Field { id: "code", label: texts.code, fill: "one-time-code", ..Field::default() }
}

/// A field for several lines.
pub(crate) fn lines_field(id: &str, label: &str, hint: &Markup, value: &str, rows: u8, notice: &Notice) -> Markup {
    let fault = notice.of_field(id);
    html! {
        div.field {
            label for=(id) { (label) }
            p.hint id={ (id) "-hint" } { (hint) }
            @if let Some(fault) = fault { p.field-fault id={ (id) "-fault" } { (fault) } }
            textarea id=(id) name=(id) rows=(rows) spellcheck="false" autocomplete="off"
                aria-describedby=[described_by(id, Some(""), fault)] aria-invalid=[fault.map(|_| "true")] { (value) }
        }
    }
}

/// Several ways of which one is chosen, with a sentence each: value, label, sentence, chosen.
pub(crate) fn ways(id: &str, legend: &str, choices: &[(&str, &str, &str, bool)], notice: &Notice) -> Markup {
    let fault = notice.of_field(id);
    html! {
        fieldset id=(id) tabindex="-1" aria-describedby=[described_by(id, None, fault)] {
            legend { (legend) }
            (notes(id, None, fault))
            @for (value, label, sentence, chosen) in choices {
                label.box {
                    input type="radio" name=(id) value=(value) checked[*chosen];
                    " " strong { (label) } " " span.sentence { (sentence) }
                }
            }
        }
    }
}

/// An address, which is broken before its domain if it has to be.
pub(crate) fn address(text: &str) -> Markup {
    html! {
        @if let Some((local, domain)) = text.rsplit_once('@') { (local) wbr; "@" (domain) } @else { (text) }
    }
}

/// A day.
pub(crate) fn day(at: UnixTime) -> Markup {
    let day = local(at).strftime("%Y-%m-%d").to_string();
    html! { time datetime=(day) { (day) } }
}

/// A day and time, as the clock shows it where the server stands.
pub(crate) fn moment(at: UnixTime) -> Markup {
    let local = local(at);
    html! { time datetime=(local.timestamp()) { (local.strftime("%Y-%m-%d %H:%M")) " " small.zone { (local.strftime("%Z")) } } }
}

fn local(at: UnixTime) -> jiff::Zoned {
    jiff::Timestamp::from_second(at.0).unwrap_or_default().to_zoned(jiff::tz::TimeZone::system())
}

/// Boxes of which some may be ticked: value, label, ticked.
pub(crate) fn boxes(id: &str, legend: &str, hint: Option<&str>, choices: &[(&str, &str, bool)], notice: &Notice) -> Markup {
    let fault = notice.of_field(id);
    html! {
        fieldset id=(id) tabindex="-1" aria-describedby=[described_by(id, hint, fault)] {
            legend { (legend) }
            (notes(id, hint, fault))
            @for (value, label, ticked) in choices {
                label.box { input type="checkbox" name=(id) value=(value) checked[*ticked]; " " (label) }
            }
        }
    }
}

/// A list of which one is chosen: value, label, chosen.
pub(crate) fn choice(id: &str, label: &str, choices: &[(&str, &str, bool)]) -> Markup {
    html! {
        div.field {
            label for=(id) { (label) }
            select id=(id) name=(id) {
                @for (value, label, chosen) in choices { option value=(value) selected[*chosen] { (label) } }
            }
        }
    }
}

fn notes(id: &str, hint: Option<&str>, fault: Option<&str>) -> Markup {
    html! {
        @if let Some(hint) = hint { p.hint id={ (id) "-hint" } { (hint) } }
        @if let Some(fault) = fault { p.field-fault id={ (id) "-fault" } { (fault) } }
    }
}

fn described_by(id: &str, hint: Option<&str>, fault: Option<&str>) -> Option<String> {
    let notes = [hint.map(|_| "hint"), fault.map(|_| "fault")];
    let ids: Vec<String> = notes.into_iter().flatten().map(|note| format!("{id}-{note}")).collect();
    (!ids.is_empty()).then(|| ids.join(" "))
}

/// A table whose rows are cards on a narrow screen. The first cell of each row is its heading.
///
/// The roles say again what the elements are: with `display: block` browsers forget it.
pub(crate) fn table(caption: &str, headings: &[&str], rows: &[Vec<Markup>]) -> Markup {
    html! {
        table role="table" {
            caption { (caption) }
            thead role="rowgroup" { tr role="row" {
                @for heading in headings { th scope="col" role="columnheader" { (heading) } }
            } }
            tbody role="rowgroup" {
                @for row in rows { tr role="row" {
                    @for (index, (cell, heading)) in row.iter().zip(headings).enumerate() {
                        @if index == 0 { th scope="row" role="rowheader" { (cell) } } @else { td role="cell" data-heading=(heading) { (cell) } }
                    }
                } }
            }
        }
    }
}

/// What belongs together as name and value.
pub(crate) fn facts(pairs: &[(&str, Markup)]) -> Markup {
    html! {
        dl {
            @for (name, value) in pairs { div { dt { (name) } dd { (value) } } }
        }
    }
}

/// A QR code as an inline picture, which needs nothing of the content security policy; `None` if the text is too long for one.
pub(crate) fn qr_code(text: &str, title: &str) -> Option<Markup> {
    let code = QrCode::new(text).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (index, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            // Writing to a string cannot fail.
            let _ = write!(path, "M{} {}h1v1h-1z", index % width + QUIET, index / width + QUIET);
        }
    }
    let side = width + 2 * QUIET;
    Some(html! {
        svg.qr xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (side) " " (side) } role="img" aria-label=(title) shape-rendering="crispEdges" {
            rect width="100%" height="100%" fill="#fff" {}
            path d=(path) fill="#000" {}
        }
    })
}

/// A secret in groups of four, as people type it.
pub(crate) fn in_groups(secret: &str) -> String {
    let characters: Vec<char> = secret.chars().collect();
    characters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_cannot_become_markup() {
        let evil = "\"><script>alert('x')</script>&";
        let field = Field { id: "a", label: evil, hint: Some(evil), value: Some(evil), ..Field::default() };
        let shown =
            field.show(Language::English, &Notice::None).into_string() + &table(evil, &[evil], &[vec![html! { (evil) }]]).into_string();
        assert!(!shown.contains("<script") && !shown.contains("\"><s"), "{shown}");
        assert!(shown.contains("value=\"&quot;&gt;&lt;script&gt;"), "{shown}");
    }

    #[test]
    fn hint_and_fault_are_tied_to_their_field() {
        let field = Field { id: "label", label: "Name", hint: Some("For yourself"), ..Field::default() };
        let shown = field.show(Language::English, &Notice::field("Too long", "label")).into_string();
        assert!(shown.contains("aria-describedby=\"label-hint label-fault\" aria-invalid=\"true\""), "{shown}");
        assert!(shown.contains("id=\"label-fault\">Too long<"), "{shown}");
        let other = field.show(Language::English, &Notice::field("Wrong", "code")).into_string();
        assert!(other.contains("aria-describedby=\"label-hint\"") && !other.contains("aria-invalid"), "{other}");
    }

    /// Somebody else's reader makes the same text of the picture.
    #[test]
    fn a_code_can_be_read() {
        const SCALE: usize = 4;
        let text = "otpauth://totp/Direction%20des%20douanes:lea@douane.example?secret=KLY5CXT5MJYOOX4NCS3T2P4UYV3CK6XK";
        let svg = qr_code(text, "code").unwrap().into_string();
        assert!(!svg.contains("style="), "the policy forbids it");
        let (_, path) = svg.split_once(" d=\"").unwrap();
        let (path, _) = path.split_once('"').unwrap();
        let number = |text: &str| text.parse::<usize>().unwrap();
        let squares = path.split('M').skip(1).map(|square| square.trim_end_matches("h1v1h-1z").split_once(' ').unwrap());
        let dark: std::collections::HashSet<(usize, usize)> = squares.map(|(x, y)| (number(x), number(y))).collect();
        let (_, side) = svg.split_once("viewBox=\"0 0 ").unwrap();
        let side = SCALE * number(side.split(' ').next().unwrap());
        let mut image = rqrr::PreparedImage::prepare_from_bitmap(side, side, |x, y| dark.contains(&(x / SCALE, y / SCALE)));
        let (_, read) = image.detect_grids()[0].decode().unwrap();
        assert_eq!(read, text);
        assert!(qr_code(&"x".repeat(10_000), "code").is_none());
    }

    #[test]
    fn groups_of_four() {
        assert_eq!(in_groups("ABCDEFGHIJ"), "ABCD EFGH IJ");
        assert_eq!(in_groups(""), "");
    }

    proptest! {
        #[test]
        fn no_text_holds_a_delimiter(text in any::<String>()) {
            let shown = html! { (text) }.into_string();
            prop_assert!(!shown.contains(['<', '>', '"']));
        }
    }
}
