//! Messages with reports, as they come and as they are made.

use crate::dmarc::{Feedback, Published};
use crate::tally::PolicyCount;
use crate::tls::{Failure, Frame, Policy, PolicyKind, ResultType, TlsReport};
use crate::{Fault, Kept, Letter, ReportLimits, ReportSettings, Reports, Told, packed, read};
use octroi_model::UnixTime;
use std::collections::BTreeMap;
use std::io::Write as _;

fn base64(octets: &[u8]) -> String {
    let part = mail_builder::mime::MimePart::new("application/x", octets.to_vec());
    let mut out = Vec::new();
    mail_builder::MessageBuilder::new().body(part).write_to(&mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    text.split_once("\r\n\r\n").unwrap().1.to_owned()
}

fn message(media: &str, octets: &[u8]) -> Vec<u8> {
    format!(
        "From: a@b.example\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nText\r\n--x\r\nContent-Type: {media}\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}\r\n--x--\r\n",
        base64(octets)
    )
    .into_bytes()
}

fn zipped(octets: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("../../report.xml", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(octets).unwrap();
    zip.finish().unwrap().into_inner()
}

fn taken(message: &[u8]) -> Result<Kept, Fault> {
    read(message, Some(true), 7, &ReportLimits { unpacked_bytes_max: 1 << 20, ..ReportLimits::default() })
}

const GOOGLE: &[u8] = include_bytes!("../../../fixtures/reports/google.xml");
const GOOGLE_TLS: &[u8] = include_bytes!("../../../fixtures/reports/google.json");
const MICROSOFT_TLS: &[u8] = include_bytes!("../../../fixtures/reports/microsoft.json");

#[test]
fn reports_come_packed_in_every_way() {
    for (media, octets) in [
        ("application/gzip", packed(GOOGLE).unwrap()),
        ("application/zip", zipped(GOOGLE)),
        ("application/octet-stream; name=\"x.xml\"", GOOGLE.to_vec()),
        ("text/xml", GOOGLE.to_vec()),
    ] {
        let kept = taken(&message(media, &octets)).unwrap();
        assert_eq!((kept.domain.as_str(), kept.received, kept.authentic), ("bench.test", 7, Some(true)), "{media}");
        assert!(matches!(kept.told, Told::Dmarc { rows, .. } if rows.len() == 2), "{media}");
    }
    let kept = taken(&message("application/tlsrpt+gzip", &packed(GOOGLE_TLS).unwrap())).unwrap();
    let Told::Tls { policies } = kept.told else { panic!() };
    assert_eq!((kept.begin, policies[0].failures, policies[0].details[0].result_type.as_str()), (1_795_737_600, 2, "certificate-expired"));
    let kept = taken(&message("application/tlsrpt+json", MICROSOFT_TLS)).unwrap();
    let Told::Tls { policies } = kept.told else { panic!() };
    assert_eq!((policies[0].policy.mx_host.as_slice(), policies[0].policy.policy_string.len()), (&["mail.bench.test".to_owned()][..], 0));
}

#[test]
fn bombs_stay_packed() {
    let nulls = vec![b' '; 4 << 20];
    assert_eq!(taken(&message("application/gzip", &packed(&nulls).unwrap())), Err(Fault::TooBig("what is packed")));
    assert_eq!(taken(&message("application/zip", &zipped(&nulls))), Err(Fault::TooBig("what is packed")));
    let twice = packed(&packed(GOOGLE).unwrap()).unwrap();
    assert_eq!(taken(&message("application/gzip", &twice)), Err(Fault::NotAReport));
    let torn = packed(GOOGLE).unwrap();
    assert!(matches!(taken(&message("application/gzip", &torn[..torn.len() / 2])), Err(Fault::Malformed(_))));
    let deep = "[".repeat(200_000);
    let deep = format!("{{\"policies\":{deep}");
    assert!(matches!(taken(&message("application/tlsrpt+json", deep.as_bytes())), Err(Fault::Malformed(_))));
    assert_eq!(taken(b"From: a@b\r\n\r\nHello <b> {x}\r\n"), Err(Fault::NotAReport));
    let limits = ReportLimits { message_bytes_max: 10, ..ReportLimits::default() };
    assert_eq!(read(b"From: a@b\r\n\r\nHello", None, 0, &limits), Err(Fault::TooBig("the message")));
}

#[test]
fn long_lists_are_cut_as_they_come() {
    let text = String::from_utf8_lossy(MICROSOFT_TLS)
        .replace("null, \"policy-domain\"", &format!("[{}\"x\"], \"policy-domain\"", "\"\",".repeat(100_000)));
    let kept = taken(&message("application/tlsrpt+json", text.as_bytes())).unwrap();
    let Told::Tls { policies } = kept.told else { panic!() };
    assert_eq!(policies[0].policy.policy_string, vec![String::new(); 200]);
}

fn letter() -> Letter<'static> {
    Letter {
        organisation: "Douane, \"Test\"",
        from: "postmaster@a.example",
        to: "reports@b.example",
        submitter: "mail.a.example",
        domain: "b.example",
        id: "20784b0@mail.a.example",
        begin: 1_795_737_600,
        end: 1_795_823_999,
        now: UnixTime(1_795_830_000),
    }
}

fn frame() -> Frame<'static> {
    Frame {
        organisation: "Douane",
        contact: "postmaster@a.example",
        id: "20784b0@mail.a.example",
        begin: 1_795_737_600,
        end: 1_795_823_999,
    }
}

