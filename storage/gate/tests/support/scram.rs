//! The client's side of SCRAM's arithmetic (RFC 5802 section 3).

#![allow(clippy::unwrap_used, dead_code)]

use octroi_gate::{Gate, SCRAM_HASH_BYTES, SCRAM_ITERATIONS, ScramLogin, ScramProof};
use ring::{digest, hmac, pbkdf2};
use std::num::NonZeroU32;

type Sum = [u8; SCRAM_HASH_BYTES];

/// What is signed; its form is the business of who speaks the messages.
pub(crate) const MESSAGE: &[u8] = b"n=x,r=client,r=clientserver,s=c2FsdA==,i=4096,c=biws,r=clientserver";

fn sign(key: &[u8], message: &[u8]) -> Sum {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref().try_into().unwrap()
}

/// The proof for a password, and the signature by which the server is known.
pub(crate) fn proof(salt: &[u8], password: &str) -> (Sum, Sum) {
    let mut salted = [0; SCRAM_HASH_BYTES];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, NonZeroU32::new(SCRAM_ITERATIONS).unwrap(), salt, password.as_bytes(), &mut salted);
    let client = sign(&salted, b"Client Key");
    let stored = digest::digest(&digest::SHA256, &client);
    let mut proof = sign(stored.as_ref(), MESSAGE);
    proof.iter_mut().zip(client).for_each(|(octet, key)| *octet ^= key);
    (proof, sign(&sign(&salted, b"Server Key"), MESSAGE))
}

/// Log in with a password that is not sent; the server must know us as we know it.
pub(crate) async fn login(gate: &Gate, user: &str, password: &str, via: octroi_gate::Channel) -> octroi_gate::Login {
    let (proof, expected) = proof(&gate.scram_salt(user), password);
    let ScramLogin { login, signature } = gate.login_scram(ScramProof { user, auth_message: MESSAGE, proof: &proof }, via).await;
    let let_in = matches!(login, octroi_gate::Login::Open(_) | octroi_gate::Login::NeedsSecondFactor(_));
    assert_eq!(signature, let_in.then_some(expected));
    login
}
