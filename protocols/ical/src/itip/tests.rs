//! Scenarios, after the examples of RFC 5546 section 4 and RFC 6638 appendix B.

use super::*;

const NOW: &str = "20261130T080000Z";

fn object(parts: &[&str]) -> Vec<u8> {
    let body: String = parts
        .iter()
        .map(|part| format!("BEGIN:VEVENT\nUID:reunion@douane.example\nDTSTAMP:20261101T080000Z\n{part}\nEND:VEVENT\n"))
        .collect();
    format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//y//EN\n{body}END:VCALENDAR\n").replace('\n', "\r\n").into_bytes()
}

const ASKED: &str = "DTSTART:20261207T090000Z\nDTEND:20261207T100000Z\nSUMMARY:Réunion\nORGANIZER;CN=Léa:mailto:lea@douane.example\n\
    ATTENDEE;PARTSTAT=ACCEPTED:mailto:lea@douane.example\nATTENDEE;CN=Paul;RSVP=TRUE:mailto:paul@douane.example\n\
    ATTENDEE:MAILTO:Marie@Port.example";

fn lea() -> Addresses {
    Addresses::of(["mailto:lea@douane.example", "lea.martin@douane.example"])
}

fn paul() -> Addresses {
    Addresses::of(["paul@douane.example"])
}

fn step<'a>(old: Option<&'a [u8]>, new: Option<&'a [u8]>, me: &'a Addresses) -> Change<'a> {
    Change { old, new, me, now: NOW, merges: false, replies: true }
}

fn run(old: Option<&[u8]>, new: Option<&[u8]>, me: &Addresses) -> Outgoing {
    change(&step(old, new, me)).unwrap()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap().replace("\r\n ", "")
}

fn whom(outgoing: &Outgoing) -> Vec<(&str, Method)> {
    outgoing.messages.iter().map(|message| (message.to.as_str(), message.method)).collect()
}

/// Paul's copy of what Lea asks.
fn invited(object: &[u8]) -> Vec<u8> {
    let outgoing = run(None, Some(object), &lea());
    let message = outgoing.messages.iter().find(|message| message.to == "paul@douane.example").unwrap();
    stored(receive(None, &message.octets, &paul(), Some("lea@douane.example")))
}

fn stored(received: Received) -> Vec<u8> {
    match received {
        Received::Stored { octets, .. } => octets,
        other => panic!("{other:?}"),
    }
}

fn edited(octets: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(octets.to_vec()).unwrap();
    let (from, to) = (from.replace('\n', "\r\n"), to.replace('\n', "\r\n"));
    assert!(text.contains(&from), "{from} is not in {text}");
    text.replacen(&from, &to, 1).into_bytes()
}

#[test]
fn an_invitation_goes_to_everybody_but_oneself_and_an_answer_comes_back() {
    let asked = object(&[&format!("{ASKED}\nBEGIN:VALARM\nTRIGGER:-PT5M\nACTION:DISPLAY\nEND:VALARM")]);
    let outgoing = run(None, Some(&asked), &lea());
    assert_eq!(outgoing.role, Role::Organizer);
    assert_eq!(outgoing.stored.as_deref(), Some(&asked[..]), "nothing had to be written");
    assert_eq!(whom(&outgoing), [("marie@port.example", Method::Request), ("paul@douane.example", Method::Request)]);
    let message = text(&outgoing.messages[1].octets);
    assert!(
        message.contains("METHOD:REQUEST\r\n") && message.contains(&format!("DTSTAMP:{NOW}")) && !message.contains("VALARM"),
        "{message}"
    );

    let his = stored(receive(None, &outgoing.messages[1].octets, &paul(), None));
    assert!(!text(&his).contains("METHOD"));
    let accepted = edited(&his, "ATTENDEE;CN=Paul;RSVP=TRUE:", "ATTENDEE;CN=Paul;PARTSTAT=ACCEPTED:");
    let answer = run(Some(&his), Some(&accepted), &paul());
    assert_eq!((answer.role, whom(&answer)), (Role::Attendee, vec![("lea@douane.example", Method::Reply)]));
    let reply = text(&answer.messages[0].octets);
    assert!(reply.contains("ATTENDEE;CN=Paul;PARTSTAT=ACCEPTED:") && !reply.contains("Marie"), "{reply}");

    let Received::Stored { octets, keeps_tag } = receive(Some(&asked), &answer.messages[0].octets, &lea(), Some("paul@douane.example"))
    else {
        panic!("it is taken");
    };
    assert!(keeps_tag, "only an answer came in");
    let hers = text(&octets);
    assert!(hers.contains("ATTENDEE;CN=Paul;PARTSTAT=ACCEPTED;SCHEDULE-STATUS=2.0"), "{hers}");
    assert!(hers.contains("VALARM") && hers.contains("ATTENDEE:MAILTO:Marie@Port.example\r\n"), "all else is as it was");
    // Nobody is told of it as if it were a change of hers.
    assert!(run(Some(&asked), Some(&octets), &lea()).messages.is_empty());
    // The same once more, older, from somebody else, or for an earlier state.
    assert!(matches!(
        receive(Some(&octets), &edited(&answer.messages[0].octets, NOW, "20261129T080000Z"), &lea(), None),
        Received::Ignored(_)
    ));
    assert!(matches!(receive(Some(&asked), &answer.messages[0].octets, &lea(), Some("marie@port.example")), Received::Ignored(_)));
    let later = edited(&asked, "SUMMARY", "SEQUENCE:4\nSUMMARY");
    assert!(matches!(receive(Some(&later), &answer.messages[0].octets, &lea(), None), Received::Ignored(_)));
}

