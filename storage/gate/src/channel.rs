//! How a log-in comes: over which service, from where, with which client certificate.
//!
//! Made by the protocols. What it says of the peer comes from the connection itself, or from a proxy that the configuration lists.

use octroi_model::Service;
use octroi_policy::Origin;
use std::net::IpAddr;
use std::sync::Arc;

/// Longest name of a client that is kept, in bytes.
const CLIENT_BYTES_MAX: usize = 128;

/// A client certificate that the CA of at least one zone vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// Zones whose CA vouches for it.
    pub zones: Arc<[Arc<str>]>,
    /// The certificate itself (X.509 in DER).
    pub der: Arc<[u8]>,
}

impl ClientCertificate {
    /// From what the connection knows.
    pub fn new(zones: &[Arc<str>], der: &[u8]) -> Self {
        Self { zones: zones.into(), der: der.into() }
    }
}

/// How a log-in comes.
#[derive(Debug, Clone)]
pub struct Channel {
    /// Which protocol.
    pub service: Service,
    /// From where.
    pub peer: IpAddr,
    /// The client's certificate, if it showed one.
    pub certificate: Option<ClientCertificate>,
    /// What the client says it is.
    pub client: Option<String>,
}

impl Channel {
    /// From there, without a certificate.
    pub fn new(service: Service, peer: IpAddr) -> Self {
        Self { service, peer, certificate: None, client: None }
    }

    /// With what the client calls itself, cut to its limit and stripped of control characters.
    #[must_use]
    pub fn client(mut self, name: Option<&str>) -> Self {
        self.client = name.map(|name| crate::audit::clean(name, CLIENT_BYTES_MAX)).filter(|name| !name.is_empty());
        self
    }

    /// With a certificate.
    #[must_use]
    pub fn certificate(mut self, certificate: Option<ClientCertificate>) -> Self {
        self.certificate = certificate;
        self
    }

    /// What zones are told by.
    pub(crate) fn origin(&self) -> Origin<'_> {
        Origin { address: self.peer, authorities: self.certificate.as_ref().map_or(&[][..], |certificate| &certificate.zones) }
    }
}
