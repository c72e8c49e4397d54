//! Mail filters against the real program: what they file, send on, answer and refuse, over SMTP and LMTP, and what is left after `kill -9`.

use crate::support::imap::Imap;
use crate::support::process::run;
use crate::support::server::{OCTROI, configured};
use crate::support::sink::{Mood, Sink};
use crate::support::smtp::Smtp;
use crate::support::{Person, Server, eventually, unique};

const OUTSIDE: &str = "friend@elsewhere.test";

/// A server whose mail for others goes to a sink.
fn with_sink() -> (Server, Sink) {
    let sink = Sink::start(Mood::Kind);
    (configured(&format!("[outbound]\nsmarthost = \"127.0.0.1:{}\"\n", sink.port())), sink)
}

fn octroi(server: &Server, arguments: &[&str]) -> crate::support::process::Ran {
    run(OCTROI, &[arguments, &["--config", server.config()]].concat())
}

/// The person's filter is this from now on.
fn filter(server: &Server, person: &Person, script: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("main.sieve");
    std::fs::write(&file, script).unwrap();
    octroi(server, &["sieve", "put", &person.address, "main", file.to_str().unwrap()]).good();
    octroi(server, &["sieve", "activate", &person.address, "main"]).good();
}

fn message(from: &str, to: &str, subject: &str, more: &str) -> String {
    format!("From: <{from}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nMessage-ID: <{subject}@elsewhere.test>\r\n{more}\r\nHello\r\n")
}

/// One message from outside; the reply to it.
fn deliver(server: &Server, to: &str, subject: &str, more: &str) -> crate::support::smtp::Reply {
    let mut smtp = Smtp::connect(server, "smtp");
    smtp.try_send(OUTSIDE, to, &message(OUTSIDE, to, subject, more)).unwrap()
}

/// How many messages with that subject are in the mailbox.
fn count(server: &Server, person: &Person, mailbox: &str, subject: &str) -> usize {
    let mut imap = Imap::login(server, person);
    imap.ok(&format!("EXAMINE \"{mailbox}\""));
    imap.search_subject(subject).len()
}

fn sent_to(sink: &Sink, to: &str) -> Vec<(String, String)> {
    let all = sink.received().into_iter().filter(|message| message.to.iter().any(|one| one.contains(to)));
    all.map(|message| (message.from, String::from_utf8_lossy(&message.data).into_owned())).collect()
}

#[test]
fn a_filter_files_marks_and_discards() {
    let (server, _sink) = with_sink();
    let person = server.user(1);
    filter(
        &server,
        person,
        "require [\"fileinto\", \"mailbox\", \"imap4flags\", \"envelope\", \"subaddress\", \"body\"];\n\
         if header :contains \"List-Id\" \"<tarif.\" { fileinto :create :flags [\"\\\\Seen\", \"$List\"] \"Lists/Tarif\"; stop; }\n\
         if envelope :detail \"to\" \"archive\" { fileinto \"Archive\"; }\n\
         elsif body :contains \"unwanted\" { discard; }\n",
    );
    let subject = unique("list");
    assert_eq!(deliver(&server, &person.address, &subject, "List-Id: Tarif <tarif.elsewhere.test>\r\n").code, 250);
    assert_eq!((count(&server, person, "Lists/Tarif", &subject), count(&server, person, "INBOX", &subject)), (1, 0));
    let mut imap = Imap::login(&server, person);
    imap.ok("SELECT Lists/Tarif");
    let flags = imap.ok("FETCH 1 FLAGS").text();
    assert!(flags.contains("\\Seen") && flags.contains("$List"), "{flags}");
    let detailed = person.address.replace('@', "+archive@");
    let subject = unique("detail");
    assert_eq!(deliver(&server, &detailed, &subject, "").code, 250);
    assert_eq!(count(&server, person, "Archive", &subject), 1);
    let subject = unique("plain");
    assert_eq!(deliver(&server, &person.address, &subject, "").code, 250);
    assert_eq!(count(&server, person, "INBOX", &subject), 1);
    // Many at once over LMTP, one of whom has a filter; large enough to be on disk before it is described.
    let (subject, other) = (unique("large"), server.user(2));
    let mut lmtp = Smtp::connect(&server, "lmtp");
    lmtp.expect(&format!("MAIL FROM:<{OUTSIDE}>"), 250);
    lmtp.expect(&format!("RCPT TO:<{}>", person.address), 250);
    lmtp.expect(&format!("RCPT TO:<{}>", other.address), 250);
    lmtp.expect("DATA", 354);
    let large = message(OUTSIDE, &person.address, &subject, "").replace("Hello\r\n", &format!("{}\r\n", "y".repeat(70)).repeat(6_000));
    lmtp.wire.try_send(format!("{large}.\r\n").as_bytes()).unwrap();
    assert_eq!((lmtp.reply().unwrap().code, lmtp.reply().unwrap().code), (250, 250));
    assert_eq!((count(&server, person, "INBOX", &subject), count(&server, other, "INBOX", &subject)), (1, 1));
}

