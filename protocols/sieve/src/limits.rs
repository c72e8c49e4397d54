//! What a script may make us hold or do, each with its reason.

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Octets of a script. Those that programs write for people have a few KiB.
    pub script_bytes_max: usize,
    /// Blocks within blocks, and tests within tests. RFC 5228 section 2.10.5 wants at least 15.
    pub nesting_max: usize,
    /// Actions of one run beside the implicit keep. RFC 5228 section 10 advises a limit.
    pub actions_max: usize,
    /// Messages that one run may send on: each of them multiplies mail. RFC 5228 section 10.
    pub redirects_max: usize,
    /// Variables of one run. RFC 5229 section 6 wants at least 128.
    pub variables_max: usize,
    /// Octets of one variable; a longer value is cut. RFC 5229 section 6 wants at least 4000.
    pub variable_bytes_max: usize,
    /// Octets of a body that tests look at.
    pub body_bytes_max: usize,
    /// Octets that one run may look at in all comparisons together; each command and each test counts [`STEP_BYTES`].
    pub work_bytes_max: u64,
}

/// What a step costs beside what it compares.
pub(crate) const STEP_BYTES: u64 = 64;

impl Default for Limits {
    fn default() -> Self {
        Self {
            script_bytes_max: 64 * 1024,
            nesting_max: 32,
            actions_max: 32,
            redirects_max: 4,
            variables_max: 128,
            variable_bytes_max: 8 * 1024,
            body_bytes_max: 1 << 20,
            // A few tens of milliseconds.
            work_bytes_max: 16 << 20,
        }
    }
}
