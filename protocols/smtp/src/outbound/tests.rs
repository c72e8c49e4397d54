//! The client against servers that behave, misbehave and attack; and what becomes of an entry.

mod sink;

use super::attempt::{apply, destinations};
use super::client::{Errand, Fault, Host, Manners, Outcome, Source, deliver};
use super::tls::TlsConfigs;
use crate::config::{ClientTimeouts, HostPort, OutboundTls, QueueConfig};
use octroi_gate::{QueueEntry, QueueRecipient, RecipientState, Refusal};
use octroi_model::{Address, UnixTime};
use octroi_net::dot::{DotReceiver, dot_stuff};
use proptest::prelude::*;
use sink::Step::{Drop, Hear, HearData, Say, StartTls};
use sink::{Sink, Step};
use std::time::Duration;

struct Message(Vec<u8>);

impl Source for Message {
    async fn read(&self, offset: u64, bytes: u64) -> Result<Vec<u8>, Refusal> {
        let from = offset as usize;
        // Small pieces, so that every seam is met.
        Ok(self.0[from..(from + bytes.min(7) as usize).min(self.0.len())].to_vec())
    }
}

struct Broken;

impl Source for Broken {
    async fn read(&self, _: u64, _: u64) -> Result<Vec<u8>, Refusal> {
        Err(Refusal::Unavailable)
    }
}

fn manners() -> Manners {
    let short = Duration::from_secs(3);
    let timeouts = ClientTimeouts {
        connect: short,
        greeting: short,
        command: short,
        recipient: short,
        data_start: short,
        data_block: short,
        data_end: short,
        quit: Duration::from_millis(100),
    };
    Manners { hostname: "mail.a.example".to_owned(), timeouts, tls: TlsConfigs::new().unwrap() }
}

fn addresses(texts: &[&str]) -> Vec<Address> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn host(sink: &Sink) -> Host {
    Host { name: "mx.b.example".to_owned(), address: sink.address, tls: OutboundTls::Opportunistic }
}

async fn send(sink: &Sink, to: &[&str], message: &str) -> Result<Vec<Outcome>, Fault> {
    let source = Message(message.as_bytes().to_vec());
    let from = "lea@a.example".parse().unwrap();
    let to = addresses(to);
    let errand = Errand { from: Some(&from), to: &to, bytes: source.0.len() as u64, utf8_header: false, source: &source };
    deliver(&host(sink), &errand, &manners(), true).await
}

fn later(text: &str) -> Outcome {
    Outcome::Later(text.to_owned())
}

fn failed(text: &str) -> Outcome {
    Outcome::Failed(text.to_owned())
}

/// A server without extensions, up to MAIL.
const PLAIN_START: [Step; 5] =
    [Say("220 mx\r\n"), Hear("EHLO mail.a.example"), Say("250 mx\r\n"), Hear("MAIL FROM:<lea@a.example>"), Say("250 ok\r\n")];

fn plain(rest: &[Step]) -> Vec<Step> {
    PLAIN_START.iter().chain(rest).copied().collect()
}

#[tokio::test]
async fn a_message_goes_out_with_its_dots_doubled() {
    let script =
        plain(&[Hear("RCPT TO:<b@b.example>"), Say("250 ok\r\n"), Hear("DATA"), Say("354 go\r\n"), HearData, Say("250 2.0.0 got it\r\n")]);
    let sink = Sink::start(vec![script]).await;
    let message = "Subject: x\r\n\r\n.\r\n..two\r\n.end";
    assert_eq!(send(&sink, &["b@b.example"], message).await, Ok(vec![Outcome::Delivered]));
    assert_eq!(sink.heard()[4], "Subject: x\r\n\r\n..\r\n...two\r\n..end\r\n.\r\n");
}

#[tokio::test]
async fn replies_of_many_lines_are_one_reply() {
    let script = vec![
        Say("220-mx\r\n220-welcome\r\n220 go\r\n"),
        Hear("EHLO"),
        Say("250-mx\r\n250-SIZE 1000\r\n250-8BITMIME\r\n250-X-NEW thing\r\n250 PIPELINING\r\n"),
        Hear("MAIL FROM:<lea@a.example> SIZE=14 BODY=8BITMIME"),
        Hear("RCPT TO:<b@b.example>"),
        Say("250-2.1.0 yes\r\n250 2.1.0 indeed\r\n250 2.1.5 ok\r\n"),
        Hear("DATA"),
        Say("354 go\r\n"),
        HearData,
        Say("550-5.7.1 we do not\r\n550 5.7.1 like it\r\n"),
    ];
    let sink = Sink::start(vec![script]).await;
    assert_eq!(send(&sink, &["b@b.example"], "Subject: x\r\n\r\n").await, Ok(vec![failed("550 5.7.1 we do not like it")]));
}

