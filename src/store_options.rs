//! The `[store]` part of the configuration: what the store may take, and when what was deleted is gone for good.

use octroi_engine::Options;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Bytes that an item takes in memory, about: what a budget in megabytes is counted in.
const ITEM_BYTES: u64 = 250;
/// Shortest time after which what was deleted must be gone: below it the store would do little else than compact.
const ERASE_AFTER_MIN: Duration = Duration::from_hours(1);

/// See the module. What is not named keeps the engine's own default, whose reason stands where it is defined.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct StoreOptions {
    /// Of a processor's time, and about of the disk's, that compaction in the background may take, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    compact_share_percent: Option<u32>,
    /// How often it looks, such as `6h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    compact_interval: Option<String>,
    /// A segment of which less than so much is still needed is written anew, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    live_min_percent: Option<u32>,
    /// After this time what was deleted is in no file any more, such as `30d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    erase_after: Option<String>,
    /// Memory for the lists of items that sessions look at.
    #[serde(skip_serializing_if = "Option::is_none")]
    views_megabytes: Option<u64>,
    /// A list that nobody has asked for in this time is dropped, such as `10m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    view_idle: Option<String>,
}

impl StoreOptions {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The engine's settings with these put in.
    pub(crate) fn over(&self, mut options: Options) -> Result<Options, String> {
        let percent = |key: &str, value: u32| match value {
            1..=100 => Ok(value),
            _ => Err(format!("`store.{key}` is from 1 to 100, not {value}")),
        };
        if let Some(value) = self.compact_share_percent {
            options.compact_share_percent = percent("compact_share_percent", value)?;
        }
        if let Some(value) = self.live_min_percent {
            options.live_min_percent = percent("live_min_percent", value)?;
        }
        if let Some(text) = &self.compact_interval {
            options.compact_interval = time(text).filter(|time| !time.is_zero()).ok_or_else(|| no_time("compact_interval", text))?;
        }
        if let Some(text) = &self.erase_after {
            options.erase_after = time(text).ok_or_else(|| no_time("erase_after", text))?;
        }
        if options.erase_after < ERASE_AFTER_MIN {
            return Err("`store.erase_after` is at least 1h".to_owned());
        }
        // The look that finds it and the one that the segment is closed for must both fit in.
        options.compact_interval = options.compact_interval.min(options.erase_after / 4);
        if let Some(text) = &self.view_idle {
            options.view_idle = time(text).filter(|time| !time.is_zero()).ok_or_else(|| no_time("view_idle", text))?;
        }
        if let Some(megabytes) = self.views_megabytes {
            options.view_items_max = megabytes.saturating_mul(1 << 20) / ITEM_BYTES;
        }
        Ok(options)
    }
}

fn no_time(key: &str, text: &str) -> String {
    format!("`store.{key}`: `{text}` is not a time such as 90m, 12h or 30d")
}

/// `90s`, `45m`, `12h`, `30d`.
pub(crate) fn time(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    // A century, so that nothing that is counted from it can overflow.
    number.checked_mul(seconds).filter(|seconds| *seconds <= 100 * 366 * 86_400).map(Duration::from_secs)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        assert_eq!(time("30d"), Some(Duration::from_hours(720)));
        assert_eq!(time("90s"), Some(Duration::from_secs(90)));
        for wrong in ["", "d", "3", "3w", "-1d", "1.5h", "99999999999999999999d", "18446744073709551615d", "3é"] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_set_is_put_in() {
        let read = |text: &str| toml::from_str::<StoreOptions>(text).unwrap().over(Options::default());
        let options = read("erase_after = \"2h\"\nviews_megabytes = 100\nview_idle = \"90s\"\nlive_min_percent = 80").unwrap();
        assert_eq!((options.erase_after, options.live_min_percent), (Duration::from_hours(2), 80));
        assert_eq!(options.compact_interval, Duration::from_mins(30), "often enough to be in time");
        assert_eq!((options.view_items_max, options.view_idle), ((100 << 20) / 250, Duration::from_secs(90)));
        assert_eq!(read("").unwrap(), Options::default());
        for wrong in [
            "erase_after = \"1m\"",
            "erase_after = \"soon\"",
            "compact_share_percent = 0",
            "compact_interval = \"0s\"",
            "view_idle = \"0s\"",
        ] {
            assert!(read(wrong).unwrap_err().contains("store."), "{wrong}");
        }
    }
}
