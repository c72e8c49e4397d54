//! The end of mail data in SMTP, both ways (RFC 5321 section 4.5.2).
//!
//! Called by `smtp`, for receiving and for sending. What always holds: only CR LF `.` CR LF ends the data (or `.` CR LF at the very
//! beginning), however it is cut into chunks; anything that another program could take for an end is reported, and never sent.

/// What makes mail data unacceptable. The data must still be read to its end, then refused with 550 (or 554).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// A CR that no LF follows (RFC 5321 section 2.3.8).
    BareCr,
    /// An LF that no CR precedes (RFC 5321 section 2.3.8).
    BareLf,
    /// A NUL, which some programs drop, and so see an end of data in CR LF NUL `.` CR LF (RFC 2045 section 2.8 forbids it).
    Nul,
}

/// How far [`DotReceiver::push`] came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Octets of the chunk that belong to the data; those after it are the next command.
    pub consumed: usize,
    /// The end of the data was in the chunk.
    pub ended: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// After CR LF, or at the beginning.
    LineStart,
    /// Within a line.
    Line,
    /// After a CR, which is passed on already.
    Cr,
    /// After a `.` at the start of a line, which is held back.
    Dot,
    /// After that and a CR, which are both held back.
    DotCr,
    Ended,
}

/// Takes mail data as it comes and gives back what was meant.
#[derive(Debug)]
pub struct DotReceiver {
    state: State,
    violation: Option<Violation>,
}

impl DotReceiver {
    /// Right after the reply 354.
    pub fn new() -> Self {
        Self { state: State::LineStart, violation: None }
    }

    /// Take a chunk, cut wherever the network cut it, and append the meant octets to `out`: at most one more than the chunk has.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Progress {
        let mut at = 0;
        while at < chunk.len() && self.state != State::Ended {
            let ordinary = self.state == State::Line || self.state == State::LineStart && chunk[at] != b'.';
            if ordinary {
                // Most octets are ordinary: pass on all up to the next that is not.
                let plain = memchr::memchr3(b'\r', b'\n', 0, &chunk[at..]).unwrap_or(chunk.len() - at);
                out.extend_from_slice(&chunk[at..at + plain]);
                at += plain;
                if plain > 0 {
                    self.state = State::Line;
                    continue;
                }
            }
            self.step(chunk[at], out);
            at += 1;
        }
        Progress { consumed: at, ended: self.state == State::Ended }
    }

    /// The first thing that was wrong with the data, if any.
    pub fn violation(&self) -> Option<Violation> {
        self.violation
    }

    fn step(&mut self, octet: u8, out: &mut Vec<u8>) {
        if octet == 0 {
            self.note(Violation::Nul);
        }
        self.state = match (self.state, octet) {
            (State::Ended, _) | (State::DotCr, b'\n') => State::Ended,
            (State::LineStart, b'.') => State::Dot,
            (State::Dot, b'\r') => State::DotCr,
            (State::DotCr, _) => {
                out.extend_from_slice(b".\r");
                return self.after_bare_cr(octet, out);
            }
            (State::Cr, b'\n') => {
                out.push(b'\n');
                State::LineStart
            }
            (State::Cr, _) => return self.after_bare_cr(octet, out),
            (State::Dot, b'\n') => {
                self.note(Violation::BareLf);
                out.extend_from_slice(b".\n");
                State::Line
            }
            (_, b'\n') => {
                self.note(Violation::BareLf);
                out.push(b'\n');
                State::Line
            }
            (_, b'\r') => {
                out.push(b'\r');
                State::Cr
            }
            // RFC 5321 section 4.5.2: behind a dot at the start of a line, which is dropped; or anywhere in a line.
            (State::Dot | State::LineStart | State::Line, _) => {
                out.push(octet);
                State::Line
            }
        };
    }

    fn after_bare_cr(&mut self, octet: u8, out: &mut Vec<u8>) {
        self.note(Violation::BareCr);
        out.push(octet);
        self.state = if octet == b'\r' { State::Cr } else { State::Line };
    }

    fn note(&mut self, violation: Violation) {
        self.violation.get_or_insert(violation);
    }
}

impl Default for DotReceiver {
    fn default() -> Self {
        Self::new()
    }
}

/// Makes mail data fit to be sent: every dot at the start of a line doubled, every line ended by CR LF, no NUL.
#[derive(Debug)]
pub struct DotStuffer {
    line_start: bool,
    /// A CR has come that is not sent before it is known what follows.
    held_cr: bool,
}

impl DotStuffer {
    /// At the beginning of the data.
    pub fn new() -> Self {
        Self { line_start: true, held_cr: false }
    }

    /// Append a chunk of the message to `out`. A bare CR or LF goes out as CR LF: an octet changes, but no receiver can be misled.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let mut at = 0;
        while at < chunk.len() {
            let special = self.held_cr || self.line_start && chunk[at] == b'.';
            if !special {
                let plain = memchr::memchr3(b'\r', b'\n', 0, &chunk[at..]).unwrap_or(chunk.len() - at);
                out.extend_from_slice(&chunk[at..at + plain]);
                at += plain;
                if plain > 0 {
                    self.line_start = false;
                    continue;
                }
            }
            self.step(chunk[at], out);
            at += 1;
        }
    }

    fn step(&mut self, octet: u8, out: &mut Vec<u8>) {
        match octet {
            0 => return,
            b'\n' => {
                self.held_cr = false;
                return self.end_line(out);
            }
            _ => {}
        }
        if std::mem::take(&mut self.held_cr) {
            self.end_line(out);
        }
        match octet {
            b'\r' => self.held_cr = true,
            b'.' if self.line_start => {
                out.extend_from_slice(b"..");
                self.line_start = false;
            }
            _ => {
                out.push(octet);
                self.line_start = false;
            }
        }
    }

    fn end_line(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\r\n");
        self.line_start = true;
    }

    /// Append the end of the data, and the end of the last line if it has none.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        if self.held_cr || !self.line_start {
            self.end_line(out);
        }
        out.extend_from_slice(b".\r\n");
    }
}

impl Default for DotStuffer {
    fn default() -> Self {
        Self::new()
    }
}

/// A whole message as it goes over the wire, end of data included.
pub fn dot_stuff(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + message.len() / 64 + 8);
    let mut stuffer = DotStuffer::new();
    stuffer.push(message, &mut out);
    stuffer.finish(&mut out);
    out
}
