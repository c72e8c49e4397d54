//! From the generic tree to what is run: `require` is obeyed, names are known, arguments are of their kind. Every fault says what to write
//! instead, since a person reads it.

mod actions;
mod arguments;
mod tests;

use crate::extension::{Extension, Required};
use crate::lexer::{Fault, tokens};
use crate::limits::Limits;
use crate::script::{Command, Script, Test, What};
use crate::syntax::{Argument, CommandNode, parse};
use crate::text::{Text, decode_characters};
use arguments::Arguments;

/// What holds for a whole script.
pub(crate) struct Context {
    required: Required,
}

/// Read a script.
pub fn compile(script: &str, limits: &Limits) -> Result<Script, Fault> {
    if script.len() > limits.script_bytes_max {
        return Err(Fault::new(1, format!("the script is larger than {} bytes", limits.script_bytes_max)));
    }
    if let Some((line, _)) = (1..).zip(script.lines()).find(|(_, text)| text.contains('\0')) {
        return Err(Fault::new(line, "a null is no character of a script"));
    }
    let nodes = parse(tokens(script)?, limits.nesting_max)?;
    let mut context = Context { required: Required::default() };
    let required = nodes.iter().take_while(|node| node.name == "require").count();
    for node in &nodes[..required] {
        context.require(node)?;
    }
    let commands = context.block(nodes.into_iter().skip(required))?;
    Ok(Script { commands, limits: *limits })
}

impl Context {
    /// RFC 5228 section 3.2.
    fn require(&mut self, node: &CommandNode) -> Result<(), Fault> {
        let [Argument::Strings { list, .. }] = node.arguments.as_slice() else {
            return Err(Fault::new(node.line, "`require` takes a string or a list of strings"));
        };
        ends_with_semicolon(node)?;
        for name in list {
            let extension = Extension::parse(name);
            self.required.add(extension.ok_or_else(|| Fault::new(node.line, format!("this server has no extension \"{name}\"")))?);
        }
        Ok(())
    }

    fn block(&self, nodes: impl Iterator<Item = CommandNode>) -> Result<Vec<Command>, Fault> {
        let mut commands: Vec<Command> = Vec::new();
        // May an `elsif` or `else` follow?
        let mut open = false;
        for node in nodes {
            let line = node.line;
            match node.name.as_str() {
                "if" => {
                    let branch = self.branch(node)?;
                    commands.push(Command { line, what: What::If { branches: vec![branch], otherwise: Vec::new() } });
                    open = true;
                }
                "elsif" | "else" => {
                    let Some(What::If { branches, otherwise }) = commands.last_mut().filter(|_| open).map(|command| &mut command.what)
                    else {
                        return Err(Fault::new(line, format!("`{}` stands behind the block of an `if` or `elsif` only", node.name)));
                    };
                    if node.name == "elsif" {
                        branches.push(self.branch(node)?);
                    } else {
                        *otherwise = self.otherwise(node)?;
                        open = false;
                    }
                }
                _ => {
                    commands.push(self.action(node)?);
                    open = false;
                }
            }
        }
        Ok(commands)
    }

    fn branch(&self, node: CommandNode) -> Result<(Test, Vec<Command>), Fault> {
        let CommandNode { name, line, arguments, tests, block } = node;
        let [test] = <[_; 1]>::try_from(tests).map_err(|_| Fault::new(line, format!("`{name}` takes one test")))?;
        if !arguments.is_empty() {
            return Err(Fault::new(line, format!("`{name}` takes a test, and nothing before it")));
        }
        let test = self.test(test)?;
        let block = block.ok_or_else(|| Fault::new(line, format!("`{name}` needs a block: {{ … }}")))?;
        Ok((test, self.block(block.into_iter())?))
    }

    fn otherwise(&self, node: CommandNode) -> Result<Vec<Command>, Fault> {
        if !node.arguments.is_empty() || !node.tests.is_empty() {
            return Err(Fault::new(node.line, "`else` takes no test"));
        }
        let block = node.block.ok_or_else(|| Fault::new(node.line, "`else` needs a block: { … }"))?;
        self.block(block.into_iter())
    }

    fn arguments<'c>(&'c self, name: &'c str, line: u32, arguments: Vec<Argument>) -> Arguments<'c> {
        Arguments::new(self, name, line, arguments)
    }

    /// Was it asked for?
    pub(crate) fn has(&self, extension: Extension) -> bool {
        self.required.has(extension)
    }

    pub(crate) fn need(&self, extension: Extension, what: &str, line: u32) -> Result<(), Fault> {
        if self.has(extension) {
            return Ok(());
        }
        Err(Fault::new(line, format!("{what} needs `require \"{}\";` at the beginning of the script", extension.name())))
    }

    pub(crate) fn text(&self, text: &str, line: u32) -> Result<Text, Fault> {
        let fault = |text| Fault::new(line, text);
        let decoded = if self.has(Extension::EncodedCharacter) { decode_characters(text).map_err(fault)? } else { text.to_owned() };
        if self.has(Extension::Variables) { Text::parse(&decoded).map_err(fault) } else { Ok(Text::plain(decoded)) }
    }
}

fn ends_with_semicolon(node: &CommandNode) -> Result<(), Fault> {
    if node.block.is_some() {
        return Err(Fault::new(node.line, format!("`{}` ends with `;` and takes no block", node.name)));
    }
    if !node.tests.is_empty() {
        return Err(Fault::new(node.line, format!("`{}` takes no test", node.name)));
    }
    Ok(())
}
