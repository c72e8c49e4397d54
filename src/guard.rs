//! What is known of strangers on port 25, kept over a restart: a file in the data folder, written at the end and every few minutes.
//!
//! What always holds: mail is served without it. A file that cannot be read, or is none of ours, is put aside by the next one, with a word
//! in the log; after a crash what was learnt in the last minutes is learnt again.

use octroi_net::Shutdown;
use octroi_smtp::Guard;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// Its name in the data folder.
const FILE: &str = "guard.state";
/// How often it is written.
const EVERY: Duration = Duration::from_mins(5);

/// The guard as it was when the server ended; a new one if nothing is known of that.
pub(crate) fn load(data: &Path) -> Guard {
    let file = data.join(FILE);
    match read(&file) {
        Ok(octets) => Guard::from_kept(&octets).unwrap_or_else(|| {
            tracing::warn!(file = %file.display(), "it cannot be read, so strangers begin anew");
            Guard::default()
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Guard::default(),
        Err(error) => {
            tracing::warn!(file = %file.display(), %error, "strangers begin anew");
            Guard::default()
        }
    }
}

/// No more of it than could be ours.
fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    File::open(file)?.take(Guard::KEPT_BYTES_MAX as u64 + 1).read_to_end(&mut octets)?;
    Ok(octets)
}

/// Write it now and then, and once more at the end.
pub(crate) async fn keep(guard: Guard, data: PathBuf, shutdown: Shutdown) {
    let _hold = shutdown.hold();
    let file = data.join(FILE);
    let mut clock = tokio::time::interval(EVERY);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    clock.tick().await;
    loop {
        let ends = tokio::select! {
            _ = clock.tick() => false,
            () = shutdown.triggered() => true,
        };
        let (guard, at) = (guard.clone(), file.clone());
        let written = tokio::task::spawn_blocking(move || crate::files::replace(&at, &guard.kept())).await;
        if let Ok(Err(error)) = written {
            tracing::warn!(file = %file.display(), %error, "what is known of strangers could not be kept");
        }
        if ends {
            return;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn rubbish_is_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        load(folder.path());
        for octets in [&b""[..], b"rubbish", &[0; 100]] {
            std::fs::write(&file, octets).unwrap();
            load(folder.path());
        }
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        load(folder.path());
    }
}