#[test]
fn another_time_asks_anew_and_grows_the_sequence() {
    let accepted = object(&[&ASKED.replace("RSVP=TRUE", "PARTSTAT=ACCEPTED")]);
    let moved = edited(&accepted, "DTSTART:20261207T090000Z", "DTSTART:20261207T093000Z");
    let outgoing = run(Some(&accepted), Some(&moved), &lea());
    let hers = text(outgoing.stored.as_ref().unwrap());
    assert!(
        hers.contains("SEQUENCE:1") && hers.contains("CN=Paul;PARTSTAT=NEEDS-ACTION") && hers.contains("PARTSTAT=ACCEPTED:mailto:lea"),
        "{hers}"
    );
    assert!(outgoing.messages.iter().all(|message| message.matters && message.method == Method::Request));
    // Paul's own alarm and transparency stay, his answer does not.
    let his = edited(
        &edited(&invited(&accepted), "SUMMARY", "TRANSP:TRANSPARENT\nX-MINE:1\nSUMMARY"),
        "END:VEVENT",
        "BEGIN:VALARM\nTRIGGER:-PT9M\nEND:VALARM\nEND:VEVENT",
    );
    let now = text(&stored(receive(Some(&his), &outgoing.messages[1].octets, &paul(), None)));
    for kept in
        ["TRANSP:TRANSPARENT", "X-MINE:1", "TRIGGER:-PT9M", "DTSTART:20261207T093000Z", "CN=Paul;PARTSTAT=NEEDS-ACTION", "SEQUENCE:1"]
    {
        assert!(now.contains(kept), "{kept} in {now}");
    }
    assert!(!now.contains("T090000Z"));
    // What is older by then changes nothing.
    let before = run(None, Some(&accepted), &lea());
    assert!(matches!(receive(Some(now.as_bytes()), &before.messages[1].octets, &paul(), None), Received::Ignored(_)));
}

#[test]
fn another_title_keeps_the_answers_and_an_alarm_tells_nobody() {
    let accepted = object(&[&ASKED.replace("RSVP=TRUE", "PARTSTAT=ACCEPTED")]);
    let named = edited(&accepted, "SUMMARY:Réunion", "SUMMARY:Autre");
    let outgoing = run(Some(&accepted), Some(&named), &lea());
    assert_eq!(outgoing.stored.as_deref(), Some(&named[..]));
    assert_eq!(outgoing.messages.len(), 2);
    // Paul has declined meanwhile, which the organizer does not know yet.
    let his = edited(&invited(&accepted), "CN=Paul;PARTSTAT=ACCEPTED", "CN=Paul;PARTSTAT=DECLINED");
    let now = text(&stored(receive(Some(&his), &outgoing.messages[1].octets, &paul(), None)));
    assert!(now.contains("CN=Paul;PARTSTAT=DECLINED") && now.contains("SUMMARY:Autre"), "{now}");
    for quiet in ["LAST-MODIFIED:20261130T000000Z", "X-LIC-ERROR:x", "TRANSP:OPAQUE", "BEGIN:VALARM\nTRIGGER:PT0S\nEND:VALARM"] {
        let quiet = edited(&accepted, "END:VEVENT", &format!("{quiet}\nEND:VEVENT"));
        assert!(run(Some(&accepted), Some(&quiet), &lea()).messages.is_empty());
    }
}

