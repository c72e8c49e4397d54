//! Managed attachments in an object (RFC 8607): one line more, another or less, and nothing else.

#![allow(clippy::unwrap_used)]

use octroi_ical::{
    AttachFault, AttachLine, ExpansionLimits, Mailed, Tree, mailed, managed_attachments, unmanaged, validate_calendar, with_attachment,
    with_other_attachment, with_true_sizes, without_attachment,
};

const ONE: AttachLine<'static> = AttachLine {
    id: "7-0a",
    uri: "https://mail.example/dav/attachments/7-0a/plan%20du%20quai.pdf",
    media_type: "application/pdf",
    file_name: "plan du quai; v2.pdf",
    bytes: 4711,
};
const LINE: &str = "ATTACH;MANAGED-ID=7-0a;FMTTYPE=application/pdf;SIZE=4711;FILENAME=\"plan du quai; v2.pdf\":\
                    https://mail.example/dav/attachments/7-0a/plan%20du%20quai.pdf";

fn limits() -> ExpansionLimits {
    ExpansionLimits::default()
}

fn series() -> Vec<u8> {
    let text = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//y//EN\nBEGIN:VTIMEZONE\nTZID:Europe/Paris\nEND:VTIMEZONE\nBEGIN:VEVENT\nUID:a\n\
        DTSTAMP:20260101T000000Z\nDTSTART;TZID=Europe/Paris:20260105T090000\nDTEND;TZID=Europe/Paris:20260105T100000\n\
        RRULE:FREQ=WEEKLY;COUNT=20\nEXDATE;TZID=Europe/Paris:20260119T090000\nSUMMARY:Réunion\nX-ODD:  kept \nBEGIN:VALARM\nTRIGGER:-PT5M\n\
        ACTION:DISPLAY\nEND:VALARM\nEND:VEVENT\nBEGIN:VEVENT\nUID:a\nRECURRENCE-ID;TZID=Europe/Paris:20260112T090000\n\
        DTSTAMP:20260101T000000Z\nDTSTART;TZID=Europe/Paris:20260112T110000\nDTEND;TZID=Europe/Paris:20260112T120000\nEND:VEVENT\nEND:VCALENDAR\n";
    text.replace('\n', "\r\n").into_bytes()
}

fn unfolded(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap().replace("\r\n ", "").replace("\n ", "")
}

fn rids(of: &[&str]) -> Vec<String> {
    of.iter().map(|rid| (*rid).to_owned()).collect()
}

fn added(octets: &[u8], instances: Option<&[&str]>) -> Result<Vec<u8>, AttachFault> {
    let instances = instances.map(rids);
    with_attachment(&Tree::read(octets).unwrap(), instances.as_deref(), &ONE, &limits())
}

#[test]
fn one_line_comes_and_goes_and_nothing_else_moves() {
    let before = series();
    let with = added(&before, None).unwrap();
    assert_eq!(unfolded(&with).matches(LINE).count(), 2, "{}", unfolded(&with));
    assert!(unfolded(&with).contains(&format!("X-ODD:  kept \r\n{LINE}\r\nBEGIN:VALARM")), "before what is inside");
    assert!(validate_calendar(&with).is_ok());
    let tree = Tree::read(&with).unwrap();
    let found = managed_attachments(&tree);
    assert_eq!((found.len(), found[0].id.as_str(), found[0].uri.as_str()), (2, "7-0a", ONE.uri));
    let other =
        AttachLine { id: "7-0b", uri: "https://mail.example/dav/attachments/7-0b/b", media_type: "text/plain", file_name: "b", bytes: 1 };
    let changed = with_other_attachment(&tree, "7-0a", &other).unwrap();
    assert!(!unfolded(&changed).contains("7-0a") && unfolded(&changed).matches("FILENAME=b:").count() == 2);
    let tree = Tree::read(&changed).unwrap();
    assert_eq!(without_attachment(&tree, None, "7-0b", &limits()).unwrap(), before, "octet for octet");
    assert_eq!(without_attachment(&tree, None, "7-0a", &limits()), Err(AttachFault::Id));
    assert_eq!(with_other_attachment(&tree, "7-0a", &other), Err(AttachFault::Id));
    let plain = unmanaged(&changed).unwrap();
    assert_eq!(unfolded(&plain), unfolded(&changed).replace(";MANAGED-ID=7-0b", ""));
    assert_eq!((unmanaged(&plain), unmanaged(b"none")), (None, None));
    // As the object ends its lines.
    let bare: Vec<u8> = before.iter().copied().filter(|octet| *octet != b'\r').collect();
    assert!(!added(&bare, Some(&["M", "20260126T080000Z"])).unwrap().contains(&b'\r'));
}

#[test]
fn a_size_that_is_not_true_is_put_right() {
    let with = added(&series(), None).unwrap();
    let wrong = unfolded(&with).replacen("SIZE=4711", "SIZE=many", 1);
    let sized = |octets: &[u8], bytes| with_true_sizes(&Tree::read(octets).unwrap(), |one| (one.id == "7-0a").then_some(bytes));
    assert_eq!(unfolded(&sized(wrong.as_bytes(), 4711).unwrap()), unfolded(&with));
    assert_eq!(unfolded(&sized(&with, 5).unwrap()), unfolded(&with).replace("SIZE=4711", "SIZE=5"));
    assert_eq!(sized(&with, 4711), None);
    // What is not said is not wrong, nor is what is not known.
    assert_eq!(sized(unfolded(&with).replace("SIZE=4711;", "").as_bytes(), 5), None);
    assert_eq!(sized(unfolded(&with).replace("7-0a", "7-0c").as_bytes(), 5), None);
}