#[test]
fn our_own_are_taken_in_again() {
    let failure = Failure {
        result: ResultType::CertificateHostMismatch,
        mx: "mx.b.example".to_owned(),
        receiving: Some([192, 0, 2, 1].into()),
        sending: None,
        reason: "not valid for that name".to_owned(),
    };
    let policy = Policy { kind: PolicyKind::Sts, strings: vec!["version: STSv1".to_owned()], mx: vec!["*.b.example".to_owned()] };
    let count = PolicyCount { policy, successes: 3, failures: 2, details: BTreeMap::from([(failure, 2)]) };
    let report = TlsReport::of(&frame(), "b.example", &[count]);
    let message = letter().tls(packed(&report.write().unwrap()).unwrap()).unwrap();
    let text = String::from_utf8_lossy(&message);
    for line in [
        "TLS-Report-Domain: b.example\r\n",
        "TLS-Report-Submitter: mail.a.example\r\n",
        "TLS-Required: No\r\n",
        "report-type=\"tlsrpt\"",
        "mail.a.example!b.example!1795737600!1795823999!20784b0.json.gz",
        "Message-ID: <20784b0@mail.a.example>\r\n",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let unfolded = text.replace("\r\n ", " ").replace("\r\n\t", " ").replace("  ", " ");
    assert!(
        unfolded.contains("Subject: Report Domain: b.example Submitter: mail.a.example Report-ID: <20784b0@mail.a.example>\r\n"),
        "{text}"
    );
    let kept = taken(&message).unwrap();
    let Told::Tls { policies } = kept.told else { panic!() };
    assert_eq!((kept.id.as_str(), policies[0].successes, policies[0].details[0].failed_session_count), ("20784b0@mail.a.example", 3, 2));

    let published = Published { domain: "b.example".to_owned(), p: "none".to_owned(), ..Published::default() };
    let report = Feedback { id: "1@a".to_owned(), begin: 1_795_737_600, end: 1_795_823_999, published, ..Feedback::default() };
    let message = letter().dmarc(packed(&report.write().unwrap()).unwrap()).unwrap();
    let text = String::from_utf8_lossy(&message);
    assert!(text.contains("application/gzip") && text.contains("!20784b0.xml.gz") && !text.contains("TLS-Required"), "{text}");
    assert_eq!(taken(&message).unwrap().domain, "b.example");
}

#[tokio::test]
async fn what_comes_to_the_address_is_kept_and_saved_once() {
    let settings = ReportSettings { receive: vec!["Reports@ours.example".parse().unwrap()], ..ReportSettings::default() };
    let reports = Reports::new(settings, crate::Tally::default(), crate::Received::default());
    assert!(reports.receives(&"reports+x@OURS.example".parse().unwrap()) && !reports.receives(&"lea@ours.example".parse().unwrap()));
    assert_eq!(reports.unsaved_received(), None);
    reports.take_in(message("text/xml", GOOGLE), None).await.unwrap();
    assert_eq!(reports.received(0, Some("bench.test")).len(), 1);
    let saved = reports.unsaved_received().unwrap();
    assert_eq!(crate::Received::decode(&saved).unwrap().since(0, None).len(), 1);
    assert_eq!(reports.unsaved_received(), None);
    assert!(!Reports::default().receives(&"reports@ours.example".parse().unwrap()));
}

/// After midnight they all come at once.
#[tokio::test]
async fn many_that_come_at_once_wait_for_their_turn() {
    let limits = ReportLimits { readers_max: 1, ..ReportLimits::default() };
    let reports = Reports::new(ReportSettings { limits, ..ReportSettings::default() }, crate::Tally::default(), crate::Received::default());
    let of = |number: usize| String::from_utf8_lossy(GOOGLE).replace("9876543210123456789", &number.to_string()).into_bytes();
    let taken: Vec<_> = (0..65)
        .map(|number| {
            tokio::spawn({
                let (reports, message) = (reports.clone(), message("text/xml", &of(number)));
                async move { reports.take_in(message, None).await.is_ok() }
            })
        })
        .collect();
    for one in taken {
        assert!(one.await.unwrap());
    }
    assert_eq!(reports.received(0, None).len(), 65);
}

/// What stands in a header of a report is what stood in a header of a message.
#[test]
fn only_names_of_the_dns_are_counted() {
    let settings = ReportSettings { tls: true, ..ReportSettings::default() };
    let reports = Reports::new(settings, crate::Tally::default(), crate::Received::default());
    let policy = Policy { kind: PolicyKind::NoPolicyFound, strings: Vec::new(), mx: Vec::new() };
    for domain in ["b\u{fc}cher.example", "B.example", "", "b.example\r\nX: y", "b example", "b!example", "b/../example"] {
        reports.count_session(domain, &policy, None);
    }
    let counted: Vec<String> = reports.tally().sessions_until(i64::MAX).into_iter().map(|(_, domain, _)| domain).collect();
    assert_eq!(counted, ["b.example", "xn--bcher-kva.example"]);
}