#[test]
fn who_comes_is_asked_who_goes_is_told_and_the_rest_kept_in_step() {
    let asked = object(&[ASKED]);
    let fewer = edited(&asked, "\nATTENDEE:MAILTO:Marie@Port.example", "\nATTENDEE:mailto:jean@douane.example");
    let outgoing = run(Some(&asked), Some(&fewer), &lea());
    assert_eq!(
        whom(&outgoing),
        [("jean@douane.example", Method::Request), ("marie@port.example", Method::Cancel), ("paul@douane.example", Method::Request)]
    );
    assert_eq!(outgoing.messages.iter().map(|message| message.matters).collect::<Vec<_>>(), [true, true, false]);
    let cancel = text(&outgoing.messages[1].octets);
    assert!(cancel.contains("STATUS:CANCELLED") && cancel.contains("SEQUENCE:1") && !cancel.contains("Paul"), "{cancel}");
    assert_eq!(whom(&run(Some(&asked), None, &lea())), [("marie@port.example", Method::Cancel), ("paul@douane.example", Method::Cancel)]);
    let off = edited(&asked, "SUMMARY", "STATUS:CANCELLED\nSUMMARY");
    assert_eq!(whom(&run(Some(&asked), Some(&off), &lea()))[1], ("paul@douane.example", Method::Cancel));
    assert!(run(Some(&off), None, &lea()).messages.is_empty(), "they know already");
    let his = invited(&asked);
    let gone = text(&stored(receive(Some(&his), &run(Some(&asked), None, &lea()).messages[1].octets, &paul(), None)));
    assert!(gone.contains("STATUS:CANCELLED"), "{gone}");
    assert!(run(Some(gone.as_bytes()), None, &paul()).messages.is_empty(), "to remove what is off is no answer");
}

#[test]
fn agents_and_forced_messages_are_obeyed() {
    let asked = object(&[&ASKED.replace("ATTENDEE:MAILTO", "ATTENDEE;SCHEDULE-AGENT=CLIENT:MAILTO")]);
    assert_eq!(whom(&run(None, Some(&asked), &lea())), [("paul@douane.example", Method::Request)]);
    let forced = edited(&asked, "CN=Paul;RSVP=TRUE", "CN=Paul;RSVP=TRUE;SCHEDULE-FORCE-SEND=REQUEST");
    let outgoing = run(Some(&asked), Some(&forced), &lea());
    assert_eq!(whom(&outgoing), [("paul@douane.example", Method::Request)]);
    assert_eq!(outgoing.stored.as_deref(), Some(&asked[..]), "it is not kept");
    assert!(!text(&outgoing.messages[0].octets).contains("SCHEDULE-"));
    let his = edited(&invited(&asked), "ORGANIZER;CN=Léa", "ORGANIZER;CN=Léa;SCHEDULE-AGENT=NONE");
    assert!(run(Some(&his), None, &paul()).messages.is_empty());
    let statuses = [("paul@douane.example".to_owned(), "1.2".to_owned()), ("marie@port.example".to_owned(), "1.1".to_owned())];
    let told = text(&with_statuses(&asked, &statuses));
    assert!(told.contains("CN=Paul;RSVP=TRUE;SCHEDULE-STATUS=1.2:") && !told.contains("1.1"), "{told}");
}

fn series() -> Vec<u8> {
    object(&[&format!("RRULE:FREQ=DAILY;COUNT=9\n{ASKED}")])
}

fn instance(day: &str, more: &str) -> String {
    let at = format!("202612{day}T090000Z");
    let there = ASKED.replace("20261207T090000Z", &at).replace("DTEND:20261207", &format!("DTEND:202612{day}"));
    format!("RECURRENCE-ID:{at}\n{there}{more}")
}

