//! Reports both ways, and what is none.

use super::*;
use crate::fault::Fault;
use proptest::prelude::*;

fn minimal(inside: &str) -> String {
    format!(
        "<feedback><report_metadata><report_id>1</report_id><date_range><begin>5</begin><end>6</end></date_range></report_metadata>\
         <policy_published><domain>B.example</domain><p>none</p></policy_published>{inside}</feedback>"
    )
}

#[test]
fn what_others_write_is_read() {
    let google = Feedback::read(include_bytes!("../../../../fixtures/reports/google.xml"), 100).unwrap();
    assert_eq!((google.organisation.as_str(), google.begin, google.end), ("google.example", 1_795_737_600, 1_795_823_999));
    assert_eq!((google.published.domain.as_str(), google.published.p.as_str(), google.records.len()), ("bench.test", "none", 2));
    let (row, count) = &google.records[0];
    assert_eq!((row.source.to_string().as_str(), *count, row.dkim_aligned, row.dkim.len()), ("192.0.2.10", 42, true, 2));
    assert_eq!(row.dkim[1], DkimSeen { domain: "bench.test".into(), selector: "r20261101".into(), result: "pass".into() });
    let (row, _) = &google.records[1];
    assert_eq!((row.overridden, row.spf.as_ref().unwrap().result.as_str()), (Some(Override::Other), "softfail"));
    let microsoft = Feedback::read(include_bytes!("../../../../fixtures/reports/microsoft.xml"), 100).unwrap();
    let (row, count) = &microsoft.records[0];
    assert_eq!((row.disposition, *count, row.envelope_from.as_str()), (Disposition::Quarantine, 3, "bulk.example"));
}

#[test]
fn what_is_cut_is_counted_and_terminals_are_spared() {
    let row = |ip: &str| {
        format!(
            "<record><row><source_ip>{ip}</source_ip><count>1</count><policy_evaluated><disposition>x&#27;[2J</disposition></policy_evaluated></row></record>"
        )
    };
    let report = Feedback::read(minimal(&[row("192.0.2.1"), row("192.0.2.2"), row("nowhere")].concat()).as_bytes(), 1).unwrap();
    assert_eq!((report.records.len(), report.cut, report.published.domain.as_str()), (1, 2, "b.example"));
    let told = minimal("").replace("<report_id>1<", "<report_id>1&#27;[2J<");
    assert_eq!(Feedback::read(told.as_bytes(), 1).unwrap().id, "1[2J");
}

#[test]
fn bombs_and_nonsense_are_refused() {
    let bomb = format!("<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a \"aa\"><!ENTITY b \"&a;&a;\">]>{}", minimal("&b;"));
    assert_eq!(Feedback::read(bomb.as_bytes(), 1), Err(Fault::Malformed("the XML has a DOCTYPE")));
    assert_eq!(Feedback::read(minimal("&b;").as_bytes(), 1), Err(Fault::Malformed("the XML has an entity of its own")));
    let deep = minimal(&"<a>".repeat(100_000));
    assert!(matches!(Feedback::read(deep.as_bytes(), 1), Err(Fault::TooBig(_))));
    for bad in ["", "<", "<html/>", "<feedback/>", "<feedback><report_metadata>", "\u{0}\u{1}", &minimal("").replace('5', "x")] {
        assert!(Feedback::read(bad.as_bytes(), 1).is_err(), "{bad}");
    }
}

fn word() -> impl Strategy<Value = String> {
    "[a-z0-9<>&'\" .-]{0,12}".prop_map(|text| text.trim().to_owned())
}

fn row() -> impl Strategy<Value = Row> {
    let seen = (word(), word(), word());
    let overridden = prop_oneof![Just(None), Just(Some(Override::TrustedForwarder)), Just(Some(Override::PolicyTestMode))];
    let disposition = prop_oneof![Just(Disposition::None), Just(Disposition::Pass), Just(Disposition::Reject)];
    let results = (proptest::collection::vec(seen, 0..3), proptest::option::of((word(), word())));
    (any::<std::net::IpAddr>(), disposition, any::<bool>(), any::<bool>(), overridden, word(), word(), results).prop_map(
        |(source, disposition, dkim_aligned, spf_aligned, overridden, header_from, envelope_from, (dkim, spf))| Row {
            source,
            disposition,
            dkim_aligned,
            spf_aligned,
            overridden,
            header_from,
            envelope_from,
            dkim: dkim.into_iter().map(|(domain, selector, result)| DkimSeen { domain, selector, result }).collect(),
            spf: spf.map(|(domain, result)| SpfSeen { domain, result }),
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(rows in proptest::collection::vec((row(), any::<u64>()), 0..5), name in word(), testing in any::<bool>()) {
        let published = Published { domain: "b.example".into(), p: "reject".into(), np: Some("none".into()), adkim: Some("s".into()), testing, ..Published::default() };
        let report = Feedback { organisation: name, email: "a@b".into(), id: "1@x".into(), begin: 5, end: 6, published, records: rows, ..Feedback::default() };
        prop_assert_eq!(Feedback::read(&report.write().unwrap(), 100).unwrap(), report);
    }

    #[test]
    fn nothing_makes_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Feedback::read(&octets, 10);
    }
}
