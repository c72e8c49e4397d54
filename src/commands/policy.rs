//! `octroi policy check|test`: the rules, without a server.

use crate::cli::Policy as Command;
use crate::profiles::Profiles;
use octroi_gate::Expectations;
use std::path::Path;
use std::process::ExitCode;

pub(crate) fn run(command: &Command) -> Result<ExitCode, String> {
    match command {
        Command::Check { file } => check(file),
        Command::Test { expectations, profiles } => {
            let beside = || expectations.parent().unwrap_or(Path::new("")).join("profiles.toml");
            test(expectations, &profiles.clone().unwrap_or_else(beside))
        }
    }
}

fn check(file: &Path) -> Result<ExitCode, String> {
    let Profiles { policy, authorities } = Profiles::load(file)?;
    let (profiles, zones) = (policy.names().count(), policy.zones().count());
    println!("{}: valid; {profiles} profiles, {zones} zones, {} of them by certificate", file.display(), authorities.len());
    Ok(ExitCode::SUCCESS)
}

fn test(file: &Path, profiles: &Path) -> Result<ExitCode, String> {
    // The authorities' certificates may be on the server only, and what is expected does not depend on them.
    let policy = Profiles::rules(profiles)?;
    let text = std::fs::read_to_string(file).map_err(|e| format!("cannot read {}: {e}", file.display()))?;
    let expectations = Expectations::parse(&text).map_err(|e| format!("{}: {e}", file.display()))?;
    let checked = expectations.run(&policy);
    let failed: Vec<_> = checked.iter().filter(|one| !one.passed).collect();
    for one in &failed {
        println!("{}:{}: {}", file.display(), one.line, one.text.trim_end().replace('\n', "\n    "));
    }
    println!("{} of {} expectations hold", checked.len() - failed.len(), checked.len());
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
