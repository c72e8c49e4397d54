//! What is looked into as it is delivered: reports of other servers, and mail about meetings (`meeting`).
//!
//! Called by `data`. Only what is sent to an address that reports are sent to is looked at, and only once it is in somebody's mailbox like
//! any other mail: so nothing is lost that cannot be read here, and filters, quotas and rights are those of the mailbox.

use crate::meeting::Meeting;
use crate::session::{Kind, Session};
use crate::transaction::Open;
use octroi_reports::{Fault, Reports};
use std::sync::{Arc, Mutex, PoisonError};
use tracing::{debug, info, warn};

/// What is looked at of a message once it is delivered.
#[derive(Clone)]
pub(crate) struct Copies {
    report: Option<Intake>,
    meeting: Option<Meeting>,
}

impl Copies {
    /// Of a message that is all here.
    pub(crate) fn of(session: &Session, open: &Open, bytes: u64) -> Self {
        Self { report: Intake::of(session, open, bytes), meeting: Meeting::of(session, open, bytes) }
    }

    /// Here are its octets.
    pub(crate) fn copy(&self, octets: &[u8]) {
        if let Some(report) = &self.report {
            report.copy(octets);
        }
        if let Some(meeting) = &self.meeting {
            meeting.copy(octets);
        }
    }

    /// It is delivered.
    pub(crate) fn take_in(self, id: &str) {
        if let Some(report) = self.report {
            report.take_in(id.to_owned());
        }
        if let Some(meeting) = self.meeting {
            meeting.take_in(id.to_owned());
        }
    }
}

/// A message for such an address; its octets are kept aside on their way into the store.
#[derive(Clone)]
struct Intake {
    reports: Reports,
    authentic: Option<bool>,
    octets: Arc<Mutex<Option<Vec<u8>>>>,
}

impl Intake {
    /// `None`: it is for nobody who gets reports. From our own people nothing of this kind comes.
    fn of(session: &Session, open: &Open, bytes: u64) -> Option<Self> {
        let reports = &session.config.reports;
        let is_for_us = session.kind != Kind::Submission && open.route.recipients().iter().any(|to| reports.receives(to));
        if !is_for_us {
            return None;
        }
        if bytes > reports.message_bytes_max() as u64 {
            warn!(bytes, "a message to the address for reports is too big to be looked into");
            return None;
        }
        Some(Self { reports: reports.clone(), authentic: open.authentic, octets: Arc::default() })
    }

    /// Here are its octets.
    fn copy(&self, octets: &[u8]) {
        *self.octets.lock().unwrap_or_else(PoisonError::into_inner) = Some(octets.to_vec());
    }

    /// It is delivered: keep what it reports. Nobody waits for that.
    fn take_in(self, id: String) {
        let Some(octets) = self.octets.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let (reports, authentic) = (self.reports, self.authentic);
        tokio::spawn(async move {
            match reports.take_in(octets, authentic).await {
                Ok(kept) => info!(id, organisation = kept.organisation, domain = kept.domain, report = kept.id, "a report is taken in"),
                // Where nobody has set up an address of its own for reports, it is postmaster's.
                Err(Fault::NotAReport) => debug!(id, "a message to the address for reports is none"),
                Err(why) => warn!(id, %why, "a message to the address for reports is left in the mailbox as it is"),
            }
        });
    }
}
