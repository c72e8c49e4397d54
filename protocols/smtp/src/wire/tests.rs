//! What is taken for a command and what is not; what a reply may look like.

#![allow(clippy::unwrap_used)]

use super::path::bracketed;
use super::*;
use octroi_gate::{DeliverBy, Notify, RecipientTerms, Ret, Terms};
use octroi_net::{Line, LineEnd};
use proptest::prelude::*;

fn parsed(text: impl AsRef<[u8]>) -> Result<Command, Fault> {
    parse(&Line { bytes: text.as_ref().to_vec(), end: LineEnd::CrLf })
}

fn mailbox(text: &str) -> ReversePath {
    ReversePath::Mailbox(text.parse().unwrap())
}

fn mail(from: ReversePath, bytes: u64, utf8: bool) -> Command {
    Command::Mail(Mail { from, bytes, utf8, binary: false, auth: false, terms: Terms { utf8, ..Terms::default() } })
}

#[test]
fn commands_of_the_standard() {
    for (line, expected) in [
        ("EHLO client.example", Command::Ehlo("client.example".to_owned())),
        ("ehlo [192.0.2.1]", Command::Ehlo("[192.0.2.1]".to_owned())),
        ("EHLO [IPv6:2001:db8::1]", Command::Ehlo("[IPv6:2001:db8::1]".to_owned())),
        ("HELO c", Command::Helo("c".to_owned())),
        ("LHLO c", Command::Lhlo("c".to_owned())),
        ("DATA", Command::Data),
        ("data  ", Command::Data),
        ("BDAT 86", Command::Bdat { bytes: 86, last: false }),
        ("bdat 0 last", Command::Bdat { bytes: 0, last: true }),
        ("STARTTLS", Command::StartTls),
        ("RSET", Command::Rset),
        ("NOOP whatever", Command::Noop),
        ("QUIT", Command::Quit),
        ("VRFY lea", Command::Vrfy),
        ("EXPN list", Command::Expn),
        ("HELP", Command::Help),
        ("AUTH PLAIN", Command::Auth { mechanism: Mechanism::Plain, initial: None }),
        ("auth login bGVh", Command::Auth { mechanism: Mechanism::Login, initial: Some("bGVh".to_owned().into()) }),
        ("AUTH PLAIN =", Command::Auth { mechanism: Mechanism::Plain, initial: Some("=".to_owned().into()) }),
        ("AUTH external =", Command::Auth { mechanism: Mechanism::External, initial: Some("=".to_owned().into()) }),
        ("AUTH EXTERNAL", Command::Auth { mechanism: Mechanism::External, initial: None }),
        ("AUTH scram-sha-256", Command::Auth { mechanism: Mechanism::Scram(octroi_sasl::Mechanism::ScramSha256), initial: None }),
        ("AUTH SCRAM-SHA-256-PLUS", Command::Auth { mechanism: Mechanism::Scram(octroi_sasl::Mechanism::ScramSha256Plus), initial: None }),
        ("AUTH SCRAM-SHA-1", Command::Auth { mechanism: Mechanism::Other, initial: None }),
        ("AUTH CRAM-MD5", Command::Auth { mechanism: Mechanism::Other, initial: None }),
        ("AUTH NEW-ONE", Command::Auth { mechanism: Mechanism::Other, initial: None }),
    ] {
        assert_eq!(parsed(line), Ok(expected), "{line}");
    }
}

