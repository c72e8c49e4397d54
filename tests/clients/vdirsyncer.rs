//! vdirsyncer keeps a folder of files and a calendar the same, both ways, with a conflict; khal reads what lies in the folder then.

use crate::support::http::Http;
use crate::support::process::{Ran, run, run_in};
use crate::support::{shared, unique};
use std::fs;
use std::path::Path;

fn event(uid: &str, summary: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//vdirsyncer//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\n\
         DTSTART:20260415T090000Z\r\nDTEND:20260415T100000Z\r\nSUMMARY:{summary}\r\nX-KEPT;X-P=1:as it is\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

#[test]
fn a_folder_and_a_calendar_stay_the_same_both_ways() {
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let person = server.user(3);
    let name = unique("vdir");
    let calendar = format!("{}{name}/", person.calendars);
    let http = Http::new(server, person);
    assert_eq!(http.request("MKCALENDAR", &calendar, &[], b"").status, 201);
    let put = |name: &str, summary: &str| {
        let event = event(name, summary);
        http.request("PUT", &format!("{calendar}{name}.ics"), &[("Content-Type", "text/calendar")], event.as_bytes()).status
    };
    let get = |name: &str| {
        let found = http.request("GET", &format!("{calendar}{name}.ics"), &[], b"");
        (found.status, found.text())
    };
    let top = folder.path().to_str().unwrap();
    let config = folder.path().join("config");
    let text = format!(
        "[general]\nstatus_path = \"{top}/status/\"\n\n[pair cal]\na = \"local\"\nb = \"remote\"\ncollections = [\"{name}\"]\n\
         conflict_resolution = \"b wins\"\n\n[storage local]\ntype = \"filesystem\"\npath = \"{top}/files/\"\nfileext = \".ics\"\n\n\
         [storage remote]\ntype = \"caldav\"\nurl = \"{}\"\nusername = \"{}\"\npassword = \"{}\"\nverify = \"{}\"\n",
        server.url("/"),
        person.address,
        person.app_password,
        server.certificate().display()
    );
    fs::write(&config, text).unwrap();
    let files = folder.path().join("files").join(&name);
    fs::create_dir_all(&files).unwrap();
    let vdirsyncer = |act: &str| -> Ran { run("vdirsyncer", &["-c", config.to_str().unwrap(), act]) };
    vdirsyncer("discover").good();

    // Down and up.
    assert_eq!(put("there", "Là-bas"), 201);
    fs::write(files.join("here.ics"), event("here", "Ici")).unwrap();
    vdirsyncer("sync").good();
    let local: Vec<String> = fs::read_dir(&files).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    assert!(local.len() == 2 && local.iter().any(|text| text.contains("Là-bas") && text.contains("X-KEPT;X-P=1:as it is")), "{local:?}");
    let (status, up) = get("here");
    assert!(status == 200 && up.contains("SUMMARY:Ici") && up.contains("X-KEPT;X-P=1:as it is"), "{status} {up}");
    // A second run has nothing to do.
    let nothing = vdirsyncer("sync").good();
    assert!(!nothing.contains("Copying"), "{nothing}");

    // Changed on both sides since: the other side wins, as was said, and nothing is there twice.
    fs::write(files.join("here.ics"), event("here", "Ici, ici")).unwrap();
    assert_eq!(put("here", "Ici, là-bas"), 204);
    vdirsyncer("sync").good();
    assert!(fs::read_to_string(files.join("here.ics")).unwrap().contains("Ici, là-bas"));
    // Removed here, gone there.
    fs::remove_file(files.join("here.ics")).unwrap();
    vdirsyncer("sync").good();
    assert_eq!(get("here").0, 404);

    khal_lists(folder.path(), &files);
}

/// khal reads the folder.
fn khal_lists(folder: &Path, files: &Path) {
    let config = folder.join("khal");
    let text = format!(
        "[calendars]\n[[cal]]\npath = {}\ntype = calendar\n\n[locale]\nlocal_timezone = Europe/Paris\ndefault_timezone = Europe/Paris\n\
         dateformat = %Y-%m-%d\nlongdateformat = %Y-%m-%d\ndatetimeformat = %Y-%m-%d %H:%M\nlongdatetimeformat = %Y-%m-%d %H:%M\n\
         timeformat = %H:%M\n\n[sqlite]\npath = {}\n",
        files.display(),
        folder.join("khal.db").display()
    );
    fs::write(&config, text).unwrap();
    let home = folder.to_str().unwrap();
    let variables = [("HOME", home), ("XDG_DATA_HOME", home), ("XDG_CACHE_HOME", home), ("LC_ALL", "C.UTF-8")];
    let listed = run_in(folder, &variables, "", "khal", &["-c", config.to_str().unwrap(), "list", "2026-04-15", "2026-04-16"]).good();
    assert!(listed.contains("11:00-12:00 Là-bas"), "{listed}");
}