/// Vacation, RFC 5230: a sender is answered once, also after the power has gone; programs, lists and nobody are not.
#[test]
fn an_absence_is_told_once() {
    let (server, sink) = with_sink();
    let person = server.user(1).clone();
    filter(&server, &person, "require \"vacation\";\nvacation :days 3 :subject \"Away\" text:\nBack on Monday.\n.\n;\n");
    for field in ["Auto-Submitted: auto-generated\r\n", "List-Id: <x.elsewhere.test>\r\n", "Precedence: bulk\r\n"] {
        assert_eq!(deliver(&server, &person.address, &unique("automatic"), field).code, 250);
    }
    let mut smtp = Smtp::connect(&server, "smtp");
    assert_eq!(smtp.try_send("", &person.address, &message(OUTSIDE, &person.address, &unique("null"), "")).unwrap().code, 250);
    let hidden = message(OUTSIDE, "undisclosed@elsewhere.test", &unique("hidden"), "");
    assert_eq!(smtp.try_send("other@elsewhere.test", &person.address, &hidden).unwrap().code, 250);
    let subject = unique("question");
    assert_eq!(deliver(&server, &person.address, &subject, "").code, 250);
    assert_eq!(deliver(&server, &person.address, &unique("again"), "").code, 250);
    eventually("the answer to leave", || (!sent_to(&sink, OUTSIDE).is_empty()).then_some(()));
    let server = server.killed_and_started_again();
    assert_eq!(deliver(&server, &person.address, &unique("after"), "").code, 250);
    let third = message("third@elsewhere.test", &person.address, &unique("third"), "");
    assert_eq!(Smtp::connect(&server, "smtp").try_send("third@elsewhere.test", &person.address, &third).unwrap().code, 250);
    // Once that has come, what was sent before would have.
    eventually("another's answer to leave", || (!sent_to(&sink, "third@elsewhere.test").is_empty()).then_some(()));
    let answers = sent_to(&sink, OUTSIDE);
    assert_eq!(answers.len(), 1, "{answers:?}");
    let (from, text) = &answers[0];
    assert_eq!(from, "", "{text}");
    for expected in
        ["Subject: Away", "Auto-Submitted: auto-replied", &format!("In-Reply-To: <{subject}@elsewhere.test>"), "Back on Monday."]
    {
        assert!(text.contains(expected), "{expected} is missing in {text}");
    }
    assert!(!text.contains("Return-Path"), "{text}");
    assert_eq!(sink.received().len(), 2);
}

/// Sent on from the original's return path; what comes back is not sent on again, and nothing is lost.
#[test]
fn mail_is_sent_on_and_does_not_loop() {
    let (server, sink) = with_sink();
    let (person, other) = (server.user(1), server.user(2));
    let script = format!("require \"copy\";\nredirect :copy \"away@elsewhere.test\";\nredirect \"{}\";\n", other.address);
    filter(&server, person, &script);
    let subject = unique("forward");
    assert_eq!(deliver(&server, &person.address, &subject, "").code, 250);
    let sent = eventually("the copy to leave", || sent_to(&sink, "away@elsewhere.test").pop());
    // Under a return path of ours, by which a notification finds its way back to the first sender (SRS).
    assert!(sent.0.starts_with("SRS0=") && sent.0.contains("=elsewhere.test=friend@"), "{}", sent.0);
    assert!(sent.1.starts_with(&format!("Delivered-To: {}\r\n", person.address)), "{}", sent.1);
    assert_eq!((count(&server, other, "INBOX", &subject), count(&server, person, "INBOX", &subject)), (1, 0));
    let looped = unique("loop");
    assert_eq!(deliver(&server, &person.address, &looped, &format!("Delivered-To: {}\r\n", person.address)).code, 250);
    assert_eq!((count(&server, other, "INBOX", &looped), count(&server, person, "INBOX", &looped)), (0, 1));
    assert_eq!(sent_to(&sink, "away@elsewhere.test").len(), 1);
}

