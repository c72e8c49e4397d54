//! Taste and structure that matter are tests: arrows between crates, sizes, headers, and words that must not be committed.
//!
//! Each rule is a function from text to findings, so that the tests at the end can plant a fault and see it found.

mod manifest;
mod source;

use std::fmt;
use std::path::{Path, PathBuf};

/// One broken rule at one place.
#[derive(Debug)]
struct Finding {
    file: String,
    line: usize,
    what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// The top of the workspace.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of ours whose name passes `wanted`, as (path relative to the top, text), sorted.
fn files(wanted: impl Fn(&Path) -> bool) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !matches!(name.as_str(), "target" | ".git" | ".venv") {
                    folders.push(path);
                }
            } else if wanted(&path)
                && let Ok(text) = std::fs::read_to_string(&path)
            {
                found.push((path.strip_prefix(root()).unwrap().to_string_lossy().into_owned(), text));
            }
        }
    }
    found.sort();
    found
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension().is_some_and(|e| e == wanted)
}

/// Fail with all findings, one a line.
#[track_caller]
fn none(findings: &[Finding]) {
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), lines.join("\n"));
}

fn sources() -> Vec<(String, String)> {
    let sources = files(|path| has_extension(path, "rs"));
    assert!(sources.len() > 60, "only {} sources were found: the walk is broken", sources.len());
    sources
}

/// Run a rule over every source.
#[track_caller]
fn over_sources(rule: impl Fn(&str, &str) -> Vec<Finding>) {
    let findings: Vec<Finding> = sources().iter().flat_map(|(file, text)| rule(file, text)).collect();
    none(&findings);
}

#[test]
fn arrows_between_crates() {
    let manifests = files(|path| path.ends_with("Cargo.toml"));
    assert!(manifests.len() > 10, "only {} manifests were found", manifests.len());
    none(&manifests.iter().flat_map(|(file, text)| manifest::arrows(file, text)).collect::<Vec<_>>());
}

#[test]
fn crates_inherit_lints_and_dependencies() {
    none(&files(|path| path.ends_with("Cargo.toml")).iter().flat_map(|(file, text)| manifest::inherits(file, text)).collect::<Vec<_>>());
}

#[test]
fn every_source_opens_with_a_header() {
    over_sources(source::header);
}

#[test]
fn files_are_short() {
    over_sources(source::file_length);
}

#[test]
fn functions_are_short() {
    over_sources(source::function_length);
}

#[test]
fn nothing_is_left_to_do() {
    over_sources(source::unfinished);
}

#[test]
fn no_panic_on_input() {
    over_sources(source::panics);
}

#[test]
fn no_markup_goes_out_unescaped() {
    over_sources(source::unescaped);
}

/// Whoever reads a section's number in the code finds in the index how much of that standard is kept.
#[test]
fn every_standard_is_in_the_index() {
    let index = std::fs::read_to_string(root().join("docs/rfc.md")).unwrap();
    over_sources(|file, text| source::unlisted_standards(file, text, &index));
}

#[test]
fn no_path_of_a_machine() {
    let texts = files(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        let named = ["rs", "toml", "md", "txt", "py", "sh", "service"].iter().any(|e| has_extension(path, e));
        (named || name == "test" || name == "run") && name != "Cargo.lock"
    });
    none(&texts.iter().flat_map(|(file, text)| source::machine_paths(file, text)).collect::<Vec<_>>());
}
