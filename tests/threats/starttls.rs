//! STARTTLS and ALPN in SMTP: nothing that was said in the clear counts under TLS, and nobody is talked into another protocol.
//!
//! Commands injected behind STARTTLS are in `fixtures/dialogues/smtp`.

use crate::support::process::run_in;
use crate::support::smtp::Smtp;
use crate::support::{Server, shared};
use std::path::Path;

/// A connection on which STARTTLS was just agreed to, secured.
fn secured(server: &Server, mut smtp: Smtp) -> Smtp {
    smtp.expect("STARTTLS", 220);
    Smtp { wire: smtp.wire.secure(server.certificate()) }
}

/// CVE-2021-33515 and its like: a transaction, a greeting, half a message from before would be the attacker's.
#[test]
fn all_is_new_after_tls() {
    let server = shared();
    let to = &server.user(5).address;
    for half_a_message in [false, true] {
        let mut smtp = Smtp::connect(server, "smtp");
        smtp.expect("MAIL FROM:<attacker@outside.test>", 250);
        smtp.expect(&format!("RCPT TO:<{to}>"), 250);
        if half_a_message {
            smtp.wire.send("BDAT 12\r\nSubject: x\r\n");
            assert_eq!(smtp.reply().unwrap().code, 250);
        }
        let mut smtp = secured(server, smtp);
        smtp.expect("DATA", 503);
        smtp.expect(&format!("RCPT TO:<{to}>"), 503);
        smtp.expect("MAIL FROM:<a@outside.test>", 503);
        let offered = smtp.expect("EHLO client.test", 250).text;
        assert!(!offered.contains("STARTTLS"), "{offered}");
        smtp.expect("STARTTLS", 503);
        smtp.expect("MAIL FROM:<a@outside.test>", 250);
    }
}

/// A chunk that has been announced swallows what looks like STARTTLS: then there is no TLS, and nobody may believe that there is.
#[test]
fn a_chunk_is_no_command() {
    let server = shared();
    let mut smtp = Smtp::connect(server, "smtp");
    smtp.expect("MAIL FROM:<a@outside.test>", 250);
    smtp.expect(&format!("RCPT TO:<{}>", server.user(5).address), 250);
    smtp.wire.send("BDAT 10\r\nSTARTTLS\r\n");
    let reply = smtp.reply().unwrap();
    assert!(reply.code == 250 && reply.text.contains("10 octets"), "{} {}", reply.code, reply.text);
    smtp.expect("NOOP", 250);
}

/// What OpenSSL's client says to a handshake with that ALPN, and whether it came about.
fn handshake(server: &Server, service: &str, alpn: &[&str]) -> (bool, String) {
    let connect = format!("127.0.0.1:{}", server.port(service));
    let ca = server.certificate().to_str().unwrap();
    let mut arguments = vec!["s_client", "-connect", &connect, "-servername", "localhost", "-CAfile", ca, "-crlf"];
    if service != "submissions" {
        arguments.extend(["-starttls", "smtp"]);
    }
    arguments.extend(alpn);
    let ran = run_in(Path::new("."), &[], "QUIT\n", "openssl", &arguments);
    let said = ran.output;
    // RFC 7301 section 3.2.
    (said.contains("Cipher is TLS_") && !said.contains("no application protocol"), said)
}

/// ALPACA: a browser that is sent here by a man in the middle names its own protocol, and is not served.
#[test]
fn another_protocol_gets_no_handshake() {
    let server = shared();
    for service in ["smtp", "submission", "submissions"] {
        for (alpn, expected) in
            [(&[][..], true), (&["-alpn", "smtp"], true), (&["-alpn", "http/1.1"], false), (&["-alpn", "imap,h2"], false)]
        {
            let (came, said) = handshake(server, service, alpn);
            assert_eq!(came, expected, "{service} with {alpn:?}:\n{said}");
        }
    }
}
