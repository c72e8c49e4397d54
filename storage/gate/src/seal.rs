//! Secrets of the program itself that it keeps in files of its own beside the journal: sealed, so that a copied file alone opens nothing.

use crate::admin::Admin;
use crate::refusal::Refusal;
use zeroize::Zeroizing;

impl Admin {
    /// Seal a secret under the data folder's key.
    pub fn seal(&self, secret: &[u8]) -> Result<Vec<u8>, Refusal> {
        self.gate().0.key.seal(secret).map_err(|error| {
            tracing::error!(%error, "a secret could not be sealed");
            Refusal::Unavailable
        })
    }

    /// Open what [`Admin::seal`] made; `None` when it was made under another key or altered.
    pub fn unseal(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.gate().0.key.unseal(sealed)
    }

    /// Note in the audit trail what was done to a secret of the program.
    pub async fn note_secret(&self, act: &str, subject: &str) {
        self.note(act, subject, "").await;
    }
}
