//! The demo: a real server on loopback with a sample organisation, a customs directorate.
//!
//! People and their documents are put in through the gate, as their own programs would. What was made up (passwords, secrets) is kept in
//! `demo.json` in the data folder, so that a demo with `--data` can be stopped and started again.

pub(crate) mod content;
pub(crate) mod fill;
pub(crate) mod people;
pub(crate) mod ports;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The organisation's domain.
pub(crate) const DOMAIN: &str = "douane.example";

/// One of the demo's people with all that they need to connect. Secrets are written out: this is a demo.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) address: String,
    pub(crate) profile: String,
    /// Opens the portal only; plain accounts have none.
    pub(crate) password: Option<String>,
    pub(crate) totp_secret: Option<String>,
    pub(crate) app_password: String,
    #[serde(default, skip_deserializing)]
    pub(crate) files: String,
    #[serde(default, skip_deserializing)]
    pub(crate) calendars: String,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct Ready {
    pub(crate) addresses: BTreeMap<&'static str, String>,
    pub(crate) certificate: String,
    pub(crate) data: String,
    pub(crate) people: Vec<Person>,
}
