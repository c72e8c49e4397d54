//! Searching for text gives the same answers whether the index has the messages or not, while it is made, and after every restart.

use crate::support::Server;
use crate::support::imap::Imap;
use crate::support::process::run;
use crate::support::server::OCTROI;
use std::path::Path;

const BOX: &str = "Searched";
const COPY: &str = "Copied";

/// Subjects and bodies as they are sent, and as they are read.
const MESSAGES: [(&str, &str, &str, &str); 8] = [
    ("quota embargo", "quota embargo", "The embargo, and the quota.", "The embargo, and the quota."),
    ("Tarif 2026", "Tarif 2026", "A quota embargo is in force.\r\nEnd", "A quota embargo is in force.\r\nEnd"),
    ("=?utf-8?Q?D=C3=A9claration_de_l'=C3=89TAT?=", "Déclaration de l'ÉTAT", "quota\r\nembargo", "quota\r\nembargo"),
    ("ΟΔΟΣ", "ΟΔΟΣ", "quotas embargoed", "quotas embargoed"),
    ("Re: [list] quota", "Re: [list] quota", "10-4 <a@b.example> 100%", "10-4 <a@b.example> 100%"),
    ("", "", "Straße   gesperrt", "Straße   gesperrt"),
    ("漢字", "漢字", "漢字かな交じり文", "漢字かな交じり文"),
    ("end", "end", "quota  embargo ", "quota  embargo "),
];

/// Texts to look for, whole words, parts of them, and all that stands between.
const TEXTS: [&str; 28] = [
    "quota embargo",
    "quota",
    "uota emb",
    "embargo",
    "zyzzyva",
    "quota,",
    ", and",
    "the",
    "é",
    "l'état",
    "L'E\u{301}TAT",
    "l'etat",
    "decl",
    "straße",
    "οδος",
    "strasse",
    "字か",
    "]",
    "b.ex",
    "4 <a",
    " ",
    "  ",
    " quota",
    "quota ",
    "100%",
    "2026",
    "embargo ",
    "o\te",
];

/// What i;unicode-casemap makes of the characters above.
fn key(text: &str) -> String {
    let one = |c: char| match c {
        'é' | 'É' => "E\u{301}".to_owned(),
        'ß' => "ß".to_owned(),
        _ => c.to_uppercase().collect(),
    };
    text.chars().map(one).collect()
}

fn message(number: usize) -> (String, String, String) {
    let (sent, subject, raw, body) = MESSAGES[number % MESSAGES.len()];
    let unique = format!("number{number}");
    let octets = format!(
        "From: a@bench.test\r\nX-Tag: {unique}\r\nSubject: {sent}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 8bit\r\n\r\n{raw} {unique}"
    );
    (octets, subject.to_owned(), format!("{body} {unique}"))
}

struct Sought {
    keys: String,
    expected: Vec<u32>,
}

/// Searches and the uids of the messages that they must find, when so many messages are there.
fn searches(count: usize) -> Vec<Sought> {
    let mut all = Vec::new();
    for text in TEXTS.iter().map(|text| (*text).to_owned()).chain([format!("number{}", count - 1)]) {
        let matching = |test: &dyn Fn(&str, &str, &str) -> bool| -> Vec<u32> {
            let is = |number: &usize| {
                let (octets, subject, body) = message(*number);
                let lines =
                    octets.lines().take(6).filter(|line| !line.starts_with("Subject")).map(|line| format!("{line}\n")).collect::<String>();
                test(&key(&format!("{lines}Subject: {subject}")), &key(&subject), &key(&body))
            };
            (0..count).filter(is).map(|number| number as u32 + 1).collect()
        };
        let sought = key(&text);
        let literal = format!("{{{}+}}\r\n{text}", text.len());
        all.push(Sought { keys: format!("BODY {literal}"), expected: matching(&|_, _, body| body.contains(&sought)) });
        all.push(Sought { keys: format!("SUBJECT {literal}"), expected: matching(&|_, subject, _| subject.contains(&sought)) });
        all.push(Sought {
            keys: format!("HEADER X-Tag {literal}"),
            expected: matching(&|header, _, _| {
                header.lines().any(|line| line.strip_prefix("X-TAG: ").is_some_and(|value| value.contains(&sought)))
            }),
        });
        all.push(Sought {
            keys: format!("TEXT {literal}"),
            expected: matching(&|header, _, body| body.contains(&sought) || header.lines().any(|line| line.contains(&sought))),
        });
        all.push(Sought {
            keys: format!("NOT TEXT {literal}"),
            expected: matching(&|header, _, body| !body.contains(&sought) && !header.lines().any(|line| line.contains(&sought))),
        });
    }
    all
}

