//! The words of the protocol (RFC 5804 section 4).

mod grammar;
mod input;
mod response;

pub(crate) use grammar::{Request, parse};
pub(crate) use input::{Input, Wire};
pub(crate) use response::{Reply, quoted};