fn with_instance(series: &[u8], instance: &str) -> Vec<u8> {
    edited(
        series,
        "END:VCALENDAR",
        &format!("BEGIN:VEVENT\nUID:reunion@douane.example\nDTSTAMP:20261101T080000Z\n{instance}\nEND:VEVENT\nEND:VCALENDAR"),
    )
}

#[test]
fn a_change_of_one_instance_touches_one_instance() {
    let series = series();
    let his = invited(&series);
    let changed = with_instance(&series, &instance("09", "\nLOCATION:Quai sud"));
    let outgoing = run(Some(&series), Some(&changed), &lea());
    assert_eq!(outgoing.messages.len(), 2);
    let request = text(&outgoing.messages[1].octets);
    assert_eq!((request.matches("BEGIN:VEVENT").count(), request.contains("RRULE")), (1, false), "{request}");
    let now = stored(receive(Some(&his), &outgoing.messages[1].octets, &paul(), None));
    assert!(now.starts_with(&his[..his.len() - 20]), "the series is as it was");
    assert!(text(&now).contains("LOCATION:Quai sud"));

    // One instance is taken out.
    let without = edited(&series, "RRULE", "EXDATE:20261208T090000Z\nRRULE");
    let outgoing = run(Some(&series), Some(&without), &lea());
    assert_eq!(whom(&outgoing)[1], ("paul@douane.example", Method::Cancel));
    let cancel = text(&outgoing.messages[1].octets);
    assert!(cancel.contains("RECURRENCE-ID:20261208T090000Z") && !cancel.contains("20261207T090000Z"), "{cancel}");
    let now = text(&stored(receive(Some(&now), &outgoing.messages[1].octets, &paul(), None)));
    assert!(now.contains("EXDATE:20261208T090000Z") && now.contains("Quai sud") && !now.contains("CANCELLED"), "{now}");
    // And comes back: with the whole.
    assert_eq!(whom(&run(Some(&without), Some(&series), &lea()))[1], ("paul@douane.example", Method::Request));

    // One attendee is not wanted at one instance.
    let alone = with_instance(&series, &instance("10", "").replace("\nATTENDEE;CN=Paul;RSVP=TRUE:mailto:paul@douane.example", ""));
    let outgoing = run(Some(&series), Some(&alone), &lea());
    assert_eq!(whom(&outgoing), [("marie@port.example", Method::Request), ("paul@douane.example", Method::Cancel)]);
    let first = run(None, Some(&alone), &lea());
    assert!(text(&first.messages[1].octets).contains("EXDATE:20261210T090000Z"), "who is new never sees it");
    let only =
        object(&[&ASKED.replace("\nATTENDEE:MAILTO:Marie@Port.example", "").replace("DTSTART", "RRULE:FREQ=DAILY;COUNT=9\nDTSTART")]);
    let one = with_instance(&only, &instance("10", ""));
    let outgoing = run(Some(&only), Some(&one), &lea());
    assert_eq!(whom(&outgoing)[0], ("marie@port.example", Method::Request));
    assert!(!text(&outgoing.messages[0].octets).contains("RRULE"), "she is asked for one of them");
}

#[test]
fn an_attendee_answers_one_instance_or_declines_it_by_taking_it_out() {
    let series = series();
    let his = invited(&series);
    let declined = edited(&his, "RRULE", "EXDATE:20261208T090000Z\nRRULE");
    let outgoing = run(Some(&his), Some(&declined), &paul());
    let reply = text(&outgoing.messages[0].octets);
    assert!(reply.contains("RECURRENCE-ID:20261208T090000Z") && reply.contains("PARTSTAT=DECLINED"), "{reply}");
    let hers = text(&stored(receive(Some(&series), &outgoing.messages[0].octets, &lea(), Some("paul@douane.example"))));
    assert_eq!(hers.matches("BEGIN:VEVENT").count(), 2);
    for line in
        ["RECURRENCE-ID:20261208T090000Z\r\n", "DTSTART:20261208T090000Z\r\n", "DTEND:20261208T100000Z\r\n", "CN=Paul;PARTSTAT=DECLINED"]
    {
        assert!(hers.contains(line), "{line} in {hers}");
    }
    assert!(run(Some(&declined), Some(&declined), &paul()).messages.is_empty(), "once");

    let one = with_instance(&his, &instance("09", "").replace("CN=Paul;RSVP=TRUE", "CN=Paul;PARTSTAT=TENTATIVE"));
    let outgoing = run(Some(&his), Some(&one), &paul());
    let reply = text(&outgoing.messages[0].octets);
    assert_eq!(reply.matches("BEGIN:VEVENT").count(), 1, "{reply}");
    assert!(reply.contains("RECURRENCE-ID:20261209T090000Z") && reply.contains("TENTATIVE"), "{reply}");
}

