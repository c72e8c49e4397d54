//! Rules on the text of the sources. They look at code with strings and comments blanked out, so a mention in a comment is no use.

use super::Finding;
use std::ops::Range;

/// Lines a file may have; the aim is 400.
const FILE_LINES_MAX: usize = 900;
/// Lines a function may have, from its `fn` to its closing brace; the aim is 40.
const FUNCTION_LINES_MAX: usize = 70;
/// On a function that is one table or one long `match`, which reads better whole.
const TABLE_MARKER: &str = "// tidy: table";

fn finding(file: &str, line: usize, what: impl Into<String>) -> Finding {
    Finding { file: file.to_owned(), line, what: what.into() }
}

/// The number of the line that holds byte `at`, from 1.
fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// The first line tells what the file is for.
pub(super) fn header(file: &str, text: &str) -> Vec<Finding> {
    if text.starts_with("//!") { Vec::new() } else { vec![finding(file, 1, "must open with a //! header")] }
}

/// No file of 900 lines or more.
pub(super) fn file_length(file: &str, text: &str) -> Vec<Finding> {
    let lines = text.lines().count();
    if lines < FILE_LINES_MAX { Vec::new() } else { vec![finding(file, lines, format!("{lines} lines; the limit is {FILE_LINES_MAX}"))] }
}

/// No function of 70 lines or more, unless it is marked as a table.
pub(super) fn function_length(file: &str, text: &str) -> Vec<Finding> {
    let code = blank(text);
    let lines: Vec<&str> = text.lines().collect();
    let mut findings = Vec::new();
    for at in words(&code, "fn") {
        let Some(body) = block_after(&code, at) else { continue };
        let (first, last) = (line_of(text, at), line_of(text, body.end - 1));
        let length = last - first + 1;
        // The marker stands just above the function or in its first lines.
        let marked = lines[first.saturating_sub(4)..last.min(first + 3)].iter().any(|line| line.contains(TABLE_MARKER));
        if length >= FUNCTION_LINES_MAX && !marked {
            findings.push(finding(file, first, format!("function of {length} lines; the limit is {FUNCTION_LINES_MAX}")));
        }
    }
    findings
}

/// No stub and no debugging aid.
pub(super) fn unfinished(file: &str, text: &str) -> Vec<Finding> {
    let code = blank(text);
    ["todo", "unimplemented", "dbg"]
        .into_iter()
        .flat_map(|word| words(&code, word).into_iter().map(move |at| (word, at)))
        .filter(|(word, at)| code[at + word.len()..].starts_with('!'))
        .map(|(word, at)| finding(file, line_of(text, at), format!("{word}! is left")))
        .collect()
}

/// `unwrap()` and `expect("…")` outside tests need a comment on the same or the line before that says why they hold.
pub(super) fn panics(file: &str, text: &str) -> Vec<Finding> {
    let is_test = |part: &str| matches!(part, "tests" | "benches" | "tests.rs" | "examples");
    if file.split('/').any(is_test) {
        return Vec::new();
    }
    let code = blank(text);
    let tests = test_blocks(&code);
    let lines: Vec<&str> = text.lines().collect();
    let mut findings = Vec::new();
    for call in [".unwrap()", ".expect(\""] {
        for (at, _) in text.match_indices(call) {
            let line = line_of(text, at);
            let in_code = code.as_bytes()[at] == b'.';
            let explained = lines[line - 1].contains("//") || (line > 1 && lines[line - 2].trim_start().starts_with("//"));
            if in_code && !explained && !tests.iter().any(|block| block.contains(&at)) {
                findings.push(finding(file, line, format!("{call} outside tests without its reason beside it")));
            }
        }
    }
    findings
}

/// Markup that is not escaped is made by nobody: a page's template and what stands in it stay apart.
pub(super) fn unescaped(file: &str, text: &str) -> Vec<Finding> {
    words(&blank(text), "PreEscaped").into_iter().map(|at| finding(file, line_of(text, at), "markup that is not escaped")).collect()
}

/// Folders of the machine on which something was written have no place in the project.
pub(super) fn machine_paths(file: &str, text: &str) -> Vec<Finding> {
    // Put together here, so that this file does not find itself.
    let forbidden = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/tmp/", "brief")];
    text.lines()
        .enumerate()
        .flat_map(|(index, line)| forbidden.into_iter().filter(|path| line.contains(path)).map(move |path| (index + 1, path)))
        .map(|(line, path)| finding(file, line, format!("names {path}")))
        .collect()
}

