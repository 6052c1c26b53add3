//! Bytes of SIG messages (PROTOCOL §5.1, Appendix D): `data` of each `mtype`, parsed strictly.

use core::net::IpAddr;

use crate::{
    DecodeError,
    bytes_io::{Reader, put_short, utf8},
    sig::{Candidate, CandidateKind, Card, Description, IceCredentials, Policy, Restart, Setup, SigMessage, TrackSsrc},
};

/// Longest display name, bytes of UTF-8.
pub const MAX_NAME_LEN: usize = 64;

/// Layout version of OFFER and ANSWER.
const DESCRIPTION_VERSION: u8 = 1;
/// SHA-256, the only fingerprint algorithm.
const FP_SHA256: u8 = 1;
/// Highest ICE priority (RFC 8445 §5.1.2: 1 to 2^31 − 1).
const MAX_PRIORITY: u32 = 0x7FFF_FFFF;

impl SigMessage {
    /// Type byte.
    #[must_use]
    pub const fn mtype(&self) -> u8 {
        match self {
            Self::Confirm(_) => 0x01,
            Self::Ack(_) => 0x02,
            Self::Policy(_) => 0x03,
            Self::Offer(_) => 0x04,
            Self::Answer(_) => 0x05,
            Self::Candidate(_) => 0x06,
            Self::CandidatesEnd(_) => 0x07,
            Self::Name(_) => 0x08,
            Self::Bye => 0x09,
            Self::Restart(_) => 0x0A,
            Self::Admit => 0x0B,
            Self::Deny => 0x0C,
            Self::PutBack => 0x0D,
            Self::Card(_) => 0x0E,
        }
    }

    /// `data` of the message. Values outside the documented ranges are refused by the other side.
    ///
    /// # Panics
    /// If an ICE string is longer than 255 bytes or a text of a card than 65 535.
    #[must_use]
    pub fn encode_data(&self) -> Vec<u8> {
        match self {
            Self::Confirm(tlvs) | Self::Ack(tlvs) => tlvs.clone(),
            Self::Policy(policy) => {
                let caps = policy.caps.to_be_bytes();
                vec![policy.ice, policy.compare, caps[0], caps[1], policy.held]
            }
            Self::Offer(description) | Self::Answer(description) => encode_description(description),
            Self::Candidate(candidate) => encode_candidate(candidate),
            Self::CandidatesEnd(attempt) => vec![*attempt],
            Self::Name(name) => name.as_bytes().to_vec(),
            Self::Restart(restart) => {
                let mut out = vec![restart.attempt];
                put_short(&mut out, restart.ice.ufrag.as_bytes());
                put_short(&mut out, restart.ice.pwd.as_bytes());
                out
            }
            Self::Card(card) => {
                let mut out = Vec::new();
                for text in [&card.sentence, &card.phone, &card.caller] {
                    let len =
                        u16::try_from(text.len()).expect("a card's text is documented to hold at most 65535 bytes");
                    out.extend_from_slice(&len.to_be_bytes());
                    out.extend_from_slice(text.as_bytes());
                }
                out
            }
            Self::Bye | Self::Admit | Self::Deny | Self::PutBack => Vec::new(),
        }
    }

    /// Parses `data` by type; `None` for a type that this version does not know, to be ignored.
    ///
    /// # Errors
    /// Any error is `E_SDP`: the other side is authentic and sent a malformed message.
    pub fn decode(mtype: u8, data: &[u8]) -> Result<Option<Self>, DecodeError> {
        let mut reader = Reader::new(data);
        let message = match mtype {
            0x01 => Self::Confirm(reader.rest().to_vec()),
            0x02 => Self::Ack(reader.rest().to_vec()),
            0x03 => Self::Policy(read_policy(&mut reader)?),
            0x04 => Self::Offer(read_description(&mut reader, Setup::ActPass)?),
            0x05 => Self::Answer(read_description(&mut reader, Setup::Active)?),
            0x06 => Self::Candidate(read_candidate(&mut reader)?),
            0x07 => Self::CandidatesEnd(reader.u8()?),
            0x08 if data.len() > MAX_NAME_LEN => return Err(DecodeError::Range("name")),
            0x08 => Self::Name(utf8(reader.rest(), "name")?),
            0x09 => Self::Bye,
            0x0A => Self::Restart(Restart {
                attempt: reader.u8()?,
                ice: IceCredentials {
                    ufrag: ice_string(&mut reader, 4, 255, "ufrag")?,
                    pwd: ice_string(&mut reader, 22, 255, "pwd")?,
                },
            }),
            0x0B => Self::Admit,
            0x0C => Self::Deny,
            0x0D => Self::PutBack,
            0x0E => {
                let mut text = || {
                    let len = usize::from(reader.u16()?);
                    utf8(reader.take(len)?, "card")
                };
                Self::Card(Card { sentence: text()?, phone: text()?, caller: text()? })
            }
            _ => return Ok(None),
        };
        reader.finish()?;
        Ok(Some(message))
    }
}

fn read_policy(reader: &mut Reader<'_>) -> Result<Policy, DecodeError> {
    let policy = Policy { ice: reader.u8()?, compare: reader.u8()?, caps: reader.u16()?, held: reader.u8()? };
    if policy.ice > 2 || policy.compare > 1 || policy.held > 2 {
        return Err(DecodeError::Range("policy"));
    }
    reader.rest(); // a longer POLICY is accepted
    Ok(policy)
}

