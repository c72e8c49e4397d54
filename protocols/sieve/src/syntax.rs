//! Words to the generic tree: commands with arguments, tests and blocks (RFC 5228 section 8.2). What they mean comes later.

use crate::lexer::{Fault, Placed, Token};
use std::vec::IntoIter;

/// An argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Argument {
    Number(u64),
    Tag(String),
    /// A string alone is a list of one (RFC 5228 section 2.4.2.1); `single` tells which was written.
    Strings {
        list: Vec<String>,
        single: bool,
    },
}

/// A test.
#[derive(Debug)]
pub(crate) struct TestNode {
    pub(crate) name: String,
    pub(crate) line: u32,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) tests: Vec<TestNode>,
}

/// A command.
#[derive(Debug)]
pub(crate) struct CommandNode {
    pub(crate) name: String,
    pub(crate) line: u32,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) tests: Vec<TestNode>,
    /// `None`: it ended with a semicolon.
    pub(crate) block: Option<Vec<CommandNode>>,
}

/// The commands of a script.
pub(crate) fn parse(tokens: Vec<Placed>, nesting_max: usize) -> Result<Vec<CommandNode>, Fault> {
    let mut parser = Parser { tokens: tokens.into_iter(), ahead: None, line: 1, nesting_max };
    parser.ahead = parser.tokens.next();
    let commands = parser.commands(0)?;
    match parser.take() {
        None => Ok(commands),
        Some((token, line)) => Err(Fault::new(line, format!("{token} does not belong here"))),
    }
}

struct Parser {
    tokens: IntoIter<Placed>,
    ahead: Option<Placed>,
    /// Of the last word.
    line: u32,
    nesting_max: usize,
}

impl Parser {
    fn take(&mut self) -> Option<Placed> {
        let taken = std::mem::replace(&mut self.ahead, self.tokens.next());
        if let Some((_, line)) = &taken {
            self.line = *line;
        }
        taken
    }

    fn is_mark(&self, mark: char) -> bool {
        matches!(&self.ahead, Some((Token::Mark(found), _)) if *found == mark)
    }

    fn take_mark(&mut self, mark: char) -> bool {
        let is = self.is_mark(mark);
        if is {
            self.take();
        }
        is
    }

    fn expected(&self, what: &str) -> Fault {
        match &self.ahead {
            Some((token, line)) => Fault::new(*line, format!("{what} is expected, not {token}")),
            None => Fault::new(self.line, format!("{what} is expected, not the end of the script")),
        }
    }

    /// Commands up to the end of the block.
    fn commands(&mut self, depth: usize) -> Result<Vec<CommandNode>, Fault> {
        if depth > self.nesting_max {
            return Err(Fault::new(self.line, format!("blocks are nested more than {} deep", self.nesting_max)));
        }
        let mut commands = Vec::new();
        while let Some((Token::Identifier(_), _)) = &self.ahead {
            commands.push(self.command(depth)?);
        }
        Ok(commands)
    }

    fn command(&mut self, depth: usize) -> Result<CommandNode, Fault> {
        let (name, line) = self.identifier()?;
        let arguments = self.arguments()?;
        let tests = self.tests(depth)?;
        let block = if self.take_mark('{') {
            let inner = self.commands(depth + 1)?;
            if !self.take_mark('}') {
                return Err(self.expected("a command or `}`"));
            }
            Some(inner)
        } else if self.take_mark(';') {
            None
        } else {
            return Err(self.expected("`;` or an argument"));
        };
        Ok(CommandNode { name, line, arguments, tests, block })
    }

    fn identifier(&mut self) -> Result<(String, u32), Fault> {
        match self.take() {
            Some((Token::Identifier(name), line)) => Ok((name, line)),
            Some((token, line)) => Err(Fault::new(line, format!("a name is expected, not {token}"))),
            None => Err(Fault::new(self.line, "a name is expected, not the end of the script")),
        }
    }

    fn arguments(&mut self) -> Result<Vec<Argument>, Fault> {
        let mut arguments = Vec::new();
        loop {
            match &self.ahead {
                Some((Token::Number(number), _)) => arguments.push(Argument::Number(*number)),
                Some((Token::Tag(name), _)) => arguments.push(Argument::Tag(name.clone())),
                Some((Token::Text(text), _)) => arguments.push(Argument::Strings { list: vec![text.clone()], single: true }),
                Some((Token::Mark('['), _)) => {
                    let list = self.list()?;
                    arguments.push(Argument::Strings { list, single: false });
                    continue;
                }
                _ => return Ok(arguments),
            }
            self.take();
        }
    }

    fn list(&mut self) -> Result<Vec<String>, Fault> {
        self.take();
        let mut list = Vec::new();
        loop {
            match self.take() {
                Some((Token::Text(text), _)) => list.push(text),
                Some((token, line)) => return Err(Fault::new(line, format!("a string is expected in the list, not {token}"))),
                None => return Err(self.expected("a string in the list")),
            }
            if self.take_mark(']') {
                return Ok(list);
            }
            if !self.take_mark(',') {
                return Err(self.expected("`,` or `]`"));
            }
        }
    }

    /// A test, a list of tests, or nothing.
    fn tests(&mut self, depth: usize) -> Result<Vec<TestNode>, Fault> {
        if depth > self.nesting_max {
            return Err(Fault::new(self.line, format!("tests are nested more than {} deep", self.nesting_max)));
        }
        if matches!(&self.ahead, Some((Token::Identifier(_), _))) {
            return Ok(vec![self.test(depth)?]);
        }
        let mut tests = Vec::new();
        if self.take_mark('(') {
            loop {
                tests.push(self.test(depth)?);
                if self.take_mark(')') {
                    break;
                }
                if !self.take_mark(',') {
                    return Err(self.expected("`,` or `)`"));
                }
            }
        }
        Ok(tests)
    }

    fn test(&mut self, depth: usize) -> Result<TestNode, Fault> {
        let (name, line) = self.identifier()?;
        let arguments = self.arguments()?;
        let tests = self.tests(depth + 1)?;
        Ok(TestNode { name, line, arguments, tests })
    }
}