/// Every standard that the text cites must stand in the first column of a row of the index.
pub(super) fn unlisted_standards(file: &str, text: &str, index: &str) -> Vec<Finding> {
    let numbers = index.lines().filter_map(|line| line.strip_prefix("| ")?.split('|').next());
    let listed: Vec<&str> = numbers.flat_map(|column| column.split(',')).map(str::trim).collect();
    let mut findings = Vec::new();
    for (at, _) in text.match_indices("RFC ") {
        let digits: String = text[at + "RFC ".len()..].chars().take_while(char::is_ascii_digit).collect();
        if digits.len() >= 3 && !listed.contains(&digits.as_str()) {
            findings.push(finding(file, line_of(text, at), format!("RFC {digits} is not in docs/rfc.md")));
        }
    }
    findings
}

/// Where `word` stands in the code as a word by itself.
fn words(code: &str, word: &str) -> Vec<usize> {
    let is_part = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let bytes = code.as_bytes();
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(|at| !is_part(at.checked_sub(1).and_then(|before| bytes.get(before))) && !is_part(bytes.get(at + word.len())))
        .collect()
}

/// The first `{…}` after `at`; `None` if a `;` comes first (a function without a body, a `mod x;`).
fn block_after(code: &str, at: usize) -> Option<Range<usize>> {
    let mut depth = 0_usize;
    let mut brackets = 0_usize;
    let mut start = None;
    for (offset, byte) in code.bytes().enumerate().skip(at) {
        match byte {
            // `[u8; 4]` in a signature ends nothing.
            b'[' | b'(' if start.is_none() => brackets += 1,
            b']' | b')' if start.is_none() => brackets = brackets.saturating_sub(1),
            b';' if start.is_none() && brackets == 0 => return None,
            b'{' => {
                start.get_or_insert(offset);
                depth += 1;
            }
            b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return start.map(|start| start..offset + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// The code that only tests see.
fn test_blocks(code: &str) -> Vec<Range<usize>> {
    code.match_indices("#[cfg(test)]").filter_map(|(at, attribute)| block_after(code, at + attribute.len())).collect()
}

/// The text with every comment, string and character literal overwritten by spaces; lines and offsets stay as they are.
fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match (bytes[at], bytes.get(at + 1)) {
            (b'/', Some(b'/')) => text[at..].find('\n').map_or(bytes.len(), |n| at + n),
            (b'/', Some(b'*')) => end_of_comment(bytes, at),
            (b'"', _) => end_of_string(bytes, at),
            (b'r', Some(b'"' | b'#')) if !follows_word(bytes, at) => end_of_raw_string(text, at),
            (b'\'', _) => end_of_character(text, at),
            _ => at,
        };
        for byte in &mut out[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end.max(at + 1);
    }
    String::from_utf8(out).unwrap()
}

/// Is the letter at `at` the end of a longer word? `br"…"` is a raw string all the same.
fn follows_word(bytes: &[u8], at: usize) -> bool {
    let word = |at: usize| bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_';
    match at {
        0 => false,
        1 => word(0) && bytes[0] != b'b',
        _ if bytes[at - 1] == b'b' => word(at - 2),
        _ => word(at - 1),
    }
}

fn end_of_comment(bytes: &[u8], start: usize) -> usize {
    let (mut depth, mut at) = (0_usize, start);
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// `r"…"`, `r#"…"#` and so on; a raw identifier such as `r#type` is left alone.
fn end_of_raw_string(text: &str, start: usize) -> usize {
    let rest = &text[start + 1..];
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    if !rest[hashes..].starts_with('"') {
        return start;
    }
    let close = format!("\"{}", "#".repeat(hashes));
    let body = start + 1 + hashes + 1;
    text[body..].find(&close).map_or(text.len(), |n| body + n + close.len())
}

/// `'x'`, `'\n'`, `'\u{…}'`; a lifetime is left alone.
fn end_of_character(text: &str, start: usize) -> usize {
    let rest = &text[start + 1..];
    let mut characters = rest.char_indices();
    match characters.next() {
        Some((_, '\\')) => rest[2..].find('\'').map_or(start, |n| start + 1 + 2 + n + 1),
        Some(_) => match characters.next() {
            Some((offset, '\'')) => start + 1 + offset + 1,
            _ => start,
        },
        None => start,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_header_is_found() {
        assert_eq!(header("x.rs", "use std::fmt;\n").len(), 1);
        assert!(header("x.rs", "//! For something.\n").is_empty());
    }

    #[test]
    fn a_long_file_is_found() {
        assert_eq!(file_length("x.rs", &"\n".repeat(FILE_LINES_MAX)).len(), 1);
        assert!(file_length("x.rs", &"\n".repeat(FILE_LINES_MAX - 1)).is_empty());
    }

    #[test]
    fn a_long_function_is_found_and_a_marked_one_passes() {
        let body = "    act(\"}\"); // }\n".repeat(FUNCTION_LINES_MAX - 2);
        let long = format!("fn long(array: [u8; 4]) {{\n{body}}}\n");
        assert_eq!(function_length("x.rs", &long).len(), 1);
        assert!(function_length("x.rs", &format!("{TABLE_MARKER}\n{long}")).is_empty());
        let short = "    act();\n".repeat(FUNCTION_LINES_MAX - 3);
        assert!(function_length("x.rs", &format!("fn short() {{\n{short}}}\nfn other() {{\n{short}}}\n")).is_empty());
    }

    #[test]
    fn stubs_are_found_but_not_in_texts() {
        assert_eq!(unfinished("x.rs", "fn a() { todo!() }\nfn b() { unimplemented!(\"x\") }\nfn c() { dbg!(1); }\n").len(), 3);
        assert!(unfinished("x.rs", "// todo!()\nfn a() { say(\"dbg!(1)\"); not_todo!(); }\n").is_empty());
    }

    #[test]
    fn a_bare_unwrap_is_found() {
        assert_eq!(panics("src/x.rs", "fn a() { b.unwrap(); }\n").len(), 1);
        assert_eq!(panics("src/x.rs", "fn a() { b.expect(\"c\"); }\n").len(), 1);
        assert_eq!(panics("src/x.rs", "#[cfg(test)]\nmod tests;\nfn a() { b.unwrap(); }\n").len(), 1);
    }

    #[test]
    fn an_explained_or_tested_unwrap_passes() {
        assert!(panics("src/x.rs", "fn a() {\n    // It was checked above.\n    b.unwrap();\n}\n").is_empty());
        assert!(panics("src/x.rs", "fn a() { b.unwrap(); } // It was checked above.\n").is_empty());
        assert!(panics("src/x.rs", "#[cfg(test)]\nmod tests {\n    fn a() { b.unwrap(); }\n}\n").is_empty());
        assert!(panics("src/x.rs", "fn a() { self.expect(b'x') }\n/// b.unwrap()\n").is_empty());
        assert!(panics("tests/x.rs", "fn a() { b.unwrap(); }\n").is_empty());
    }

    #[test]
    fn unescaped_markup_is_found() {
        assert_eq!(unescaped("x.rs", "fn a() { html! { (PreEscaped(text)) } }\n").len(), 1);
        assert!(unescaped("x.rs", "// PreEscaped\nfn a() { html! { (text) } }\n").is_empty());
    }

    #[test]
    fn a_machine_path_is_found() {
        assert_eq!(machine_paths("x.md", concat!("see /wo", "rk/main\n")).len(), 1);
        assert!(machine_paths("x.md", "see network/ and workspace/\n").is_empty());
    }

    #[test]
    fn an_unlisted_standard_is_found() {
        let index = "| RFC | what |\n| 3501, 9051 | IMAP |\n";
        assert_eq!(unlisted_standards("x.rs", concat!("// RFC", " 5321 section 4.\n"), index).len(), 1);
        assert!(unlisted_standards("x.rs", concat!("// RFC", " 9051 and RFC", " 3501.\n"), index).is_empty());
    }

    #[test]
    fn blanking_keeps_lines_and_code() {
        let text = "let a = \"}\\\"{\"; let b = 'x'; let c: &'static str = r#\"{\"}\"#; /* { /* } */ */ let d = '\\''; // }\nend\n";
        let code = blank(text);
        assert_eq!(code.len(), text.len());
        assert!(!code.contains(['{', '}', '"', '#']), "{code}");
        assert!(code.contains("let d = ") && code.contains("&'static str") && code.ends_with("\nend\n"));
    }
}
