//! The hooks against servers that the test makes up.

use super::{About, SpamConfig, SpamHooks, Suspicion};
use crate::config::HostPort;
use crate::spam::{Learn, Rspamd};
use octroi_dns::{DnsConfig, Resolver};
use octroi_mailauth::Treatment;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

/// Answers one request, and gives back what was asked.
async fn answering(answer: &'static str) -> (HostPort, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(b"the end\r\n") {
            let mut piece = [0; 4096];
            let count = stream.read(&mut piece).await.unwrap();
            assert!(count > 0, "{}", String::from_utf8_lossy(&asked));
            asked.extend_from_slice(&piece[..count]);
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(asked).unwrap()
    });
    (HostPort { host: "127.0.0.1".to_owned(), port }, asked)
}

fn ok(json: &str) -> &'static str {
    Box::leak(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{json}", json.len()).into_boxed_str())
}

fn hooks(judge: HostPort, put_off: bool) -> SpamHooks {
    let rspamd = Rspamd::new(judge, None, None, Duration::from_secs(20)).unwrap();
    let config = SpamConfig {
        dnsbl: Vec::new(),
        dnsbl_wait: Duration::from_secs(1),
        rspamd: Some(rspamd),
        reject: Treatment::Refuse,
        mark: Treatment::Junk,
        put_off,
    };
    SpamHooks::new(&Resolver::new(&DnsConfig { servers: vec!["127.0.0.1:9".parse().unwrap()], ..DnsConfig::default() }), config)
}

fn about() -> About {
    let recipients = vec!["lea@ours.example".to_owned(), "léo@ours.example".to_owned()];
    let (hello, from) = ("them.example\r\nX: 1".to_owned(), "a@them.example".to_owned());
    About { id: "X1".to_owned(), peer: "192.0.2.1".parse().unwrap(), hello, from, recipients }
}

async fn judged(answer: &str, put_off: bool) -> (Suspicion, String) {
    let (judge, asked) = answering(ok(answer)).await;
    let suspicion = hooks(judge, put_off).judged(&about(), b"Received: x\r\n", Some(b"Subject: x\r\n\r\nthe end\r\n")).await;
    (suspicion, asked.await.unwrap())
}

#[tokio::test]
async fn rspamd_is_asked_and_obeyed() {
    for (action, junk, code, word) in [
        ("no action", false, None, "No"),
        ("greylist", false, None, "No"),
        ("add header", true, None, "Yes"),
        ("rewrite subject", true, None, "Yes"),
        ("reject", false, Some(554), "Yes"),
        ("something new", false, None, "No"),
    ] {
        let answer =
            format!(r#"{{"action":"{action}","score":7.25,"required_score":15,"symbols":{{"R_SPF_FAIL":{{"score":1}},"A\r\nB":{{}}}}}}"#);
        let (suspicion, asked) = judged(&answer, false).await;
        assert_eq!((suspicion.junk, suspicion.refused.as_ref().map(crate::wire::Reply::code)), (junk, code), "{action}");
        assert_eq!(suspicion.fields, format!("X-Spam-Status: {word}, score=7.2 required=15.0\r\n\tR_SPF_FAIL\r\n"));
        assert!(asked.starts_with("POST /checkv2 HTTP/1.1\r\n") && asked.contains("\r\nip: 192.0.2.1\r\n"), "{asked}");
        assert!(asked.contains("rcpt: lea@ours.example\r\n") && asked.contains("queue-id: X1\r\n"), "{asked}");
        assert!(!asked.contains("helo") && asked.ends_with("Received: x\r\nSubject: x\r\n\r\nthe end\r\n"), "{asked}");
    }
    let (suspicion, _) = judged(r#"{"action":"soft reject"}"#, true).await;
    assert_eq!(suspicion.refused.map(|reply| reply.code()), Some(451));
}

#[tokio::test]
async fn who_does_not_answer_costs_nothing() {
    for answer in ["HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n", "nonsense\r\n\r\n", "", ok("{}"), ok("[]")] {
        let (judge, asked) = answering(answer).await;
        let suspicion = hooks(judge, true).judged(&about(), b"", Some(b"the end\r\n")).await;
        assert_eq!(suspicion, Suspicion::default(), "{answer:?}");
        asked.await.unwrap();
    }
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let judge = HostPort { host: "127.0.0.1".to_owned(), port: closed };
    assert_eq!(hooks(judge.clone(), true).judged(&about(), b"", Some(b"x")).await, Suspicion::default());
    // Of what is too large to be in memory, nobody is asked.
    assert_eq!(hooks(judge, true).judged(&about(), b"", None).await, Suspicion::default());
}

#[tokio::test]
async fn rspamd_is_taught() {
    for (what, path) in [(Learn::Spam, "/learnspam"), (Learn::Ham, "/learnham")] {
        let (controller, asked) = answering("HTTP/1.1 208 Known\r\nContent-Length: 0\r\n\r\n").await;
        let password = Some(Zeroizing::new("secret".to_owned()));
        let rspamd = Rspamd::new(controller.clone(), Some(controller), password, Duration::from_secs(20)).unwrap();
        rspamd.learn(what, b"the end\r\n".to_vec()).await.unwrap();
        let asked = asked.await.unwrap();
        assert!(asked.starts_with(&format!("POST {path} HTTP/1.1\r\n")) && asked.contains("password: secret\r\n"), "{asked}");
        assert!(!format!("{rspamd:?}").contains("secret"));
    }
}
