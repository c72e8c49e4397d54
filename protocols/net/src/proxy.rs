//! The PROXY protocol, versions 1 and 2 (HAProxy's specification of 2020-03-05): a proxy says for whom it connects.
//!
//! Called by `listener` for connections from listed proxies only, before anything else is read. What always holds: not one octet
//! behind the header is taken from the socket, for it belongs to TLS or to the protocol; a header is bounded; what is not exactly a
//! header is refused, never guessed at.
//!
//! Parsed here: framing must be ours to leave the rest in the socket, and then little is left. `ppp` 2.3.0 takes a header that comes
//! in pieces for a wrong one (cut before the last port), and ports with a sign; `proxy-header` 0.1.3 takes any octet for the first
//! space and `UNKNOWNx` for `UNKNOWN`.
//!
//! Known limits: of version 2 the fields behind the addresses (ALPN, the proxy's TLS, a checksum) are not looked at.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Octets of a version 1 header with its line end, as the specification says.
const V1_BYTES_MAX: usize = 107;
/// Octets of any header: one with the fields that proxies send has a few hundred, with a client's certificate two thousand.
const HEADER_BYTES_MAX: usize = 4096;
const V1_BEGINNING: &[u8] = b"PROXY ";
const V2_BEGINNING: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Octets of a version 2 header before the addresses; the last two count those that follow.
const V2_FIXED_BYTES: usize = 16;

/// Why a proxy's connection is closed.
#[derive(Debug)]
pub(crate) enum HeaderError {
    /// It does not begin with a PROXY header.
    Malformed,
    /// The header is longer than allowed.
    TooLong,
    /// It did not come in time.
    Timeout,
    /// The connection failed or ended within the header.
    Io(io::Error),
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("this is no PROXY header"),
            Self::TooLong => f.write_str("the PROXY header is too long"),
            Self::Timeout => f.write_str("the PROXY header did not come in time"),
            Self::Io(error) => write!(f, "the PROXY header did not come: {error}"),
        }
    }
}

impl From<io::Error> for HeaderError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Read the header, whole, within `deadline`: for whom the proxy connects, or `None` when it speaks for itself or does not know.
pub(crate) async fn read_header(tcp: &mut TcpStream, deadline: Duration) -> Result<Option<SocketAddr>, HeaderError> {
    timeout(deadline, read(tcp)).await.map_err(|_| HeaderError::Timeout)?
}

async fn read(tcp: &mut TcpStream) -> Result<Option<SocketAddr>, HeaderError> {
    let mut bytes = vec![0; HEADER_BYTES_MAX];
    let mut taken = 0;
    loop {
        // First only looked at: what stands behind the header stays in the socket.
        let seen = taken + tcp.peek(&mut bytes[taken..]).await?;
        if seen == taken {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        match parse(&bytes[..seen])? {
            Header::Complete { header_bytes, source } => {
                tcp.read_exact(&mut bytes[taken..header_bytes]).await?;
                return Ok(source);
            }
            Header::Incomplete => {
                tcp.read_exact(&mut bytes[taken..seen]).await?;
                taken = seen;
            }
        }
    }
}

/// What the octets so far are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Header {
    /// The beginning of a header, all of them.
    Incomplete,
    /// A header, and perhaps more.
    Complete { header_bytes: usize, source: Option<SocketAddr> },
}

fn parse(bytes: &[u8]) -> Result<Header, HeaderError> {
    if agree(bytes, V2_BEGINNING) {
        parse_v2(bytes)
    } else if agree(bytes, V1_BEGINNING) {
        parse_v1(bytes)
    } else {
        Err(HeaderError::Malformed)
    }
}

/// As far as both go.
fn agree(bytes: &[u8], beginning: &[u8]) -> bool {
    bytes.iter().zip(beginning).all(|(a, b)| a == b)
}

