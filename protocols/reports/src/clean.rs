//! Texts of others, made fit for logs, terminals and memory.

/// Octets of one text of a report.
const TEXT_BYTES_MAX: usize = 255;

/// Nothing that moves a cursor, and no more than a line.
pub(crate) fn clean(text: &mut String) {
    let is_fit = |character: char| !character.is_control();
    if text.len() > TEXT_BYTES_MAX || !text.chars().all(is_fit) {
        *text = text.chars().filter(|character| is_fit(*character)).take(TEXT_BYTES_MAX).collect();
        let mut end = text.len().min(TEXT_BYTES_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
}

/// The same of a text that is copied.
pub fn cleaned(text: &str) -> String {
    let mut text = text.to_owned();
    clean(&mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_one_short_line() {
        assert_eq!(cleaned("a\u{1b}[2Jb\r\nc"), "a[2Jbc");
        assert_eq!(cleaned("Société").as_str(), "Société");
        assert!(cleaned(&"é".repeat(300)).len() <= TEXT_BYTES_MAX);
    }
}