#[test]
fn an_instance_gets_a_component_of_its_own() {
    let before = series();
    // In UTC, as clients write it, and as the series does.
    for rid in ["20260126T080000Z", "20260126T090000"] {
        let with = unfolded(&added(&before, Some(&[rid])).unwrap());
        let made = with.split("BEGIN:VEVENT").nth(2).unwrap();
        for line in [
            "UID:a\r\n",
            "DTSTART;TZID=Europe/Paris:20260126T090000\r\n",
            "DTEND;TZID=Europe/Paris:20260126T100000\r\n",
            "RECURRENCE-ID;TZID=Europe/Paris:20260126T090000\r\n",
            "X-ODD:  kept \r\n",
            "BEGIN:VALARM",
            LINE,
        ] {
            assert!(made.contains(line), "{line} in {made}");
        }
        assert!(!made.contains("RRULE") && !made.contains("EXDATE"), "{made}");
        assert_eq!(with.matches(LINE).count(), 1);
        assert!(validate_calendar(with.as_bytes()).is_ok());
    }
    // One that has one, and the series, in either case (section 3.3.2).
    for series in ["M", "m"] {
        let with = unfolded(&added(&before, Some(&["20260112T080000Z", series])).unwrap());
        assert_eq!((with.matches("BEGIN:VEVENT").count(), with.matches(LINE).count()), (2, 2));
    }
    // Out of one instance only: it gets a component without it.
    let all = added(&before, Some(&["M"])).unwrap();
    let tree = Tree::read(&all).unwrap();
    let without = unfolded(&without_attachment(&tree, Some(&rids(&["20260126T080000Z"])), "7-0a", &limits()).unwrap());
    assert_eq!((without.matches("BEGIN:VEVENT").count(), without.matches(LINE).count()), (3, 1), "{without}");
    // Section 3.6: each instance that is named has it.
    for some in [&["20260112T080000Z"][..], &["m", "20260112T090000"]] {
        assert_eq!(without_attachment(&tree, Some(&rids(some)), "7-0a", &limits()), Err(AttachFault::Id));
    }
    // Days.
    let days = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:d\r\nDTSTART;VALUE=DATE:20260105\r\nRRULE:FREQ=DAILY;COUNT=9\r\nEND:VEVENT\r\n\
        END:VCALENDAR\r\n";
    let with = unfolded(&added(days, Some(&["20260107"])).unwrap());
    assert!(with.contains("RECURRENCE-ID;VALUE=DATE:20260107\r\n") && with.contains("DTSTART;VALUE=DATE:20260107\r\n"), "{with}");
}

/// The value as it is stored names an instance, whatever its zone and whether its series is there or not (section 3.3.2).
#[test]
fn an_instance_is_named_as_it_is_stored() {
    let text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:a\r\nRECURRENCE-ID;TZID=America/Montreal:20111022T160000\r\n\
        DTSTART;TZID=America/Montreal:20111022T170000\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    for rid in ["20111022T160000", "20111022T200000Z"] {
        let with = unfolded(&added(text.as_bytes(), Some(&[rid])).unwrap());
        assert_eq!(with.matches(LINE).count(), 1, "{rid}: {with}");
    }
    assert_eq!(added(text.as_bytes(), Some(&["20111022T160000", "20111022T200000Z"])), Err(AttachFault::Instance), "the same twice");
    assert_eq!(added(text.as_bytes(), Some(&["20111022T170000"])), Err(AttachFault::Instance));
}

#[test]
fn what_is_no_instance_is_told() {
    let before = series();
    for wrong in [
        &["20260119T080000Z"][..],
        &["20260126T083000Z"],
        &["20260126"],
        &["soon"],
        &[],
        &["M", "M"],
        &["20260126T080000Z", "20260126T090000"],
    ] {
        assert_eq!(added(&before, Some(wrong)), Err(AttachFault::Instance), "{wrong:?}");
    }
    let alone = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:s\r\nDTSTART:20260105T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    assert_eq!(added(alone, Some(&["20260105T090000Z"])), Err(AttachFault::Instance), "it does not recur");
    assert!(added(alone, Some(&["M"])).is_ok());
    let busy = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VFREEBUSY\r\nUID:f\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n";
    assert_eq!(added(busy, None), Err(AttachFault::Instance));
}

#[test]
fn what_is_managed_here_is_not_told_to_who_is_elsewhere() {
    let octets = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:a\r\n\
        ATTACH;MANAGED-ID=1;FILENAME=plan.pdf;FMTTYPE=application/pdf:https://mail.example/dav/attachments/1/plan.pdf\r\n\
        ATTACH;FILENAME=film.mp4;MANAGED-ID=2:https://mail.example/dav/attachments/2/film.mp4\r\n\
        ATTACH;MANAGED-ID=3:https://mail.example/dav/attachments/3/x\r\n\
        ATTACH;MANAGED-ID=theirs:https://other.example/a.txt\r\nATTACH:https://www.example/open.html\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let (told, left_out) = mailed(octets, |id| match id {
        "1" => Mailed::Part("1@mx.example".to_owned()),
        "theirs" => Mailed::Linked,
        _ => Mailed::LeftOut,
    });
    let told = String::from_utf8(told).unwrap();
    assert_eq!(left_out, ["film.mp4", "3"]);
    assert!(told.contains("UID:a\r\nATTACH;FILENAME=plan.pdf;FMTTYPE=application/pdf:CID:1@mx.example\r\n"), "{told}");
    assert!(told.contains("\r\nATTACH:https://other.example/a.txt\r\nATTACH:https://www.example/open.html\r\nEND:VEVENT"), "{told}");
    assert!(!told.contains("MANAGED-ID") && !told.contains("mail.example"), "{told}");
}