#[test]
fn paths_and_parameters() {
    assert_eq!(parsed("MAIL FROM:<a@b.example>"), Ok(mail(mailbox("a@b.example"), 0, false)));
    assert_eq!(parsed("mail from:<> size=7 BODY=8BITMIME"), Ok(mail(ReversePath::Null, 7, false)));
    assert_eq!(parsed("MAIL FROM:<lé@b.example> SMTPUTF8"), Ok(mail(mailbox("lé@b.example"), 0, true)));
    let with_auth = |bytes| {
        Command::Mail(Mail { from: mailbox("a@b.example"), bytes, utf8: false, binary: false, auth: true, terms: Terms::default() })
    };
    assert_eq!(parsed("MAIL FROM:<a@b.example> AUTH=<> SIZE=1"), Ok(with_auth(1)));
    assert_eq!(parsed("MAIL FROM:<a@b.example> auth=e+3Dmc2@example.com"), Ok(with_auth(0)));
    let binary =
        Command::Mail(Mail { from: mailbox("a@b.example"), bytes: 0, utf8: false, binary: true, auth: false, terms: Terms::default() });
    assert_eq!(parsed("MAIL FROM:<a@b.example> body=binarymime"), Ok(binary));
    assert_eq!(parsed("MAIL FROM:<\"a>b c\"@d.example> SIZE=1"), Ok(mail(mailbox("\"a>b c\"@d.example"), 1, false)));
    assert_eq!(parsed("MAIL FROM:<@r.example,@s.example:a@b.example>"), Ok(mail(mailbox("a@b.example"), 0, false)));
    assert_eq!(parsed("RCPT TO:<Postmaster>"), Ok(Command::Rcpt(ForwardPath::Postmaster, RecipientTerms::default())));
    assert_eq!(
        parsed("RCPT TO:<a@b.example>"),
        Ok(Command::Rcpt(ForwardPath::Mailbox("a@b.example".parse().unwrap()), RecipientTerms::default()))
    );
    assert_eq!(
        parsed("RCPT TO:<\"\\\"\"@b.example>"),
        Ok(Command::Rcpt(ForwardPath::Mailbox("\"\\\"\"@b.example".parse().unwrap()), RecipientTerms::default()))
    );
}

#[test]
fn what_travels_with_a_message() {
    let now = octroi_model::UnixTime::now().0;
    let Ok(Command::Mail(mail)) = parsed("MAIL FROM:<a@b.c> RET=HDRS ENVID=Q+2B1 REQUIRETLS BY=120;RT HOLDFOR=60 MT-PRIORITY=-3") else {
        panic!("it is not understood")
    };
    let Terms { ret, envid, require_tls, deliver_by, not_before, priority, utf8 } = mail.terms;
    assert_eq!((ret, envid.as_deref(), require_tls, priority, utf8), (Some(Ret::Headers), Some("Q+2B1"), true, -3, false));
    let DeliverBy { at, fails, trace } = deliver_by.unwrap();
    assert!(fails && trace && (0..60).contains(&(at.0 - now - 120)) && (0..60).contains(&(not_before.unwrap().0 - now - 60)));
    let terms = RecipientTerms { notify: Notify::SUCCESS.and(Notify::DELAY), orcpt: Some("rfc822;x+2B@y.example".to_owned()) };
    let to = ForwardPath::Mailbox("a@b.c".parse().unwrap());
    assert_eq!(parsed("RCPT TO:<a@b.c> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x+2B@y.example"), Ok(Command::Rcpt(to, terms)));
}

#[test]
fn terms_that_make_no_sense() {
    for (line, parameter) in [
        ("RCPT TO:<a@b.c> NOTIFY=NEVER,SUCCESS", "NOTIFY"),
        ("RCPT TO:<a@b.c> ORCPT=rfc822", "ORCPT"),
        ("RCPT TO:<a@b.c> ORCPT=rfc822;a+0x@b", "ORCPT"),
        ("MAIL FROM:<a@b.c> ENVID=a+zz", "ENVID"),
        ("MAIL FROM:<a@b.c> BY=0;R", "BY"),
        ("MAIL FROM:<a@b.c> HOLDFOR=10 HOLDUNTIL=2099-01-01T00:00:00Z", "HOLDUNTIL"),
        ("MAIL FROM:<a@b.c> MT-PRIORITY=10", "MT-PRIORITY"),
    ] {
        assert_eq!(parsed(line), Err(Fault::BadParameter(parameter)), "{line}");
    }
}