/// What a filter sends to a colleague goes through theirs, as if it had come to them; and two who send each other everything lose nothing.
#[test]
fn a_colleagues_filter_has_its_say() {
    let (server, sink) = with_sink();
    let (person, other) = (server.user(1), server.user(2));
    filter(&server, person, &format!("redirect \"{}\";\n", other.address));
    filter(&server, other, "require [\"fileinto\", \"mailbox\"];\nfileinto :create \"Passed on\";\nredirect \"third@elsewhere.test\";\n");
    let subject = unique("passed");
    assert_eq!(deliver(&server, &person.address, &subject, "").code, 250);
    assert_eq!((count(&server, other, "Passed on", &subject), count(&server, other, "INBOX", &subject)), (1, 0));
    let (_, text) = eventually("the copy to leave", || sent_to(&sink, "third@elsewhere.test").pop());
    let marks = format!("Delivered-To: {}\r\nDelivered-To: {}\r\n", other.address, person.address);
    assert!(text.starts_with(&marks), "{text}");
    // A refusal of the second is told to the sender, who wrote to somebody else.
    filter(&server, other, "require \"reject\";\nreject \"Not to me.\";\n");
    assert_eq!(deliver(&server, &person.address, &unique("refused"), "").code, 250);
    let (_, notice) = eventually("the notice to leave", || sent_to(&sink, OUTSIDE).pop());
    assert!(notice.contains("Not to me."), "{notice}");
    // Round and round: the first has it in the end.
    filter(&server, other, &format!("redirect \"{}\";\n", person.address));
    let looped = unique("round");
    assert_eq!(deliver(&server, &person.address, &looped, "").code, 250);
    assert_eq!((count(&server, person, "INBOX", &looped), count(&server, other, "INBOX", &looped)), (1, 0));
}

/// RFC 5230 section 4.5: who writes to an alias or a detail of the owner's is answered, and in the name that the script gives if it is theirs.
#[test]
fn an_absence_is_told_to_who_wrote_to_an_alias() {
    let (server, sink) = with_sink();
    let (person, domain) = (server.user(1), crate::support::server::DOMAIN);
    let (alias, all) = (format!("nickname@{domain}"), format!("all@{domain}"));
    octroi(&server, &["alias", "add", &alias, &person.address]).good();
    octroi(&server, &["alias", "add", &all, &person.address, &server.user(2).address]).good();
    filter(&server, person, &format!("require \"vacation\";\nvacation :from \"Me <{alias}>\" \"Away.\";\n"));
    for (from, to) in [("a@elsewhere.test", &alias), ("b@elsewhere.test", &person.address.replace('@', "+x@")), ("c@elsewhere.test", &all)]
    {
        let text = message(from, to, &unique("to-alias"), "");
        assert_eq!(Smtp::connect(&server, "smtp").try_send(from, to, &text).unwrap().code, 250);
    }
    for from in ["a@elsewhere.test", "b@elsewhere.test"] {
        let (_, text) = eventually("the answer to leave", || sent_to(&sink, from).pop());
        assert!(text.contains(&format!("<{alias}>")), "{text}");
    }
    assert!(sent_to(&sink, "c@elsewhere.test").is_empty(), "an address of several is nobody's own");
}

