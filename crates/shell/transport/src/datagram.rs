//! What a UDP datagram of ours is, looked at from outside: enough to find DTLS handshakes inside TURN and to notice
//! that a relay refuses us. Nothing here is trusted for anything but timers and error messages.

use core::net::{IpAddr, SocketAddr};

/// STUN magic cookie (RFC 8489 §5).
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// Allocate request and error response (RFC 8656).
const ALLOCATE: u16 = 0x0003;
const ALLOCATE_ERROR: u16 = 0x0113;
/// Send indication.
const SEND_INDICATION: u16 = 0x0016;
const DATA_INDICATION: u16 = 0x0017;
const ATTR_MESSAGE_INTEGRITY: u16 = 0x0008;
const ATTR_ERROR_CODE: u16 = 0x0009;
const ATTR_XOR_PEER_ADDRESS: u16 = 0x0012;
const ATTR_DATA: u16 = 0x0013;

/// Transaction id of a STUN message.
type TransactionId = [u8; 12];

/// Type, transaction id and attributes of a STUN message.
fn stun(datagram: &[u8]) -> Option<(u16, TransactionId, &[u8])> {
    let (head, body) = datagram.split_at_checked(20)?;
    if head[0] & 0xc0 != 0 || head[4..8] != COOKIE {
        return None;
    }
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let id = head[8..20].try_into().ok()?;
    Some((u16::from_be_bytes([head[0], head[1]]), id, body.get(..length)?))
}

/// First attribute of a kind.
fn attribute(mut attributes: &[u8], wanted: u16) -> Option<&[u8]> {
    while let Some((head, rest)) = attributes.split_at_checked(4) {
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let value = rest.get(..length)?;
        if u16::from_be_bytes([head[0], head[1]]) == wanted {
            return Some(value);
        }
        attributes = rest.get(length.next_multiple_of(4)..)?;
    }
    None
}

/// What the other side gets: the payload of a ChannelData message or Send indication, else the datagram itself.
pub(crate) fn inner(datagram: &[u8]) -> &[u8] {
    if datagram.first().is_some_and(|byte| byte & 0xc0 == 0x40) {
        let length = datagram.get(2..4).map_or(0, |length| usize::from(u16::from_be_bytes([length[0], length[1]])));
        return datagram.get(4..4 + length).unwrap_or(datagram);
    }
    match stun(datagram) {
        Some((SEND_INDICATION, _, attributes)) => attribute(attributes, ATTR_DATA).unwrap_or(datagram),
        _ => datagram,
    }
}

/// Peer and payload of a Data indication from a relay. A peer that can't be read is `None`.
pub(crate) fn data_indication(datagram: &[u8]) -> Option<(Option<SocketAddr>, &[u8])> {
    let Some((DATA_INDICATION, id, attributes)) = stun(datagram) else { return None };
    let data = attribute(attributes, ATTR_DATA).unwrap_or(&[]);
    let peer = attribute(attributes, ATTR_XOR_PEER_ADDRESS).and_then(|value| {
        let (head, address) = value.split_at_checked(4)?;
        let port = u16::from_be_bytes([head[2], head[3]]) ^ u16::from_be_bytes([COOKIE[0], COOKIE[1]]);
        let mask: Vec<u8> = COOKIE.into_iter().chain(id).collect();
        let plain: Vec<u8> = address.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect();
        let ip = match (head[1], &plain[..]) {
            (1, plain) => IpAddr::from(<[u8; 4]>::try_from(plain).ok()?),
            (2, plain) => IpAddr::from(<[u8; 16]>::try_from(plain).ok()?),
            _ => return None,
        };
        Some(SocketAddr::new(ip, port))
    });
    Some((peer, data))
}

/// STUN by its first byte and cookie (RFC 7983, RFC 8489 §5).
pub(crate) fn is_stun(datagram: &[u8]) -> bool {
    matches!(datagram, [first, _, _, _, cookie @ ..] if first & 0xc0 == 0 && cookie.starts_with(&COOKIE))
}

/// A DTLS record of type change_cipher_spec or handshake (RFC 6347), of any epoch.
pub(crate) fn is_dtls_handshake(inner: &[u8]) -> bool {
    matches!(inner, [20 | 22, 0xfe, ..])
}

