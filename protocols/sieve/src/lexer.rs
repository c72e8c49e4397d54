//! Text to words (RFC 5228 section 8.1), each with its place. Line ends are CR LF or LF, since people write scripts with either.

use std::fmt;
use std::iter::Peekable;
use std::str::CharIndices;

/// What is wrong with a script, for the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Counted from 1.
    pub line: u32,
    /// A sentence without its full stop.
    pub text: String,
}

impl Fault {
    pub(crate) fn new(line: u32, text: impl Into<String>) -> Self {
        Self { line, text: text.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.text)
    }
}

impl std::error::Error for Fault {}

/// A word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// In lower case, as identifiers are compared without it.
    Identifier(String),
    /// Without its colon, in lower case.
    Tag(String),
    Number(u64),
    Text(String),
    /// `;`, `,`, `(`, `)`, `{`, `}`, `[` or `]`.
    Mark(char),
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identifier(name) => write!(f, "`{name}`"),
            Self::Tag(name) => write!(f, "`:{name}`"),
            Self::Number(number) => write!(f, "the number {number}"),
            Self::Text(_) => f.write_str("a string"),
            Self::Mark(mark) => write!(f, "`{mark}`"),
        }
    }
}

/// A word with the line that it begins on.
pub(crate) type Placed = (Token, u32);

/// RFC 5228 section 2.4.1: at least 31 bits; what is larger is a slip.
const NUMBER_MAX: u64 = u32::MAX as u64;

/// All words of a script.
pub(crate) fn tokens(script: &str) -> Result<Vec<Placed>, Fault> {
    let mut lexer = Lexer { script, chars: script.char_indices().peekable(), line: 1 };
    let mut found = Vec::new();
    while let Some(placed) = lexer.next()? {
        found.push(placed);
    }
    Ok(found)
}

struct Lexer<'s> {
    script: &'s str,
    chars: Peekable<CharIndices<'s>>,
    line: u32,
}

impl Lexer<'_> {
    fn next(&mut self) -> Result<Option<Placed>, Fault> {
        self.skip_white()?;
        let line = self.line;
        let Some(c) = self.bump() else { return Ok(None) };
        let token = match c {
            ';' | ',' | '(' | ')' | '{' | '}' | '[' | ']' => Token::Mark(c),
            '"' => Token::Text(self.quoted(line)?),
            ':' => Token::Tag(self.tag(line)?),
            c if c.is_ascii_digit() => Token::Number(self.number(c, line)?),
            c if is_first(c) => {
                let name = self.word(c);
                // RFC 5228 section 8.1: `text:` begins a string of lines.
                if name == "text" && self.peek() == Some(':') {
                    self.bump();
                    Token::Text(self.multi_line(line)?)
                } else {
                    Token::Identifier(name)
                }
            }
            c => return Err(Fault::new(line, format!("{c:?} does not belong here"))),
        };
        Ok(Some((token, line)))
    }

    fn peek(&mut self) -> Option<char> {
        self.chars.peek().map(|(_, c)| *c)
    }

    fn bump(&mut self) -> Option<char> {
        let (_, c) = self.chars.next()?;
        self.line += u32::from(c == '\n');
        Some(c)
    }

    /// Where the next character begins.
    fn at(&mut self) -> usize {
        self.chars.peek().map_or(self.script.len(), |(at, _)| *at)
    }

    /// White space and comments.
    fn skip_white(&mut self) -> Result<(), Fault> {
        while let Some(c) = self.peek() {
            match c {
                ' ' | '\t' | '\r' | '\n' => _ = self.bump(),
                '#' => self.skip_line(),
                '/' => self.skip_bracketed()?,
                _ => break,
            }
        }
        Ok(())
    }

    fn skip_line(&mut self) {
        while self.bump().is_some_and(|c| c != '\n') {}
    }

    fn skip_bracketed(&mut self) -> Result<(), Fault> {
        let line = self.line;
        self.bump();
        if self.bump() != Some('*') {
            return Err(Fault::new(line, "a comment begins with `#` or `/*`"));
        }
        let mut before = ' ';
        while let Some(c) = self.bump() {
            if before == '*' && c == '/' {
                return Ok(());
            }
            before = c;
        }
        Err(Fault::new(line, "the comment that begins here has no `*/`"))
    }

    fn word(&mut self, first: char) -> String {
        let mut name = String::from(first.to_ascii_lowercase());
        while let Some(c) = self.peek().filter(|c| is_first(*c) || c.is_ascii_digit()) {
            name.push(c.to_ascii_lowercase());
            self.bump();
        }
        name
    }

    fn tag(&mut self, line: u32) -> Result<String, Fault> {
        match self.bump() {
            Some(c) if is_first(c) => Ok(self.word(c)),
            _ => Err(Fault::new(line, "a word belongs behind the colon")),
        }
    }

    fn number(&mut self, first: char, line: u32) -> Result<u64, Fault> {
        let too_large = || Fault::new(line, format!("numbers go up to {NUMBER_MAX}"));
        let mut number = u64::from(first) - u64::from('0');
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            number = number * 10 + u64::from(digit);
            if number > NUMBER_MAX {
                return Err(too_large());
            }
            self.bump();
        }
        let shift = match self.peek().map(|c| c.to_ascii_uppercase()) {
            Some('K') => 10,
            Some('M') => 20,
            Some('G') => 30,
            _ => 0,
        };
        if shift > 0 {
            self.bump();
        }
        if self.peek().is_some_and(|c| is_first(c) || c.is_ascii_digit()) {
            return Err(Fault::new(line, "a number is digits, and `K`, `M` or `G` at most behind them"));
        }
        // RFC 5228 section 2.4.1: the quantifiers are powers of two.
        Some(number << shift).filter(|number| *number <= NUMBER_MAX).ok_or_else(too_large)
    }

    fn quoted(&mut self, line: u32) -> Result<String, Fault> {
        let mut text = String::new();
        loop {
            match self.bump() {
                Some('"') => return Ok(text),
                // RFC 5228 section 2.4.2: what need not be escaped stands for itself.
                Some('\\') => text.extend(self.bump()),
                Some('\0') | None => return Err(Fault::new(line, "the string that begins here has no end")),
                Some(c) => text.push(c),
            }
        }
    }

    /// RFC 5228 section 2.4.2: lines up to one that is a dot.
    fn multi_line(&mut self, line: u32) -> Result<String, Fault> {
        while self.peek().is_some_and(|c| c == ' ' || c == '\t') {
            self.bump();
        }
        if self.peek() == Some('\r') {
            self.bump();
        }
        match self.peek() {
            Some('#') => self.skip_line(),
            Some('\n') => _ = self.bump(),
            _ => return Err(Fault::new(line, "nothing but a comment may follow `text:` on its line")),
        }
        let mut text = String::new();
        while self.peek().is_some() {
            let start = self.at();
            self.skip_line();
            let end = self.at();
            let whole = &self.script[start..end];
            if whole.trim_end_matches(['\r', '\n']) == "." {
                return Ok(text);
            }
            // RFC 5228 section 8.1: a line that begins with a dot has one more.
            text.push_str(whole.strip_prefix('.').unwrap_or(whole));
        }
        Err(Fault::new(line, "the string that begins here has no line with a dot alone"))
    }
}

fn is_first(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}
