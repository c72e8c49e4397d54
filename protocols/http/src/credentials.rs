//! From the `Authorization` header to a session of the gate, or to the answer that asks for one.
//!
//! Called by `dav` for every request. Only Basic is spoken (RFC 7617): clients of WebDAV, CalDAV and CardDAV know nothing better in
//! common, and the secret is an app password that opens no more than its services.

use crate::answer::{plain, retry_later};
use crate::cache::LoginCache;
use crate::client::Client;
use crate::wait::Waits;
use axum::response::Response;
use data_encoding::BASE64;
use http::header::{AUTHORIZATION, USER_AGENT, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use octroi_gate::{Channel, ClientCertificate, Credentials, Gate, Login, Refusal, Session};
use octroi_model::Service;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// Longest `Authorization` value that is looked at; an address and an app password take a tenth.
const AUTHORIZATION_BYTES_MAX: usize = 2048;
/// When a client is to try again that was asked for its second factor.
const SECOND_FACTOR_RETRY: Duration = Duration::from_secs(30);

/// Turns credentials into sessions. Clones share the cache of recent log-ins.
#[derive(Clone)]
pub struct Authenticator {
    gate: Gate,
    cache: Arc<LoginCache>,
    waits: Arc<Waits<Session>>,
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator").finish_non_exhaustive()
    }
}

impl Authenticator {
    /// With an empty cache.
    pub fn new(gate: Gate) -> Self {
        Self { gate, cache: Arc::new(LoginCache::new()), waits: Arc::new(Waits::new()) }
    }

    /// Who sends this request, for `service`; or the answer to give instead. The session was checked just now.
    pub async fn authenticate(&self, headers: &HeaderMap, service: Service, client: &Client) -> Result<Session, Response> {
        self.authenticate_any(headers, &[service], client).await
    }

    /// As [`Authenticator::authenticate`], for the first of `services` that the credential opens: the root and the principal belong to
    /// all of them.
    pub async fn authenticate_any(&self, headers: &HeaderMap, services: &[Service], client: &Client) -> Result<Session, Response> {
        // A registered certificate stands for a credential where none is sent.
        let (user, secret) = match basic(headers) {
            Some(sent) => sent,
            None if client.certificate.is_some() && !headers.contains_key(AUTHORIZATION) => (String::new(), Zeroizing::default()),
            None => return Err(self.challenge()),
        };
        // All of the cache first: a credential for documents only would otherwise fail for calendars at each request to the root.
        for service in services {
            let key = self.cache.key(&user, &secret, *service, client);
            if let Some(session) = self.cache.find(&key) {
                if session.check().await.is_ok() {
                    return Ok(session);
                }
                self.cache.forget(&key);
            }
        }
        let mut pending = None;
        for service in services {
            let via = channel(*service, client, headers);
            let login = if user.is_empty() {
                self.gate.login_certificate("", via).await
            } else {
                self.gate.login(Credentials { user: &user, secret: &secret }, via).await
            };
            match login {
                Login::Open(session) => {
                    self.cache.put(self.cache.key(&user, &secret, *service, client), session.clone());
                    return Ok(session);
                }
                Login::NeedsSecondFactor(waiting) => pending = Some((*service, waiting)),
                Login::Busy => return Err(busy()),
                Login::Refused => {}
            }
        }
        let Some((service, waiting)) = pending else { return Err(self.challenge()) };
        let key = self.cache.key(&user, &secret, service, client);
        match self.waits.join(key, || waiting.approved()).await {
            Ok(session) => {
                self.cache.put(key, session.clone());
                Ok(session)
            }
            Err(Refusal::Busy) => Err(busy()),
            Err(_) => Err(self.second_factor_needed()),
        }
    }

    fn challenge(&self) -> Response {
        challenge(&self.gate.organisation().name)
    }

