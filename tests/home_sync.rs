//! Synchronising a home (RFC 6578): which of its collections changed, and all that is in them, own and shared, over restarts and page by page.

use crate::support::http::Http;
use crate::support::server::{Server, configured_with_profiles, plain_profile};
use std::collections::BTreeSet;

const SHARING: &str = r#"
[[profile.plain.rule]]
owner = "others"
path = "**"
rights = "lrswipkxte1"
[[profile.plain.action]]
action = "share"
with = ["accounts"]
"#;

fn sharing() -> Server {
    configured_with_profiles(&plain_profile("", "*", SHARING), "")
}

/// A program that synchronises one home.
struct Program {
    http: Http,
    home: String,
    level: &'static str,
    token: String,
}

/// What one answer told: what there is, what is gone, and whether there is more.
#[derive(Debug, Default, PartialEq)]
struct Told {
    there: BTreeSet<String>,
    gone: BTreeSet<String>,
    more: bool,
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    text.split_once(begin)?.1.split_once(end).map(|(found, _)| found)
}

impl Program {
    fn new(server: &Server, user: usize, area: &str, level: &'static str) -> Self {
        let person = server.user(user);
        let home = format!("/dav/{area}/{}/", person.address);
        Self { http: Http::new(server, person), home, level, token: String::new() }
    }

    fn on(&mut self, server: &Server, user: usize) {
        self.http = Http::new(server, server.user(user));
    }

    fn report(&self, token: &str, limit: Option<usize>) -> (u16, String) {
        let limit = limit.map(|count| format!("<limit><nresults>{count}</nresults></limit>")).unwrap_or_default();
        let body = format!(
            "<sync-collection xmlns=\"DAV:\"><sync-token>{token}</sync-token><sync-level>{}</sync-level>{limit}<prop><getetag/>\
             <resourcetype/><displayname/></prop></sync-collection>",
            self.level
        );
        let answer = self.http.request("REPORT", &self.home, &[], body.as_bytes());
        (answer.status, answer.text())
    }

    /// One page; paths from the home on.
    fn page(&mut self, limit: Option<usize>) -> Told {
        let (status, text) = self.report(&self.token, limit);
        assert_eq!(status, 207, "{text}");
        let mut told = Told::default();
        for response in text.split("<D:response>").skip(1) {
            let href = between(response, "<D:href>", "<").unwrap();
            let path = href.strip_prefix(&self.home).unwrap_or_else(|| panic!("{href}")).to_owned();
            if response.contains("507 Insufficient") {
                assert_eq!(path, "");
                told.more = true;
            } else if response.contains("404 Not Found") && !response.contains("propstat") {
                assert!(told.gone.insert(path), "twice: {text}");
            } else {
                assert!(told.there.insert(path), "twice: {text}");
            }
        }
        between(&text, "<D:sync-token>", "<").unwrap().clone_into(&mut self.token);
        told
    }

    #[track_caller]
    fn tells(&mut self, there: &[&str], gone: &[&str]) {
        let told = self.page(None);
        let set = |paths: &[&str]| paths.iter().map(ToString::to_string).collect();
        assert_eq!(told, Told { there: set(there), gone: set(gone), more: false });
        // And only once.
        let token = self.token.clone();
        assert_eq!(self.page(None), Told::default());
        assert_eq!(self.token, token);
    }