#[test]
fn what_is_refused() {
    let syntax = |line: &str| matches!(parsed(line), Err(Fault::Syntax(_)));
    for line in [
        "DATA junk",
        "RSET x",
        "QUIT now",
        "STARTTLS x",
        "EHLO",
        "EHLO a b",
        "EHLO <a>",
        "HELO (x)",
        "EHLO \"",
        "AUTH",
        "AUTH PLAIN a b",
        "MAIL",
        "MAIL FROM:",
        "MAIL FROM: <a@b.c>",
        "MAIL FROM :<a@b.c>",
        "MAIL FROM:a@b.c",
        "MAIL FROM:<a@b.c",
        "MAIL FROM:<a@b.c>SIZE=1",
        "RCPT TO",
        "RCPT TO:",
        "RCPT FROM:<a@b.c>",
        "MAIL TO:<a@b.c>",
        "MAIL FROM:<a@b.c> =1",
        "MAIL FROM:<a@b.c> <x>",
        "VRFY",
        "EXPN",
    ] {
        assert!(syntax(line), "{line}: {:?}", parsed(line));
    }
}

#[test]
fn what_is_refused_for_its_own_reason() {
    for (line, fault) in [
        ("MAIL FROM:<a@b.c> SIZE=1 size=2", Fault::RepeatedParameter),
        ("MAIL FROM:<a@b.c> SMTPUTF8 SMTPUTF8", Fault::RepeatedParameter),
        ("MAIL FROM:<a@b.c> BODY=BINARYMIME BODY=8BITMIME", Fault::RepeatedParameter),
        ("MAIL FROM:<a@b.c> BODY=9BITMIME", Fault::BadParameter("BODY")),
        ("MAIL FROM:<a@b.c> AUTH=a+4", Fault::BadParameter("AUTH")),
        ("MAIL FROM:<a@b.c> AUTH=+4g", Fault::BadParameter("AUTH")),
        ("TURN", Fault::NotOffered),
        ("MAIL FROM:<a@b.c> X-NEW=1", Fault::UnsupportedParameter),
        ("RCPT TO:<a@b.c> SIZE=1", Fault::UnsupportedParameter),
        ("MAIL FROM:<a@b.c> SIZE=x", Fault::BadParameter("SIZE")),
        ("MAIL FROM:<a@b.c> SIZE=", Fault::BadParameter("parameter")),
        ("MAIL FROM:<a@b.c> BODY=9BIT", Fault::BadParameter("BODY")),
        ("MAIL FROM:<lé@b.example>", Fault::NeedsUtf8),
        ("MAIL FROM:<a b@c.d>", Fault::BadSender),
        ("MAIL FROM:<a>", Fault::BadSender),
        ("MAIL FROM:<postmaster>", Fault::BadSender),
        ("RCPT TO:<>", Fault::BadRecipient),
        ("RCPT TO:<a@b@c.d>", Fault::BadRecipient),
        ("RCPT TO:<a@-b>", Fault::BadRecipient),
        ("BDAT", Fault::BadChunk),
        ("BDAT x", Fault::BadChunk),
        ("BDAT -1", Fault::BadChunk),
        ("BDAT 1 FIRST", Fault::BadChunk),
        ("BDAT 99999999999999999999", Fault::BadChunk),
        ("EHLO lé.example", Fault::NotAscii),
        ("", Fault::UnknownCommand),
        ("XYZZY", Fault::UnknownCommand),
        (" NOOP", Fault::UnknownCommand),
        ("DATA\t", Fault::Octets),
        ("MAIL FROM:<a\x00@b.c>", Fault::Octets),
        ("MAIL FROM:<a@b.c>\rRSET", Fault::Octets),
        ("GET / HTTP/1.1", Fault::OtherProtocol),
        ("ETRN x", Fault::NotOffered),
    ] {
        assert_eq!(parsed(line), Err(fault), "{line}");
    }
    assert_eq!(parsed(b"NOOP \xff"), Err(Fault::Octets));
}

#[test]
fn only_cr_lf_ends_a_command() {
    assert_eq!(parse(&Line { bytes: b"NOOP".to_vec(), end: LineEnd::Lf }), Err(Fault::LineEnd));
}

