//! Third-party programs, run to their end with a limit in time and all output kept for the report.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

/// Seconds that a program may run; `timeout` ends it then.
const RUN_MAX_SECONDS: &str = "180";

/// What a program did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) ok: bool,
    /// Standard output and standard error, as they came.
    pub(crate) output: String,
}

impl Ran {
    /// The output, if the program ended well; otherwise the test fails with it.
    #[track_caller]
    pub(crate) fn good(self) -> String {
        assert!(self.ok, "it failed:\n{}", self.output);
        self.output
    }

    /// The output, if the program failed as it should.
    #[track_caller]
    pub(crate) fn bad(self) -> String {
        assert!(!self.ok, "it ended well although it should not:\n{}", self.output);
        self.output
    }
}

/// Run a program. It not being installed is a failure, not a reason to skip.
#[track_caller]
pub(crate) fn run<S: AsRef<OsStr>>(program: &str, arguments: &[S]) -> Ran {
    run_in(Path::new("."), &[], "", program, arguments)
}

/// Run a program in a folder, with variables set and `input` on its standard input.
#[track_caller]
pub(crate) fn run_in<S: AsRef<OsStr>>(folder: &Path, variables: &[(&str, &str)], input: &str, program: &str, arguments: &[S]) -> Ran {
    let scratch = tempfile::tempdir().unwrap();
    let (given, said) = (scratch.path().join("in"), scratch.path().join("out"));
    std::fs::write(&given, input).unwrap();
    let out = File::create(&said).unwrap();
    let status = Command::new("timeout")
        .args(["--kill-after=10", RUN_MAX_SECONDS, program])
        .args(arguments)
        .current_dir(folder)
        .envs(variables.iter().copied())
        .stdin(Stdio::from(File::open(&given).unwrap()))
        .stdout(out.try_clone().unwrap())
        .stderr(out)
        .status()
        .unwrap();
    let output = String::from_utf8_lossy(&std::fs::read(&said).unwrap()).into_owned();
    assert_ne!(status.code(), Some(127), "{program} is not installed; ./test installs it");
    assert_ne!(status.code(), Some(124), "{program} did not end within {RUN_MAX_SECONDS} s:\n{output}");
    Ran { ok: status.success(), output }
}