    fn property(&self, name: &str) -> String {
        let ask = format!(r#"<propfind xmlns="DAV:" xmlns:CS="http://calendarserver.org/ns/"><prop><{name}/></prop></propfind>"#);
        let answer = self.http.request("PROPFIND", &self.home, &[("Depth", "0")], ask.as_bytes()).text();
        let tag = if name.contains(':') { name.to_owned() } else { format!("D:{name}") };
        between(&answer, &format!("<{tag}>"), "<").unwrap_or_else(|| panic!("{answer}")).to_owned()
    }
}

fn event(http: &Http, at: &str) {
    let uid = at.rsplit('/').next().unwrap();
    let event = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261130T080000Z\r\n\
         DTSTART:20261201T080000Z\r\nSUMMARY:{uid}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    let answer = http.request("PUT", at, &[("Content-Type", "text/calendar")], event.as_bytes());
    assert!(matches!(answer.status, 201 | 204), "{}", answer.text());
}

fn done(http: &Http, method: &str, at: &str, body: &str) {
    let answer = http.request(method, at, &[], body.as_bytes());
    assert!(matches!(answer.status, 200..=207), "{method} {at}: {} {}", answer.status, answer.text());
}

/// Grants these privileges to the second user, or nothing.
fn grant(http: &Http, at: &str, who: &str, privileges: &str) {
    let ace =
        format!("<ace><principal><href>/dav/principals/{who}/</href></principal><grant><privilege>{privileges}</privilege></grant></ace>");
    let aces = if privileges.is_empty() { String::new() } else { ace };
    done(http, "ACL", at, &format!("<acl xmlns=\"DAV:\">{aces}</acl>"));
}

fn rename(http: &Http, at: &str, name: &str) {
    let body = format!("<propertyupdate xmlns=\"DAV:\"><set><prop><displayname>{name}</displayname></prop></set></propertyupdate>");
    done(http, "PROPPATCH", at, &body);
}

#[test]
fn a_home_says_which_of_its_calendars_changed() {
    let server = sharing();
    let mut program = Program::new(&server, 1, "calendars", "1");
    let (home, http) = (program.home.clone(), Http::new(&server, server.user(1)));
    program.tells(&["calendar/"], &[]);
    let (token, ctag) = (program.token.clone(), program.property("CS:getctag"));
    assert_eq!(program.property("sync-token"), token);
    event(&http, &format!("{home}calendar/a.ics"));
    assert_ne!(program.property("CS:getctag"), ctag, "who polls the home sees it there");
    program.tells(&["calendar/"], &[]);
    done(&http, "MKCALENDAR", &format!("{home}quai/"), "");
    program.tells(&["quai/"], &[]);
    rename(&http, &format!("{home}quai/"), "Quai 7");
    program.tells(&["quai/"], &[]);
    let moved = [("Destination", format!("{home}pier/"))];
    let moved: Vec<(&str, &str)> = moved.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(http.request("MOVE", &format!("{home}quai/"), &moved, b"").status, 201);
    program.tells(&["pier/"], &["quai/"]);
    done(&http, "DELETE", &format!("{home}pier/"), "");
    program.tells(&[], &["pier/"]);
    assert_eq!(program.property("sync-token"), program.token);
    // Address books are told in the same way, and so are the folders beside the documents.
    let mut books = Program::new(&server, 1, "contacts", "1");
    books.page(None);
    done(
        &http,
        "MKCOL",
        &format!("{}clients/", books.home),
        "<mkcol xmlns=\"DAV:\"><set><prop><resourcetype><collection/><C:addressbook xmlns:C=\"urn:ietf:params:xml:ns:carddav\"/></resourcetype></prop></set></mkcol>",
    );
    books.tells(&["clients/"], &[]);
    let mut files = Program::new(&server, 1, "files", "1");
    files.page(None);
    done(&http, "MKCOL", &format!("{}actes/", files.home), "");
    done(&http, "PUT", &format!("{}note.txt", files.home), "x");
    files.tells(&["actes/", "note.txt"], &[]);
    done(&http, "PUT", &format!("{}actes/x.txt", files.home), "x");
    files.tells(&["actes/"], &[]);
    done(&http, "DELETE", &format!("{}note.txt", files.home), "");
    done(&http, "DELETE", &format!("{}actes/", files.home), "");
    files.tells(&[], &["actes/", "note.txt"]);
}

#[test]
fn a_shared_calendar_comes_and_goes_with_the_rights() {
    let server = sharing();
    let sharee_address = server.user(2).address.clone();
    let shared = format!("quay~{}/", server.user(1).address);
    let own = format!("/dav/calendars/{}/quay/", server.user(1).address);
    let mut http = Http::new(&server, server.user(1));
    let mut sharee = Program::new(&server, 2, "calendars", "1");
    let mut deep = Program::new(&server, 2, "calendars", "infinite");
    done(&http, "MKCALENDAR", &own, "");
    event(&http, &format!("{own}a.ics"));
    sharee.tells(&["calendar/"], &[]);
    deep.tells(&["calendar/"], &[]);
    grant(&http, &own, &sharee_address, "<read/>");
    sharee.tells(&[&shared], &[]);
    deep.tells(&[&shared, &format!("{shared}a.ics")], &[]);
    event(&http, &format!("{own}b.ics"));
    sharee.tells(&[&shared], &[]);
    // What may be done with it is told by properties of it.
    grant(&http, &own, &sharee_address, "<read/></privilege><privilege><write/>");
    sharee.tells(&[&shared], &[]);
    // And so is what the sharee calls it, whom their other programs hear of.
    rename(&sharee.http, &format!("{}{shared}", sharee.home), "Lea's quay");
    sharee.tells(&[&shared], &[]);

    let server = server.killed_and_started_again();
    http = Http::new(&server, server.user(1));
    sharee.on(&server, 2);
    deep.on(&server, 2);
    let token = sharee.token.clone();
    assert_eq!((sharee.page(None), sharee.token.as_str()), (Told::default(), token.as_str()), "a restart changes nothing");
    done(&http, "DELETE", &format!("{own}a.ics"), "");
    let told = deep.page(None);
    assert_eq!(told.gone, BTreeSet::from([format!("{shared}a.ics")]));
    assert!(told.there.contains(&format!("{shared}b.ics")), "{told:?}");
    sharee.tells(&[&shared], &[]);
    grant(&http, &own, &sharee_address, "");
    sharee.tells(&[], &[&shared]);
    deep.tells(&[], &[&shared]);
}

#[test]
fn a_tree_is_told_whole_and_page_by_page() {
    let server = sharing();
    let mut program = Program::new(&server, 1, "files", "infinite");
    let (home, http) = (program.home.clone(), Http::new(&server, server.user(1)));
    for folder in ["a/", "a/b/", "c/"] {
        done(&http, "MKCOL", &format!("{home}{folder}"), "");
    }
    let documents = ["0.txt", "a/1.txt", "a/2.txt", "a/b/3.txt", "a/b/4.txt", "c/5.txt"];
    for document in documents {
        done(&http, "PUT", &format!("{home}{document}"), document);
    }
    let mut found = BTreeSet::new();
    for _ in 0..20 {
        let page = program.page(Some(2));
        assert!(page.there.len() <= 2 && page.gone.is_empty(), "{page:?}");
        found.extend(page.there);
        if !page.more {
            break;
        }
        // What changes between two pages is told on one of the next.
        if found.len() == 4 {
            done(&http, "PUT", &format!("{home}a/new.txt"), "x");
        }
    }
    for path in documents.iter().chain(&["a/", "a/b/", "c/", "a/new.txt"]) {
        assert!(found.contains(*path), "{path}: {found:?}");
    }
    program.page(None);
    done(&http, "PUT", &format!("{home}a/b/3.txt"), "y");
    program.tells(&["a/b/3.txt"], &[]);
    rename(&http, &format!("{home}a/b/"), "Bee");
    program.tells(&["a/b/"], &[]);
    done(&http, "DELETE", &format!("{home}a/b/4.txt"), "");
    program.tells(&[], &["a/b/4.txt"]);
    // What was in it has gone with it.
    done(&http, "DELETE", &format!("{home}a/"), "");
    program.tells(&[], &["a/"]);
    // From a folder on, and not from the top.
    let mut below = Program { home: format!("{home}c/"), token: String::new(), ..Program::new(&server, 1, "files", "infinite") };
    below.tells(&["5.txt"], &[]);
    done(&http, "MKCOL", &format!("{home}c/d/"), "");
    below.tells(&["d/"], &[]);
}

#[test]
fn a_token_that_is_none_begins_anew() {
    let server = sharing();
    let mut one = Program::new(&server, 1, "calendars", "1");
    let mut all = Program::new(&server, 1, "calendars", "infinite");
    let other = Program::new(&server, 2, "calendars", "1").property("sync-token");
    let http = Http::new(&server, server.user(1));
    let again = format!("{}again/", one.home);
    done(&http, "MKCALENDAR", &again, "");
    event(&http, &format!("{again}a.ics"));
    one.page(None);
    all.page(None);
    let refused = |program: &Program, token: &str| {
        let (status, text) = program.report(token, None);
        assert!(status == 403 && text.contains("<D:valid-sync-token/>"), "{token}: {status} {text}");
    };
    let calendar = Program { home: again.clone(), ..Program::new(&server, 1, "calendars", "1") }.property("sync-token");
    for token in ["urn:x", &other, &all.token, &calendar, &one.token[..one.token.len() - 3], &format!("{}AAAA", one.token)] {
        refused(&one, token);
    }
    refused(&all, &one.token);
    // The client has members of another calendar under that name.
    done(&http, "DELETE", &again, "");
    done(&http, "MKCALENDAR", &again, "");
    refused(&all, &all.token);
    one.tells(&["again/"], &[]);
    let (status, text) = Program { level: "2", ..Program::new(&server, 1, "calendars", "1") }.report("", None);
    assert_eq!(status, 400, "{text}");
}
