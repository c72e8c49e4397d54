//! The client against servers that behave, misbehave and attack; and what becomes of an entry.

mod sink;

use super::client::{Dialogue, Fault, Host, Manners, Outcome};
use super::settle::{Event, ToTell, apply};
use super::tls::{HostTls, TlsConfigs};
use super::transact::{Errand, Sent, Source};
use crate::config::{ClientTimeouts, QueueConfig};
use octroi_gate::{DeliverBy, Notify, QueueEntry, QueueRecipient, RecipientState, RecipientTerms, Refusal, Ret, Terms};
use octroi_model::{Address, UnixTime};
use octroi_net::dot::{DotReceiver, dot_stuff};
use octroi_reports::tls::ResultType;
use proptest::prelude::*;
use sink::Step::{Drop, Hear, HearData, Say, StartTls};
use sink::{Sink, Step};
use std::sync::Arc;
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

fn manners() -> Arc<Manners> {
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
    Arc::new(Manners { hostname: "mail.a.example".to_owned(), timeouts, tls: TlsConfigs::new(&[]).unwrap() })
}

fn recipients(texts: &[&str]) -> Vec<QueueRecipient> {
    texts.iter().map(|text| QueueRecipient::new(text.parse().unwrap(), RecipientTerms::default(), UnixTime(0))).collect()
}

fn host(sink: &Sink) -> Host {
    Host {
        name: "mx.b.example".to_owned(),
        address: sink.address,
        tls: HostTls::Opportunistic,
        is_proven: false,
        login: None,
        policy: None,
        tries: false,
    }
}

/// Over a new connection.
async fn deliver<S: Source>(host: &Host, errand: &Errand<'_, S>) -> Result<Vec<Outcome>, Fault> {
    let mut dialogue = Dialogue::open(host, &manners(), true).await?;
    let sent = dialogue.transact(errand).await?;
    tokio::spawn(dialogue.quit());
    Ok(sent.outcomes)
}

async fn send(sink: &Sink, to: &[&str], message: &str) -> Result<Vec<Outcome>, Fault> {
    send_under(sink, to, message, &Terms::default()).await
}

async fn send_under(sink: &Sink, to: &[&str], message: &str, terms: &Terms) -> Result<Vec<Outcome>, Fault> {
    let source = Message(message.as_bytes().to_vec());
    let from = "lea@a.example".parse().unwrap();
    let to = recipients(to);
    let to: Vec<&QueueRecipient> = to.iter().collect();
    deliver(&host(sink), &errand(Some(&from), &to, terms, source.0.len() as u64, &source)).await
}

fn errand<'a, S>(from: Option<&'a Address>, to: &'a [&'a QueueRecipient], terms: &'a Terms, bytes: u64, source: &'a S) -> Errand<'a, S> {
    Errand { from, to, terms, bytes, utf8_header: false, tls_optional: false, source, now: UnixTime(1000) }
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
    let host = Host { tls: HostTls::Verified, ..host(&sink) };
    for expected in [ResultType::CertificateNotTrusted, ResultType::StarttlsNotSupported] {
        let fault = Dialogue::open(&host, &manners(), true).await.err();
        assert!(matches!(&fault, Some(Fault::Tls(fault)) if fault.result == expected && fault.local.is_some()), "{expected:?}: {fault:?}");
    }
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
    let rest = [Hear("MAIL"), Say("250 ok\r\n"), Hear("RCPT"), Say("250 ok\r\n"), Hear("DATA"), Say("354 go\r\n"), HearData];
    let sink = Sink::start(vec![offering("250-mx\r\n250 8BITMIME\r\n", &rest)]).await;
    let from = "lea@a.example".parse().unwrap();
    let to = recipients(&["b@b.example"]);
    let (to, terms) = (to.iter().collect::<Vec<_>>(), Terms::default());
    // Without 8BITMIME it would be read before anything is said.
    let mut dialogue = Dialogue::open(&host(&sink), &manners(), true).await.unwrap();
    let outcome = dialogue.transact(&errand(Some(&from), &to, &terms, 10, &Broken)).await;
    drop(dialogue);
    assert!(matches!(outcome, Err(Fault::All(Outcome::Later(_)))), "{outcome:?}");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(sink.heard().last().unwrap(), "", "no final dot");
}