#[tokio::test]
async fn each_recipient_has_its_own_outcome() {
    for pipelining in [false, true] {
        let to = ["ok@b.example", "never@b.example", "later@b.example"];
        let answers = ["250 ok\r\n", "550 5.1.1 no such user\r\n", "451 4.7.1 greylisted\r\n"];
        let mut script = vec![Say("220 mx\r\n"), Hear("EHLO")];
        if pipelining {
            script.extend([Say("250-mx\r\n250 PIPELINING\r\n"), Hear("MAIL"), Hear("RCPT"), Hear("RCPT"), Hear("RCPT"), Say("250 ok\r\n")]);
            script.extend(answers.map(Say));
        } else {
            script.extend([Say("250 mx\r\n"), Hear("MAIL"), Say("250 ok\r\n")]);
            script.extend(answers.into_iter().flat_map(|answer| [Hear("RCPT"), Say(answer)]));
        }
        script.extend([Hear("DATA"), Say("354 go\r\n"), HearData, Say("250 ok\r\n")]);
        let sink = Sink::start(vec![script]).await;
        let expected = vec![Outcome::Delivered, failed("550 5.1.1 no such user"), later("451 4.7.1 greylisted")];
        assert_eq!(send(&sink, &to, "x\r\n").await, Ok(expected), "pipelining: {pipelining}");
    }
}

#[tokio::test]
async fn without_a_recipient_there_is_no_data() {
    let sink = Sink::start(vec![plain(&[Hear("RCPT"), Say("550 no\r\n"), Hear("QUIT"), Say("221 bye\r\n")])]).await;
    assert_eq!(send(&sink, &["b@b.example"], "x\r\n").await, Ok(vec![failed("550 no")]));
}

#[tokio::test]
async fn a_refused_sender_is_an_outcome_for_all() {
    let script = |answer| vec![Say("220 mx\r\n"), Hear("EHLO"), Say("250 mx\r\n"), Hear("MAIL"), Say(answer)];
    let sink = Sink::start(vec![script("451 4.3.0 later\r\n"), script("550 5.7.1 never\r\n")]).await;
    let to = ["b@b.example", "c@b.example"];
    assert_eq!(send(&sink, &to, "x\r\n").await, Ok(vec![later("451 4.3.0 later"); 2]));
    assert_eq!(send(&sink, &to, "x\r\n").await, Ok(vec![failed("550 5.7.1 never"); 2]));
}

#[tokio::test]
async fn tls_is_used_when_it_is_offered_and_all_is_new_then() {
    let script = vec![
        Say("220 mx\r\n"),
        Hear("EHLO"),
        // What is said in the clear does not count.
        Say("250-mx\r\n250-SIZE 1\r\n250 STARTTLS\r\n"),
        Hear("STARTTLS"),
        Say("220 go\r\n"),
        StartTls,
        Hear("EHLO mail.a.example"),
        Say("250 mx\r\n"),
        Hear("MAIL FROM:<lea@a.example>"),
        Say("250 ok\r\n"),
        Hear("RCPT"),
        Say("250 ok\r\n"),
        Hear("DATA"),
        Say("354 go\r\n"),
        HearData,
        Say("250 ok\r\n"),
    ];
    let sink = Sink::start(vec![script]).await;
    assert_eq!(send(&sink, &["b@b.example"], "four\r\n").await, Ok(vec![Outcome::Delivered]));
    assert_eq!(sink.heard()[3], "MAIL FROM:<lea@a.example>", "no SIZE, which was said in the clear only");
}

/// CVE-2021-38371: replies that stand before the handshake would be taken for protected ones.
#[tokio::test]
async fn replies_before_the_handshake_end_the_delivery() {
    let script =
        vec![Say("220 mx\r\n"), Hear("EHLO"), Say("250-mx\r\n250 STARTTLS\r\n"), Hear("STARTTLS"), Say("220 go\r\n250 injected\r\n")];
    let sink = Sink::start(vec![script]).await;
    let fault = send(&sink, &["b@b.example"], "x\r\n").await;
    assert_eq!(fault, Err(Fault::All(later("replies stood before the TLS handshake"))));
    assert_eq!(sink.heard(), ["EHLO mail.a.example", "STARTTLS"]);
}