#[track_caller]
fn search(imap: &mut Imap, count: usize, when: &str) {
    for Sought { keys, expected } in searches(count) {
        let reply = imap.ok(&format!("UID SEARCH CHARSET UTF-8 {keys}"));
        let lines = reply.lines();
        let line = lines.iter().find(|line| line.starts_with("* SEARCH")).expect("a SEARCH response");
        let found: Vec<u32> = line.split(' ').skip(2).filter_map(|number| number.parse().ok()).collect();
        assert_eq!(found, expected, "{when}: {keys}");
    }
}

fn append(imap: &mut Imap, from: usize, to: usize) {
    for number in from..to {
        assert!(imap.try_append(BOX, "", message(number).0.as_bytes()).unwrap().is_ok());
    }
}

fn enter(server: &Server, mailbox: &str) -> Imap {
    let mut imap = Imap::login(server, server.user(1));
    imap.ok(&format!("SELECT {mailbox}"));
    imap
}

/// Make the index anew and wait until it is done.
fn rebuild(place: [&str; 2]) -> String {
    run(OCTROI, &["store", "rebuild", "search", place[0], place[1]]).good()
}

#[test]
fn the_index_answers_as_a_look_does() {
    let folder = tempfile::Builder::new().prefix("octroi-search-").tempdir().unwrap();
    let data = folder.path().join("data");
    let path: &Path = &data;
    let place = ["--data", path.to_str().unwrap()];
    let server = Server::demo_on(path);
    let mut imap = Imap::login(&server, server.user(1));
    imap.ok(&format!("CREATE {BOX}"));
    imap.ok(&format!("CREATE {COPY}"));
    imap.ok(&format!("SELECT {BOX}"));
    append(&mut imap, 0, 24);
    search(&mut imap, 24, "not yet indexed");
    assert!(rebuild(place).contains("the search index has all"));
    search(&mut imap, 24, "indexed");
    append(&mut imap, 24, 32);
    search(&mut imap, 32, "indexed in part");
    imap.ok(&format!("UID COPY 1:* {COPY}"));
    search(&mut enter(&server, COPY), 32, "copied");

    // Whatever of it was on its way when the server was killed.
    server.kill();
    drop(server);
    let mut server = Server::demo_on(path);
    let mut imap = enter(&server, BOX);
    search(&mut imap, 32, "killed and started again");
    append(&mut imap, 32, 40);
    assert!(server.stop());
    drop(server);

    // Nobody serves the store: the command opens it.
    let config = path.join("octroi.toml");
    let said = rebuild(["--config", config.to_str().unwrap()]);
    assert!(said.contains("the search index has all"), "{said}");
    assert!(run(OCTROI, &["check", "--config", config.to_str().unwrap()]).good().contains("messages in the search index"));
    let mut server = Server::demo_on(path);
    search(&mut enter(&server, BOX), 40, "rebuilt");
    assert!(server.stop());
    drop(server);

    std::fs::write(path.join("search.sqlite"), b"no database").unwrap();
    let server = Server::demo_on(path);
    let mut imap = enter(&server, BOX);
    search(&mut imap, 40, "the file is no database");
    rebuild(place);
    search(&mut imap, 40, "made anew");
}

/// SEARCH of WebDAV (RFC 5323) answers `contains` from the index: here it may not read a single document itself.
#[test]
fn documents_are_found_by_their_text() {
    let server = crate::support::server::configured("[limits.dav]\nsearch_bytes_max = 1\n");
    let person = &server.people()[0];
    let http = crate::support::http::Http::new(&server, person);
    let files = format!("/dav/files/{}/", person.address);
    for (name, kind, text) in [
        ("a.txt", "text/plain", "Déclaration de l'ÉTAT"),
        ("b.txt", "text/plain", "rien"),
        ("c.bin", "application/octet-stream", "déclaration"),
    ] {
        let put = http.request("PUT", &format!("{files}{name}"), &[("Content-Type", kind)], text.as_bytes());
        assert_eq!(put.status, 201);
    }
    let query = format!(
        r#"<searchrequest xmlns="DAV:"><basicsearch><select><prop><getetag/></prop></select><from><scope><href>{files}</href><depth>infinity</depth></scope></from><where><contains>DÉCLARATION DE L'état</contains></where></basicsearch></searchrequest>"#
    );
    let answer = crate::support::eventually("the search index", || {
        let answer = http.request("SEARCH", &files, &[], query.as_bytes());
        assert_eq!(answer.status, 207);
        Some(answer.text()).filter(|text| !text.contains("507"))
    });
    assert!(answer.contains("a.txt") && !answer.contains("b.txt") && !answer.contains("c.bin"), "{answer}");
}
