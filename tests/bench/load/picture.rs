//! A session's picture of its mailbox: which message has which number, from what the server says and nothing else.
//!
//! Fed by `connection.rs` with each untagged line, asked by `session.rs`. What always holds: a line that contradicts what was said before is
//! kept as a contradiction, which the session reports as an error.

/// Numbers and what was said about them.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    /// The uid of message number `i + 1`; 0 while it is not known.
    uids: Vec<u32>,
    /// What a line must contain to count as an answer to the command under way.
    wanted: &'static str,
    /// How many such lines came.
    answers: usize,
    contradiction: Option<String>,
}

impl Picture {
    /// A command goes out whose answers contain that.
    pub(crate) fn expect(&mut self, wanted: &'static str) {
        self.wanted = wanted;
        self.answers = 0;
    }

    pub(crate) fn answers(&self) -> usize {
        self.answers
    }

    /// Another mailbox is opened.
    pub(crate) fn forget(&mut self) {
        self.uids.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.uids.len()
    }

    pub(crate) fn uid(&self, index: usize) -> Option<u32> {
        self.uids.get(index).copied().filter(|uid| *uid != 0)
    }

    /// Whether messages came whose uids are not known. They are the last ones.
    pub(crate) fn has_news(&self) -> bool {
        self.uids.last() == Some(&0)
    }

    /// The lowest uid that a message not known yet can have.
    pub(crate) fn next_uid(&self) -> u32 {
        self.uids.iter().rev().find(|uid| **uid != 0).map_or(1, |uid| uid + 1)
    }

    pub(crate) fn contradiction(&mut self) -> Option<String> {
        self.contradiction.take()
    }

    /// One untagged line, from behind its `* `, without what stood in literals.
    pub(crate) fn hear(&mut self, line: &[u8]) {
        let line = line.trim_ascii_end();
        if contains(line, self.wanted.as_bytes()) {
            self.answers += 1;
        }
        let Some((number, rest)) = leading_number(line) else { return };
        if rest == b" EXISTS" {
            self.exists(number);
        } else if rest == b" EXPUNGE" {
            self.expunge(number);
        } else if rest.starts_with(b" FETCH (") {
            self.fetch(number, rest);
        }
    }

    fn exists(&mut self, number: usize) {
        if number < self.uids.len() {
            self.contradict(format!("{number} EXISTS where there were {}", self.uids.len()));
        }
        self.uids.resize(number, 0);
    }

    fn expunge(&mut self, number: usize) {
        if number == 0 || number > self.uids.len() {
            self.contradict(format!("{number} EXPUNGE where there are {}", self.uids.len()));
        } else {
            self.uids.remove(number - 1);
        }
    }

    fn fetch(&mut self, number: usize, rest: &[u8]) {
        let Some(at) = find(rest, b"UID ") else { return };
        let Some((uid, _)) = leading_number(&rest[at + 4..]) else { return };
        let uid = uid as u32;
        match number.checked_sub(1).and_then(|index| self.uids.get_mut(index)) {
            Some(known) if *known == 0 || *known == uid => *known = uid,
            Some(known) => {
                let text = format!("message {number} has uid {uid}, and had {known}");
                self.contradict(text);
            }
            None => self.contradict(format!("{number} FETCH where there are {}", self.uids.len())),
        }
    }

    fn contradict(&mut self, text: String) {
        self.contradiction.get_or_insert(text);
    }
}

fn leading_number(line: &[u8]) -> Option<(usize, &[u8])> {
    let digits = line.iter().take_while(|octet| octet.is_ascii_digit()).count();
    let number = std::str::from_utf8(&line[..digits]).ok()?.parse().ok()?;
    Some((number, &line[digits..]))
}

fn find(line: &[u8], wanted: &[u8]) -> Option<usize> {
    line.windows(wanted.len()).position(|window| window == wanted)
}

fn contains(line: &[u8], wanted: &[u8]) -> bool {
    !wanted.is_empty() && find(line, wanted).is_some()
}
