//! Meetings by mail (RFC 6047): who is elsewhere is asked by mail, and answers by mail; whose word it is decides what comes of it.

use super::{found, sent, world};
use crate::scheduling::{Diary, meeting};
use crate::support::sink::{Mood, Sink};
use crate::support::{eventually, unique};

/// A mail about a meeting.
fn mail(from: &str, subject: &str, method: &str, object: &str) -> String {
    format!(
        "From: Marie <{from}>\r\nTo: u1@bench.test\r\nSubject: {subject}\r\nDate: Mon, 02 Nov 2026 08:00:00 +0100\r\nMessage-ID: <{subject}@x>\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\r\n\
         Content-Type: text/calendar; charset=utf-8; method={method}\r\n\r\n{object}--b--\r\n"
    )
}

fn reply(uid: &str, organizer: &str, attendee: &str, answer: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261201T080000Z\r\nORGANIZER:mailto:{organizer}\r\n\
         ATTENDEE;PARTSTAT={answer}:mailto:{attendee}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

#[test]
fn who_is_elsewhere_is_asked_and_answers_by_mail() {
    let sink = Sink::start(Mood::Kind);
    let (server, dns) = world(&format!("[outbound]\nsmarthost = \"127.0.0.1:{}\"\n", sink.port()));
    dns.txt("port.example", "v=spf1 ip4:127.0.0.1 -all").txt("_dmarc.port.example", "v=DMARC1; p=none");
    dns.txt("other.example", "v=spf1 ip4:127.0.0.1 -all").txt("_dmarc.other.example", "v=DMARC1; p=none");
    dns.txt("unproven.example", "v=spf1 ?all").txt("_dmarc.unproven.example", "v=DMARC1; p=none");
    let lea = Diary::of(&server, 1);
    let uid = unique("meeting");
    let at = format!("{}{uid}.ics", lea.calendar());
    let asked = meeting(&uid, &lea.person.address, &["marie@port.example", "jean@unproven.example"], "");
    assert_eq!(lea.http.request("PUT", &at, &[], asked.as_bytes()).status, 201);
    assert_eq!(lea.one(&uid).1.matches("SCHEDULE-STATUS=1.1").count(), 2, "{}", lea.one(&uid).1);
    let mails = eventually("two invitations", || Some(sink.received()).filter(|mails| mails.len() >= 2));
    let to_marie = mails.iter().find(|mail| mail.to == ["marie@port.example"]).expect("she is asked");
    let text = String::from_utf8_lossy(&to_marie.data).replace("=\r\n", "");
    assert_eq!(to_marie.from, lea.person.address);
    for part in ["text/calendar", "method=\"REQUEST\"", "METHOD:REQUEST", "Reply-To: ", "multipart/alternative"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("SCHEDULE-STATUS"));

    // Somebody else cannot answer for her, nor she where nobody vouches for it; both are mail, and that is all.
    for (number, from) in ["marie@other.example", "jean@unproven.example"].into_iter().enumerate() {
        let attendee = if number == 0 { "marie@port.example" } else { from };
        let subject = unique("refused");
        let octets = mail(from, &subject, "REPLY", &reply(&uid, &lea.person.address, attendee, "ACCEPTED"));
        assert_eq!(sent(&server, from, octets.as_bytes()).code, 250);
        found(&server, lea.person, "INBOX", &subject);
    }
    let subject = unique("answer");
    let octets = mail("marie@port.example", &subject, "REPLY", &reply(&uid, &lea.person.address, "marie@port.example", "TENTATIVE"));
    assert_eq!(sent(&server, "marie@port.example", octets.as_bytes()).code, 250);
    let hers = eventually("her answer", || Some(lea.one(&uid).1).filter(|hers| hers.contains("PARTSTAT=TENTATIVE")));
    assert!(hers.contains("PARTSTAT=NEEDS-ACTION;SCHEDULE-STATUS=1.1:mailto:jean") && !hers.contains("ACCEPTED:mailto:marie"), "{hers}");
    found(&server, lea.person, "INBOX", &subject);
    // A colleague's meeting from elsewhere: into the inbox, and no further.
    let uid = unique("outside");
    let subject = unique("invitation");
    let object =
        meeting(&uid, "marie@port.example", &[&lea.person.address], "").replace("VERSION:2.0\r\n", "VERSION:2.0\r\nMETHOD:REQUEST\r\n");
    assert_eq!(sent(&server, "marie@port.example", mail("marie@port.example", &subject, "REQUEST", &object).as_bytes()).code, 250);
    eventually("the invitation", || lea.with(&lea.inbox(), &uid).first().cloned());
    assert!(lea.with(&lea.calendar(), &uid).is_empty());
    // She takes it into her calendar and says yes: Marie is told by mail.
    let before = sink.received().len();
    let taken = object.replace("METHOD:REQUEST\r\n", "").replace("RSVP=TRUE;PARTSTAT=NEEDS-ACTION", "PARTSTAT=ACCEPTED");
    assert_eq!(lea.http.request("PUT", &format!("{}{uid}.ics", lea.calendar()), &[], taken.as_bytes()).status, 201);
    eventually("the answer", || (sink.received().len() > before).then_some(()));
    assert!(String::from_utf8_lossy(&sink.received()[before].data).contains("METHOD:REPLY"));
}
