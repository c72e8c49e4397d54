//! Asking web servers: one request, one bounded answer.
//!
//! For whoever in the house needs something of the web: a certificate authority, a domain's policy, a webhook. What always holds: a server that
//! is not on this machine is spoken to over TLS with a certificate that the trusted authorities vouch for, unless it is one that the
//! administrator has put into their own network; redirections are not followed; an answer has a limit, and the whole a deadline; neither body stands in an error.

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Asks. Cheap to clone.
#[derive(Clone)]
pub struct WebClient {
    tls: TlsConnector,
    /// For everything from the look-up of the host to the end of the answer.
    deadline: Duration,
    /// Octets of an answer's body.
    answer_bytes_max: usize,
    /// Services of one's own network are spoken to without TLS, too.
    clear: bool,
}

/// Where a URL leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    host: String,
    port: u16,
    /// Host and port as HTTP's `Host` has them.
    authority: String,
    /// The name its certificate must have; without TLS only this machine is spoken to.
    name: Option<ServerName<'static>>,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum WebError {
    /// The URL cannot be asked: the reason, for whoever wrote it.
    Url(String),
    /// A certificate of a trusted authority cannot be used.
    Authority(String),
    /// Nobody answers at the host, or what answers is not it.
    Unreachable(std::io::Error),
    /// The server does not speak HTTP, or broke off.
    Answer(String),
    /// It sent more octets than this.
    TooLarge(usize),
    /// The deadline passed.
    Late(Duration),
}

impl fmt::Display for WebError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(why) => f.write_str(why),
            Self::Authority(why) => write!(f, "the authority's certificate cannot be used: {why}"),
            Self::Unreachable(error) => write!(f, "the host cannot be reached: {error}"),
            Self::Answer(why) => write!(f, "no answer: {why}"),
            Self::TooLarge(octets) => write!(f, "no answer: it has more than {octets} octets"),
            Self::Late(deadline) => write!(f, "it took more than {} s", deadline.as_secs()),
        }
    }
}

impl std::error::Error for WebError {}

impl Origin {
    /// Of an absolute URL: `https`, or `http` to a loopback address; never with a user or password in it.
    pub fn of(url: &Uri) -> Result<Self, WebError> {
        Self::parse(url, false)
    }

    fn parse(url: &Uri, clear: bool) -> Result<Self, WebError> {
        let fail = |why: &str| Err(WebError::Url(why.to_owned()));
        let (Some(scheme), Some(authority)) = (url.scheme_str(), url.authority()) else { return fail("not a whole URL") };
        if authority.as_str().contains('@') {
            return fail("no user or password in a URL: put a token into the path or the query");
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = match scheme {
            "https" => Some(ServerName::try_from(host.clone()).map_err(|_| WebError::Url(format!("`{host}` is not a host")))?),
            "http" if clear || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()) => None,
            "http" => return fail("without TLS only to a loopback address such as 127.0.0.1"),
            _ => return fail("neither https nor http"),
        };
        let port = authority.port_u16().unwrap_or(if name.is_some() { 443 } else { 80 });
        Ok(Self { host, port, authority: authority.to_string(), name })
    }
}

impl WebClient {
    /// One that trusts the web's authorities, and that of `more`, a PEM file's content, if it is given.
    pub fn new(more: Option<&[u8]>, deadline: Duration, answer_bytes_max: usize) -> Result<Self, WebError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for certificate in more.into_iter().flat_map(CertificateDer::pem_slice_iter) {
            let certificate = certificate.map_err(|e| WebError::Authority(e.to_string()))?;
            roots.add(certificate).map_err(|e| WebError::Authority(e.to_string()))?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| WebError::Authority(e.to_string()))?;
        let config = builder.with_root_certificates(roots).with_no_client_auth();
        Ok(Self::over(Arc::new(config), deadline, answer_bytes_max))
    }

    /// One with TLS settings that are there already.
    pub fn over(tls: Arc<ClientConfig>, deadline: Duration, answer_bytes_max: usize) -> Self {
        Self { tls: TlsConnector::from(tls), deadline, answer_bytes_max, clear: false }
    }

    /// The same for services of one's own network, which may speak plain HTTP.
    #[must_use]
    pub fn in_our_network(self) -> Self {
        Self { clear: true, ..self }
    }

    /// Ask what a request with an absolute URL asks for, at the addresses that the system knows for its host.
    pub async fn ask(&self, request: Request<Bytes>) -> Result<Response<Bytes>, WebError> {
        self.within(request, None).await
    }

    /// The same at given addresses, tried in this order.
    pub async fn ask_at(&self, request: Request<Bytes>, addresses: &[SocketAddr]) -> Result<Response<Bytes>, WebError> {
        self.within(request, Some(addresses)).await
    }

    async fn within(&self, request: Request<Bytes>, addresses: Option<&[SocketAddr]>) -> Result<Response<Bytes>, WebError> {
        let asking = async {
            let origin = Origin::parse(request.uri(), self.clear)?;
            let stream = match addresses {
                Some(addresses) => TcpStream::connect(addresses).await,
                None => TcpStream::connect((origin.host.as_str(), origin.port)).await,
            };
            let stream = stream.map_err(WebError::Unreachable)?;
            match origin.name {
                None => self.exchange(stream, request, &origin.authority).await,
                Some(name) => {
                    let stream = self.tls.connect(name, stream).await.map_err(WebError::Unreachable)?;
                    self.exchange(stream, request, &origin.authority).await
                }
            }
        };
        // Boxed: the handshake's state is large, and callers wait for other things too.
        tokio::time::timeout(self.deadline, Box::pin(asking)).await.map_err(|_| WebError::Late(self.deadline))?
    }

    async fn exchange<S>(&self, stream: S, request: Request<Bytes>, authority: &str) -> Result<Response<Bytes>, WebError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (mut head, body) = request.into_parts();
        let host = HeaderValue::from_str(authority).map_err(|e| WebError::Url(e.to_string()))?;
        head.headers.insert(HOST, host);
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        head.uri = path.parse().map_err(|_| WebError::Url("not a path".to_owned()))?;
        let broken = |e: hyper::Error| WebError::Answer(e.to_string());
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let answer_bytes_max = self.answer_bytes_max;
        let asked = async move {
            let answer = sender.send_request(Request::from_parts(head, Full::new(body))).await.map_err(broken)?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, answer_bytes_max).collect().await.map_err(|e| match e.downcast_ref::<LengthLimitError>() {
                Some(_) => WebError::TooLarge(answer_bytes_max),
                None => WebError::Answer(e.to_string()),
            })?;
            Ok(Response::from_parts(head, body.to_bytes()))
        };
        tokio::pin!(asked);
        tokio::select! {
            answer = &mut asked => answer,
            // What came until the connection ended may be the whole answer.
            _ = connection => asked.await,
        }
    }
}

#[cfg(test)]
mod tests;
