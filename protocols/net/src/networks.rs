//! Lists of networks: whose word counts on where somebody else comes from.
//!
//! Made by the program from the configuration; asked by [`crate::serve`] for the PROXY protocol and by `http` for forwarded headers.

use ipnet::IpNet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// Networks; by default none. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Networks(Arc<[IpNet]>);

/// What is wrong with a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkError {
    /// Neither an address nor a network.
    Unreadable(String),
    /// There are bits behind the prefix; the network that would be meant.
    BitsBehindPrefix(String, IpNet),
    /// An IPv4 network written as an IPv6 one: no peer is ever seen with such an address.
    Dressed(String),
    /// Everybody.
    Everybody(String),
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(text) => write!(f, "`{text}` is neither an address nor a network such as 10.0.0.0/8 or 2001:db8::/32"),
            Self::BitsBehindPrefix(text, meant) => write!(f, "`{text}` has bits behind its prefix: write `{meant}`"),
            Self::Dressed(text) => write!(f, "`{text}` is an IPv4 network in IPv6 clothes: write it as IPv4"),
            Self::Everybody(text) => write!(f, "`{text}` is everybody: then anybody could say that they come from anywhere"),
        }
    }
}

impl std::error::Error for NetworkError {}

impl Networks {
    /// From addresses and networks as people write them.
    pub fn parse<S: AsRef<str>>(texts: &[S]) -> Result<Self, NetworkError> {
        texts.iter().map(|text| network(text.as_ref())).collect::<Result<_, _>>().map(Self)
    }

    /// This machine.
    pub fn loopback() -> Self {
        let v4 = IpNet::V4(ipnet::Ipv4Net::new_assert(std::net::Ipv4Addr::new(127, 0, 0, 0), 8));
        Self(Arc::new([v4, IpNet::from(IpAddr::V6(std::net::Ipv6Addr::LOCALHOST))]))
    }

    /// Does the address lie in one of them?
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

fn network(text: &str) -> Result<IpNet, NetworkError> {
    let network: IpNet = match text.parse::<IpAddr>() {
        Ok(address) => address.into(),
        Err(_) => text.parse().map_err(|_| NetworkError::Unreadable(text.to_owned()))?,
    };
    if network.trunc() != network {
        return Err(NetworkError::BitsBehindPrefix(text.to_owned(), network.trunc()));
    }
    if network.addr().to_canonical() != network.addr() {
        return Err(NetworkError::Dressed(text.to_owned()));
    }
    if network.prefix_len() == 0 {
        return Err(NetworkError::Everybody(text.to_owned()));
    }
    Ok(network)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_networks_are_read_and_found() {
        let networks = Networks::parse(&["10.0.0.5", "192.0.2.0/24", "2001:db8::/32"]).unwrap();
        for inside in ["10.0.0.5", "::ffff:10.0.0.5", "192.0.2.77", "2001:db8:1::1"] {
            assert!(networks.contains(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["10.0.0.6", "192.0.3.1", "2001:db9::1", "::1"] {
            assert!(!networks.contains(outside.parse().unwrap()), "{outside}");
        }
        assert!(!Networks::default().contains("127.0.0.1".parse().unwrap()), "nobody unless somebody is named");
    }

    #[test]
    fn what_says_more_than_was_meant_is_refused() {
        for bad in ["", "proxy.example", "10.0.0.5/8", "10.0.0.0/33", "::ffff:10.0.0.0/104", "0.0.0.0/0", "::/0"] {
            assert!(Networks::parse(&[bad]).is_err(), "{bad}");
        }
        assert!(network("10.0.0.5/8").unwrap_err().to_string().contains("`10.0.0.0/8`"));
    }
}
