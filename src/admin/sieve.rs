//! Filters: kept, listed, given back, made active and removed on somebody's behalf.
//!
//! Called by `handle`. What a script says is looked at here, since the gate does not know Sieve.

use super::handle::{Handler, done, say};
use super::protocol::{Reply, SieveOrder};
use octroi_gate::Refusal;
use octroi_model::Address;

impl Handler {
    pub(super) async fn sieve(&self, owner: &Address, order: SieveOrder) -> Result<Reply, String> {
        match order {
            SieveOrder::Put { name, script } => {
                octroi_sieve::compile(&script, &self.filters).map_err(|fault| fault.to_string())?;
                done(self.admin.put_script(owner, &name, script.as_bytes()).await, &named(&name))
            }
            SieveOrder::List => {
                let scripts = self.admin.scripts(owner).await.map_err(|refusal| say(refusal, "filter"))?;
                Ok(Reply::Scripts(scripts.into_iter().map(|script| (script.name, script.bytes, script.active)).collect()))
            }
            SieveOrder::Get { name } => {
                let script = self.admin.script(owner, &name).await.map_err(|refusal| say(refusal, &named(&name)))?;
                Ok(Reply::Text(String::from_utf8_lossy(&script).into_owned()))
            }
            SieveOrder::Activate { name } => {
                done(self.admin.activate_script(owner, name.as_deref()).await, &named(name.as_deref().unwrap_or_default()))
            }
            SieveOrder::Delete { name } => match self.admin.delete_script(owner, &name).await {
                Err(Refusal::Unsupported) => Err(format!("{} is active: activate another one first, or none", named(&name))),
                outcome => done(outcome, &named(&name)),
            },
        }
    }
}

fn named(name: &str) -> String {
    format!("filter `{name}`")
}
