//! The units that the transport moves: sealed by `sotto-frame-crypto`, opaque to everything below it.

use bytes::Bytes;

/// Track of a packet or record; part of every key (PROTOCOL §7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum TrackId {
    /// Microphone.
    Audio = 0,
    /// Camera.
    Camera = 1,
    /// Shared window.
    Screen = 2,
    /// Sound of the shared window; no m-line yet.
    ScreenAudio = 3,
    /// Control records, data channel id 0.
    Control = 4,
    /// Chat records, data channel id 2.
    Chat = 5,
    /// File records, data channel id 4.
    File = 6,
}

impl TrackId {
    /// The track of a number; `None` for 7 and above.
    #[must_use]
    pub const fn from_u8(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::Audio,
            1 => Self::Camera,
            2 => Self::Screen,
            3 => Self::ScreenAudio,
            4 => Self::Control,
            5 => Self::Chat,
            6 => Self::File,
            _ => return None,
        })
    }

    /// Whether it carries RTP; the others carry data records.
    #[must_use]
    pub const fn is_media(self) -> bool {
        (self as u8) < Self::Control as u8
    }
}

/// Media codec, by its fixed payload type (PROTOCOL §5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Codec {
    /// Opus, payload type 111.
    Opus = 111,
    /// H.264, payload type 102, retransmitted as 103.
    H264 = 102,
    /// AV1, payload type 45, retransmitted as 46.
    Av1 = 45,
}

impl Codec {
    /// The codec of a payload type after RTX unwrap; `None` if it is not one of the three.
    #[must_use]
    pub const fn from_u8(payload_type: u8) -> Option<Self> {
        Some(match payload_type {
            111 => Self::Opus,
            102 => Self::H264,
            45 => Self::Av1,
            _ => return None,
        })
    }
}

/// One RTP payload after sealing, with the RTP fields that its AAD covers. `bytes` = SFrame header, ciphertext, tag.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedPacket {
    /// Track; on receipt, from the m-line the packet came on.
    pub track: TrackId,
    /// RTP marker bit.
    pub marker: bool,
    /// RTP timestamp (48 kHz audio, 90 kHz video).
    pub rtp_timestamp: u32,
    /// Codec by payload type, after RTX unwrap.
    pub codec: Codec,
    /// RTP payload, at most 1160 bytes.
    pub bytes: Bytes,
}

/// One SCTP message after sealing.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedRecord {
    /// `Control`, `Chat` or `File`.
    pub track: TrackId,
    /// SFrame header, ciphertext, tag.
    pub bytes: Bytes,
}

impl core::fmt::Debug for SealedPacket {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SealedPacket({:?}, {} bytes)", self.track, self.bytes.len())
    }
}

impl core::fmt::Debug for SealedRecord {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SealedRecord({:?}, {} bytes)", self.track, self.bytes.len())
    }
}
