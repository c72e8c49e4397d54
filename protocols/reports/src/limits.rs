//! What others can grow, in what is counted for them and in what is kept of theirs. Filled by the program from its configuration file.

/// Octets in a MiB.
const MIB: usize = 1024 * 1024;

/// Limits of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportLimits {
    /// Domains that are counted for, of each kind and over all days that wait; further ones get no report.
    pub domains_max: usize,
    /// Lines that are counted for one domain and day: sources of mail, or kinds of failure. What is more counts in the sums only.
    pub rows_per_domain_max: usize,
    /// Lines that are counted in all: each takes a few hundred octets of memory and of a file that is written every few minutes.
    pub rows_max: usize,
    /// Octets of a message with a report that is looked into.
    pub message_bytes_max: usize,
    /// Octets of a report once it is unpacked: honest ones have a few MiB at most, and a bomb a thousand times what came.
    pub unpacked_bytes_max: usize,
    /// Records or policies of a report that are read; the rest is only counted.
    pub records_max: usize,
    /// Reports of others that are kept; the oldest go.
    pub kept_max: usize,
    /// Lines of theirs that are kept, of all together.
    pub kept_rows_max: usize,
    /// For how many days they are kept.
    pub kept_days: u32,
    /// Reports that are looked into at the same time; each takes the memory it is unpacked to.
    pub readers_max: usize,
}

impl Default for ReportLimits {
    fn default() -> Self {
        Self {
            domains_max: 5000,
            rows_per_domain_max: 1000,
            rows_max: 50_000,
            message_bytes_max: 10 * MIB,
            unpacked_bytes_max: 16 * MIB,
            records_max: 2000,
            kept_max: 2000,
            kept_rows_max: 20_000,
            kept_days: 60,
            readers_max: 2,
        }
    }
}
