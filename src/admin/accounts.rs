//! Accounts: added, changed, listed.
//!
//! Called by `handle`.

use super::handle::{Handler, done, parse, say};
use super::protocol::{AccountLine, Reply, Secret};
use octroi_gate::{NewAccount, Refusal};

impl Handler {
    pub(super) async fn account_add(
        &self,
        address: &str,
        name: &str,
        profile: &str,
        remote: bool,
        password: &Secret,
    ) -> Result<Reply, String> {
        let parsed = parse(address)?;
        let new = NewAccount { address: &parsed, display_name: name, profile, password: Some(&password.0), remote_access: remote };
        match self.admin.add_account(new).await {
            Ok(_) => Ok(Reply::Done),
            Err(Refusal::NotRelay) => Err(format!("the domain of {address} is not one of ours")),
            Err(Refusal::Missing) => Err(format!("there is no profile `{profile}`")),
            Err(Refusal::Exists) => Err(format!("{address} exists already")),
            Err(refusal) => Err(say(refusal, address)),
        }
    }

    pub(super) fn account_list(&self) -> Reply {
        let line = |account: &std::sync::Arc<octroi_model::Account>| AccountLine {
            address: account.address.to_string(),
            name: account.display_name.clone(),
            profile: account.profile.clone(),
            remote: account.remote_access,
            second_factor: self.admin.has_second_factor(account),
        };
        Reply::Accounts(self.admin.accounts().iter().map(line).collect())
    }

    pub(super) async fn account_set(&self, address: &str, profile: Option<String>, remote: Option<bool>) -> Result<Reply, String> {
        let parsed = parse(address)?;
        let accounts = self.admin.accounts();
        let account = accounts.iter().find(|account| account.address.key() == parsed.key()).ok_or("there is no such account")?;
        let (profile, remote) = (profile.unwrap_or_else(|| account.profile.clone()), remote.unwrap_or(account.remote_access));
        match self.admin.set_profile(&parsed, &profile, remote).await {
            Err(Refusal::Missing) => Err(format!("there is no profile `{profile}`")),
            outcome => done(outcome, address),
        }
    }

    pub(super) async fn account_password(&self, address: &str, password: &Secret) -> Result<Reply, String> {
        done(self.admin.set_password(&parse(address)?, &password.0).await, address)
    }
}
