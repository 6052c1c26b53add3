//! Plaintext of data-channel records (PROTOCOL §8).

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
    /// `03`: what this side sends.
    MediaState {
        /// Microphone is open.
        audio: bool,
        /// Camera is on.
        camera: bool,
        /// A window is shared.
        screen: bool,
    },
    /// `04`: asks for a key frame of a video track.
    Keyframe {
        /// Track number.
        track: u8,
    },
    /// `30`
    End(End),
    /// `31`
    EndAck(End),
}

/// Counters and transcript hash of one direction and track.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TrackEnd {
    /// Next counter.
    pub next_ctr: u64,
    /// Transcript hash `tx`, 64 bytes in memory; the first 32 on the wire.
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
