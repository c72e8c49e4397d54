//! Strangers on port 25: who talks before their turn, comes too often, guesses addresses, or brings more than there is room for.

use crate::support::server::{DOMAIN, configured};
use crate::support::smtp::Smtp;
use crate::support::wire::Wire;
use crate::support::{Server, eventually, message, unique};

/// Everybody is a stranger, this machine too.
const NOBODY_IS_TRUSTED: &str = "[inbound]\ntrusted = []\n";

fn user() -> String {
    format!("u1@{DOMAIN}")
}

/// The reply to one message.
fn send(smtp: &mut Smtp, from: &str, to: &str) -> String {
    let reply = smtp.try_send(from, to, &message(from, to, &unique("stranger"))).unwrap();
    if reply.code != 250 {
        let _ = smtp.try_command("RSET");
    }
    format!("{} {}", reply.code, reply.text)
}

fn connect(server: &Server) -> Smtp {
    Smtp::connect(server, "smtp")
}

/// Junk is sent by programs that do not listen; a mail server does.
#[test]
fn who_talks_before_their_turn_is_not_served() {
    let server = configured(&format!("{NOBODY_IS_TRUSTED}greeting_delay_ms = 1500\n"));
    let mut early = Wire::plain(server.address("smtp"));
    early.send("EHLO early.test\r\n");
    assert_eq!(early.line(), "554 5.5.1 You talk before it is your turn");
    assert_eq!(early.try_line().unwrap(), None);
    // It waits for the greeting, but not to hear what is offered.
    let mut hasty = Wire::plain(server.address("smtp"));
    assert!(hasty.line().starts_with("220 "));
    hasty.send("EHLO hasty.test\r\nMAIL FROM:<a@outside.test>\r\n");
    assert_eq!(hasty.line(), "554 5.5.1 You talk before it is your turn");
    let mut patient = connect(&server);
    assert!(send(&mut patient, "a@outside.test", &user()).starts_with("250"));
    // Others are not asked to wait.
    Smtp::connect(&server, "lmtp");
}

#[test]
fn a_sender_and_a_network_have_their_share() {
    let limits =
        "[limits.smtp]\nsender_messages_per_minute_max = 3\nnetwork_messages_per_minute_max = 5\nsender_recipients_per_minute_max = 100\n";
    let server = configured(&format!("{NOBODY_IS_TRUSTED}greeting_delay_ms = 0\n{limits}"));
    let mut smtp = connect(&server);
    for _ in 0..3 {
        assert!(send(&mut smtp, "much@outside.test", &user()).starts_with("250"));
    }
    assert!(send(&mut smtp, "much@outside.test", &user()).starts_with("450 4.7.1 Too many messages of this sender"));
    assert!(send(&mut connect(&server), "other@outside.test", &user()).starts_with("250"));
    assert!(send(&mut smtp, "third@outside.test", &user()).starts_with("450 4.7.1 Too many messages from your network"));
    // Our own front server is nobody's network.
    assert!(send(&mut Smtp::connect(&server, "lmtp"), "much@outside.test", &user()).starts_with("250"));
}

#[test]
fn a_network_that_comes_too_often_is_told_so() {
    let server = configured(&format!("{NOBODY_IS_TRUSTED}greeting_delay_ms = 0\n[limits.smtp]\nnetwork_connections_per_minute_max = 20\n"));
    // Whoever started the server has looked in already.
    let refused = (0..40).find_map(|_| {
        let line = Wire::plain(server.address("smtp")).line();
        (!line.starts_with("220 ")).then_some(line)
    });
    assert_eq!(refused.as_deref(), Some("421 4.7.0 Too many connections from your network, try again later"));
}

/// Guessing addresses over many connections is no quicker than over one.
#[test]
fn guessing_is_counted_over_connections() {
    let limits =
        "[limits.smtp]\nnetwork_unknown_recipients_quick = 2\nnetwork_unknown_recipients_max = 4\nunknown_recipient_delay_seconds = 1\n";
    let server = configured(&format!("{NOBODY_IS_TRUSTED}greeting_delay_ms = 0\n{limits}"));
    let guess = |number: usize| {
        let mut smtp = connect(&server);
        smtp.expect("MAIL FROM:<a@outside.test>", 250);
        let begun = std::time::Instant::now();
        let code = smtp.command(&format!("RCPT TO:<guess{number}@{DOMAIN}>")).code;
        (code, begun.elapsed().as_millis() >= 1000)
    };
    let replies: Vec<(u16, bool)> = (0..5).map(guess).collect();
    assert_eq!(replies.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [550, 550, 550, 550, 421]);
    assert!(replies[2].1 && replies[3].1, "the third and fourth come late");
    // Who knows whom to write to is not kept from it.
    assert!(send(&mut connect(&server), "a@outside.test", &user()).starts_with("250"));
}

/// Also over a restart; a file that somebody has spoiled only means that everybody is new.
#[test]
fn greylisting_lets_in_who_comes_again() {
    let mut server = configured(&format!("{NOBODY_IS_TRUSTED}greeting_delay_ms = 0\ngreylist = true\ngreylist_seconds = 1\n"));
    let mut smtp = connect(&server);
    let first = send(&mut smtp, "a@outside.test", &user());
    assert!(first.starts_with("450 4.7.1 Greylisted"), "{first}");
    let again = eventually("the second try", || Some(send(&mut smtp, "a@outside.test", &user())).filter(|reply| !reply.starts_with("450")));
    assert!(again.starts_with("250"), "{again}");
    assert!(send(&mut smtp, "b@outside.test", &format!("u2@{DOMAIN}")).starts_with("250"), "its domain is known now");
    assert!(send(&mut smtp, "a@elsewhere.test", &user()).starts_with("450"));
    assert!(server.stop());
    let mut server = server.killed_and_started_again();
    assert!(send(&mut connect(&server), "c@outside.test", &user()).starts_with("250"), "it is known still");
    let again = eventually("the second try", || {
        Some(send(&mut connect(&server), "a@elsewhere.test", &user())).filter(|reply| reply.starts_with("250"))
    });
    assert!(again.starts_with("250"), "it came before the restart");
    assert!(server.stop());
    std::fs::write(server.data().join("guard.state"), "rubbish").unwrap();
    let server = server.killed_and_started_again();
    assert!(send(&mut connect(&server), "d@outside.test", &user()).starts_with("450"));
    assert!(server.log().contains("strangers begin anew"));
}

/// More messages at a time than there is memory for are put off, and lost nowhere.
#[test]
fn a_crowd_is_put_off() {
    let server = configured("[limits.smtp]\nreceptions_max = 2\n");
    let begin = || {
        let mut smtp = connect(&server);
        smtp.expect("MAIL FROM:<a@outside.test>", 250);
        smtp.expect(&format!("RCPT TO:<{}>", user()), 250);
        let code = smtp.command("DATA").code;
        (smtp, code)
    };
    let (mut first, code) = begin();
    assert_eq!(code, 354);
    let (second, code) = begin();
    assert_eq!(code, 354);
    assert_eq!(begin().1, 452);
    first.wire.send("Subject: x\r\n\r\nx\r\n.\r\n");
    assert_eq!(first.reply().unwrap().code, 250);
    let (third, code) = begin();
    assert_eq!(code, 354);
    // Who hangs up gives their place back.
    drop((second, third));
    eventually("a free place", || (begin().1 == 354).then_some(()));
}
