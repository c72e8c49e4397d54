//! Records as they are written, and as they are recognised.

use super::check::{Found, compare};
use super::records::wanted;
use crate::admin::protocol::DkimLine;
use crate::config::Config;
use octroi_mailauth::{KeyRecord, Standing};

fn config() -> Config {
    Config::parse(
        "data = \"/nowhere\"\norganisation = \"x\"\nhostname = \"mail.ours.example\"\ndomains = [\"ours.example\"]\n[mail_auth]\nmta_sts = \"testing\"\n[listen]\n\
         smtp = [\"0.0.0.0:25\", \"203.0.113.9:25\"]\nimaps = [\"0.0.0.0:993\"]\nhttps = [\"0.0.0.0:8443\"]\n",
    )
    .unwrap()
}

#[test]
fn all_records_in_the_syntax_of_a_zone() {
    let value = format!("v=DKIM1; k=rsa; p={}", "A".repeat(392));
    let keys = [DkimLine { standing: Standing::Active, records: vec![KeyRecord { name: "r1._domainkey".to_owned(), value }] }];
    let lines: Vec<String> = wanted(&config(), &keys).iter().map(ToString::to_string).collect();
    for expected in [
        "mail.ours.example.\tA\t203.0.113.9",
        "mail.ours.example.\tTXT\t\"v=spf1 a -all\"",
        "ours.example.\tMX\t10 mail.ours.example.",
        "ours.example.\tTXT\t\"v=spf1 mx -all\"",
        "_dmarc.ours.example.\tTXT\t\"v=DMARC1; p=none; rua=mailto:postmaster@ours.example\"",
        "_smtp._tls.ours.example.\tTXT\t\"v=TLSRPTv1; rua=mailto:postmaster@ours.example\"",
        "mta-sts.ours.example.\tCNAME\tmail.ours.example.",
        "_imaps._tcp.ours.example.\tSRV\t0 1 993 mail.ours.example.",
        "_imap._tcp.ours.example.\tSRV\t0 0 0 .",
        "_caldavs._tcp.ours.example.\tSRV\t0 1 8443 mail.ours.example.",
        "_caldavs._tcp.ours.example.\tTXT\t\"path=/dav/\"",
        "_carddavs._tcp.ours.example.\tTXT\t\"path=/dav/\"",
        "autoconfig.ours.example.\tCNAME\tmail.ours.example.",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected}: {lines:#?}");
    }
    assert!(lines.iter().any(|line| line.starts_with("_mta-sts.ours.example.\tTXT\t\"v=STSv1; id=")), "{lines:#?}");
    // RFC 1035 section 3.3.14: strings of 255 octets at most.
    let key = lines.iter().find(|line| line.starts_with("r1._domainkey.ours.example.")).unwrap();
    let strings: Vec<usize> = key.split('"').skip(1).step_by(2).map(str::len).collect();
    assert_eq!(strings, [255, 18 + 392 - 255], "{key}");
}

#[test]
fn reports_go_where_they_are_taken_in() {
    let text = "data = \"/nowhere\"\norganisation = \"x\"\nhostname = \"mail.ours.example\"\ndomains = [\"ours.example\", \"too.example\"]\n\
                [reports]\nreceive = \"reports@ours.example\"\n[listen]\nsmtp = [\"203.0.113.9:25\"]\n";
    let lines: Vec<String> = wanted(&Config::parse(text).unwrap(), &[]).iter().map(ToString::to_string).collect();
    for expected in [
        "_dmarc.too.example.\tTXT\t\"v=DMARC1; p=none; rua=mailto:reports@ours.example\"",
        "_smtp._tls.too.example.\tTXT\t\"v=TLSRPTv1; rua=mailto:reports@ours.example\"",
        "too.example._report._dmarc.ours.example.\tTXT\t\"v=DMARC1\"",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected}: {lines:#?}");
    }
    assert!(!lines.iter().any(|line| line.starts_with("ours.example._report")), "{lines:#?}");
    let astray = compare(&["v=DMARC1; p=reject; rua=mailto:else@where.example".to_owned()], "v=DMARC1; p=none; rua=mailto:a@b");
    assert!(matches!(&astray, Found::There(Some(note)) if note.contains("rua=mailto:a@b")), "{astray:?}");
    let both = compare(&["v=DMARC1; p=reject; rua=mailto:x@y, mailto:a@b!10m".to_owned()], "v=DMARC1; p=none; rua=mailto:a@b");
    assert_eq!(both, Found::There(None));
    let foreign = text.replace("[reports]", "[reports]\nfrom = \"x@elsewhere.example\"");
    assert!(Config::parse(&foreign).unwrap_err().to_string().contains("reports.from"));
}

#[test]
fn what_is_there_is_recognised() {
    let there = |texts: &[&str], wanted: &str| {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        match compare(&texts, wanted) {
            Found::There(_) => "there",
            Found::Missing => "missing",
            Found::Differs(_) => "differs",
            Found::Unknown(_) => "unknown",
        }
    };
    let (spf, dmarc, key) = ("v=spf1 mx -all", "v=DMARC1; p=none; rua=mailto:a@b", "v=DKIM1; k=rsa; p=AAAA");
    for (texts, wanted, expected) in [
        (&[][..], spf, "missing"),
        (&["google-site-verification=1"], spf, "missing"),
        (&["google-site-verification=1", spf], spf, "there"),
        (&["v=spf1 include:relay.example ~all"], spf, "there"),
        (&["v=spf1 +all"], spf, "differs"),
        (&[spf, "v=spf1 a -all"], spf, "differs"),
        (&["v=spf10 mx"], spf, "missing"),
        (&["v=DMARC1;p=reject"], dmarc, "there"),
        (&["v=DMARC1; rua=mailto:a@b"], dmarc, "differs"),
        (&["v=DMARC1;"], "v=DMARC1", "there"),
        (&["v=DMARC1", "v=DMARC1; rua=mailto:a@b"], "v=DMARC1", "there"),
        (&["something"], "v=DMARC1", "missing"),
        (&["v=DKIM1; k=rsa; p=AA AA"], key, "there"),
        (&["k=rsa; p=AAAA"], key, "there"),
        (&["v=DKIM1; k=rsa; p=AAAB"], key, "differs"),
        (&["v=DKIM1; p="], key, "differs"),
    ] {
        assert_eq!(there(texts, wanted), expected, "{texts:?} for {wanted}");
    }
}
