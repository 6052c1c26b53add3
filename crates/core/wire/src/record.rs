//! Plaintext of data-channel records (PROTOCOL §8): the `data` of each `mtype`. Fragments, padding and counters are
//! the sealing crate's.

use crate::{
    DecodeError,
    bytes_io::{Reader, utf8},
};

/// A control message on track 4.
#[derive(Clone, PartialEq, Eq)]
pub enum ControlMessage {
    /// `01`: `role || H("bind"; …)[0..32]`.
    TransportBind {
        /// 0 I, 1 R.
        role: u8,
        /// Binds both certificate fingerprints to the handshake.
        bind: [u8; 32],
    },
    /// `02`: 0 mismatch, 1 match, 2 not asked.
    SasResult(u8),
    /// `03`: what this side sends, as one byte of bits: 0 audio, 1 camera, 2 screen.
    MediaState {
        /// Microphone is open.
        audio: bool,
        /// Camera is on.
        camera: bool,
        /// A window is shared.
        screen: bool,
    },
    /// `04`: asks for a key frame of a video track, 1 or 2.
    Keyframe {
        /// Track number.
        track: u8,
    },
    /// `10`: the initiator starts a rekey: a Noise KK message with an ML-KEM key (PROTOCOL §7.7).
    Rk1(RekeyAttempt, Box<[u8; RK1_LEN]>),
    /// `11`: the answer: an ML-KEM ciphertext and a Noise message.
    Rk2(RekeyAttempt, Box<[u8; RK2_LEN]>),
    /// `12`: the initiator has the next epoch: a value that only its root gives.
    Rk3(RekeyAttempt, [u8; 32]),
    /// `13`: the responder asks for a rekey.
    RkReq,
    /// `14`: the other side's message of this attempt could not be read.
    RkFail(RekeyAttempt),
    /// `30`
    End(End),
    /// `31`
    EndAck(End),
}

/// Which try at which epoch a rekey message belongs to; messages of other tries are ignored (PROTOCOL §7.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RekeyAttempt {
    /// The epoch that it leads to, 1 to 255: four bytes on the wire.
    pub epoch: u8,
    /// Counts the tries at this epoch, from 1.
    pub attempt: u8,
}

/// Noise message of RK1: ephemeral key 32, ML-KEM-768 encapsulation key 1184, tag 16.
pub const RK1_LEN: usize = 32 + 1184 + 16;
/// Body of RK2: ML-KEM-768 ciphertext 1088, then the Noise message: ephemeral key 32, tag 16.
pub const RK2_LEN: usize = 1088 + 32 + 16;

/// Counters and transcript hash of one direction and track.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TrackEnd {
    /// Next counter.
    pub next_ctr: u64,
    /// Transcript hash `tx`: 64 bytes in memory, the first 32 on the wire.
    pub tx: [u8; 32],
}

/// END and END_ACK: reason, then directions 0 and 1, in each tracks 4, 5, 6.
#[derive(Clone, PartialEq, Eq)]
pub struct End {
    /// 0 normal, 1 mismatch, 2 compare timeout, 3 rekey, 4 error, 5 blocked.
    pub reason: u8,
    /// `[direction][track − 4]`, as seen by the sender.
    pub tracks: [[TrackEnd; 3]; 2],
}

/// A chat message on track 5.
#[derive(Clone, PartialEq, Eq)]
pub enum ChatMessage {
    /// `01`: UTF-8, at most 8 KiB.
    Text(String),
    /// `02`: counter of the record acknowledged.
    Ack(u64),
}