/// RFC 5429: in the reply to who sends to one alone, in the recipient's own reply over LMTP, and else by a report.
#[test]
fn a_refusal_is_told_where_it_can_be() {
    let (server, sink) = with_sink();
    let (person, other) = (server.user(1), server.user(2));
    filter(&server, person, "require \"reject\";\nreject \"Not here.\nWrite to sales.\";\n");
    let subject = unique("refused");
    let reply = deliver(&server, &person.address, &subject, "");
    assert_eq!((reply.code, reply.text.as_str()), (550, "5.7.1 Not here.\n5.7.1 Write to sales."));
    let both = |service: &str| {
        let mut smtp = Smtp::connect(&server, service);
        smtp.expect(&format!("MAIL FROM:<{OUTSIDE}>"), 250);
        smtp.expect(&format!("RCPT TO:<{}>", person.address), 250);
        smtp.expect(&format!("RCPT TO:<{}>", other.address), 250);
        smtp.expect("DATA", 354);
        smtp.wire.try_send(format!("{}.\r\n", message(OUTSIDE, &person.address, &subject, "")).as_bytes()).unwrap();
        let first = smtp.reply().unwrap().code;
        if service == "lmtp" { vec![first, smtp.reply().unwrap().code] } else { vec![first] }
    };
    assert_eq!(both("lmtp"), [550, 250]);
    assert_eq!(both("smtp"), [250]);
    let (from, text) = eventually("the notice to leave", || sent_to(&sink, OUTSIDE).pop());
    assert_eq!(from, "");
    assert!(text.contains("disposition-notification") && text.contains("Not here."), "{text}");
    assert_eq!((count(&server, other, "INBOX", &subject), count(&server, person, "INBOX", &subject)), (2, 0));
    filter(&server, person, "require \"ereject\";\nereject \"Non, été\";\n");
    let reply = deliver(&server, &person.address, &subject, "");
    assert_eq!((reply.code, reply.text.as_str()), (550, "5.7.1 The recipient does not take this message"));
}

/// A script that fails when it runs keeps the message, and its owner is told once.
#[test]
fn a_failing_filter_loses_nothing() {
    let (server, _sink) = with_sink();
    let person = server.user(1);
    filter(&server, person, "require \"variables\";\nset \"a\" \"nobody\";\ndiscard;\nredirect \"${a}\";\n");
    let (first, second) = (unique("first"), unique("second"));
    assert_eq!(deliver(&server, &person.address, &first, "").code, 250);
    assert_eq!(deliver(&server, &person.address, &second, "").code, 250);
    assert_eq!((count(&server, person, "INBOX", &first), count(&server, person, "INBOX", &second)), (1, 1));
    eventually("the notice", || (count(&server, person, "INBOX", "A filter does not work") == 1).then_some(()));
    let mut imap = Imap::login(&server, person);
    imap.ok("SELECT INBOX");
    let uid = imap.search_subject("A filter does not work")[0];
    let notice = String::from_utf8_lossy(&imap.body(uid)).into_owned();
    assert!(notice.contains("main") && notice.contains("line 4"), "{notice}");
}

/// Filters by the administrator's command; a colleague's mail is filtered as anybody's.
#[test]
fn commands_manage_filters() {
    let (server, _sink) = with_sink();
    let (person, other) = (server.user(1), server.user(2));
    filter(&server, person, "require [\"fileinto\"];\nfileinto \"Junk\";\n");
    let listed = octroi(&server, &["sieve", "list", &person.address]).good();
    assert!(listed.starts_with("active\t") && listed.trim_end().ends_with("\tmain"), "{listed}");
    assert!(octroi(&server, &["sieve", "get", &person.address, "main"]).good().contains("fileinto \"Junk\""));
    assert!(octroi(&server, &["sieve", "delete", &person.address, "main"]).bad().contains("active"));
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.sieve");
    std::fs::write(&bad, "keep;\nfrob;\n").unwrap();
    let said = octroi(&server, &["sieve", "put", &person.address, "bad", bad.to_str().unwrap()]).bad();
    assert!(said.contains("line 2: there is no command `frob`"), "{said}");
    assert!(run(OCTROI, &["sieve", "check", bad.to_str().unwrap()]).bad().contains("line 2"));
    // From a colleague.
    let subject = unique("colleague");
    let mut smtp = Smtp { wire: crate::support::wire::Wire::tls(server.address("submissions"), server.certificate()) };
    smtp.reply().unwrap();
    smtp.expect("EHLO client.test", 250);
    let plain = crate::support::http::base64(format!("\0{}\0{}", other.address, other.app_password).as_bytes());
    smtp.expect(&format!("AUTH PLAIN {plain}"), 235);
    let sent = smtp.try_send(&other.address, &person.address, &message(&other.address, &person.address, &subject, "")).unwrap();
    assert_eq!((sent.code, count(&server, person, "Junk", &subject)), (250, 1));
    octroi(&server, &["sieve", "activate", &person.address]).good();
    octroi(&server, &["sieve", "delete", &person.address, "main"]).good();
    assert!(octroi(&server, &["sieve", "list", &person.address]).good().is_empty());
    let audit = octroi(&server, &["audit", "show", "--account", &person.address]).good();
    assert!(["filter put", "filter activate", "filter deactivate", "filter delete"].iter().all(|act| audit.contains(act)), "{audit}");
}
