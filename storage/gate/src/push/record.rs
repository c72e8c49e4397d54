//! What is kept of a registration, and the names of registrations.

use super::PREFIX;
use crate::app_password::BASE32;
use crate::channel::{Channel, ClientCertificate};
use crate::key::{DataKey, fill_random};
use crate::refusal::Refusal;
use octroi_model::{CollectionId, Service, UnixTime};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::Arc;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Random octets of a registration's name: whoever knows it and has a log-in of the account can end the registration.
const TOKEN_BYTES: usize = 16;
/// Letters that these become.
const TOKEN_LETTERS: usize = 26;

/// Sealed beside the collection. Fields are only appended: it is read back by later versions.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(super) struct Record {
    /// Where messages go.
    pub(super) endpoint: String,
    /// The program's public key, and its secret, as it wrote them.
    pub(super) public_key: String,
    pub(super) auth_secret: String,
    /// It wants to hear of what is in the collection, and of what is said about it.
    pub(super) contents: bool,
    pub(super) properties: bool,
    /// Seconds since 1970.
    pub(super) expires: i64,
    /// How it was asked for: visible id of the app password, service, address, zones whose authority vouched for the certificate.
    pub(super) public_id: String,
    #[zeroize(skip)]
    service: Service,
    #[zeroize(skip)]
    peer: IpAddr,
    vouched: Vec<String>,
}

impl Record {
    pub(super) fn new(wish: &super::PushWish, expires: UnixTime, public_id: &str, via: &Channel) -> Self {
        Self {
            endpoint: wish.endpoint.clone(),
            public_key: wish.public_key.clone(),
            auth_secret: wish.auth_secret.to_string(),
            contents: wish.contents,
            properties: wish.properties,
            expires: expires.0,
            public_id: public_id.to_owned(),
            service: via.service,
            peer: via.peer,
            vouched: via.certificate.iter().flat_map(|certificate| certificate.zones.iter()).map(ToString::to_string).collect(),
        }
    }

    pub(super) fn sealed(&self, key: &DataKey) -> Result<Vec<u8>, Refusal> {
        let text = serde_json::to_vec(self).map(zeroize::Zeroizing::new).map_err(|_| Refusal::Unavailable)?;
        key.seal(&text).map_err(|error| {
            tracing::error!(%error, "a push registration could not be sealed");
            Refusal::Unavailable
        })
    }

    /// `None`: made under another key, or altered.
    pub(super) fn open(sealed: &[u8], key: &DataKey) -> Option<Self> {
        serde_json::from_slice(&key.unseal(sealed)?).ok()
    }

    /// The way by which it was asked for. Of a certificate only who vouched for it is known.
    pub(super) fn channel(&self) -> Channel {
        let zones: Vec<Arc<str>> = self.vouched.iter().map(|zone| Arc::from(zone.as_str())).collect();
        let certificate = (!zones.is_empty()).then(|| ClientCertificate::new(&zones, &[]));
        Channel::new(self.service, self.peer).certificate(certificate)
    }

    pub(super) fn is_over(&self, now: UnixTime) -> bool {
        self.expires <= now.0
    }
}

/// A registration's name at its collection.
pub(super) fn new_token() -> Result<String, Refusal> {
    let mut octets = [0u8; TOKEN_BYTES];
    fill_random(&mut octets).map_err(|error| {
        tracing::error!(%error, "no random bits");
        Refusal::Unavailable
    })?;
    Ok(BASE32.encode(&octets).to_ascii_lowercase())
}

/// The annotation's name.
pub(super) fn annotation(token: &str) -> Arc<str> {
    Arc::from(format!("{PREFIX}{token}"))
}

/// A registration as URLs name it: the collection's number and the token.
pub(super) fn id_of(collection: CollectionId, token: &str) -> String {
    format!("{}-{token}", collection.0)
}

/// Read [`id_of`] back.
pub(super) fn parse_id(id: &str) -> Option<(CollectionId, &str)> {
    let (collection, token) = id.split_once('-')?;
    let digits = !collection.is_empty() && collection.len() <= 20 && collection.bytes().all(|b| b.is_ascii_digit());
    let letters = token.len() == TOKEN_LETTERS && token.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let number = collection.parse().ok().filter(|_| digits && letters)?;
    Some((CollectionId(number), token))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways_and_nothing_else_does() {
        let token = new_token().unwrap();
        assert_eq!(token.len(), TOKEN_LETTERS);
        assert_ne!(token, new_token().unwrap());
        assert_eq!(parse_id(&id_of(CollectionId(42), &token)), Some((CollectionId(42), token.as_str())));
        for bad in ["", "42", "42-", "+42-aaaaaaaaaaaaaaaaaaaaaaaaaa", "42-aaaaaaaaaaaaaaaaaaaaaaaaaA", "42-../aaaaaaaaaaaaaaaaaaaaaaa"] {
            assert_eq!(parse_id(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_record_opens_under_its_key_only_and_says_how_it_was_asked_for() {
        let via = Channel::new(Service::Caldav, IpAddr::from([10, 0, 0, 1]))
            .certificate(Some(ClientCertificate::new(&[Arc::from("post")], b"der")));
        let wish = super::super::PushWish {
            endpoint: "https://push.example.net/x".to_owned(),
            public_key: "key".to_owned(),
            auth_secret: zeroize::Zeroizing::new("secret".to_owned()),
            contents: true,
            properties: false,
            expires: None,
        };
        let key = DataKey::from_bytes(&[1; 32]);
        let sealed = Record::new(&wish, UnixTime(100), "id", &via).sealed(&key).unwrap();
        assert!(!sealed.windows(7).any(|part| part == b"example"));
        let record = Record::open(&sealed, &key).unwrap();
        assert_eq!((record.endpoint.as_str(), record.auth_secret.as_str()), ("https://push.example.net/x", "secret"));
        let back = record.channel();
        assert_eq!((back.service, back.peer, &*back.certificate.unwrap().zones[0]), (Service::Caldav, via.peer, "post"));
        assert!(record.is_over(UnixTime(100)) && !record.is_over(UnixTime(99)));
        assert!(Record::open(&sealed, &DataKey::from_bytes(&[2; 32])).is_none());
    }
}