/// Type bytes; control and chat have their own numbering.
mod mtype {
    pub(super) const TRANSPORT_BIND: u8 = 0x01;
    pub(super) const SAS_RESULT: u8 = 0x02;
    pub(super) const MEDIA_STATE: u8 = 0x03;
    pub(super) const KEYFRAME: u8 = 0x04;
    pub(super) const RK1: u8 = 0x10;
    pub(super) const RK2: u8 = 0x11;
    pub(super) const RK3: u8 = 0x12;
    pub(super) const RK_REQ: u8 = 0x13;
    pub(super) const RK_FAIL: u8 = 0x14;
    pub(super) const END: u8 = 0x30;
    pub(super) const END_ACK: u8 = 0x31;
    pub(super) const TEXT: u8 = 0x01;
    pub(super) const CHAT_ACK: u8 = 0x02;
}

/// Longest chat text, bytes.
pub const MAX_CHAT_TEXT: usize = 8192;

impl ControlMessage {
    /// Type byte.
    #[must_use]
    pub const fn mtype(&self) -> u8 {
        match self {
            Self::TransportBind { .. } => mtype::TRANSPORT_BIND,
            Self::SasResult(_) => mtype::SAS_RESULT,
            Self::MediaState { .. } => mtype::MEDIA_STATE,
            Self::Keyframe { .. } => mtype::KEYFRAME,
            Self::Rk1(..) => mtype::RK1,
            Self::Rk2(..) => mtype::RK2,
            Self::Rk3(..) => mtype::RK3,
            Self::RkReq => mtype::RK_REQ,
            Self::RkFail(_) => mtype::RK_FAIL,
            Self::End(_) => mtype::END,
            Self::EndAck(_) => mtype::END_ACK,
        }
    }

    /// `data` of the record.
    #[must_use]
    pub fn encode_data(&self) -> Vec<u8> {
        match self {
            Self::TransportBind { role, bind } => {
                let mut out = vec![*role];
                out.extend_from_slice(bind);
                out
            }
            Self::SasResult(result) => vec![*result],
            Self::MediaState { audio, camera, screen } => {
                vec![u8::from(*audio) | (u8::from(*camera) << 1) | (u8::from(*screen) << 2)]
            }
            Self::Keyframe { track } => vec![*track],
            Self::Rk1(of, noise) => of.encode(&**noise),
            Self::Rk2(of, body) => of.encode(&**body),
            Self::Rk3(of, proof) => of.encode(proof),
            Self::RkReq => Vec::new(),
            Self::RkFail(of) => of.encode(&[]),
            Self::End(end) | Self::EndAck(end) => end.encode(),
        }
    }

    /// Parses `data` by type; `None` for a type that this version does not know, to be ignored.
    ///
    /// # Errors
    /// For a known type, any length or value other than `encode_data` gives.
    pub fn decode(mtype: u8, data: &[u8]) -> Result<Option<Self>, DecodeError> {
        let mut reader = Reader::new(data);
        let message = match mtype {
            mtype::TRANSPORT_BIND => {
                let role = u8::from(reader.flag("role")?);
                Self::TransportBind { role, bind: reader.array()? }
            }
            mtype::SAS_RESULT => Self::SasResult(at_most(reader.u8()?, 2, "SAS result")?),
            mtype::MEDIA_STATE => {
                let bits = at_most(reader.u8()?, 7, "media state")?;
                Self::MediaState { audio: bits & 1 != 0, camera: bits & 2 != 0, screen: bits & 4 != 0 }
            }
            mtype::KEYFRAME => match reader.u8()? {
                track @ 1..=2 => Self::Keyframe { track },
                _ => return Err(DecodeError::Range("video track")),
            },
            mtype::RK1 => Self::Rk1(RekeyAttempt::read(&mut reader)?, Box::new(reader.array()?)),
            mtype::RK2 => Self::Rk2(RekeyAttempt::read(&mut reader)?, Box::new(reader.array()?)),
            mtype::RK3 => Self::Rk3(RekeyAttempt::read(&mut reader)?, reader.array()?),
            mtype::RK_REQ => Self::RkReq,
            mtype::RK_FAIL => Self::RkFail(RekeyAttempt::read(&mut reader)?),
            mtype::END => Self::End(End::read(&mut reader)?),
            mtype::END_ACK => Self::EndAck(End::read(&mut reader)?),
            _ => return Ok(None),
        };
        reader.finish()?;
        Ok(Some(message))
    }
}