    /// Neither 401 nor 403: on those, clients throw the stored password away.
    fn second_factor_needed(&self) -> Response {
        let portal = &self.gate.organisation().portal_url;
        retry_later(&format!("Confirm this device with your second factor at {portal} and try again."), SECOND_FACTOR_RETRY)
    }
}

/// RFC 6585 section 4.
fn busy() -> Response {
    let mut response = retry_later("Too many connections or log-ins of this account.", SECOND_FACTOR_RETRY);
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    response
}

/// How the client comes.
fn channel(service: Service, client: &Client, headers: &HeaderMap) -> Channel {
    let certificate = client.certificate.as_ref().map(|shown| ClientCertificate::new(&shown.authorities, &shown.der));
    Channel::new(service, client.addr).client(client_name(headers)).certificate(certificate)
}

/// 401 with the challenge (RFC 7617 section 2.1): one wording for every reason.
pub fn challenge(organisation: &str) -> Response {
    let mut response = plain(StatusCode::UNAUTHORIZED, "An address and an app password are needed here.");
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge_value(organisation));
    response
}

fn challenge_value(organisation: &str) -> HeaderValue {
    // A quoted-string (RFC 9110 section 5.6.4), in ASCII: clients disagree on anything else.
    let realm: String =
        organisation.chars().filter(|c| (c.is_ascii_graphic() || *c == ' ') && !matches!(c, '"' | '\\')).take(128).collect();
    let value = format!("Basic realm=\"{}\", charset=\"UTF-8\"", realm.trim());
    HeaderValue::from_str(&value).unwrap_or_else(|_| HeaderValue::from_static("Basic realm=\"Octroi\", charset=\"UTF-8\""))
}

/// The user and the secret of a Basic header (RFC 7617 section 2); `None` when there is none that can be read.
fn basic(headers: &HeaderMap) -> Option<(String, Zeroizing<String>)> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?;
    // Two credentials: whose request is it? Nobody's.
    if values.next().is_some() || value.len() > AUTHORIZATION_BYTES_MAX {
        return None;
    }
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(BASE64.decode(token.trim_matches(' ').as_bytes()).ok()?);
    let text = std::str::from_utf8(&decoded).ok()?;
    let (user, secret) = text.split_once(':')?;
    if user.is_empty() || secret.is_empty() || text.chars().any(char::is_control) {
        return None;
    }
    Some((user.to_owned(), Zeroizing::new(secret.to_owned())))
}

fn client_name(headers: &HeaderMap) -> Option<&str> {
    headers.get(USER_AGENT)?.to_str().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<(String, String)> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        basic(&headers).map(|(user, secret)| (user, secret.to_string()))
    }

    #[test]
    fn a_basic_header_is_read_and_anything_else_is_not() {
        let good = format!("bAsIc {}", BASE64.encode("léa@a.example:se:cret 123456".as_bytes()));
        assert_eq!(read(&good), Some(("léa@a.example".into(), "se:cret 123456".into())));
        for bad in ["Basic", "Basic ", "Basic !!!!", "Bearer abc", "Basic bm9jb2xvbg==", "Basic Og==", "Digest username=\"a\""] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(read(&format!("Basic {}", BASE64.encode(b"a:b\r\nc"))), None);
        assert_eq!(read(&format!("Basic {}", BASE64.encode(b"a:\xff"))), None);
        assert_eq!(read(&format!("Basic {}", BASE64.encode(&[b'a'; 4000]))), None);
    }

    #[test]
    fn two_credentials_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(AUTHORIZATION, "Basic YTpi".parse().unwrap());
        assert!(basic(&headers).is_some());
        headers.append(AUTHORIZATION, "Basic YTpj".parse().unwrap());
        assert!(basic(&headers).is_none());
    }

    #[test]
    fn the_realm_cannot_break_out_of_its_quotes() {
        assert_eq!(challenge_value("Douane \"du\" Léman\r\n"), "Basic realm=\"Douane du Lman\", charset=\"UTF-8\"");
    }
}