#[tokio::test]
async fn a_verified_relay_must_have_a_certificate_for_its_name() {
    let script = vec![Say("220 mx\r\n"), Hear("EHLO"), Say("250-mx\r\n250 STARTTLS\r\n"), Hear("STARTTLS"), Say("220 go\r\n"), StartTls];
    let bare = vec![Say("220 mx\r\n"), Hear("EHLO"), Say("250 mx\r\n")];
    let sink = Sink::start(vec![script, bare]).await;
    let host = Host { tls: OutboundTls::Verified, ..host(&sink) };
    let source = Message(b"x\r\n".to_vec());
    let to = addresses(&["b@b.example"]);
    let errand = Errand { from: None, to: &to, bytes: 3, utf8_header: false, source: &source };
    assert!(matches!(deliver(&host, &errand, &manners(), true).await, Err(Fault::Tls(_))), "self-signed");
    assert!(matches!(deliver(&host, &errand, &manners(), true).await, Err(Fault::NextHost(_))), "not offered");
}

#[tokio::test]
async fn a_connection_that_breaks_off_is_tried_elsewhere_or_later() {
    let accepted = [Hear("RCPT"), Say("250 ok\r\n"), Hear("DATA")];
    for (script, ended) in [
        (vec![Drop], false),
        (vec![Say("554 no\r\n")], false),
        (vec![Say("421 busy\r\n")], false),
        (vec![Say("HTTP/1.1 400 Bad Request\r\n")], false),
        (vec![Say("220-a\r\n221 b\r\n")], false),
        (vec![Say("220 mx\r\n"), Hear("EHLO"), Drop], false),
        (plain(&[Drop]), false),
        (plain(&[accepted.to_vec(), vec![Drop]].concat()), false),
        (plain(&[accepted.to_vec(), vec![Say("354 go\r\n"), HearData, Drop]].concat()), true),
    ] {
        let told = format!("{script:?}");
        let sink = Sink::start(vec![script]).await;
        match send(&sink, &["b@b.example"], "x\r\n").await {
            Err(Fault::NextHost(_)) => assert!(!ended, "{told}"),
            // After the end of data the host may have it: no other host gets it now.
            Ok(outcomes) => assert!(ended && matches!(outcomes[..], [Outcome::Later(_)]), "{told}: {outcomes:?}"),
            other => panic!("{told}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_host_that_takes_no_mail_is_believed() {
    let sink = Sink::start(vec![vec![Say("521 5.3.2 no mail here\r\n")]]).await;
    assert_eq!(send(&sink, &["b@b.example"], "x\r\n").await, Err(Fault::All(failed("521 5.3.2 no mail here"))));
}

#[tokio::test]
async fn an_old_server_is_greeted_again() {
    let script = [
        Say("220 mx\r\n"),
        Hear("EHLO"),
        Say("502 what\r\n"),
        Hear("HELO mail.a.example"),
        Say("250 hi\r\n"),
        Hear("MAIL FROM:<lea@a.example>"),
    ];
    let rest = [Say("250 ok\r\n"), Hear("RCPT"), Say("250 ok\r\n"), Hear("DATA"), Say("354 go\r\n"), HearData, Say("250 ok\r\n")];
    let sink = Sink::start(vec![[script.to_vec(), rest.to_vec()].concat()]).await;
    assert_eq!(send(&sink, &["b@b.example"], "x\r\n").await, Ok(vec![Outcome::Delivered]));
}

#[tokio::test]
async fn half_a_message_is_never_ended() {
    let sink = Sink::start(vec![plain(&[Hear("RCPT"), Say("250 ok\r\n"), Hear("DATA"), Say("354 go\r\n"), HearData])]).await;
    let from = "lea@a.example".parse().unwrap();
    let to = addresses(&["b@b.example"]);
    let errand = Errand { from: Some(&from), to: &to, bytes: 10, utf8_header: false, source: &Broken };
    let outcome = deliver(&host(&sink), &errand, &manners(), true).await;
    assert!(matches!(outcome, Err(Fault::All(Outcome::Later(_)))), "{outcome:?}");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(sink.heard().last().unwrap(), "", "no final dot");
}

#[tokio::test]
async fn what_the_host_cannot_take_is_not_offered() {
    let small = vec![Say("220 mx\r\n"), Hear("EHLO"), Say("250-mx\r\n250 SIZE 2\r\n")];
    let sink = Sink::start(vec![small]).await;
    assert!(matches!(send(&sink, &["b@b.example"], "three").await, Err(Fault::All(Outcome::Failed(_)))));
    let ascii = vec![Say("220 mx\r\n"), Hear("EHLO"), Say("250 mx\r\n")];
    let sink = Sink::start(vec![ascii]).await;
    assert!(matches!(send(&sink, &["é@b.example"], "x").await, Err(Fault::All(Outcome::Failed(_)))));
    let utf8 = vec![
        Say("220 mx\r\n"),
        Hear("EHLO"),
        Say("250-mx\r\n250 SMTPUTF8\r\n"),
        Hear("MAIL FROM:<lea@a.example> SMTPUTF8"),
        Say("550 x\r\n"),
    ];
    let sink = Sink::start(vec![utf8]).await;
    assert_eq!(send(&sink, &["é@b.example"], "x").await, Ok(vec![failed("550 x")]));
}

fn entry(recipients: &[(&str, RecipientState)]) -> QueueEntry {
    let recipients =
        recipients.iter().map(|(address, state)| QueueRecipient { address: address.parse().unwrap(), state: state.clone() }).collect();
    QueueEntry { from: None, recipients, queued: UnixTime(0), next_try: UnixTime(0), attempts: 1, last_error: String::new() }
}

#[test]
fn recipients_go_together_by_next_hop_and_done_ones_are_left_alone() {
    let waiting = RecipientState::Waiting;
    let entry = entry(&[
        ("a@one.example", waiting.clone()),
        ("b@two.example", waiting.clone()),
        ("c@ONE.example", waiting.clone()),
        ("d@one.example", RecipientState::Delivered),
        ("e@two.example", RecipientState::Failed("550".to_owned())),
    ]);
    let mut config = QueueConfig::default();
    assert_eq!(destinations(&entry, &config).len(), 2);
    config.smarthost = Some(HostPort { host: "smart".to_owned(), port: 25 });
    let together = destinations(&entry, &config);
    assert_eq!(together.len(), 1);
    assert!(format!("{together:?}").contains("[0, 1, 2]"), "{together:?}");
}

#[test]
fn outcomes_become_states() {
    let waiting = RecipientState::Waiting;
    let start = || {
        entry(&[
            ("a@b.example", waiting.clone()),
            ("c@b.example", waiting.clone()),
            ("d@b.example", waiting.clone()),
            ("e@b.example", waiting.clone()),
            ("f@b.example", RecipientState::Delivered),
        ])
    };
    let outcomes = [Some(Outcome::Delivered), Some(failed("550 no")), Some(later("451 busy")), None, Some(failed("never looked at"))];
    let mut entry = start();
    let failures = apply(&mut entry, &outcomes, false);
    assert_eq!(failures, [("c@b.example".parse().unwrap(), "550 no".to_owned())]);
    let states: Vec<RecipientState> = entry.recipients.iter().map(|recipient| recipient.state.clone()).collect();
    let failed_one = RecipientState::Failed("550 no".to_owned());
    assert_eq!(states, [RecipientState::Delivered, failed_one, waiting.clone(), waiting.clone(), RecipientState::Delivered]);
    assert_eq!(entry.last_error, "451 busy");

    let mut entry = start();
    let failures = apply(&mut entry, &outcomes, true);
    assert_eq!(failures.len(), 3, "what waits too long fails");
    assert!(entry.recipients.iter().all(|recipient| recipient.state != waiting));
}

proptest! {
    /// No receiver, however it ends lines, can find an end of data within what we send.
    #[test]
    fn nothing_we_send_can_be_taken_for_an_end(
        message in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'.'), Just(0), Just(b'a')], 0..60)
    ) {
        let sent = dot_stuff(&message);
        let body = sent.strip_suffix(b".\r\n").unwrap();
        prop_assert!(!body.contains(&0));
        for (at, &octet) in body.iter().enumerate() {
            prop_assert!(octet != b'\n' || at > 0 && body[at - 1] == b'\r', "bare LF in {:?}", body);
            prop_assert!(octet != b'\r' || body.get(at + 1) == Some(&b'\n'), "bare CR in {:?}", body);
        }
        let text = String::from_utf8(body.to_vec()).unwrap();
        prop_assert!(text.split("\r\n").all(|line| !line.starts_with('.') || line.starts_with("..")));
        let mut receiver = DotReceiver::new();
        let mut meant = Vec::new();
        let progress = receiver.push(&sent, &mut meant);
        prop_assert!(progress.ended && progress.consumed == sent.len() && receiver.violation().is_none());
    }
}
