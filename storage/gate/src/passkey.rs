//! Passkeys (WebAuthn) as a second factor: ceremonies between the portal's page and the gate.
//!
//! The verification is webauthn-rs'. A ceremony's state stays in memory, with the visitor it was begun for, and is used up by one answer. A
//! passkey's public key and counter are sealed in the store.

use crate::gate::Gate;
use crate::refusal::Refusal;
use octroi_model::{Account, FactorId, FactorKind, Passkey, UnixTime};
use webauthn_rs::prelude::{
    Passkey as Credential, PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential, Url, Uuid,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};

/// Passkeys of one account.
const PASSKEYS_MAX: usize = 10;
/// Longest answer of an authenticator, in bytes.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// An enrolment under way.
pub struct PasskeyEnrolment {
    state: PasskeyRegistration,
    label: String,
    /// What the page hands to the browser, in JSON.
    pub options: String,
}

/// A passkey that is asked for.
pub struct PasskeyChallenge {
    state: PasskeyAuthentication,
    /// What the page hands to the browser, in JSON.
    pub options: String,
}

/// The relying party: the portal's own origin. `None` if the portal has no address that passkeys work with.
pub(crate) fn relying_party(portal_url: &str, name: &str) -> Option<Webauthn> {
    let url = Url::parse(portal_url).ok()?;
    let host = url.domain()?.to_owned();
    WebauthnBuilder::new(&host, &url).ok()?.rp_name(name).build().ok()
}

impl Gate {
    fn webauthn(&self) -> Result<&Webauthn, Refusal> {
        self.0.passkeys.as_ref().ok_or(Refusal::Unsupported)
    }

    fn credentials(&self, account: &Account) -> Vec<(FactorId, Credential)> {
        let factors = self.engine().factors(account.id);
        let open = |passkey: &Passkey| Some((passkey.id, serde_json::from_slice(&self.0.key.unseal(&passkey.sealed)?).ok()?));
        factors.passkeys.iter().filter_map(open).collect()
    }

    pub(crate) fn begin_passkey_enrolment(&self, account: &Account, label: &str) -> Result<PasskeyEnrolment, Refusal> {
        let known = self.credentials(account);
        if known.len() >= PASSKEYS_MAX {
            return Err(Refusal::Limit("passkeys of one account"));
        }
        let exclude = known.iter().map(|(_, credential)| credential.cred_id().clone()).collect();
        let user = Uuid::from_u64_pair(0x6f63_7472_6f69_0000, account.id.0);
        let address = account.address.to_string();
        let name = if account.display_name.is_empty() { &address } else { &account.display_name };
        let (options, state) =
            self.webauthn()?.start_passkey_registration(user, &address, name, Some(exclude)).map_err(|_| Refusal::Unsupported)?;
        let options = serde_json::to_string(&options).map_err(|_| Refusal::Unavailable)?;
        Ok(PasskeyEnrolment { state, label: crate::audit::clean(label, 100), options })
    }

    pub(crate) async fn finish_passkey_enrolment(&self, account: &Account, begun: PasskeyEnrolment, answer: &str) -> Result<(), Refusal> {
        let answer: RegisterPublicKeyCredential = parse(answer)?;
        let credential = self.webauthn()?.finish_passkey_registration(&answer, &begun.state).map_err(|_| Refusal::InvalidCode)?;
        let passkey = Passkey {
            id: FactorId(self.engine().new_id()),
            label: begun.label,
            sealed: self.seal(&credential)?,
            created: UnixTime::now(),
            last_used: None,
        };
        self.alter_factors(account.id, |factors| {
            if factors.passkeys.len() >= PASSKEYS_MAX {
                return Err(Refusal::Limit("passkeys of one account"));
            }
            factors.passkeys.push(passkey.clone());
            Ok(())
        })
        .await
    }

    pub(crate) fn begin_passkey(&self, account: &Account) -> Result<PasskeyChallenge, Refusal> {
        let credentials: Vec<Credential> = self.credentials(account).into_iter().map(|(_, credential)| credential).collect();
        let (options, state) = self.webauthn()?.start_passkey_authentication(&credentials).map_err(|_| Refusal::Unsupported)?;
        Ok(PasskeyChallenge { state, options: serde_json::to_string(&options).map_err(|_| Refusal::Unavailable)? })
    }

    /// Check an authenticator's answer. A challenge is used up whatever comes of it.
    pub(crate) async fn use_passkey(&self, account: &Account, begun: PasskeyChallenge, answer: &str) -> Result<(), Refusal> {
        self.in_turn(account.id, async {
            crate::factors::check_lock(&self.engine().factors(account.id), FactorKind::Passkey)?;
            let answer: PublicKeyCredential = parse(answer)?;
            let Ok(result) = self.webauthn()?.finish_passkey_authentication(&answer, &begun.state) else {
                self.note_wrong(account, FactorKind::Passkey).await?;
                return Err(Refusal::InvalidCode);
            };
            let found = self.credentials(account).into_iter().find(|(_, credential)| credential.cred_id() == result.cred_id());
            let (id, mut credential) = found.ok_or(Refusal::InvalidCode)?;
            credential.update_credential(&result);
            let sealed = self.seal(&credential)?;
            self.alter_factors(account.id, |factors| {
                let passkey = factors.passkeys.iter_mut().find(|passkey| passkey.id == id).ok_or(Refusal::InvalidCode)?;
                passkey.sealed.clone_from(&sealed);
                passkey.last_used = Some(UnixTime::now());
                Ok(())
            })
            .await?;
            self.note_right(account.id, FactorKind::Passkey).await
        })
        .await
    }

    fn seal(&self, credential: &Credential) -> Result<Vec<u8>, Refusal> {
        let text = zeroize::Zeroizing::new(serde_json::to_vec(credential).map_err(|_| Refusal::Unavailable)?);
        self.0.key.seal(&text).map_err(|_| Refusal::Unavailable)
    }
}

fn parse<T: serde::de::DeserializeOwned>(answer: &str) -> Result<T, Refusal> {
    if answer.len() > ANSWER_BYTES_MAX {
        return Err(Refusal::InvalidCode);
    }
    serde_json::from_str(answer).map_err(|_| Refusal::InvalidCode)
}