#[test]
fn what_is_the_organizers_stays_so() {
    let his = invited(&object(&[ASKED]));
    for (from, to) in [
        ("SUMMARY:Réunion", "SUMMARY:Autre"),
        ("DTSTART:20261207T090000Z", "DTSTART:20261207T090100Z"),
        ("SUMMARY", "LOCATION:x\nSUMMARY"),
        ("ATTENDEE:MAILTO:Marie@Port.example\n", ""),
        ("ATTENDEE;CN=Paul;RSVP=TRUE:mailto:paul@douane.example\n", ""),
        ("mailto:lea@douane.example\n", "mailto:jean@douane.example\n"),
        ("SUMMARY", "RRULE:FREQ=DAILY\nSUMMARY"),
    ] {
        let changed = edited(&his, from, to);
        assert_eq!(change(&step(Some(&his), Some(&changed), &paul())), Err(Fault::Attendee), "{from} to {to}");
    }
    for (from, to) in [
        ("SUMMARY", "TRANSP:TRANSPARENT\nX-A:b\nCOMMENT:oui\nSUMMARY"),
        ("END:VEVENT", "BEGIN:VALARM\nEND:VALARM\nEND:VEVENT"),
        ("ATTENDEE:MAILTO:Marie", "ATTENDEE;CN=Marie;PARTSTAT=ACCEPTED;CUTYPE=INDIVIDUAL:mailto:marie"),
    ] {
        assert!(run(Some(&his), Some(&edited(&his, from, to)), &paul()).messages.is_empty(), "{to}");
    }
    let asked = object(&[ASKED]);
    let handed_on = edited(&asked, "ORGANIZER;CN=Léa:mailto:lea", "ORGANIZER:mailto:paul");
    assert_eq!(change(&step(Some(&asked), Some(&handed_on), &lea())), Err(Fault::Organizer));
    let two = with_instance(&series(), &instance("09", "").replace("ORGANIZER;CN=Léa:mailto:lea", "ORGANIZER:mailto:paul"));
    assert_eq!(change(&step(None, Some(&two), &lea())), Err(Fault::SeveralOrganizers));
}

#[test]
fn removing_an_invitation_declines_it_unless_the_client_says_not_to() {
    let his = invited(&object(&[ASKED]));
    let outgoing = run(Some(&his), None, &paul());
    assert!(text(&outgoing.messages[0].octets).contains("PARTSTAT=DECLINED"));
    let quiet = change(&Change { replies: false, ..step(Some(&his), None, &paul()) }).unwrap();
    assert!(quiet.messages.is_empty());
    // An answer that comes with what is new here counts, unless it is over.
    let accepted = edited(&his, "CN=Paul;RSVP=TRUE", "CN=Paul;PARTSTAT=ACCEPTED");
    assert_eq!(run(None, Some(&accepted), &paul()).messages.len(), 1);
    let past = String::from_utf8(accepted).unwrap().replace("20261207", "20251207");
    assert!(run(None, Some(past.as_bytes()), &paul()).messages.is_empty());
    // What is between others is nobody's to tell.
    let jean = Addresses::of(["jean@douane.example"]);
    for (old, new) in [(None, Some(&his[..])), (Some(&his[..]), None)] {
        assert!(run(old, new, &jean).messages.is_empty());
    }
}