fn encode_description(description: &Description) -> Vec<u8> {
    let mut out = Vec::with_capacity(160);
    out.extend_from_slice(&[DESCRIPTION_VERSION, FP_SHA256]);
    out.extend_from_slice(&description.fingerprint);
    out.push(description.setup as u8);
    put_short(&mut out, description.ufrag.as_bytes());
    put_short(&mut out, description.pwd.as_bytes());
    for track in &description.tracks {
        out.extend_from_slice(&track.ssrc.to_be_bytes());
        out.extend_from_slice(&track.rtx_ssrc.to_be_bytes());
    }
    put_short(&mut out, &description.payload_types);
    out
}

fn read_description(reader: &mut Reader<'_>, setup: Setup) -> Result<Description, DecodeError> {
    if reader.u8()? != DESCRIPTION_VERSION {
        return Err(DecodeError::Range("description version"));
    }
    if reader.u8()? != FP_SHA256 {
        return Err(DecodeError::Range("fingerprint algorithm"));
    }
    let fingerprint = reader.array()?;
    if reader.u8()? != setup as u8 {
        return Err(DecodeError::Range("setup"));
    }
    let ufrag = ice_string(reader, 4, 255, "ufrag")?;
    let pwd = ice_string(reader, 22, 255, "pwd")?;
    let mut tracks = [TrackSsrc { ssrc: 0, rtx_ssrc: 0 }; 3];
    for track in &mut tracks {
        *track = TrackSsrc { ssrc: reader.u32()?, rtx_ssrc: reader.u32()? };
    }
    check_ssrcs(&tracks)?;
    let payload_types = reader.short_bytes()?.to_vec();
    check_payload_types(&payload_types)?;
    Ok(Description { fingerprint, setup, ufrag, pwd, tracks, payload_types })
}

/// All five are there and differ; audio has no retransmission stream.
fn check_ssrcs(tracks: &[TrackSsrc; 3]) -> Result<(), DecodeError> {
    let [audio, camera, screen] = tracks;
    let used = [audio.ssrc, camera.ssrc, camera.rtx_ssrc, screen.ssrc, screen.rtx_ssrc];
    let distinct = (1..used.len()).all(|i| !used[..i].contains(&used[i]));
    if audio.rtx_ssrc == 0 && !used.contains(&0) && distinct { Ok(()) } else { Err(DecodeError::Range("ssrc")) }
}

/// Each once, from {111, 102, 103, 45, 46}; Opus, H.264 and its RTX are mandatory, AV1 comes with its RTX.
fn check_payload_types(types: &[u8]) -> Result<(), DecodeError> {
    let known = types.iter().all(|pt| [111, 102, 103, 45, 46].contains(pt));
    let once = (1..types.len()).all(|i| !types[..i].contains(&types[i]));
    let mandatory = [111, 102, 103].iter().all(|pt| types.contains(pt));
    let av1 = types.contains(&45) == types.contains(&46);
    if known && once && mandatory && av1 { Ok(()) } else { Err(DecodeError::Range("payload types")) }
}

fn encode_candidate(candidate: &Candidate) -> Vec<u8> {
    let mut out = vec![candidate.attempt, candidate.kind as u8, 1];
    out.extend_from_slice(&candidate.priority.to_be_bytes());
    put_short(&mut out, candidate.foundation.as_bytes());
    match candidate.ip {
        IpAddr::V4(ip) => {
            out.push(4);
            out.extend_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            out.push(6);
            out.extend_from_slice(&ip.octets());
        }
    }
    out.extend_from_slice(&candidate.port.to_be_bytes());
    out
}

fn read_candidate(reader: &mut Reader<'_>) -> Result<Candidate, DecodeError> {
    let attempt = reader.u8()?;
    let kind = match reader.u8()? {
        0 => CandidateKind::Host,
        1 => CandidateKind::ServerReflexive,
        2 => CandidateKind::Relay,
        _ => return Err(DecodeError::Range("candidate type")),
    };
    if reader.u8()? != 1 {
        return Err(DecodeError::Range("component"));
    }
    let priority = reader.u32()?;
    if !(1..=MAX_PRIORITY).contains(&priority) {
        return Err(DecodeError::Range("priority"));
    }
    let foundation = ice_string(reader, 1, 32, "foundation")?;
    let ip = match reader.u8()? {
        4 => IpAddr::from(reader.array::<4>()?),
        6 => IpAddr::from(reader.array::<16>()?),
        _ => return Err(DecodeError::Range("address family")),
    };
    let port = reader.u16()?;
    if port == 0 {
        return Err(DecodeError::Range("port"));
    }
    Ok(Candidate { attempt, kind, priority, foundation, ip, port })
}

/// `u8 n`, then `min..=max` ice-chars (RFC 8839 §5.1: letters, digits, `+`, `/`).
fn ice_string(reader: &mut Reader<'_>, min: usize, max: usize, field: &'static str) -> Result<String, DecodeError> {
    let bytes = reader.short_bytes()?;
    let ice_char = |b: &u8| b.is_ascii_alphanumeric() || *b == b'+' || *b == b'/';
    if !(min..=max).contains(&bytes.len()) || !bytes.iter().all(ice_char) {
        return Err(DecodeError::Range(field));
    }
    utf8(bytes, field)
}
