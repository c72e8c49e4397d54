//! Flags of RFC 5232: lists of names, several in one string perhaps, compared without case.

use super::{Run, Stopped};
use crate::script::FlagEdit;
use crate::text::Text;

/// Flags that one message gets: as many as a mailbox has room for, and the system's.
const FLAGS_MAX: usize = 61;
/// Octets of one.
const FLAG_BYTES_MAX: usize = 128;
/// RFC 9051 section 2.3.2; `\Recent` is nobody's to set.
const SYSTEM: [&str; 5] = ["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"];

impl Run<'_> {
    /// Those that are named, or else those that were set before.
    pub(super) fn flags_of(&mut self, named: Option<&[Text]>) -> Result<Vec<String>, Stopped> {
        let Some(named) = named else { return Ok(self.flags.clone()) };
        let mut flags = Vec::new();
        for text in self.expand_all(named)? {
            text.split_ascii_whitespace().for_each(|flag| add(&mut flags, flag));
        }
        Ok(flags)
    }

    pub(super) fn edit_flags(&mut self, edit: FlagEdit, variable: Option<&Text>, named: &[Text]) -> Result<(), Stopped> {
        let variable = variable.and_then(Text::constant);
        let given = self.flags_of(Some(named))?;
        let mut flags = match edit {
            FlagEdit::Set => Vec::new(),
            FlagEdit::Add | FlagEdit::Remove => self.flags_in(variable),
        };
        for flag in &given {
            match edit {
                FlagEdit::Remove => flags.retain(|known| !known.eq_ignore_ascii_case(flag)),
                FlagEdit::Set | FlagEdit::Add => add(&mut flags, flag),
            }
        }
        if let Some(name) = variable {
            self.assign(name, flags.join(" "))
        } else {
            self.flags = flags;
            Ok(())
        }
    }

    /// What a variable holds, or the flags that are set without one.
    pub(super) fn flags_in(&self, variable: Option<&str>) -> Vec<String> {
        let Some(name) = variable else { return self.flags.clone() };
        let mut flags = Vec::new();
        let value = self.variables.named.get(&name.to_ascii_lowercase()).map_or("", String::as_str);
        value.split_ascii_whitespace().for_each(|flag| add(&mut flags, flag));
        flags
    }
}

/// Add a flag that is one and is not there yet. RFC 5232 section 2: what is none is passed over.
pub(super) fn add(flags: &mut Vec<String>, flag: &str) {
    let is_known = flags.iter().any(|known| known.eq_ignore_ascii_case(flag));
    if !is_known && is_flag(flag) && flags.len() < FLAGS_MAX {
        flags.push(flag.to_owned());
    }
}

fn is_flag(flag: &str) -> bool {
    if flag.starts_with('\\') {
        return SYSTEM.iter().any(|system| system.eq_ignore_ascii_case(flag));
    }
    // RFC 9051 section 9: an atom.
    let is_atom = |b: u8| b.is_ascii_graphic() && !b"(){%*\"\\]".contains(&b);
    !flag.is_empty() && flag.len() <= FLAG_BYTES_MAX && flag.bytes().all(is_atom)
}
