//! Conversations with the authority: our account there, whether to renew, and one order (RFC 8555 section 7).

use super::kept::{Issued, Kept, Validity};
use crate::config::Acme;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, BodyWrapper, BytesResponse, CertificateIdentifier, ChallengeType, Error, HttpClient,
    Identifier, NewAccount, NewOrder, OrderStatus, RetryPolicy,
};
use octroi_net::Challenges;
use octroi_webclient::WebClient;
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, DnType, KeyPair};
use std::fs;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use zeroize::Zeroizing;

/// For one request to the authority.
const REQUEST: Duration = Duration::from_mins(1);
/// Octets of one of its answers; a chain of certificates is a few KiB.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// How long the authority may take to look at our names, or to make the certificate.
const PATIENCE: RetryPolicy = RetryPolicy::new().initial_delay(Duration::from_millis(500)).timeout(Duration::from_mins(3));

/// Our client under the library's.
struct Web(WebClient);

impl HttpClient for Web {
    fn request(&self, request: http::Request<BodyWrapper<Bytes>>) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let client = self.0.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.map_err(|e| Error::Other(e.into()))?.to_bytes();
            let answer = client.ask(http::Request::from_parts(head, body)).await.map_err(|e| Error::Other(Box::new(e)))?;
            Ok(BytesResponse::from(answer.map(Full::new)))
        })
    }
}

/// Our account at the authority; made if it does not know us.
pub(super) async fn account(acme: &Acme, kept: &Kept) -> Result<Account, String> {
    let authority = match &acme.authority {
        Some(file) => Some(fs::read(file).map_err(|e| format!("cannot read {}: {e}", file.display()))?),
        None => None,
    };
    let client = WebClient::new(authority.as_deref(), REQUEST, ANSWER_BYTES_MAX).map_err(|e| e.to_string())?;
    let builder = Account::builder_with_http(Box::new(Web(client)));
    if let Some(credentials) = kept.account()? {
        let credentials: AccountCredentials = serde_json::from_slice(&credentials).map_err(|e| format!("acme/account.json: {e}"))?;
        return builder.from_credentials(credentials).await.map_err(|e| e.to_string());
    }
    let contact: Vec<String> = acme.contact.iter().map(|address| format!("mailto:{address}")).collect();
    let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
    let asked = NewAccount { contact: &contact, terms_of_service_agreed: acme.terms_agreed, only_return_existing: false };
    let (account, credentials) = builder.create(&asked, acme.directory.clone(), None).await.map_err(|e| e.to_string())?;
    let credentials = Zeroizing::new(serde_json::to_vec(&credentials).map_err(|e| e.to_string())?);
    kept.keep_account(&credentials)?;
    Ok(account)
}

/// Is it time to renew what is kept? When the authority says so, or else after two thirds of the certificate's time.
pub(super) async fn is_due(account: &Account, kept: &Kept) -> Result<bool, String> {
    let Some((Validity { from, until }, certificate)) = kept.validity()? else { return Ok(true) };
    let now = jiff::Timestamp::now().as_second();
    if now >= until - (until - from) / 3 {
        return Ok(true);
    }
    let certificate = rustls_pki_types::CertificateDer::from(certificate);
    let Ok(id) = CertificateIdentifier::try_from(&certificate) else { return Ok(false) };
    // An authority that does not tell leaves it to us.
    let told = account.renewal_info(&id).await;
    Ok(told.is_ok_and(|(told, _)| now >= told.suggested_window.start.unix_timestamp()))
}

/// One order from its beginning to its certificate.
pub(super) async fn issue(account: &Account, names: &[String], challenges: &Challenges) -> Result<Issued, String> {
    let issued = prove_and_finish(account, names, challenges).await;
    for name in names {
        challenges.forget(name);
    }
    issued
}

async fn prove_and_finish(account: &Account, names: &[String], challenges: &Challenges) -> Result<Issued, String> {
    let identifiers: Vec<Identifier> = names.iter().cloned().map(Identifier::Dns).collect();
    let mut order = account.new_order(&NewOrder::new(&identifiers)).await.map_err(|e| e.to_string())?;
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.map_err(|e| e.to_string())?;
        let name = authorization.identifier().to_string();
        match authorization.status {
            AuthorizationStatus::Pending => {}
            AuthorizationStatus::Valid => continue,
            status => return Err(format!("the authority will not look at {name}: {status:?}")),
        }
        let mut challenge =
            authorization.challenge(ChallengeType::TlsAlpn01).ok_or_else(|| format!("the authority cannot ask for {name} over TLS"))?;
        answer(challenges, &name, challenge.key_authorization().digest().as_ref())?;
        challenge.set_ready().await.map_err(|e| e.to_string())?;
    }
    match order.poll_ready(&PATIENCE).await.map_err(|e| e.to_string())? {
        OrderStatus::Ready => {}
        status => return Err(format!("{}: the order is {status:?}", refused(&mut order).await)),
    }
    let key = KeyPair::generate().map_err(|e| e.to_string())?;
    let mut asked = CertificateParams::new(names.to_vec()).map_err(|e| e.to_string())?;
    asked.distinguished_name = DistinguishedName::new();
    let request = asked.serialize_request(&key).map_err(|e| e.to_string())?;
    order.finalize_csr(request.der()).await.map_err(|e| e.to_string())?;
    let chain = order.poll_certificate(&PATIENCE).await.map_err(|e| e.to_string())?;
    Ok(Issued { chain, key: Zeroizing::new(key.serialize_pem()) })
}

/// What the authority said to each name that it did not find to be ours.
async fn refused(order: &mut instant_acme::Order) -> String {
    let mut why = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(Ok(authorization)) = authorizations.next().await {
        let name = authorization.identifier().to_string();
        let problems = authorization.challenges.iter().filter_map(|challenge| challenge.error.as_ref());
        why.extend(problems.map(|problem| format!("{name}: {problem}")));
    }
    why.join("; ")
}

/// Show the authority a certificate with the proof in it (RFC 8737 section 3).
fn answer(challenges: &Challenges, name: &str, digest: &[u8]) -> Result<(), String> {
    let key = KeyPair::generate().map_err(|e| e.to_string())?;
    let mut parameters = CertificateParams::new([name.to_owned()]).map_err(|e| e.to_string())?;
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let certificate = parameters.self_signed(&key).map_err(|e| e.to_string())?;
    challenges.answer(name, certificate.der().to_vec(), &Zeroizing::new(key.serialize_der())).map_err(|e| e.to_string())
}
