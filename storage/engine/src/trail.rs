//! The audit trail: each line is numbered and linked to all before it, so that none can be altered or taken out unseen.
//!
//! The committer stamps lines (one after the other, so the chain has one end); recovery follows them; [`verify`] walks the chain again.

use octroi_model::{AuditEntry, AuditLine, AuditVia};

/// The end of the trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Trail {
    /// Number of the last line.
    pub number: u64,
    /// Its link.
    pub link: [u8; 32],
}

impl Trail {
    /// The next line.
    pub(crate) fn next(self, entry: &AuditEntry, via: &AuditVia) -> AuditLine {
        let number = self.number + 1;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.link).update(&number.to_le_bytes());
        // Into memory, of values that can all be written: this does not fail.
        hasher.update(&postcard::to_stdvec(&(entry, via)).unwrap_or_default());
        AuditLine { number, link: *hasher.finalize().as_bytes(), entry: entry.clone(), via: via.clone() }
    }

    /// The trail ends with this line now.
    pub(crate) fn at(line: &AuditLine) -> Self {
        Self { number: line.number, link: line.link }
    }
}

/// The first fault in lines that follow `before`, oldest first: what is wrong, for people; else the new end.
pub fn verify(before: Trail, lines: &[AuditLine]) -> Result<Trail, String> {
    let mut end = before;
    for line in lines {
        if line.number != end.number + 1 {
            return Err(format!("after line {} comes line {}", end.number, line.number));
        }
        if end.next(&line.entry, &line.via).link != line.link {
            return Err(format!("line {} is not what was written", line.number));
        }
        end = Trail::at(line);
    }
    Ok(end)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use octroi_model::{Outcome, UnixTime};

    fn lines() -> Vec<AuditLine> {
        let mut end = Trail::default();
        (0..5)
            .map(|at| {
                let entry = AuditEntry {
                    at: UnixTime(1_800_000_000 + at),
                    account: None,
                    act: "log-in".into(),
                    subject: "imap".into(),
                    peer: "192.0.2.1".into(),
                    outcome: Outcome::Done,
                    reason: format!("{at}"),
                };
                let line = end.next(&entry, &AuditVia::default());
                end = Trail::at(&line);
                line
            })
            .collect()
    }

    #[test]
    fn nothing_can_be_altered_taken_out_or_moved() {
        let whole = lines();
        assert_eq!(verify(Trail::default(), &whole).unwrap().number, 5);
        let mut altered = whole.clone();
        altered[2].entry.outcome = Outcome::Refused;
        assert_eq!(verify(Trail::default(), &altered), Err("line 3 is not what was written".into()));
        let mut elsewhere = whole.clone();
        elsewhere[2].via.zone = "secured".into();
        assert!(verify(Trail::default(), &elsewhere).is_err());
        let mut short = whole.clone();
        short.remove(3);
        assert_eq!(verify(Trail::default(), &short), Err("after line 3 comes line 5".into()));
        let mut swapped = whole.clone();
        swapped.swap(1, 2);
        assert!(verify(Trail::default(), &swapped).is_err());
        assert_eq!(verify(Trail::at(&whole[1]), &whole[2..]).unwrap(), Trail::at(&whole[4]));
    }
}