/// Notices that a relay refuses our credentials. The first Allocate request carries none and is always answered 401;
/// an error other than 438 (stale nonce) to one *with* MESSAGE-INTEGRITY means no.
#[derive(Default)]
pub(crate) struct RefusalWatch {
    /// Signed Allocate requests, newest last, at most [`Self::KEPT`].
    signed: Vec<TransactionId>,
}

impl RefusalWatch {
    /// One per relay and local address would do; retransmissions repeat the id.
    const KEPT: usize = 16;

    /// A datagram that we send.
    pub(crate) fn sent(&mut self, datagram: &[u8]) {
        if let Some((ALLOCATE, id, attributes)) = stun(datagram)
            && attribute(attributes, ATTR_MESSAGE_INTEGRITY).is_some()
            && !self.signed.contains(&id)
        {
            if self.signed.len() == Self::KEPT {
                self.signed.remove(0);
            }
            self.signed.push(id);
        }
    }

    /// A datagram that came; true if it says no to us.
    pub(crate) fn refuses(&self, datagram: &[u8]) -> bool {
        let Some((ALLOCATE_ERROR, id, attributes)) = stun(datagram) else { return false };
        let code = match attribute(attributes, ATTR_ERROR_CODE) {
            Some([_, _, class, number, ..]) => u16::from(class & 7) * 100 + u16::from(*number),
            _ => return false,
        };
        code != 438 && self.signed.contains(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, id: u8, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (kind, value) in attributes {
            body.extend(kind.to_be_bytes());
            body.extend((value.len() as u16).to_be_bytes());
            body.extend(*value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        let mut message = kind.to_be_bytes().to_vec();
        message.extend((body.len() as u16).to_be_bytes());
        message.extend(COOKIE);
        message.extend([id; 12]);
        message.extend(body);
        message
    }

    #[test]
    fn dtls_is_found_inside_channel_data_and_send_indications() {
        let dtls = [22, 0xfe, 0xfd, 0, 0];
        assert!(is_dtls_handshake(inner(&dtls)));
        let channel_data = [&[0x40, 0, 0, 5][..], &dtls, &[0, 0, 0]].concat();
        assert_eq!(inner(&channel_data), dtls);
        let indication = message(SEND_INDICATION, 1, &[(0x12, &[0; 8]), (ATTR_DATA, &dtls)]);
        assert_eq!(inner(&indication), dtls);
        for other in [&[0x80, 111, 0][..], &[23, 0xfe, 0xfd], &[], &[22]] {
            assert!(!is_dtls_handshake(inner(other)));
        }
    }

    #[test]
    fn only_a_refusal_of_signed_requests_counts() {
        let error = |id, class, number| message(ALLOCATE_ERROR, id, &[(ATTR_ERROR_CODE, &[0, 0, class, number])]);
        let mut watch = RefusalWatch::default();
        watch.sent(&message(ALLOCATE, 1, &[(0x19, &[17, 0, 0, 0])]));
        assert!(!watch.refuses(&error(1, 4, 1)), "the first 401 asks for credentials");
        watch.sent(&message(ALLOCATE, 2, &[(ATTR_MESSAGE_INTEGRITY, &[0; 20])]));
        assert!(!watch.refuses(&error(2, 4, 38)), "a stale nonce is repeated");
        assert!(!watch.refuses(&error(3, 4, 1)), "an answer to nothing");
        assert!(watch.refuses(&error(2, 4, 1)));
        assert!(watch.refuses(&error(2, 4, 0)));
    }

    #[test]
    fn truncated_datagrams_do_not_panic() {
        let whole = message(ALLOCATE_ERROR, 2, &[(ATTR_ERROR_CODE, &[0, 0, 4, 1]), (ATTR_DATA, &[22, 0xfe])]);
        let channel_data = [0x40, 0, 0xff, 0xff, 1, 2];
        let mut watch = RefusalWatch::default();
        for end in 0..whole.len() {
            watch.sent(&whole[..end]);
            assert!(!watch.refuses(&whole[..end]));
            let _ = inner(&whole[..end]);
        }
        for end in 0..channel_data.len() {
            let _ = inner(&channel_data[..end]);
        }
    }
}
