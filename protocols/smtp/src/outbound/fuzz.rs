//! For the fuzz target: replies of a hostile server, and the notification that repeats them.

use super::answer::read_octets;
use crate::dsn::{Concerned, News, Report, compose};
use octroi_model::UnixTime;
use std::hash::{DefaultHasher, Hasher};

/// Read the octets as replies, and make a notification of each; and of the octets as the message, its ENVID and its ORCPT.
pub(crate) fn fuzz(octets: &[u8]) {
    for answer in read_octets(octets) {
        let shown = answer.to_string();
        assert!(shown.bytes().all(|octet| (b' '..=b'~').contains(&octet)), "{shown:?}");
        let _ = (answer.extensions(), answer.is_positive(), answer.is_permanent());
        told(&shown, octets);
    }
    told(&String::from_utf8_lossy(octets), octets);
}

/// Whatever is in it, nothing but ours begins a line of the machine's part, and no line stands alone.
fn told(reason: &str, octets: &[u8]) {
    // These are addresses.
    let (Ok(to), Ok(address)) = ("lea@douane.example".parse(), "a@b.example".parse()) else { return };
    // Nobody can know the id of a notification before it is made, so what comes in does not have it.
    let mut hasher = DefaultHasher::new();
    hasher.write(octets);
    let id = &format!("ID{:016x}", hasher.finish());
    let boundary = format!("\r\n--report-{id}");
    let text = String::from_utf8_lossy(octets);
    let recipients = [Concerned { address: &address, orcpt: Some(&text), reason }];
    for (news, whole) in [(News::Failed, true), (News::Delayed, false), (News::Relayed, false), (News::Delivered, false)] {
        let hostname = "mail.douane.example";
        let (arrived, until, now) = (UnixTime(0), UnixTime(0), UnixTime(0));
        let envid = Some(text.as_ref());
        let report = Report { hostname, to: &to, news, recipients: &recipients, envid, arrived, until, now, id, original: octets, whole };
        let message = compose(&report);
        let message = String::from_utf8_lossy(&message);
        let Some(status) = message.split(&boundary).nth(2).and_then(|part| part.split_once("\r\n\r\n")) else {
            panic!("a part is missing in {message}")
        };
        assert_eq!(status.1.matches("\nAction: ").count(), 1, "{message}");
        assert!(!status.1.replace("\r\n", "").contains(['\r', '\n']), "{message}");
    }
}
