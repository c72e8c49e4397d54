//! What the store consists of and what was given back, in words.

use super::handle::time;
use super::protocol::Reply;
use octroi_gate::{Admin, Progress, SegmentStat, StoreStat};
use std::fmt::Write as _;
use std::sync::Arc;

pub(super) async fn stat(admin: &Admin, segments: bool) -> Result<Reply, String> {
    let stat = admin.store_stat().await.map_err(|e| format!("the store: {e}"))?;
    let mut text = summary(&stat);
    if segments {
        text.push_str("\nsegment           compacted         bytes       written          dead\n");
        for segment in &stat.segments {
            text.push_str(&line(segment));
        }
    }
    Ok(Reply::Text(text))
}

fn summary(stat: &StoreStat) -> String {
    let files: u64 = stat.segments.iter().map(|segment| segment.file_bytes).sum();
    let dead: u64 = stat.segments.iter().filter_map(|segment| segment.dead_bytes).sum();
    let damaged = stat.segments.iter().filter(|segment| segment.dead_bytes.is_none()).count();
    let compacted = stat.segments.iter().filter(|segment| segment.compacted > 0).count();
    let mut text = String::new();
    let _ = writeln!(text, "journal           {} segments, {compacted} of them compacted; {}", stat.segments.len(), size(files));
    let _ = writeln!(text, "  of it deleted   {}", size(dead));
    if damaged > 0 {
        let _ = writeln!(text, "  damaged         {damaged} segments; `octroi store verify` says where");
    }
    let ((large, bytes), (dead, dead_bytes)) = (stat.large, stat.large_dead);
    let _ = writeln!(text, "large contents    {large}; {}", size(bytes));
    let _ = writeln!(text, "  of it deleted   {dead}; {}", size(dead_bytes));
    let _ = writeln!(text, "index             {}; {} changes behind the journal", size(stat.index_bytes), stat.behind_changes);
    let _ = writeln!(text, "views in memory   {}, of {} items; budget {} items", stat.views, stat.view_items, stat.view_items_max);
    let last = stat.compacted_at.map_or_else(|| "never".to_owned(), time);
    let _ = writeln!(text, "last compaction   {last}");
    text
}

fn line(segment: &SegmentStat) -> String {
    let dead = segment.dead_bytes.map_or_else(|| "damaged".to_owned(), |bytes| bytes.to_string());
    let open = if segment.is_open { "  open" } else { "" };
    format!(
        "{:016x}  {:>9}  {:>12}  {:>12}  {dead:>12}{open}\n",
        segment.number, segment.compacted, segment.file_bytes, segment.written_bytes
    )
}

pub(super) async fn compact(admin: &Admin, all: bool, progress: &Arc<Progress>) -> Result<Reply, String> {
    let done = admin.compact(all, progress.watcher()).await.map_err(|e| format!("the store: {e}"))?;
    let mut text = format!(
        "{} segments written anew, {} large contents removed; {} before, {} now\n",
        done.segments,
        done.large,
        size(done.bytes_before),
        size(done.bytes_after)
    );
    for skipped in &done.skipped {
        let _ = writeln!(text, "{skipped}");
    }
    Ok(Reply::Text(text))
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    let (mut value, mut unit) = (bytes * 10 / 1024, 0);
    while value >= 10_240 && unit + 1 < units.len() {
        value /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", value / 10, value % 10, units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_for_people() {
        for (bytes, text) in [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (5 << 20, "5.0 MiB"), (3 << 40, "3.0 TiB")] {
            assert_eq!(size(bytes), text);
        }
    }
}
