//! One exchange of SCRAM, from the client's first message to ours that proves us in turn. RFC 5802 section 5.

use crate::message::{self, ClientFinal, ClientFirst, Flag};
use crate::{MESSAGE_BYTES_MAX, Mechanism};
use data_encoding::BASE64;
use octroi_gate::{Channel, Gate, Login, SCRAM_ITERATIONS, ScramFault, ScramLogin, ScramProof};
use octroi_net::Bindings;
use zeroize::Zeroizing;

/// Random octets of our part of the nonce.
const NONCE_BYTES: usize = 18;

/// An exchange that waits for the client's proof.
pub struct Exchange {
    user: String,
    /// The client's and ours behind it.
    nonce: String,
    /// What the client must say that it is bound to: its header, and the value of the channel.
    bound: Zeroizing<Vec<u8>>,
    /// What is signed so far: the client's first message without its header, and ours.
    signed: String,
}

/// What an exchange came to.
pub struct Finished {
    /// As for any log-in.
    pub login: Login,
    /// Our last message, by which the client knows us. To be sent once the log-in is open, and answered by an empty one.
    pub server_final: Option<String>,
}

/// Why there is no exchange.
enum Unbegun {
    /// The message is none, or not one of this mechanism.
    Malformed,
    /// It is refused for what it says.
    Fault(String, ScramFault),
}

impl Exchange {
    /// Take the client's first message; gives our answer to it. `None`: refused.
    pub async fn begin(
        gate: &Gate,
        via: &Channel,
        mechanism: Mechanism,
        bindings: &Bindings,
        client_first: &[u8],
    ) -> Option<(Self, String)> {
        match Self::answer_first(gate, mechanism, bindings, client_first) {
            Ok(begun) => Some(begun),
            Err(Unbegun::Malformed) => None,
            Err(Unbegun::Fault(user, fault)) => {
                gate.refuse_scram(&user, via, fault).await;
                None
            }
        }
    }

    fn answer_first(gate: &Gate, mechanism: Mechanism, bindings: &Bindings, client_first: &[u8]) -> Result<(Self, String), Unbegun> {
        let ClientFirst { gs2_header, flag, authorisation, bare, user, nonce } =
            text(client_first).and_then(ClientFirst::parse).ok_or(Unbegun::Malformed)?;
        // RFC 5802 section 6: PLUS binds, and only PLUS does.
        let value: &[u8] = match (mechanism, flag) {
            (Mechanism::ScramSha256, Flag::Cannot) => b"",
            (Mechanism::ScramSha256, Flag::NotOffered) if bindings.is_empty() => b"",
            (Mechanism::ScramSha256, Flag::NotOffered) => return Err(Unbegun::Fault(user, ScramFault::Downgrade)),
            (Mechanism::ScramSha256Plus, Flag::Uses(name)) => value_of(name, bindings).ok_or(Unbegun::Malformed)?,
            (Mechanism::ScramSha256, Flag::Uses(_)) | (Mechanism::ScramSha256Plus, _) => return Err(Unbegun::Malformed),
        };
        // Nobody acts for somebody else.
        if authorisation.is_some_and(|named| !named.eq_ignore_ascii_case(&user)) {
            return Err(Unbegun::Fault(user, ScramFault::Authorisation));
        }
        let mut random = [0; NONCE_BYTES];
        getrandom::fill(&mut random).map_err(|_| Unbegun::Malformed)?;
        let nonce = format!("{nonce}{}", BASE64.encode(&random));
        let server_first = message::server_first(&nonce, &gate.scram_salt(&user), SCRAM_ITERATIONS);
        let bound = Zeroizing::new([gs2_header.as_bytes(), value].concat());
        let signed = format!("{bare},{server_first}");
        Ok((Self { user, nonce, bound, signed }, server_first))
    }

    /// Take the client's last message.
    pub async fn finish(self, gate: &Gate, via: Channel, client_final: &[u8]) -> Finished {
        let refused = |login| Finished { login, server_final: None };
        let Some(last) = text(client_final).and_then(ClientFinal::parse).filter(|last| last.nonce == self.nonce) else {
            return refused(Login::Refused);
        };
        // Neither the header nor the channel's value is a secret to who sends them, so no care is taken of the time that this takes.
        if last.binding != *self.bound {
            return refused(gate.refuse_scram(&self.user, &via, ScramFault::Binding).await);
        }
        let auth_message = format!("{},{}", self.signed, last.without_proof);
        let proof = ScramProof { user: &self.user, auth_message: auth_message.as_bytes(), proof: &last.proof };
        let ScramLogin { login, signature } = gate.login_scram(proof, via).await;
        Finished { login, server_final: signature.map(|signature| message::server_final(&signature)) }
    }
}

/// A message that is text and not too long.
fn text(message: &[u8]) -> Option<&str> {
    std::str::from_utf8(message).ok().filter(|text| text.len() <= MESSAGE_BYTES_MAX)
}

/// The value of a channel binding by its registered name.
fn value_of<'a>(name: &str, bindings: &'a Bindings) -> Option<&'a [u8]> {
    match name {
        "tls-exporter" => bindings.exporter.as_ref().map(<[u8; _]>::as_slice),
        "tls-server-end-point" => bindings.server_end_point.as_deref(),
        _ => None,
    }
}
