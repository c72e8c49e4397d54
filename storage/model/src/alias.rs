//! Addresses of ours that are no account's: aliases, groups that can be written to, what catches all else of a domain.

use crate::{Address, AliasId, GroupId, domain_key};
use serde::{Deserialize, Serialize};
use std::fmt;

/// An address, or all that is left of a domain, and where its mail goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// Its number.
    pub id: AliasId,
    /// What is written to; [`AliasName::key`] is unique, and no account has it.
    pub name: AliasName,
    /// Where that goes.
    pub leads_to: LeadsTo,
}

/// What an alias is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AliasName {
    /// One address, with any `+detail`.
    Address(Address),
    /// Every address of a domain that nobody has.
    Rest(String),
}

/// Where mail for an alias goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeadsTo {
    /// To these; those that are not of our domains were allowed by the administrator.
    Addresses(Vec<Address>),
    /// To all who are in a group.
    Group {
        /// Which.
        group: GroupId,
        /// Only members may write to it, which takes their own log-in.
        members_only: bool,
    },
}

impl AliasName {
    /// From what the administrator writes: an address, or `@domain` for all that is left of it.
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix('@') {
            Some(domain) => Address::new("x", domain).ok().map(|address| Self::Rest(address.domain().to_owned())),
            None => text.parse().ok().map(Self::Address),
        }
    }

    /// The domain.
    pub fn domain(&self) -> &str {
        match self {
            Self::Address(address) => address.domain(),
            Self::Rest(domain) => domain,
        }
    }

    /// The form under which it is looked up: [`Address::key`], or `@` and [`domain_key`].
    pub fn key(&self) -> String {
        match self {
            Self::Address(address) => address.key(),
            Self::Rest(domain) => format!("@{}", domain_key(domain)),
        }
    }
}

impl fmt::Display for AliasName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Rest(domain) => write!(f, "@{domain}"),
        }
    }
}
