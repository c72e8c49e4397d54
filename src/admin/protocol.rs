//! What goes over the admin socket.

use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// What is asked for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub(crate) enum Request {
    AccountAdd { address: String, name: String, profile: String, remote: bool, password: Secret },
    AccountList,
    AccountRemove { address: String },
    AppPasswordMint { address: String, label: String, services: Vec<String>, expires_days: Option<u32> },
    AppPasswordList { address: String },
    AppPasswordRevoke { id: String },
    Share { owner: String, path: String, with: Vec<String> },
    Explain { who: String, owner: String, path: String, rights: String, from: IpAddr },
    Audit { lines: usize },
    Reload,
    Check,
}

/// What comes back.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reply {
    Done,
    Secret(Secret),
    Accounts(Vec<AccountLine>),
    AppPasswords(Vec<AppPasswordLine>),
    Text(String),
    Check { summary: String, faults: Vec<String> },
    Failed(String),
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AccountLine {
    pub(crate) address: String,
    pub(crate) name: String,
    pub(crate) profile: String,
    pub(crate) remote: bool,
    pub(crate) second_factor: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AppPasswordLine {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) services: String,
    pub(crate) created: String,
    pub(crate) expires: Option<String>,
    pub(crate) last_used: Option<String>,
}

/// A text that is wiped when it is dropped and never printed by accident.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub(crate) struct Secret(pub(crate) String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}
