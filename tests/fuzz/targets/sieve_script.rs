//! A Sieve script, a null, and a message: whatever they are, the script is read or refused with one of its own lines, and a run ends, with
//! no more actions than there may be.
#![no_main]

use octroi_sieve::{Action, Facts, Limits, compile, may_answer};

libfuzzer_sys::fuzz_target!(|input: &[u8]| check(input));

/// Small, so that what is over a limit is met.
const LIMITS: Limits = Limits {
    script_bytes_max: 8 * 1024,
    nesting_max: 16,
    actions_max: 8,
    redirects_max: 2,
    variables_max: 8,
    variable_bytes_max: 256,
    body_bytes_max: 4 * 1024,
    work_bytes_max: 1 << 20,
};

fn check(input: &[u8]) {
    let (script, octets) = input.split_at(input.iter().position(|octet| *octet == 0).unwrap_or(input.len()));
    let script = String::from_utf8_lossy(script);
    let lines = script.split('\n').count();
    let compiled = match compile(&script, &LIMITS) {
        Ok(compiled) => compiled,
        Err(fault) => {
            assert!((1..=lines).contains(&(fault.line as usize)), "{fault}");
            return;
        }
    };
    let (Ok(from), Ok(to)) = ("coyote@desert.example".parse(), "roadrunner+birds@acme.example".parse()) else { return };
    let octets = octets.get(1..).unwrap_or_default();
    let facts = Facts { octets, bytes: octets.len() as u64, from: Some(&from), to: &to, now: 1_700_000_000, mailboxes: &() };
    match compiled.run(&facts) {
        Ok(verdict) => {
            assert!(verdict.actions.len() <= LIMITS.actions_max);
            assert!(verdict.actions.iter().filter(|action| matches!(action, Action::Redirect(_))).count() <= LIMITS.redirects_max);
            for action in &verdict.actions {
                match action {
                    Action::Answer(reply) => _ = may_answer(&facts, |address| *address == to, reply),
                    Action::Refuse(_) => assert_eq!(verdict.actions.len(), 1),
                    Action::File(filing) => assert!(filing.mailbox.as_ref().is_none_or(|name| !name.is_empty() && !name.contains('\n'))),
                    Action::Redirect(_) => {}
                }
            }
        }
        Err(fault) => assert!((1..=lines).contains(&(fault.line as usize)), "{fault}"),
    }
}
