//! Where a rendezvous server is (PROTOCOL §3.1, §3.2, Appendix D).

use core::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// Longest URL that fits an invite, bytes.
pub const MAX_URL_LEN: usize = 255;

/// A checked rendezvous URL: `wss://host[:port]/path[#spki=…]`, or `ws://` on loopback.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RendezvousUrl {
    text: String,
    host_port: String,
    spki: Option<[u8; 32]>,
}

/// Why text is not a rendezvous URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Neither `wss://` nor `ws://`.
    #[error("the address must start with wss://")]
    Scheme,
    /// `ws://` to another computer: only the own one may be reached without TLS.
    #[error("ws:// is for this computer only")]
    NotLoopback,
    /// The host or port is missing or malformed, or not ASCII (international names are given as A-labels, `xn--…`).
    #[error("the host name or port is not valid")]
    Host,
    /// Spaces, control characters, credentials, or longer than 255 bytes.
    #[error("the address holds characters that do not belong there")]
    Text,
    /// The fragment is not `spki=` and 43 base64url characters.
    #[error("the certificate pin is not valid")]
    Pin,
}

impl RendezvousUrl {
    /// Parses a URL; the text is kept as it is.
    ///
    /// # Errors
    /// [`UrlError`], by what is wrong first.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if text.len() > MAX_URL_LEN || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(UrlError::Text);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let default_port = match scheme {
            "wss" => 443,
            "ws" => 80,
            _ => return Err(UrlError::Scheme),
        };
        let (address, fragment) = match rest.split_once('#') {
            Some((address, fragment)) => (address, Some(fragment)),
            None => (rest, None),
        };
        let authority = address.split(['/', '?']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(UrlError::Text);
        }
        let host_port = HostPort::parse(authority, default_port).ok_or(UrlError::Host)?;
        if scheme == "ws" && !host_port.is_loopback() {
            return Err(UrlError::NotLoopback);
        }
        let spki = fragment.map(pin).transpose()?;
        Ok(Self { text: text.to_owned(), host_port: host_port.to_string(), spki })
    }

    /// As it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Lower-case `host:port`, always with the port: what CPace binds.
    #[must_use]
    pub fn host_port(&self) -> &str {
        &self.host_port
    }

    /// SHA-256 of the server's public key, if the URL pins it.
    #[must_use]
    pub const fn spki(&self) -> Option<&[u8; 32]> {
        self.spki.as_ref()
    }
}

/// Addresses are not for logs.
impl fmt::Debug for RendezvousUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RendezvousUrl(…)")
    }
}

fn pin(fragment: &str) -> Result<[u8; 32], UrlError> {
    let encoded = fragment.strip_prefix("spki=").ok_or(UrlError::Pin)?;
    BASE64_URL_SAFE_NO_PAD.decode(encoded).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(UrlError::Pin)
}

/// A host in lower case, and a port.
pub(crate) struct HostPort {
    host: String,
    port: u16,
}

impl HostPort {
    /// `host`, `host:port`, `[v6]` or `[v6]:port`.
    pub(crate) fn parse(text: &str, default_port: u16) -> Option<Self> {
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (address, port) = rest.split_once(']')?;
            (format!("[{}]", address.parse::<Ipv6Addr>().ok()?), port)
        } else {
            let (name, port) = text.find(':').map_or((text, ""), |at| text.split_at(at));
            is_host_name(name).then(|| (name.to_ascii_lowercase(), port))?
        };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => default_port,
            Some(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|&port| port != 0)?
            }
            _ => return None,
        };
        Some(Self { host, port })
    }

    fn is_loopback(&self) -> bool {
        let v6 = self.host.trim_matches(['[', ']']).parse::<Ipv6Addr>();
        let v4 = self.host.parse::<Ipv4Addr>();
        self.host == "localhost" || v6.is_ok_and(|ip| ip.is_loopback()) || v4.is_ok_and(|ip| ip.is_loopback())
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Letters, digits, hyphens and dots, no empty or overlong label (RFC 1123 §2.1).
fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}
