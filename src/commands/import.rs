//! `octroi import`: over the admin socket of a running server, or into the store itself.

use crate::admin::client::{Reached, reach};
use crate::admin::handle::Handler;
use crate::admin::protocol::Request;
use crate::cli::Import;
use crate::dkim::Keys;
use crate::import::maildir::Maildir;
use crate::import::mbox::Mbox;
use crate::import::receive::receive;
use crate::import::send::{Summary, Watch, send};
use crate::import::source::{Fault, Source};
use crate::import::wire::tell;
use crate::server::Store;
use octroi_mailauth::Keyring;
use std::io::{IsTerminal, Write, stderr};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, BufReader};

/// Octets under way between the two ends when both are in this process.
const PIPE_BYTES: usize = 256 * 1024;
/// How often the terminal is told.
const SHOW_EVERY: Duration = Duration::from_millis(200);

pub(crate) async fn run(arguments: Import) -> Result<ExitCode, String> {
    let into: Vec<String> = arguments.into.iter().flat_map(|path| path.split('/')).map(str::to_owned).collect();
    for name in &into {
        octroi_model::Name::new(name).map_err(|e| format!("--into: {e}"))?;
    }
    let source: Box<dyn Source> = match (&arguments.maildir, &arguments.mbox) {
        (Some(folder), _) => Box::new(Maildir::open(folder, &into)?),
        (None, Some(file)) => Box::new(Mbox::open(file, &into)?),
        (None, None) => return Err("name a --maildir or an --mbox".to_owned()),
    };
    let request = Request::Import { address: arguments.address, resume: arguments.resume };
    let mut progress = Progress { began: Instant::now(), shown: None, terminal: stderr().is_terminal() };
    let stop = stop_on_interrupt();
    let (summary, outcome) = match reach(&arguments.at).await? {
        Reached::Server(stream) => {
            let (read, mut write) = stream.into_split();
            tell(&mut write, &request).await.map_err(|e| e.to_string())?;
            send(BufReader::new(read), write, source, stop, &mut progress).await
        }
        Reached::Store(config) => {
            let store = Store::open(&config).await?;
            let handler = Handler::new(store.admin.clone(), None, Keys::new(&config.data, Keyring::default()), &config);
            let ended = alone(&handler, request, source, stop, &mut progress).await;
            store.admin.close().await;
            ended
        }
    };
    progress.clear();
    say(&summary, progress.began.elapsed());
    outcome.map_err(|why| format!("{why}\nWhat was imported stays; run it again with --resume for the rest."))?;
    Ok(if summary.stopped || summary.faults > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Both ends in this process.
async fn alone(
    handler: &Handler,
    request: Request,
    source: Box<dyn Source>,
    stop: Arc<AtomicBool>,
    progress: &mut Progress,
) -> (Summary, Result<(), String>) {
    let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
    let serving = async {
        let (read, write) = tokio::io::split(theirs);
        serve(handler, request, read, write).await
    };
    let (read, write) = tokio::io::split(ours);
    let (served, sent) = tokio::join!(serving, send(BufReader::new(read), write, source, stop, progress));
    match (served, sent) {
        (Err(error), (summary, Ok(()))) => (summary, Err(error.to_string())),
        (_, sent) => sent,
    }
}

async fn serve(
    handler: &Handler,
    request: Request,
    read: impl AsyncRead + Unpin,
    mut write: impl AsyncWrite + Unpin,
) -> std::io::Result<()> {
    match handler.import_order(request) {
        Ok(order) => receive(BufReader::new(read), write, handler.admin(), &order).await,
        Err(why) => tell(&mut write, &crate::import::wire::Answer::Failed(why)).await,
    }
}

/// The first Ctrl-C lets what is under way end well; the second ends at once.
fn stop_on_interrupt() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let told = stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            told.store(true, Ordering::Relaxed);
            eprintln!("\nstopping …");
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(130);
            }
        }
    });
    stop
}

/// Tells people how far it is.
struct Progress {
    began: Instant,
    shown: Option<Instant>,
    terminal: bool,
}

impl Progress {
    fn clear(&mut self) {
        if self.shown.take().is_some() {
            eprint!("\r\x1b[K");
        }
    }
}

impl Watch for Progress {
    fn fault(&mut self, fault: &Fault) {
        self.clear();
        // A file's name may hold anything, and a terminal obeys some of it.
        let label: String = fault.label.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        eprintln!("stepped over: {label}: {}", fault.why);
    }

    fn step(&mut self, so_far: &Summary) {
        if !self.terminal || self.shown.is_some_and(|at| at.elapsed() < SHOW_EVERY) {
            return;
        }
        let (done, total) = (so_far.done(), so_far.total);
        let rate = done as f64 / self.began.elapsed().as_secs_f64().max(0.001);
        eprint!("\r\x1b[K{done} of {total} messages, {rate:.0} a second");
        let _ = stderr().flush();
        self.shown = Some(Instant::now());
    }
}

fn say(summary: &Summary, took: Duration) {
    let rate = summary.done() as f64 / took.as_secs_f64().max(0.001);
    print!("{} of {} messages were imported", summary.taken.added, summary.total);
    if summary.taken.present > 0 {
        print!(", {} were there already", summary.taken.present);
    }
    if summary.faults > 0 {
        print!(", {} were stepped over", summary.faults);
    }
    println!("; {:.1} s, {rate:.0} a second", took.as_secs_f64());
    if summary.taken.keywords_lost > 0 {
        println!("{} keywords found no room and were left out", summary.taken.keywords_lost);
    }
    if summary.stopped {
        println!("stopped before the end; run it again with --resume for the rest");
    }
}