#[test]
fn a_client_that_could_not_know_of_an_answer_does_not_lose_it() {
    let asked = object(&[ASKED]);
    let answered = edited(&asked, "CN=Paul;RSVP=TRUE", "CN=Paul;PARTSTAT=ACCEPTED;SCHEDULE-STATUS=2.0");
    let named = edited(&asked, "SUMMARY:Réunion", "SUMMARY:Autre");
    let merged = change(&Change { merges: true, ..step(Some(&answered), Some(&named), &lea()) }).unwrap();
    let hers = text(&merged.stored.unwrap());
    assert!(hers.contains("PARTSTAT=ACCEPTED;SCHEDULE-STATUS=2.0:mailto:paul") && hers.contains("Autre"), "{hers}");
    let insists = run(Some(&answered), Some(&named), &lea());
    assert!(!text(&insists.stored.unwrap()).contains("ACCEPTED;SCHEDULE"), "who insists on the ETag knows");
}

#[test]
fn a_room_comes_when_it_is_free() {
    let asked = object(&[ASKED]);
    let his = invited(&asked);
    let free = decide(&his, &paul(), &[], NOW).unwrap();
    assert!(free.accepted && text(&free.object).contains("CN=Paul;PARTSTAT=ACCEPTED:"), "{}", text(&free.object));
    let hers = text(&stored(receive(Some(&asked), &free.reply, &lea(), None)));
    assert!(hers.contains("CN=Paul;PARTSTAT=ACCEPTED"), "{hers}");
    let other = |from: &str, to: &str, more: &str| object(&[&format!("DTSTART:20261207T{from}Z\nDTEND:20261207T{to}Z{more}")]);
    for (from, to, more, accepted) in [
        ("093000", "110000", "", false),
        ("080000", "090000", "", true),
        ("100000", "110000", "", true),
        ("080000", "120000", "\nTRANSP:TRANSPARENT", true),
        ("080000", "120000", "\nORGANIZER:mailto:x@y.example\nATTENDEE;PARTSTAT=DECLINED:mailto:paul@douane.example", true),
        ("040000", "041000", "\nRRULE:FREQ=HOURLY", false),
    ] {
        assert_eq!(decide(&his, &paul(), &[other(from, to, more)], NOW).unwrap().accepted, accepted, "{from} {to} {more}");
    }
    let endless = edited(&his, "SUMMARY", "RRULE:FREQ=SECONDLY\nSUMMARY");
    assert!(!decide(&endless, &paul(), &[], NOW).unwrap().accepted, "more than can be looked at");
    let transparent = edited(&his, "SUMMARY", "TRANSP:TRANSPARENT\nSUMMARY");
    assert!(decide(&transparent, &paul(), &[], NOW).unwrap().accepted);
    assert!(!decide(&transparent, &paul(), &[other("093000", "110000", "")], NOW).unwrap().accepted);
    let far = String::from_utf8(his.clone()).unwrap().replace("20261207", "20361207");
    assert!(!decide(far.as_bytes(), &paul(), &[], NOW).unwrap().accepted, "nobody looks so far ahead");
    assert!(decide(&his, &Addresses::of(["jean@douane.example"]), &[], NOW).is_none());
}

proptest::proptest! {
    #[test]
    fn nothing_panics(old in "(BEGIN:(VCALENDAR|VEVENT)\r\n|END:(VEVENT|VCALENDAR)\r\n|(METHOD:(REQUEST|REPLY|CANCEL)|UID:a|SEQUENCE:9|ORGANIZER:mailto:a@b|ATTENDEE;PARTSTAT=X:c@d|RECURRENCE-ID:2|EXDATE:1,2|DTSTART:20261207)\r\n){0,14}", new in "(METHOD:(REQUEST|REPLY|CANCEL)\r\n)?(BEGIN:VEVENT\r\n(UID:a|SEQUENCE:9|ORGANIZER:a@b|ATTENDEE:c@d|RECURRENCE-ID:2|EXDATE:1,2|RRULE:x|DTSTART:20261207T0é|DTEND:20261207)\r\nEND:VEVENT\r\n){0,5}") {
        let new = format!("BEGIN:VCALENDAR\r\n{new}END:VCALENDAR\r\n");
        for me in [Addresses::of(["a@b"]), Addresses::of(["c@d"])] {
            for (old, new) in [(old.as_bytes(), new.as_bytes()), (new.as_bytes(), old.as_bytes())] {
                let _ = change(&step(Some(old), Some(new), &me));
                let _ = (receive(Some(old), new, &me, None), receive(None, new, &me, Some("a@b")));
            }
        }
    }
}