/// `PROXY TCP4 source destination port port`, on a line.
fn parse_v1(bytes: &[u8]) -> Result<Header, HeaderError> {
    let Some(line_bytes) = memchr::memchr(b'\n', &bytes[..bytes.len().min(V1_BYTES_MAX)]) else {
        return if bytes.len() < V1_BYTES_MAX { Ok(Header::Incomplete) } else { Err(HeaderError::TooLong) };
    };
    let line = bytes[..line_bytes].strip_suffix(b"\r").ok_or(HeaderError::Malformed)?;
    let mut words = line.split(|byte| *byte == b' ').skip(1);
    let source = match words.next() {
        Some(b"TCP4") => Some(v1_source::<Ipv4Addr>(words)?),
        Some(b"TCP6") => Some(v1_source::<Ipv6Addr>(words)?),
        // Whatever follows on the line is to be ignored.
        Some(b"UNKNOWN") => None,
        _ => return Err(HeaderError::Malformed),
    };
    Ok(Header::Complete { header_bytes: line_bytes + 1, source })
}

fn v1_source<'a, A: FromStr + Into<IpAddr>>(mut words: impl Iterator<Item = &'a [u8]>) -> Result<SocketAddr, HeaderError> {
    let (source, _destination): (A, A) = (v1_word(words.next())?, v1_word(words.next())?);
    let (port, _destination_port) = (v1_port(words.next())?, v1_port(words.next())?);
    if words.next().is_some() {
        return Err(HeaderError::Malformed);
    }
    Ok(SocketAddr::new(source.into(), port))
}

fn v1_word<T: FromStr>(word: Option<&[u8]>) -> Result<T, HeaderError> {
    let text = word.and_then(|word| std::str::from_utf8(word).ok()).ok_or(HeaderError::Malformed)?;
    text.parse().map_err(|_| HeaderError::Malformed)
}

/// Digits, without a sign and without leading zeros.
fn v1_port(word: Option<&[u8]>) -> Result<u16, HeaderError> {
    match word {
        Some(b"0") => Ok(0),
        Some([b'1'..=b'9', rest @ ..]) if rest.iter().all(u8::is_ascii_digit) => v1_word(word),
        _ => Err(HeaderError::Malformed),
    }
}

/// Binary: beginning, version and command, family and transport, length, addresses, fields.
fn parse_v2(bytes: &[u8]) -> Result<Header, HeaderError> {
    // Told early, so that nobody is waited for in vain. Other versions and commands must be refused.
    let command = match bytes.get(V2_BEGINNING.len()) {
        None => return Ok(Header::Incomplete),
        Some(0x20) => Command::Local,
        Some(0x21) => Command::Proxy,
        Some(_) => return Err(HeaderError::Malformed),
    };
    let Some(fixed) = bytes.first_chunk::<V2_FIXED_BYTES>() else { return Ok(Header::Incomplete) };
    let header_bytes = V2_FIXED_BYTES + usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    if header_bytes > HEADER_BYTES_MAX {
        return Err(HeaderError::TooLong);
    }
    let Some(addresses) = bytes.get(V2_FIXED_BYTES..header_bytes) else { return Ok(Header::Incomplete) };
    let source = match command {
        Command::Local => None,
        Command::Proxy => v2_source(fixed[13], addresses)?,
    };
    Ok(Header::Complete { header_bytes, source })
}

#[derive(Debug, Clone, Copy)]
enum Command {
    /// The proxy itself, such as its look whether we are there. What follows is to be ignored, whatever it is.
    Local,
    Proxy,
}

