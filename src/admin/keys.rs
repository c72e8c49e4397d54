//! Signing keys: shown, made, put to use.

use super::handle::Handler;
use super::protocol::{DkimLine, Reply};
use octroi_mailauth::KeySet;

impl Handler {
    pub(super) fn dkim_show(&self) -> Result<Reply, String> {
        Ok(reply(&self.keys.load(&self.admin)?))
    }

    pub(super) async fn dkim_generate(&self) -> Result<Reply, String> {
        Ok(reply(&self.keys.generate(&self.admin).await?))
    }

    pub(super) async fn dkim_switch(&self) -> Result<Reply, String> {
        Ok(reply(&self.keys.switch(&self.admin).await?))
    }
}

fn reply(keys: &KeySet) -> Reply {
    Reply::Dkim(keys.pairs().iter().map(|pair| DkimLine { standing: pair.standing(), records: pair.records().to_vec() }).collect())
}
