//! The DNS records that a configuration asks for: what they are (`records`), and what of them is there (`check`).
//!
//! For `octroi dns` and `octroi check --dns`.

pub(crate) mod check;
pub(crate) mod records;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
