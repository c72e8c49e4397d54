//! What the store consists of and what was given back, in words.

use super::handle::time;
use super::protocol::Reply;
use crate::size;
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
    let _ = writeln!(text, "journal           {} segments, {compacted} of them compacted; {}", stat.segments.len(), size::tell(files));
    let _ = writeln!(text, "  of it deleted   {}", size::tell(dead));
    if damaged > 0 {
        let _ = writeln!(text, "  damaged         {damaged} segments; `octroi store verify` says where");
    }
    let ((large, bytes), (dead, dead_bytes)) = (stat.large, stat.large_dead);
    let _ = writeln!(text, "large contents    {large}; {}", size::tell(bytes));
    let _ = writeln!(text, "  of it deleted   {dead}; {}", size::tell(dead_bytes));
    let _ = writeln!(text, "index             {}; {} changes behind the journal", size::tell(stat.index_bytes), stat.behind_changes);
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
        size::tell(done.bytes_before),
        size::tell(done.bytes_after)
    );
    for skipped in &done.skipped {
        let _ = writeln!(text, "{skipped}");
    }
    Ok(Reply::Text(text))
}
