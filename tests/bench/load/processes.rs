//! The server's processes from outside: memory that is theirs, each second, and processor time.
//!
//! Used by `main.rs`. What always holds: memory is the proportional set size, so a page that several processes share counts once; a process
//! that ends while it is looked at counts nothing, and one that must not be looked at is an error.

use super::Failure;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

const BETWEEN_SAMPLES: Duration = Duration::from_secs(1);
/// Ticks of `/proc/*/stat` in a second, on every Linux that we run on.
const TICKS: f64 = 100.0;

/// A server under watch.
pub(crate) struct Watched {
    pid: u32,
    before: Memory,
    over: Arc<AtomicBool>,
    sampler: JoinHandle<Result<Memory, Failure>>,
}

/// KiB.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    /// Proportional set size.
    all: u64,
    /// What of it is not the mapping of a file.
    anonymous: u64,
    processes: usize,
}

/// Memory at its highest, and before anybody was connected.
#[derive(Debug)]
pub(crate) struct MemoryReport {
    before: Memory,
    peak: Memory,
}

/// Processor time in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cpu {
    pub(crate) server: f64,
    pub(crate) client: f64,
}

impl Watched {
    /// Look at a process and its descendants now and each second until [`Self::stop`].
    pub(crate) fn start(pid: u32) -> Result<Self, Failure> {
        let before = Memory::of(pid)?;
        let over = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&over);
        let sampler = std::thread::spawn(move || {
            let mut peak = before;
            while !until.load(Ordering::Relaxed) {
                std::thread::park_timeout(BETWEEN_SAMPLES);
                peak = peak.or_higher(Memory::of(pid)?);
            }
            Ok(peak)
        });
        Ok(Self { pid, before, over, sampler })
    }

    /// Processor time so far, of the server's processes, those that ended included, and of this one.
    pub(crate) fn cpu_seconds(&self) -> Result<Cpu, Failure> {
        let stats = stats()?;
        let seconds = |pid: &u32| stats.get(pid).map_or(0.0, |stat| stat.cpu_seconds);
        Ok(Cpu { server: tree(self.pid, &stats).iter().map(seconds).sum(), client: seconds(&std::process::id()) })
    }

    /// Memory as it is now.
    pub(crate) fn memory(&self) -> Result<Memory, Failure> {
        Memory::of(self.pid)
    }

    /// Look once more, and say what was found.
    pub(crate) fn stop(self) -> Result<MemoryReport, Failure> {
        self.over.store(true, Ordering::Relaxed);
        self.sampler.thread().unpark();
        let peak = self.sampler.join().map_err(|_| "the thread that looks at memory panicked")??;
        Ok(MemoryReport { before: self.before, peak })
    }
}

impl Cpu {
    pub(crate) fn since(self, before: Self) -> Self {
        Self { server: self.server - before.server, client: self.client - before.client }
    }
}

impl MemoryReport {
    pub(crate) fn report(&self) -> Value {
        json!({"before": self.before.report(), "peak": self.peak.report()})
    }
}

impl Memory {
    fn of(root: u32) -> Result<Self, Failure> {
        let mut sum = Self::default();
        for pid in tree(root, &stats()?) {
            let rollup = match fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) {
                Ok(rollup) => rollup,
                // ESRCH, for a process that has ended and is not waited for yet, has no kind of its own.
                Err(error) if error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(3) => continue,
                Err(error) => return Err(format!("memory of process {pid}: {error}").into()),
            };
            let kib = |name: &str| {
                let line = rollup.lines().find_map(|line| line.strip_prefix(name));
                line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0)
            };
            sum.all += kib("Pss:");
            sum.anonymous += kib("Pss_Anon:");
            sum.processes += 1;
        }
        Ok(sum)
    }

    pub(crate) fn report(self) -> Value {
        json!({"kib": self.all, "anonymous_kib": self.anonymous, "processes": self.processes})
    }

    fn or_higher(self, other: Self) -> Self {
        if other.all > self.all { other } else { self }
    }
}

struct Stat {
    parent: u32,
    cpu_seconds: f64,
}

/// All processes of the machine.
fn stats() -> Result<HashMap<u32, Stat>, Failure> {
    let mut found = HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(text) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        // The name in brackets may contain anything; behind it come state, parent, and from the twelfth on four times: its own in user
        // and kernel mode, and those of its children that ended and were waited for. Without these, what a process did that ends with
        // its session would be lost.
        let Some((_, rest)) = text.rsplit_once(')') else { continue };
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let number = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        found.insert(pid, Stat { parent: number(1) as u32, cpu_seconds: (11..=14).map(number).sum::<u64>() as f64 / TICKS });
    }
    Ok(found)
}

/// A process and all that descend from it.
fn tree(root: u32, stats: &HashMap<u32, Stat>) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for (pid, stat) in stats {
        children.entry(stat.parent).or_default().push(*pid);
    }
    let mut found = vec![root];
    let mut at = 0;
    while let Some(pid) = found.get(at) {
        found.extend(children.remove(pid).unwrap_or_default());
        at += 1;
    }
    found
}