#[test]
fn lines_have_a_limit_of_their_own() {
    let long = |verb: &str, bytes: usize| parsed(format!("{verb} {}", "a".repeat(bytes - verb.len() - 1)));
    assert_eq!(long("NOOP", COMMAND_LINE_BYTES_MAX), Ok(Command::Noop));
    assert_eq!(long("NOOP", COMMAND_LINE_BYTES_MAX + 1), Err(Fault::TooLong));
    assert!(long("AUTH PLAIN", AUTH_LINE_BYTES_MAX).is_ok());
    let address = format!("<{}@{}.example>", "l".repeat(64), "d".repeat(250));
    assert_eq!(parsed(format!("RCPT TO:{address}")), Err(Fault::BadRecipient));
}

#[test]
fn a_bracket_in_quotes_does_not_end_a_path() {
    assert_eq!(bracketed("<a>b"), Some(("a", "b")));
    assert_eq!(bracketed(r#"<"a>\">"@b> c"#), Some((r#""a>\">"@b"#, " c")));
    assert_eq!(bracketed(r#"<"a>"#), None);
    assert_eq!(bracketed("a>"), None);
}

fn written(reply: &Reply) -> String {
    let mut out = Vec::new();
    reply.write(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn replies_are_written_as_the_standard_says() {
    assert_eq!(written(&Reply::new(250, "2.1.0", "OK")), "250 2.1.0 OK\r\n");
    assert_eq!(written(&Reply::bare(250, "h").line("SIZE 1").line("STARTTLS")), "250-h\r\n250-SIZE 1\r\n250 STARTTLS\r\n");
    assert_eq!(written(&Reply::new(550, "5.1.1", "a\r\n250 é\0")), "550 5.1.1 a??250 ???\r\n");
    assert_eq!(printable("a\r\nb", 3), "a??");
}

proptest! {
    /// Nothing that a peer sends makes us panic, and no argument of an accepted command holds a control character.
    #[test]
    fn any_line_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(Command::Ehlo(host) | Command::Helo(host) | Command::Lhlo(host)) = parsed(&bytes) {
            prop_assert!(host.bytes().all(|octet| octet.is_ascii_graphic()));
        }
    }

    #[test]
    fn any_argument_is_read_or_refused(
        verb in prop_oneof!["MAIL FROM:<", "RCPT TO:<", "BDAT ", "AUTH ", "EHLO "], rest in "[ -~é]{0,60}",
    ) {
        if let Ok(Command::Mail(Mail { from: ReversePath::Mailbox(address), .. }) | Command::Rcpt(ForwardPath::Mailbox(address), _)) =
            parsed(format!("{verb}{rest}")).map(|command| match command {
                Command::Rcpt(ForwardPath::Mailbox(address), _) => {
                    let terms = Terms { utf8: true, ..Terms::default() };
                    Command::Mail(Mail { from: ReversePath::Mailbox(address), bytes: 0, utf8: true, binary: false, auth: false, terms })
                },
                other => other,
            })
        {
            // What we would write back into a command or a field is the same address and stays one word.
            let text = address.to_string();
            prop_assert_eq!(text.parse::<octroi_model::Address>().unwrap(), address);
            prop_assert!(!text.contains(['\r', '\n']));
        }
    }

    #[test]
    fn addresses_go_both_ways(local in "[ -~]{1,40}", domain in "[a-z]{1,8}\\.example") {
        let address = octroi_model::Address::new(&local, &domain).unwrap();
        prop_assert_eq!(parsed(format!("MAIL FROM:<{address}> SIZE=1")), Ok(mail(ReversePath::Mailbox(address), 1, false)));
    }

    #[test]
    fn a_reply_is_lines_of_at_most_512_octets(text in any::<String>(), more in any::<String>()) {
        let reply = written(&Reply::new(550, "5.1.1", text).line(more));
        prop_assert!(reply.is_ascii() && reply.ends_with("\r\n"));
        let lines: Vec<&str> = reply.trim_end_matches("\r\n").split("\r\n").collect();
        prop_assert_eq!(lines.len(), 2);
        prop_assert!(lines.iter().all(|line| line.len() <= 510 && !line.contains(['\r', '\n', '\0'])));
        prop_assert!(lines[0].starts_with("550-5.1.1 ") && lines[1].starts_with("550 5.1.1 "));
    }
}