/// TCP over IPv4, over IPv6, a socket of the proxy's own machine, or not told; datagrams do not come over TCP.
fn v2_source(family_and_transport: u8, addresses: &[u8]) -> Result<Option<SocketAddr>, HeaderError> {
    match family_and_transport {
        0x11 => {
            let [a, b, c, d, _, _, _, _, high, low, _, _] = addresses.first_chunk::<12>().ok_or(HeaderError::Malformed)?;
            Ok(Some(SocketAddr::new(Ipv4Addr::new(*a, *b, *c, *d).into(), u16::from_be_bytes([*high, *low]))))
        }
        0x21 => {
            let block = addresses.first_chunk::<36>().ok_or(HeaderError::Malformed)?;
            let source = block.first_chunk::<16>().ok_or(HeaderError::Malformed)?;
            Ok(Some(SocketAddr::new(Ipv6Addr::from(*source).into(), u16::from_be_bytes([block[32], block[33]]))))
        }
        0x31 if addresses.len() >= 216 => Ok(None),
        0x00 => Ok(None),
        _ => Err(HeaderError::Malformed),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A header of version 2.
    fn v2(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let length = u16::try_from(addresses.len()).unwrap().to_be_bytes();
        [V2_BEGINNING, &[command, family], &length, addresses].concat()
    }

    const V4: [u8; 12] = [203, 0, 113, 9, 192, 0, 2, 1, 0xdc, 0x04, 0x03, 0xe1];

    /// Source, destination, ports.
    fn v6() -> Vec<u8> {
        let source: Ipv6Addr = "2001:db8::9".parse().unwrap();
        [&source.octets()[..], &Ipv6Addr::LOCALHOST.octets(), &[0xdc, 0x04, 0x03, 0xe1]].concat()
    }

    fn longest_v1() -> Vec<u8> {
        let full = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
        format!("PROXY UNKNOWN {full} {full} 65535 65535\r\n").into_bytes()
    }

    fn good() -> Vec<(Vec<u8>, Option<&'static str>)> {
        let tlvs = [&V4[..], b"\x01\x00\x02h2", b"\x04\x00\x00", &[0x20, 0x03, 0], &[7; 768]].concat();
        vec![
            (b"PROXY TCP4 203.0.113.9 192.0.2.1 56324 993\r\n".to_vec(), Some("203.0.113.9:56324")),
            (b"PROXY TCP6 2001:db8::9 ::1 0 65535\r\n".to_vec(), Some("[2001:db8::9]:0")),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (b"PROXY UNKNOWN what\xffever, 1.2.3.4\r\n".to_vec(), None),
            (longest_v1(), None),
            (v2(0x21, 0x11, &V4), Some("203.0.113.9:56324")),
            (v2(0x21, 0x11, &tlvs), Some("203.0.113.9:56324")),
            (v2(0x21, 0x21, &v6()), Some("[2001:db8::9]:56324")),
            (v2(0x21, 0x00, b""), None),
            (v2(0x21, 0x31, &[0; 216]), None),
            (v2(0x20, 0x00, b""), None),
            (v2(0x20, 0x11, &V4), None),
            (v2(0x20, 0xff, b"x"), None),
        ]
    }

    #[test]
    fn a_header_is_read_and_what_stands_behind_it_is_left() {
        for (bytes, source) in good() {
            let expected = Header::Complete { header_bytes: bytes.len(), source: source.map(|text| text.parse().unwrap()) };
            for behind in [&b""[..], b"x", b"\r\n", b"EHLO a\r\n", b"PROXY TCP4 10.0.0.1 10.0.0.1 1 1\r\n"] {
                assert_eq!(parse(&[&bytes, behind].concat()).unwrap(), expected, "{bytes:?}");
            }
            for cut in 0..bytes.len() {
                assert_eq!(parse(&bytes[..cut]).unwrap(), Header::Incomplete, "{cut} of {bytes:?}");
            }
        }
    }

    #[test]
    fn what_is_not_exactly_a_header_is_refused() {
        let bad: [&[u8]; 28] = [
            b"EHLO client.example\r\n",
            b"\x16\x03\x01",
            b"proxy UNKNOWN\r\n",
            b"PROXY\r\n",
            b"PROXYxTCP4 203.0.113.9 192.0.2.1 1 2\r\n",
            b"PROXY  TCP4 203.0.113.9 192.0.2.1 1 2\r\n",
            b"PROXY UNKNOWNx\r\n",
            b"PROXY UNKNOWN\n",
            b"PROXY tcp4 203.0.113.9 192.0.2.1 1 2\r\n",
            b"PROXY UDP4 203.0.113.9 192.0.2.1 1 2\r\n",
            b"PROXY TCP4 203.0.113.9 192.0.2.1 1 2\n",
            b"PROXY TCP4 203.0.113.9 192.0.2.1 1 2 \r\n",
            b"PROXY TCP4 203.0.113.9 192.0.2.1 1 2 3\r\n",
            b"PROXY TCP4 203.0.113.9 192.0.2.1 1\r\n",
            b"PROXY TCP4 203.0.113.9 192.0.2.1 +1 2\r\n",
            b"PROXY TCP4 203.0.113.9 192.0.2.1 01 2\r\n",
            b"PROXY TCP4 203.0.113.9 192.0.2.1 65536 2\r\n",
            b"PROXY TCP4 203.0.113.9 192.0.2.1 1 \r\n",
            b"PROXY TCP4 203.0.113.09 192.0.2.1 1 2\r\n",
            b"PROXY TCP4 2001:db8::9 ::1 1 2\r\n",
            b"PROXY TCP6 203.0.113.9 192.0.2.1 1 2\r\n",
            b"PROXY TCP4 203.0.113.9\0 192.0.2.1 1 2\r\n",
            b"\r\n\r\n\0\r\nQUIT\n\x11",
            b"\r\n\r\n\0\r\nQUIT\n\x22",
            b"\r\n\r\n\0\r\nQUIT\r",
            &v2(0x21, 0x12, &V4),
            &v2(0x21, 0x11, &V4[..11]),
            &v2(0x21, 0x21, &v6()[..35]),
        ];
        for bytes in bad {
            assert!(matches!(parse(bytes), Err(HeaderError::Malformed)), "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn a_header_has_an_end() {
        assert_eq!(longest_v1().len(), 107);
        let longer = String::from_utf8(longest_v1()).unwrap().replace("65535\r", "655350\r");
        assert!(matches!(parse(longer.as_bytes()), Err(HeaderError::TooLong)));
        let endless = [b"PROXY UNKNOWN ".to_vec(), vec![b'x'; 93]].concat();
        assert!(matches!(parse(&endless), Err(HeaderError::TooLong)));
        assert_eq!(parse(&endless[..106]).unwrap(), Header::Incomplete);
        let fits = v2(0x21, 0x11, &[&V4[..], &[0; HEADER_BYTES_MAX - 28]].concat());
        assert!(matches!(parse(&fits), Ok(Header::Complete { header_bytes: HEADER_BYTES_MAX, .. })));
        let longer = v2(0x21, 0x11, &[&V4[..], &[0; HEADER_BYTES_MAX - 27]].concat());
        assert!(matches!(parse(&longer[..V2_FIXED_BYTES]), Err(HeaderError::TooLong)), "told before it has come");
    }

    /// Octets that look like headers, mostly.
    fn octets() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(V1_BEGINNING.to_vec()),
            Just(V2_BEGINNING.to_vec()),
            Just(b"TCP4 ".to_vec()),
            Just(b"TCP6 ".to_vec()),
            Just(b"UNKNOWN".to_vec()),
            Just(b"203.0.113.9 ".to_vec()),
            Just(b"::1 ".to_vec()),
            Just(b"65535 ".to_vec()),
            Just(b"\r\n".to_vec()),
            Just(vec![0x21, 0x11, 0, 12]),
            Just(vec![0x20, 0x21, 0, 3]),
            proptest::collection::vec(any::<u8>(), 0..20),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5000))]

        /// Nothing panics, and more octets never change what was settled: else a proxy's pieces would decide who the client is.
        #[test]
        fn what_is_settled_stays_settled(bytes in octets()) {
            let mut settled: Option<Header> = None;
            let mut refused = false;
            for end in 0..=bytes.len() {
                match parse(&bytes[..end]) {
                    Ok(Header::Incomplete) => prop_assert!(settled.is_none() && !refused),
                    Ok(complete) => {
                        prop_assert!(!refused);
                        prop_assert_eq!(*settled.get_or_insert(complete), complete);
                    }
                    Err(_) => {
                        prop_assert!(settled.is_none());
                        refused = true;
                    }
                }
            }
        }
    }
}
