//! BODY and BODYSTRUCTURE of a message as they go on the wire. Called by the facts.
//!
//! Walks the parts with a stack of its own; the depth is limited by the structure parser.

use crate::header::unfolded;
use crate::limits::LANGUAGES_MAX;
use crate::message::{Kind, Message, Param, Part};
use crate::structured::structured;
use crate::wire;

/// Which of the two forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// BODY: without extension data.
    Short,
    /// BODYSTRUCTURE.
    Extended,
}

/// What remains to be written.
enum Task {
    Part(usize),
    /// What follows the children of this part.
    End(usize),
}

/// Appends the structure. `envelopes` holds, by part, the envelope of each embedded message's root.
// RFC 9051 section 7.5.2 and `body` of section 9, RFC 3501 section 7.4.2.
pub(crate) fn write_structure(out: &mut Vec<u8>, message: &Message<'_>, form: Form, envelopes: &[Option<Vec<u8>>]) {
    let mut tasks = vec![Task::Part(0)];
    while let Some(task) = tasks.pop() {
        match task {
            Task::Part(index) => {
                let part = &message.parts()[index];
                out.push(b'(');
                if part.kind != Kind::Multipart {
                    write_fields(out, part);
                }
                if let (Kind::Message, Some(&root)) = (part.kind, part.children.first()) {
                    out.push(b' ');
                    out.extend_from_slice(envelopes[root].as_deref().unwrap_or(b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"));
                    out.push(b' ');
                }
                tasks.push(Task::End(index));
                tasks.extend(part.children.iter().rev().map(|&child| Task::Part(child)));
            }
            Task::End(index) => {
                write_end(out, message, &message.parts()[index], form);
                out.push(b')');
            }
        }
    }
}

/// `body-fields` with the type before them.
fn write_fields(out: &mut Vec<u8>, part: &Part<'_>) {
    wire::string(out, &part.media.kind);
    out.push(b' ');
    wire::string(out, &part.media.subtype);
    out.push(b' ');
    write_params(out, &part.media.params);
    for value in [part.id(), part.description()] {
        out.push(b' ');
        wire::nstring(out, value.map(unfolded).as_deref());
    }
    out.push(b' ');
    // RFC 2045 section 6.1: the default.
    let encoding = part.encoding().map(|raw| structured(raw).value.to_ascii_uppercase()).filter(|value| !value.is_empty());
    wire::string(out, encoding.as_deref().unwrap_or(b"7BIT"));
    out.push(b' ');
    wire::number(out, part.body.len());
}

fn write_end(out: &mut Vec<u8>, message: &Message<'_>, part: &Part<'_>, form: Form) {
    if part.kind == Kind::Multipart {
        out.push(b' ');
        wire::string(out, &part.media.subtype);
        if form == Form::Extended {
            out.push(b' ');
            write_params(out, &part.media.params);
            write_disposition(out, part);
        }
        return;
    }
    if part.kind == Kind::Message || part.media.kind == b"TEXT" {
        out.push(b' ');
        wire::number(out, message.lines_of(part));
    }
    if form == Form::Extended {
        out.push(b' ');
        wire::nstring(out, part.field("Content-MD5").map(unfolded).as_deref());
        write_disposition(out, part);
    }
}

/// Disposition, language and location, each after a space: the extension data that all parts have.
fn write_disposition(out: &mut Vec<u8>, part: &Part<'_>) {
    out.push(b' ');
    match part.field("Content-Disposition").map(structured).filter(|field| !field.value.is_empty()) {
        Some(mut field) => {
            field.value.make_ascii_uppercase();
            out.push(b'(');
            wire::string(out, &field.value);
            out.push(b' ');
            write_params(out, &field.params);
            out.push(b')');
        }
        None => out.extend_from_slice(b"NIL"),
    }
    out.push(b' ');
    write_languages(out, part.field("Content-Language"));
    out.push(b' ');
    wire::nstring(out, part.field("Content-Location").map(unfolded).as_deref());
}

/// RFC 3282: tags with commas between them.
fn write_languages(out: &mut Vec<u8>, raw: Option<&[u8]>) {
    let value = raw.map(|raw| structured(raw).value).unwrap_or_default();
    let mut tags = value.split(|&b| b == b',').map(<[u8]>::trim_ascii).filter(|tag| !tag.is_empty()).take(LANGUAGES_MAX).peekable();
    if tags.peek().is_none() {
        return out.extend_from_slice(b"NIL");
    }
    let mut before = b'(';
    for tag in tags {
        out.push(before);
        wire::string(out, tag);
        before = b' ';
    }
    out.push(b')');
}

fn write_params(out: &mut Vec<u8>, params: &[Param]) {
    if params.is_empty() {
        return out.extend_from_slice(b"NIL");
    }
    let mut before = b'(';
    for param in params {
        out.push(before);
        wire::string(out, &param.name);
        out.push(b' ');
        wire::string(out, &param.value);
        before = b' ';
    }
    out.push(b')');
}