#[tokio::test]
async fn what_the_host_cannot_take_is_not_offered() {
    let small = vec![Say("220 mx\r\n"), Hear("EHLO"), Say("250-mx\r\n250 SIZE 2\r\n")];
    let sink = Sink::start(vec![small]).await;
    assert!(matches!(send(&sink, &["b@b.example"], "three").await.unwrap()[..], [Outcome::Failed(_)]));
    let ascii = vec![Say("220 mx\r\n"), Hear("EHLO"), Say("250 mx\r\n")];
    let sink = Sink::start(vec![ascii]).await;
    assert!(matches!(send(&sink, &["é@b.example"], "x").await.unwrap()[..], [Outcome::Failed(_)]));
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

fn entry(count: usize) -> QueueEntry {
    let recipients = (0..count).map(|at| {
        let terms = RecipientTerms { notify: Notify::SUCCESS.and(Notify::FAILURE).and(Notify::DELAY), orcpt: None };
        QueueRecipient::new(format!("r{at}@b.example").parse().unwrap(), terms, UnixTime(0))
    });
    let recipients = recipients.collect();
    QueueEntry { from: None, terms: Terms::default(), queued: UnixTime(0), held: false, recipients }
}

fn tried(outcomes: &[Outcome]) -> Vec<(usize, Event)> {
    outcomes.iter().cloned().map(Event::Tried).enumerate().collect()
}

#[test]
fn outcomes_become_states() {
    let config = QueueConfig::default();
    let events = tried(&[Outcome::Delivered, failed("550 no"), later("451 busy")]);
    let sent = Sent { outcomes: Vec::new(), dsn: false, host: "mx".to_owned() };
    let mut kept = entry(4);
    let told = apply(&mut kept, &events, Some(&sent), UnixTime(100), &config, 200);
    assert_eq!((told.succeeded, told.failed, told.delayed), (vec![0], vec![1], vec![]));
    let states: Vec<RecipientState> = kept.recipients.iter().map(|recipient| recipient.state.clone()).collect();
    let waiting = RecipientState::Waiting;
    assert_eq!(states, [RecipientState::Delivered, RecipientState::Failed("550 no".to_owned()), waiting.clone(), waiting]);
    // One waits by itself, and for nobody else.
    assert_eq!((kept.recipients[2].next_try, kept.recipients[2].attempts), (UnixTime(160), 1));
    assert_eq!((kept.recipients[3].next_try, kept.recipients[3].attempts), (UnixTime(0), 0));

    // A host that knows DSN tells of success itself; and what is over is over.
    let aware = Sent { dsn: true, ..sent };
    assert_eq!(apply(&mut entry(1), &tried(&[Outcome::Delivered]), Some(&aware), UnixTime(100), &config, 0).succeeded, Vec::<usize>::new());
    assert_eq!(apply(&mut kept, &tried(&[failed("x"), later("y")]), None, UnixTime(100), &config, 0), ToTell::default());
}

#[test]
fn what_waits_is_told_of_once_and_fails_at_last() {
    let config = QueueConfig { expiry: Duration::from_secs(1000), delay_notice: Some(Duration::from_secs(100)), ..QueueConfig::default() };
    let aged = |entry: &mut QueueEntry, at: i64| apply(entry, &[(0, Event::Aged)], None, UnixTime(at), &config, 0);
    let mut kept = entry(1);
    assert_eq!(aged(&mut kept, 99), ToTell::default());
    assert_eq!(aged(&mut kept, 100).delayed, [0]);
    assert_eq!(aged(&mut kept, 101), ToTell::default(), "once is enough");
    assert_eq!(aged(&mut kept, 1000).failed, [0]);

    // RFC 2852: by its own time, it fails or is told of.
    for (fails, now, expected) in [(true, 50, (1, 0)), (false, 50, (0, 1)), (true, 49, (0, 0))] {
        let mut kept = entry(1);
        kept.terms.deliver_by = Some(DeliverBy { at: UnixTime(50), fails, trace: false });
        let told = aged(&mut kept, now);
        assert_eq!((told.failed.len(), told.delayed.len()), expected, "{fails} {now}");
    }

    // RFC 4865: what is to come later is not late before.
    let mut kept = entry(1);
    kept.terms.not_before = Some(UnixTime(5000));
    assert_eq!(aged(&mut kept, 5050), ToTell::default());
    assert_eq!(aged(&mut kept, 5100).delayed, [0]);
}

/// Greeting and EHLO with these extensions.
fn offering(extensions: &'static str, rest: &[Step]) -> Vec<Step> {
    [&[Say("220 mx\r\n"), Hear("EHLO"), Say(extensions)], rest].concat()
}

#[tokio::test]
async fn what_was_asked_for_is_asked_for_again() {
    let terms = Terms {
        ret: Some(Ret::Headers),
        envid: Some("Q1".to_owned()),
        deliver_by: Some(DeliverBy { at: UnixTime(1060), fails: true, trace: true }),
        priority: 3,
        ..Terms::default()
    };
    let script = offering(
        "250-mx\r\n250-DSN\r\n250-MT-PRIORITY\r\n250 DELIVERBY\r\n",
        &[Hear("MAIL FROM:<lea@a.example> RET=HDRS ENVID=Q1 BY=60;RT MT-PRIORITY=3"), Say("550 x\r\n")],
    );
    let sink = Sink::start(vec![script]).await;
    assert_eq!(send_under(&sink, &["b@b.example"], "x\r\n", &terms).await, Ok(vec![failed("550 x")]));
    let ignorant = Sink::start(vec![offering("250 mx\r\n", &[])]).await;
    let outcomes = send_under(&ignorant, &["b@b.example"], "x\r\n", &terms).await.unwrap();
    assert!(matches!(&outcomes[..], [Outcome::Failed(why)] if why.contains("5.4.7")), "{outcomes:?}");
    let secret = Terms { require_tls: true, ..Terms::default() };
    let clear = Sink::start(vec![offering("250-mx\r\n250 REQUIRETLS\r\n", &[])]).await;
    let outcomes = send_under(&clear, &["b@b.example"], "x\r\n", &secret).await.unwrap();
    assert!(matches!(&outcomes[..], [Outcome::Failed(why)] if why.contains("5.7.30")), "{outcomes:?}");
    assert_eq!(clear.heard(), ["EHLO mail.a.example"], "nothing of the message was told");
}

#[tokio::test]
async fn a_small_message_goes_in_one_chunk() {
    let script = offering(
        "250-mx\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 CHUNKING\r\n",
        &[Hear("MAIL"), Hear("RCPT"), Hear("BDAT 6 LAST"), Hear("..é"), Say("250 ok\r\n250 ok\r\n250 ok\r\n")],
    );
    let sink = Sink::start(vec![script]).await;
    assert_eq!(send(&sink, &["b@b.example"], "..é\r\n").await, Ok(vec![Outcome::Delivered]));
}

/// RFC 6152 section 3.
#[tokio::test]
async fn octets_that_the_host_does_not_take_are_not_sent() {
    let sink = Sink::start(vec![offering("250 mx\r\n", &[])]).await;
    let outcomes = send(&sink, &["b@b.example"], "Subject: x\r\n\r\né\r\n").await.unwrap();
    assert!(matches!(&outcomes[..], [Outcome::Failed(why)] if why.contains("5.6.3")), "{outcomes:?}");
}

#[tokio::test]
async fn a_host_that_waits_for_a_message_for_nobody_gets_an_empty_one() {
    let script = offering(
        "250-mx\r\n250 PIPELINING\r\n",
        &[Hear("MAIL"), Hear("RCPT"), Hear("DATA"), Say("250 ok\r\n550 no\r\n354 go\r\n"), HearData, Say("554 nobody\r\n")],
    );
    let sink = Sink::start(vec![script]).await;
    assert_eq!(send(&sink, &["b@b.example"], "x\r\n").await, Ok(vec![failed("550 no")]));
    assert_eq!(sink.heard().last().unwrap(), ".\r\n");
}

#[tokio::test]
async fn messages_follow_each_other_over_one_connection() {
    let message =
        [Hear("MAIL"), Say("250 ok\r\n"), Hear("RCPT"), Say("250 ok\r\n"), Hear("DATA"), Say("354 go\r\n"), HearData, Say("250 ok\r\n")];
    let refused = [Hear("MAIL"), Say("250 ok\r\n"), Hear("RCPT"), Say("550 no\r\n"), Hear("RSET"), Say("250 ok\r\n")];
    let script = offering("250 mx\r\n", &[&message[..], &refused, &message].concat());
    let sink = Sink::start(vec![script]).await;
    let mut dialogue = Dialogue::open(&host(&sink), &manners(), true).await.unwrap();
    let (source, to, terms) = (Message(b"x\r\n".to_vec()), recipients(&["b@b.example"]), Terms::default());
    let to: Vec<&QueueRecipient> = to.iter().collect();
    for expected in [Outcome::Delivered, failed("550 no"), Outcome::Delivered] {
        let sent = dialogue.transact(&errand(None, &to, &terms, 3, &source)).await.unwrap();
        assert_eq!(sent.outcomes, [expected]);
        assert!(dialogue.is_usable() && dialogue.cleared().await);
    }
    assert!(!dialogue.is_fresh(3, Duration::from_mins(1)) && dialogue.is_fresh(4, Duration::from_mins(1)));
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
