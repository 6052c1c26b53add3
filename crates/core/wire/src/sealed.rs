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
