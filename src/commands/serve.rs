//! `octroi serve`: the server for real.

use crate::config::Config;
use crate::server::{Server, Sockets, Store};
use std::path::Path;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

pub(crate) async fn run(file: &Path) -> Result<ExitCode, String> {
    log_to_stderr("info");
    let config = Config::load(file).map_err(|e| e.to_string())?;
    let sockets = Sockets::bind(&config.listen).await?;
    let store = Store::open(&config).await?;
    let server = Server::start(&config, Some(file), store, sockets)?;
    tracing::info!(data = %config.data.display(), certificate = %server.certificate.display(), "serving");
    until_stopped().await;
    server.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// Wait for SIGINT or SIGTERM.
pub(crate) async fn until_stopped() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// Structured log lines on standard error; `OCTROI_LOG` chooses what is told.
pub(crate) fn log_to_stderr(default: &str) {
    let filter = EnvFilter::try_from_env("OCTROI_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    // A second call (a test in one process) keeps the first.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}