impl RekeyAttempt {
    fn encode(self, rest: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(5 + rest.len());
        out.extend_from_slice(&u32::from(self.epoch).to_be_bytes());
        out.push(self.attempt);
        out.extend_from_slice(rest);
        out
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match (u8::try_from(reader.u32()?), reader.u8()?) {
            (Ok(epoch @ 1..), attempt @ 1..) => Ok(Self { epoch, attempt }),
            _ => Err(DecodeError::Range("rekey attempt")),
        }
    }
}

impl End {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(241);
        out.push(self.reason);
        for track in self.tracks.as_flattened() {
            out.extend_from_slice(&track.next_ctr.to_be_bytes());
            out.extend_from_slice(&track.tx);
        }
        out
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let reason = at_most(reader.u8()?, 5, "end reason")?;
        let mut tracks = [[TrackEnd { next_ctr: 0, tx: [0; 32] }; 3]; 2];
        for track in tracks.as_flattened_mut() {
            *track = TrackEnd { next_ctr: reader.u64()?, tx: reader.array()? };
        }
        Ok(Self { reason, tracks })
    }
}

impl ChatMessage {
    /// Type byte.
    #[must_use]
    pub const fn mtype(&self) -> u8 {
        match self {
            Self::Text(_) => mtype::TEXT,
            Self::Ack(_) => mtype::CHAT_ACK,
        }
    }

    /// `data` of the record. A text longer than [`MAX_CHAT_TEXT`] is refused by the other side.
    #[must_use]
    pub fn encode_data(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::Ack(counter) => counter.to_be_bytes().to_vec(),
        }
    }

    /// Parses `data` by type; `None` for a type that this version does not know, to be ignored.
    ///
    /// # Errors
    /// Text longer than 8 KiB or not UTF-8; an acknowledgement that is not 8 bytes.
    pub fn decode(mtype: u8, data: &[u8]) -> Result<Option<Self>, DecodeError> {
        let mut reader = Reader::new(data);
        let message = match mtype {
            mtype::TEXT if data.len() > MAX_CHAT_TEXT => return Err(DecodeError::Range("chat text")),
            mtype::TEXT => Self::Text(utf8(reader.rest(), "chat text")?),
            mtype::CHAT_ACK => Self::Ack(reader.u64()?),
            _ => return Ok(None),
        };
        reader.finish()?;
        Ok(Some(message))
    }
}

fn at_most(value: u8, max: u8, field: &'static str) -> Result<u8, DecodeError> {
    if value <= max { Ok(value) } else { Err(DecodeError::Range(field)) }
}

/// Chat text and the transcript stay out of logs.
impl core::fmt::Debug for ChatMessage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(…)",
            Self::Ack(_) => "Ack(…)",
        })
    }
}

impl core::fmt::Debug for ControlMessage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TransportBind { .. } => f.write_str("TransportBind(…)"),
            Self::SasResult(result) => write!(f, "SasResult({result})"),
            Self::MediaState { audio, camera, screen } => write!(f, "MediaState({audio}, {camera}, {screen})"),
            Self::Keyframe { track } => write!(f, "Keyframe({track})"),
            Self::Rk1(of, _) => write!(f, "Rk1({of:?}, …)"),
            Self::Rk2(of, _) => write!(f, "Rk2({of:?}, …)"),
            Self::Rk3(of, _) => write!(f, "Rk3({of:?}, …)"),
            Self::RkReq => f.write_str("RkReq"),
            Self::RkFail(of) => write!(f, "RkFail({of:?})"),
            Self::End(end) => write!(f, "{end:?}"),
            Self::EndAck(end) => write!(f, "Ack{end:?}"),
        }
    }
}

impl core::fmt::Debug for End {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "End({})", self.reason)
    }
}

impl core::fmt::Debug for TrackEnd {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("TrackEnd(…)")
    }
}
