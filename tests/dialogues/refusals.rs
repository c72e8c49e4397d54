//! A refused log-in says the same whatever the reason, on every protocol: no such user, a wrong secret, the main password, somebody
//! else's app password (CVE-2026-27856).

use crate::support::http::{Http, base64};
use crate::support::imap::Imap;
use crate::support::smtp::Smtp;
use crate::support::wire::Wire;
use crate::support::{Server, shared};
use std::collections::BTreeSet;

/// The pairs that must be refused alike. The wrong secrets are few and always the same ones: the server slows down whoever tries many.
fn wrong_pairs(server: &Server) -> Vec<(&'static str, String, String)> {
    let (agent, other) = (server.with_profile("agent"), server.user(1));
    let pair = |why, user: &str, secret: &str| (why, user.to_owned(), secret.to_owned());
    vec![
        pair("wrong secret", &agent.address, "wrong-secret"),
        pair("unknown user", &format!("nobody@{}", agent.address.rsplit('@').next().unwrap()), "wrong-secret"),
        pair("not an address", "nobody", "wrong-secret"),
        pair("main password", &agent.address, &agent.password),
        pair("somebody else's app password", &agent.address, &other.app_password),
    ]
}

/// All answers are the same, and none lets in.
#[track_caller]
fn all_alike(answers: &[(&str, String)], expected: &str) {
    let distinct: BTreeSet<&String> = answers.iter().map(|(_, answer)| answer).collect();
    assert_eq!(distinct.len(), 1, "{answers:#?}");
    assert!(answers[0].1.contains(expected), "{answers:#?}");
}

#[test]
fn imap() {
    let server = shared();
    let pairs = wrong_pairs(server);
    let by_login = pairs.iter().map(|(why, user, secret)| (*why, Imap::try_login(server, user, secret).err().unwrap_or_default()));
    let by_sasl = pairs.iter().map(|(why, user, secret)| {
        let mut imap = Imap::connect(server);
        (*why, imap.command(&format!("AUTHENTICATE PLAIN {}", base64(format!("\0{user}\0{secret}").as_bytes()))).status)
    });
    all_alike(&by_login.chain(by_sasl).collect::<Vec<_>>(), "NO [AUTHENTICATIONFAILED]");
}

#[test]
fn submission() {
    let server = shared();
    let answers = wrong_pairs(server).into_iter().map(|(why, user, secret)| {
        let mut smtp = Smtp { wire: Wire::tls(server.address("submissions"), server.certificate()) };
        smtp.reply().unwrap();
        smtp.expect("EHLO client.test", 250);
        let reply = smtp.command(&format!("AUTH PLAIN {}", base64(format!("\0{user}\0{secret}").as_bytes())));
        (why, format!("{} {}", reply.code, reply.text))
    });
    all_alike(&answers.collect::<Vec<_>>(), "535 5.7.8");
}

#[test]
fn dav() {
    let server = shared();
    let files = &server.with_profile("agent").files;
    let answers = wrong_pairs(server).into_iter().map(|(why, user, secret)| {
        let response = Http::with(server, &user, &secret).request("PROPFIND", files, &[("Depth", "0")], b"");
        (why, format!("{} {:?} {}", response.status, response.header("www-authenticate"), response.text()))
    });
    all_alike(&answers.collect::<Vec<_>>(), "401 Some(\"Basic ");
}
