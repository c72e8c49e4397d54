//! `[documents]`: what is kept of documents that are written over or removed.

use octroi_gate::{Limits, VersionPolicy};
use serde::{Deserialize, Serialize};

/// What is kept, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Documents {
    /// Versions of each document, where its folder says nothing else; 0: none.
    pub(crate) versions: u32,
    /// For how many days.
    pub(crate) versions_days: u32,
    /// Days for which what is removed lies in the trash; 0: there is none.
    pub(crate) trash_days: u32,
    /// Octets that the trash of one account holds, such as `5G`; without it as many as the account's quota allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trash: Option<String>,
}

impl Default for Documents {
    fn default() -> Self {
        let (limits, policy) = (Limits::default(), VersionPolicy::default());
        Self { versions: policy.versions, versions_days: policy.days, trash_days: limits.trash_days, trash: None }
    }
}

impl Documents {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The gate's limits with these in them.
    pub(crate) fn over(&self, limits: &Limits) -> Result<Limits, String> {
        let policy = VersionPolicy { versions: self.versions, days: self.versions_days.max(u32::from(self.versions == 0)) };
        let versions =
            policy.to_string().parse().map_err(|()| "`documents.versions` is 0 to 1000, `versions_days` 1 to 36500".to_owned())?;
        if self.trash_days > 36_500 {
            return Err("`documents.trash_days` is at most 36500".to_owned());
        }
        let trash = self.trash.as_deref().map(crate::size::parse).transpose().map_err(|e| format!("`documents.trash`: {e}"))?;
        Ok(Limits { versions, trash_days: self.trash_days, trash_bytes_max: trash.unwrap_or(0), ..*limits })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_as_usual_and_what_cannot_be_is_refused() {
        let read = |text: &str| toml::from_str::<Documents>(text).unwrap();
        assert!(read("").is_default());
        let limits = read("versions = 0\ntrash_days = 7\ntrash = \"5G\"").over(&Limits::default()).unwrap();
        assert_eq!((limits.versions.versions, limits.trash_days, limits.trash_bytes_max), (0, 7, 5 << 30));
        for wrong in ["versions = 5000", "versions_days = 0", "trash_days = 99999", "trash = \"much\""] {
            assert!(read(wrong).over(&Limits::default()).is_err(), "{wrong}");
        }
    }
}
