//! `[subscriptions]`: calendars of the web that the server fetches for people whose profile lets them (`subscribe_calendars`).

use super::ConfigError;
use octroi_net::Networks;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// From where, how much and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Subscriptions {
    /// Also without TLS: whoever is on the way could then write what stands in people's calendars.
    pub(crate) http: bool,
    /// Inner addresses or networks that may be asked. Every other one is refused, by whatever name it is called.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) networks: Vec<String>,
    /// A PEM file with the authority of such a server's certificate, if it is none of the web's. Relative to the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) authority: Option<PathBuf>,
    /// Octets of a calendar.
    pub(crate) bytes_max: usize,
    /// Objects of a calendar.
    pub(crate) objects_max: usize,
    /// How often a server may say that it is elsewhere.
    pub(crate) redirects_max: usize,
    /// For one fetch with all that it leads to.
    pub(crate) fetch_seconds_max: u64,
    /// Fetches at the same time.
    pub(crate) fetches_max: usize,
    /// How often it is looked whether a calendar is another: where it does not say, and at least and at most whatever it says.
    pub(crate) refresh_seconds: u32,
    /// See there.
    pub(crate) refresh_seconds_min: u32,
    /// See there.
    pub(crate) refresh_seconds_max: u32,
}

impl Default for Subscriptions {
    fn default() -> Self {
        Self {
            http: false,
            networks: Vec::new(),
            authority: None,
            bytes_max: 10 * 1024 * 1024,
            objects_max: 5_000,
            redirects_max: 5,
            fetch_seconds_max: 60,
            fetches_max: 4,
            refresh_seconds: 4 * 3600,
            refresh_seconds_min: 1800,
            refresh_seconds_max: 7 * 86_400,
        }
    }
}

impl Subscriptions {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Which inner addresses may be asked.
    pub(crate) fn inner(&self) -> Result<Networks, ConfigError> {
        Networks::parse(&self.networks).map_err(|e| ConfigError(format!("`subscriptions.networks`: {e}")))
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.inner()?;
        let fail = |what: &str| Err(ConfigError(format!("`subscriptions.{what}")));
        let between = self.refresh_seconds_min..=self.refresh_seconds_max;
        if self.refresh_seconds_min == 0 || !between.contains(&self.refresh_seconds) {
            return fail("refresh_seconds` is between `refresh_seconds_min`, which is 1 or more, and `refresh_seconds_max`");
        }
        if self.bytes_max == 0 || self.bytes_max > octroi_ical::limits::OBJECT_BYTES_MAX {
            return fail("bytes_max` is 1 to 16777216");
        }
        if [self.objects_max, self.fetches_max].contains(&0) || self.fetch_seconds_max == 0 {
            return fail("objects_max`, `fetches_max` and `fetch_seconds_max` are 1 or more");
        }
        Ok(())
    }

    /// After which a calendar is looked at again that says itself how often, or (`None`) does not.
    pub(crate) fn after(&self, said_seconds: Option<i64>) -> Duration {
        let seconds = said_seconds.unwrap_or(i64::from(self.refresh_seconds));
        let seconds = seconds.clamp(i64::from(self.refresh_seconds_min), i64::from(self.refresh_seconds_max));
        Duration::from_secs(seconds.unsigned_abs())
    }

    /// After which it is tried again when nothing came, so many times before.
    pub(crate) fn after_fault(&self, failures: u32) -> Duration {
        let seconds = u64::from(self.refresh_seconds_min).saturating_mul(1 << failures.min(16));
        Duration::from_secs(seconds.min(u64::from(self.refresh_seconds_max)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_a_calendar_says_of_how_often_is_bounded() {
        let read = |text: &str| toml::from_str::<Subscriptions>(text).unwrap();
        let settings = read("refresh_seconds = 60\nrefresh_seconds_min = 10\nrefresh_seconds_max = 120");
        settings.check().unwrap();
        let after = |said| settings.after(said).as_secs();
        assert_eq!((after(None), after(Some(1)), after(Some(20)), after(Some(i64::MAX))), (60, 10, 20, 120));
        let again = |failures| settings.after_fault(failures).as_secs();
        assert_eq!((again(0), again(2), again(9), again(u32::MAX)), (10, 40, 120, 120));
        for wrong in [
            "refresh_seconds_min = 0",
            "refresh_seconds = 5",
            "refresh_seconds_max = 1",
            "bytes_max = 99999999",
            "objects_max = 0",
            "networks = [\"x\"]",
        ] {
            assert!(read(wrong).check().is_err(), "{wrong}");
        }
    }
}
