//! vdirsyncer keeps a folder of files and a calendar the same, both ways, with a conflict; khal reads what lies in the folder then.

use crate::support::http::{Http, base64, respond};
use crate::support::process::{Ran, run, run_in};
use crate::support::wire::Wire;
use crate::support::{Person, Server, shared, unique};
use std::fs;
use std::path::{Path, PathBuf};

fn event(uid: &str, summary: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//vdirsyncer//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\n\
         DTSTART:20260415T090000Z\r\nDTEND:20260415T100000Z\r\nSUMMARY:{summary}\r\nX-KEPT;X-P=1:as it is\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

/// A pair of that calendar and a folder for its files; where the configuration is, and the folder. In a conflict the calendar wins.
fn configured(server: &Server, person: &Person, folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let top = folder.to_str().unwrap();
    let config = folder.join("config");
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
    let files = folder.join("files").join(name);
    fs::create_dir_all(&files).unwrap();
    (config, files)
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
    let (config, files) = configured(server, person, folder.path(), &name);
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

/// How many events of the large calendar begin on either side. Fewer in the folder: vdirsyncer sends one after the other.
const THERE: usize = 4400;
const HERE: usize = 600;

/// What an event of the large calendar is called; nothing else there is.
fn titled(files: &Path, uid: &str) -> String {
    let file = fs::read_dir(files).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let found: Vec<String> = file.filter(|text| text.contains(&format!("UID:{uid}\r\n"))).collect();
    assert_eq!(found.len(), 1, "{uid} is there once");
    found[0].lines().find_map(|line| line.strip_prefix("SUMMARY:")).unwrap().to_owned()
}

/// Put many events over one connection.
fn put_many(server: &Server, person: &Person, calendar: &str) {
    let mut wire = Wire::tls(server.address("https"), server.certificate());
    let basic = base64(format!("{}:{}", person.address, person.app_password).as_bytes());
    for number in 0..THERE {
        let event = event(&format!("there{number}"), &format!("Là-bas {number}"));
        let head = format!(
            "PUT {calendar}there{number}.ics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {basic}\r\nContent-Type: text/calendar\r\n\
             Content-Length: {}\r\n\r\n",
            event.len()
        );
        wire.try_send(format!("{head}{event}").as_bytes()).unwrap();
        assert_eq!(respond(&mut wire, "PUT").unwrap().status, 201, "{number}");
    }
}

#[test]
fn five_thousand_events_stay_the_same_both_ways() {
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let person = server.user(6);
    let name = unique("large");
    let calendar = format!("{}{name}/", person.calendars);
    let http = Http::new(server, person);
    assert_eq!(http.request("MKCALENDAR", &calendar, &[], b"").status, 201);
    put_many(server, person, &calendar);
    let (config, files) = configured(server, person, folder.path(), &name);
    for number in 0..HERE {
        fs::write(files.join(format!("here{number}.ics")), event(&format!("here{number}"), &format!("Ici {number}"))).unwrap();
    }
    let vdirsyncer = |act: &str| -> String { run("vdirsyncer", &["-c", config.to_str().unwrap(), act]).good() };
    let hrefs = || {
        let listed = http.request("PROPFIND", &calendar, &[("Depth", "1")], b"").text();
        listed.matches(".ics</D:href>").count()
    };
    let get = |name: &str| {
        let found = http.request("GET", &format!("{calendar}{name}.ics"), &[], b"");
        (found.status, found.text())
    };
    vdirsyncer("discover");
    vdirsyncer("sync");
    assert_eq!((fs::read_dir(&files).unwrap().count(), hrefs()), (THERE + HERE, THERE + HERE), "all are on both sides");
    // Octet for octet.
    assert_eq!(get("here7"), (200, event("here7", "Ici 7")));
    assert_eq!(titled(&files, "there4399"), "Là-bas 4399");

    // Changed, removed and made on either side since, and one changed on both.
    let put = |uid: &str, summary: &str| {
        let event = event(uid, summary);
        http.request("PUT", &format!("{calendar}{uid}.ics"), &[("Content-Type", "text/calendar")], event.as_bytes()).status
    };
    let here = |uid: &str, summary: &str| fs::write(files.join(format!("{uid}.ics")), event(uid, summary)).unwrap();
    assert_eq!((put("here1", "Ici, changé là-bas"), put("here3", "Là-bas gagne"), put("new-there", "Neuf là-bas")), (204, 204, 201));
    here("here2", "Ici, changé ici");
    here("here3", "Ici perd");
    here("new-here", "Neuf ici");
    fs::remove_file(files.join("here4.ics")).unwrap();
    assert_eq!(http.request("DELETE", &format!("{calendar}here5.ics"), &[], b"").status, 204);
    let said = vdirsyncer("sync");
    assert_eq!(
        said.matches("Copying (").count() + said.matches("Deleting item ").count(),
        7,
        "what was not touched stays as it is: {said}"
    );
    assert_eq!(titled(&files, "here1"), "Ici, changé là-bas");
    assert_eq!(get("here2"), (200, event("here2", "Ici, changé ici")));
    assert_eq!((titled(&files, "here3"), get("here3").1), ("Là-bas gagne".to_owned(), event("here3", "Là-bas gagne")), "a conflict");
    assert_eq!((get("here4").0, files.join("here5.ics").exists()), (404, false));
    assert_eq!((titled(&files, "new-there"), get("new-here").0), ("Neuf là-bas".to_owned(), 200));
    assert_eq!((fs::read_dir(&files).unwrap().count(), hrefs()), (THERE + HERE, THERE + HERE));
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
