//! Logging in at a smarthost (RFC 4954), under TLS: SCRAM-SHA-256 where it is offered (RFC 5802, RFC 7677), else PLAIN (RFC 4616), else LOGIN.
//!
//! The secret is wiped with whoever holds it, and stands in no reply or log.

use super::answer::Answer;
use super::client::{Dialogue, Fault};
use data_encoding::BASE64;
use octroi_sasl::Mechanism;
use ring::{digest, hmac, pbkdf2};
use smtp_proto::{AUTH_LOGIN, AUTH_PLAIN, AUTH_SCRAM_SHA_256};
use std::fmt;
use std::num::NonZeroU32;
use zeroize::Zeroizing;

/// A server may not make us calculate for hours.
const ITERATIONS_MAX: u32 = 1_000_000;
/// RFC 7677 section 4.
const ITERATIONS_MIN: u32 = 4096;

/// Who we are, and the proof.
#[derive(Clone)]
pub struct Login {
    /// User name.
    pub user: String,
    /// Password.
    pub password: Zeroizing<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login({})", self.user)
    }
}

/// Log in, or say why not.
pub(super) async fn run(dialogue: &mut Dialogue, login: &Login) -> Result<(), Fault> {
    let within = dialogue.manners.timeouts.command;
    let answer = if dialogue.offers_mechanism(AUTH_SCRAM_SHA_256) {
        scram(dialogue, login).await?
    } else if dialogue.offers_mechanism(AUTH_PLAIN) {
        let text = Zeroizing::new(format!("\0{}\0{}", login.user, login.password.as_str()));
        let line = Zeroizing::new(format!("AUTH PLAIN {}\r\n", BASE64.encode(text.as_bytes())));
        dialogue.command(&line, within).await?
    } else if dialogue.offers_mechanism(AUTH_LOGIN) {
        challenged(&dialogue.command("AUTH LOGIN\r\n", within).await?)?;
        challenged(&dialogue.command(&format!("{}\r\n", BASE64.encode(login.user.as_bytes())), within).await?)?;
        let line = Zeroizing::new(format!("{}\r\n", BASE64.encode(login.password.as_bytes())));
        dialogue.command(&line, within).await?
    } else {
        return Err(Fault::NextHost("it offers no way to log in that we know".to_owned()));
    };
    if answer.code == 235 { Ok(()) } else { Err(refused(&answer)) }
}

/// A wrong password is put right by people; until then mail waits.
fn refused(answer: &Answer) -> Fault {
    Fault::NextHost(format!("it does not let us log in: {answer}"))
}

fn challenged(answer: &Answer) -> Result<&str, Fault> {
    if answer.code == 334 { Ok(answer.text()) } else { Err(refused(answer)) }
}

async fn scram(dialogue: &mut Dialogue, login: &Login) -> Result<Answer, Fault> {
    let within = dialogue.manners.timeouts.command;
    let nonce = BASE64.encode(crate::stamp::unique_id().as_bytes());
    let bare = format!("n={},r={nonce}", login.user.replace('=', "=3D").replace(',', "=2C"));
    let first = format!("AUTH {} {}\r\n", Mechanism::ScramSha256.name(), BASE64.encode(format!("n,,{bare}").as_bytes()));
    let challenge = dialogue.command(&first, within).await?;
    let challenge = decoded(challenged(&challenge)?)?;
    let Proof { message, server, signed } = proof(&challenge, &bare, &nonce, &login.password).ok_or_else(nonsense)?;
    let last = dialogue.command(&format!("{}\r\n", BASE64.encode(message.as_bytes())), within).await?;
    // RFC 4954 section 4: the server's last word is a challenge that is answered with nothing.
    let verdict = decoded(challenged(&last)?)?;
    let told = verdict.strip_prefix("v=").and_then(|told| BASE64.decode(told.as_bytes()).ok()).ok_or_else(nonsense)?;
    if hmac::verify(&server, signed.as_bytes(), &told).is_err() {
        return Err(Fault::NextHost("it does not know our password, and so is not who it should be".to_owned()));
    }
    dialogue.command("\r\n", within).await
}

fn nonsense() -> Fault {
    Fault::NextHost("it does not speak SCRAM".to_owned())
}

fn decoded(text: &str) -> Result<String, Fault> {
    let octets = BASE64.decode(text.trim().as_bytes()).map_err(|_| nonsense())?;
    String::from_utf8(octets).map_err(|_| nonsense())
}

struct Proof {
    message: String,
    /// By which the server is known: what it signs with, and what it has to sign.
    server: hmac::Key,
    signed: String,
}

/// RFC 5802 section 3. `None` if the challenge makes no sense.
fn proof(challenge: &str, bare: &str, nonce: &str, password: &str) -> Option<Proof> {
    let part = |name: char| challenge.split(',').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    let (server_nonce, salt) = (part('r')?, BASE64.decode(part('s')?.as_bytes()).ok()?);
    let iterations = part('i')?.parse().ok().filter(|count| (ITERATIONS_MIN..=ITERATIONS_MAX).contains(count))?;
    if !server_nonce.starts_with(nonce) || server_nonce.len() == nonce.len() {
        return None;
    }
    let sign = |key: &[u8], text: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text);
    let mut salted = Zeroizing::new([0; 32]);
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, NonZeroU32::new(iterations)?, &salt, password.as_bytes(), &mut *salted);
    let without_proof = format!("c=biws,r={server_nonce}");
    let signed = format!("{bare},{challenge},{without_proof}");
    let key = sign(&*salted, b"Client Key");
    let stored = digest::digest(&digest::SHA256, key.as_ref());
    let signature = sign(stored.as_ref(), signed.as_bytes());
    let proven: Vec<u8> = key.as_ref().iter().zip(signature.as_ref()).map(|(key, octet)| key ^ octet).collect();
    let server = hmac::Key::new(hmac::HMAC_SHA256, sign(&*salted, b"Server Key").as_ref());
    Some(Proof { message: format!("{without_proof},p={}", BASE64.encode(&proven)), server, signed })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// RFC 7677 section 3.
    #[test]
    fn the_example_of_the_standard() {
        let challenge = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let proof = proof(challenge, "n=user,r=rOprNGfwEbeRWgbNEkqO", "rOprNGfwEbeRWgbNEkqO", "pencil").unwrap();
        assert_eq!(
            proof.message,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        let told = BASE64.decode(b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").unwrap();
        assert!(hmac::verify(&proof.server, proof.signed.as_bytes(), &told).is_ok());
    }

    #[test]
    fn a_server_that_makes_no_sense_gets_no_proof() {
        for challenge in
            ["", "r=other,s=AAAA,i=4096", "r=own,s=AAAA,i=4096", "r=ownx,s=AAAA,i=1", "r=ownx,s=AAAA,i=99999999", "r=ownx,s=?,i=4096"]
        {
            assert!(proof(challenge, "n=u,r=own", "own", "p").is_none(), "{challenge}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let login = Login { user: "relay".to_owned(), password: Zeroizing::new("secret".to_owned()) };
        assert!(!format!("{login:?}").contains("secret"));
    }
}
