//! A run of a script over one message.
//!
//! Recursion goes no deeper than the blocks and tests of the script, which were counted when it was read. Whatever fails ends the run with
//! the line that it failed on, and no action is taken then.

mod actions;
mod flags;
mod tests;

use crate::lexer::Fault;
use crate::limits::{Limits, STEP_BYTES};
use crate::matching::{Budget, Exhausted};
use crate::message::{Facts, Read};
use crate::script::{Command, Script, What};
use crate::text::{Text, Variables};
use crate::verdict::{Action, Filing, Verdict};

impl Script {
    /// What is to become of a message. A [`Fault`] is the script's, such as an address that is none: the message is to be kept then.
    pub fn run(&self, facts: &Facts<'_>) -> Result<Verdict, Fault> {
        let mut run = Run {
            limits: self.limits,
            facts,
            message: Read::new(facts.octets, &self.limits),
            variables: Variables::default(),
            flags: Vec::new(),
            actions: Vec::new(),
            implicit_keep: true,
            budget: Budget::new(self.limits.work_bytes_max),
            line: 1,
        };
        run.block(&self.commands).map_err(|stop| stop.fault(run.line)).map(|_| ())?;
        run.finish()
    }
}

/// The state of a run.
struct Run<'r> {
    limits: Limits,
    facts: &'r Facts<'r>,
    message: Read<'r>,
    variables: Variables,
    /// RFC 5232 section 2: the flags for keep and fileinto that name none.
    flags: Vec<String>,
    actions: Vec<Action>,
    implicit_keep: bool,
    budget: Budget,
    /// Of the command that runs.
    line: u32,
}

/// Does the script go on?
#[derive(Debug, PartialEq, Eq)]
enum Flow {
    On,
    Stop,
}

/// Why a run ends early.
enum Stopped {
    /// It has looked at too much.
    Exhausted,
    Fault(String),
}

impl From<Exhausted> for Stopped {
    fn from(_: Exhausted) -> Self {
        Self::Exhausted
    }
}

impl Stopped {
    fn fault(self, line: u32) -> Fault {
        match self {
            Self::Exhausted => Fault::new(line, "the script has too much to do with this message"),
            Self::Fault(text) => Fault::new(line, text),
        }
    }
}

impl Run<'_> {
    fn block(&mut self, commands: &[Command]) -> Result<Flow, Stopped> {
        for command in commands {
            self.line = command.line;
            self.budget.spend(STEP_BYTES as usize)?;
            if self.command(&command.what)? == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::On)
    }

    fn command(&mut self, what: &What) -> Result<Flow, Stopped> {
        match what {
            What::If { branches, otherwise } => {
                for (test, block) in branches {
                    if self.test(test)? {
                        return self.block(block);
                    }
                }
                return self.block(otherwise);
            }
            What::Stop => return Ok(Flow::Stop),
            What::Keep { flags } => self.keep(flags.as_deref())?,
            What::Discard => self.implicit_keep = false,
            What::FileInto { mailbox, copy, create, flags } => self.fileinto(mailbox, *copy, *create, flags.as_deref())?,
            What::Redirect { to, copy } => self.redirect(to, *copy)?,
            What::Reject { reason, way } => self.reject(reason, *way)?,
            What::Vacation(vacation) => self.vacation(vacation)?,
            What::Flags { edit, variable, flags } => self.edit_flags(*edit, variable.as_ref(), flags)?,
            What::Set { name, modifiers, value } => self.set(name, modifiers, value)?,
        }
        Ok(Flow::On)
    }

    fn expand(&mut self, text: &Text) -> Result<String, Stopped> {
        let value = text.expand(&self.variables, self.limits.variable_bytes_max);
        self.budget.spend(value.len())?;
        Ok(value)
    }

    fn expand_all(&mut self, texts: &[Text]) -> Result<Vec<String>, Stopped> {
        texts.iter().map(|text| self.expand(text)).collect()
    }

    /// RFC 5228 section 2.10.2.
    fn finish(mut self) -> Result<Verdict, Fault> {
        if self.implicit_keep {
            let flags = std::mem::take(&mut self.flags);
            self.file(Filing { flags, ..Filing::default() }).map_err(|stop| stop.fault(self.line))?;
        }
        Ok(Verdict { actions: self.actions })
    }
}
