//! The Python caldav library, which many programs stand on: discovery, an event saved and read back, search by hand.

use crate::support::process::run;
use crate::support::shared;
use std::path::Path;

#[test]
fn the_directory_is_read_by_the_vobject_library() {
    lead_and_agent("directory_cards.py");
}

#[test]
fn discovers_and_saves() {
    let server = shared();
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = top.join(".venv/bin/python");
    assert!(python.exists(), "{} is missing; ./test makes it", python.display());
    let script = top.join("tests/clients/caldav_client.py");
    let certificate = server.certificate().to_str().unwrap();
    // Where people start: the host alone, and their calendars. (The library does not follow a redirect's new address.)
    let urls = [server.url("/"), server.url(&server.user(3).calendars)];
    for url in &urls {
        let person = server.user(3);
        let arguments = [script.to_str().unwrap(), url, &person.address, &person.app_password, certificate];
        let said = run(python.to_str().unwrap(), &arguments).good();
        assert!(said.contains("all is well"), "{said}");
    }
}

/// The team's calendar: the lead writes it, the agent sees it, and what the agent may not write is refused.
#[test]
fn the_team_calendar_is_shared() {
    lead_and_agent("caldav_team.py");
}

/// Three people meet by the library's own means: invited, accepted, declined, called off.
#[test]
fn three_people_meet() {
    let server = shared();
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (python, script) = (top.join(".venv/bin/python"), top.join("tests/clients/caldav_meeting.py"));
    let (url, certificate) = (server.url("/"), server.certificate().to_str().unwrap());
    let people = [1, 2, 5].map(|number| server.user(number));
    let mut arguments = vec![script.to_str().unwrap(), &url, certificate];
    arguments.extend(people.iter().flat_map(|person| [person.address.as_str(), person.app_password.as_str()]));
    let said = run(python.to_str().unwrap(), &arguments).good();
    assert!(said.contains("all is well"), "{said}");
}

/// Run a script with the caldav library as the team's lead and an agent, to its last line.
pub(super) fn lead_and_agent(script: &str) {
    let server = shared();
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script = top.join("tests/clients").join(script);
    let certificate = server.certificate().to_str().unwrap();
    let (lead, agent) = (server.with_profile("team-lead"), server.with_profile("agent"));
    let url = server.url("/");
    let python = top.join(".venv/bin/python");
    let arguments = [script.to_str().unwrap(), &url, certificate, &lead.address, &lead.app_password, &agent.address, &agent.app_password];
    let said = run(python.to_str().unwrap(), &arguments).good();
    assert!(said.contains("all is well"), "{said}");
}
