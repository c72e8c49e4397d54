//! `octroi backup create|verify|list|prune|restore`.
//!
//! What reads or writes the store goes over the admin socket, so that it works while the server runs; what needs the backup's folder alone
//! is done here.

use super::operate::finish;
use crate::admin::client::{ask, watched};
use crate::admin::protocol::Request;
use crate::cli::{At, Backup, RestoreBackup};
use crate::size;
use octroi_engine::{Snapshot, list_snapshots, prune_snapshots, restore_snapshot, verify_backup};
use octroi_gate::{BackupError, KEY_FILE, Progress};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

pub(crate) async fn run(command: Backup) -> Result<ExitCode, String> {
    match command {
        Backup::Create { folder, with_key, at } => finish(ask(&at, Request::BackupCreate { folder: absolute(&folder)?, with_key }).await?),
        Backup::Verify { folder, snapshot, scratch } => verify(&folder, snapshot, scratch).await,
        Backup::List { folder } => list(&folder),
        Backup::Prune { folder, keep } => prune(&folder, keep),
        Backup::Restore(arguments) => restore(arguments).await,
    }
}

/// The server has another working folder.
fn absolute(folder: &Path) -> Result<PathBuf, String> {
    std::path::absolute(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

async fn verify(folder: &Path, snapshot: Option<String>, scratch: Option<PathBuf>) -> Result<ExitCode, String> {
    let progress = Arc::new(Progress::default());
    let scratch = scratch.unwrap_or_else(std::env::temp_dir);
    let work = verify_backup(folder, snapshot.as_deref(), &scratch, &progress);
    let report = watched(&progress, work).await.map_err(say)?;
    println!(
        "{} files of {} hashed; in snapshot {}, {} journal frames and {} items read",
        report.files,
        size::tell(report.bytes),
        report.snapshot,
        report.frames,
        report.items
    );
    for fault in &report.faults {
        println!("fault: {fault}");
    }
    println!("{}", if report.faults.is_empty() { "the backup is sound" } else { "the backup is damaged" });
    Ok(if report.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn list(folder: &Path) -> Result<ExitCode, String> {
    for Snapshot { name, files, bytes: size, version, beside, .. } in list_snapshots(folder).map_err(say)? {
        let key = if beside.iter().any(|file| file == KEY_FILE) { "with key" } else { "without key" };
        println!("{name}  {:>10}  {files} files  {key}  octroi {version}", size::tell(size));
    }
    Ok(ExitCode::SUCCESS)
}

fn prune(folder: &Path, keep: u32) -> Result<ExitCode, String> {
    let report = prune_snapshots(folder, keep as usize).map_err(say)?;
    println!("{} snapshots and {} files of {} removed", report.snapshots.len(), report.files, size::tell(report.bytes));
    Ok(ExitCode::SUCCESS)
}

async fn restore(arguments: RestoreBackup) -> Result<ExitCode, String> {
    let RestoreBackup { folder, to, snapshot, account, folder_of, at, into, in_place, create, config, data } = arguments;
    let Some(account) = account else {
        let to = to.ok_or("say where to with --to DATA_FOLDER, or whose with --account ADDRESS")?;
        return restore_all(folder, to, snapshot).await;
    };
    let at = match at {
        Some(text) => Some(text.parse::<jiff::Timestamp>().map_err(|error| format!("`{text}` is not a time: {error}"))?.as_second()),
        None => None,
    };
    let request = Request::BackupRestore { folder: absolute(&folder)?, snapshot, account, place: folder_of, at, into, in_place, create };
    finish(ask(&At { config, data }, request).await?)
}

async fn restore_all(folder: PathBuf, to: PathBuf, snapshot: Option<String>) -> Result<ExitCode, String> {
    let progress = Arc::new(Progress::default());
    let (working, shown) = (progress.clone(), to.display().to_string());
    let work = tokio::task::spawn_blocking(move || restore_snapshot(&folder, snapshot.as_deref(), &to, &working));
    let report = watched(&progress, work).await.map_err(|error| error.to_string())?.map_err(say)?;
    println!("{shown} is the store as of snapshot {}: {} files of {}", report.snapshot, report.files, size::tell(report.bytes));
    println!("{}", report.reminder);
    let signs = report.beside.iter().any(|file| file != KEY_FILE);
    if !report.beside.iter().any(|file| file == KEY_FILE) {
        println!("Put secret.key into {shown} before the first `octroi serve`; without it a new one is made.");
        if signs {
            println!(
                "The signing keys in dkim.keys are sealed under it: without it remove them, and make new ones with `octroi dkim generate`. So is push.key: remove it as well."
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

// By value: it goes where an error is handed over.
#[allow(clippy::needless_pass_by_value)]
fn say(error: BackupError) -> String {
    error.to_string()
}
