//! MAIL (RFC 5321 section 4.1.1.2): opens a transaction.

use crate::inbound;
use crate::refusal;
use crate::session::{End, Kind, Session};
use crate::submission;
use crate::transaction::{Open, Route, Transaction};
use crate::wire::{Fault, Mail, Reply};

impl Session {
    pub(crate) async fn mail(&mut self, mail: Mail) -> Result<(), End> {
        match self.open(mail).await {
            Ok(open) => {
                self.transaction = Transaction::Open(Box::new(open));
                self.say(&Reply::new(250, "2.1.0", "Sender accepted")).await
            }
            Err(reply) => self.say(&reply).await,
        }
    }

    async fn open(&mut self, mail: Mail) -> Result<Open, Reply> {
        // RFC 5321 section 4.1.1.1: a client must greet first.
        if self.hello.is_none() {
            return Err(Reply::new(503, "5.5.1", "Greet first"));
        }
        if !matches!(self.transaction, Transaction::Idle) {
            return Err(Reply::new(503, "5.5.1", "Another message is under way"));
        }
        // RFC 1870 section 6.1.
        if mail.bytes > self.config.message_bytes_max {
            return Err(Reply::new(552, "5.3.4", "Message too big"));
        }
        // RFC 5321 section 4.1.1.11: a parameter of an extension that is not offered here.
        if mail.auth && self.kind != Kind::Submission {
            return Err(refusal::of_line(&Fault::UnsupportedParameter));
        }
        let terms = crate::terms::checked(self, mail.terms)?;
        let envid = terms.envid.clone();
        if self.stranger {
            self.config.guard.message(self.peer(), &mail.from, &self.config.strangers)?;
        }
        let mut route = match self.kind {
            Kind::Submission => Route::Submitted(submission::open(submission::member(self)?, &mail.from).await?.announce(mail.bytes)),
            Kind::Inbound | Kind::Lmtp => Route::Inbound(inbound::open(self, &mail.from).announce(mail.bytes)),
        };
        let (sender, suspect) = (self.check_sender(&mail.from), self.suspect(&mail.from));
        if mail.binary {
            route = route.staying();
        }
        let route = route.under(terms);
        let (utf8, binary) = (mail.utf8, mail.binary);
        Ok(Open { route, from: mail.from, utf8, binary, accepted: 0, sender, suspect, envid, authentic: None, believed: false })
    }
}
