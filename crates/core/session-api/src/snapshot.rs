//! The state of the session as one value.

use crate::{ContactId, ContactInfo, Gate, LinkState, Path, ProfileRole, Verification};

/// Where the session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Phase {
    /// No session.
    #[default]
    Idle,
    /// Client: on the way to the waiting room.
    Joining,
    /// Client: in the waiting room.
    Waiting,
    /// Admitted, connecting.
    Connecting,
    /// Gate G1.
    Comparing,
    /// Gate G2.
    Open,
    /// Being ended.
    Ending,
}

/// What a front end draws.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Snapshot {
    /// Role of the profile, once open.
    pub role: Option<ProfileRole>,
    /// Phase.
    pub phase: Phase,
    /// The contact of the session.
    pub contact: Option<ContactId>,
    /// Contacts.
    pub contacts: Vec<ContactInfo>,
    /// Clients that wait (therapist).
    pub waiting: Vec<ContactId>,
    /// Rendezvous is reachable.
    pub online: bool,
    /// Gate.
    pub gate: Option<Gate>,
    /// Comparison to show.
    pub verification: Option<Verification>,
    /// Link.
    pub link: Option<LinkState>,
    /// Path.
    pub path: Option<Path>,
    /// Own microphone is muted.
    pub audio_muted: bool,
    /// Own camera is off.
    pub camera_muted: bool,
}

/// Figures of one direction of sound.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AudioStats {
    /// Packets.
    pub packets: u64,
    /// Payload bytes on the wire, sealed.
    pub bytes: u64,
    /// Packets that never came (in only).
    pub lost: u64,
    /// Sound made up for lost packets, ms (in only).
    pub concealed_ms: u64,
    /// Present delay of the jitter buffer, ms (in only).
    pub jitter_buffer_ms: u32,
    /// Longest time between two packets that were opened, since these figures were last asked for, ms (in only).
    pub longest_gap_ms: u64,
    /// Level, dBFS.
    pub level_db: f32,
}

/// Figures of one direction of the camera.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct VideoStats {
    /// Packets.
    pub packets: u64,
    /// Payload bytes on the wire, sealed.
    pub bytes: u64,
    /// Frames.
    pub frames: u64,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
    /// Frames per second over the last second.
    pub fps: f32,
    /// Kilobits per second over the last second.
    pub kbps: u32,
    /// Mean encoding time, ms (out only).
    pub encode_ms: f32,
    /// Mean decoding time, ms (in only).
    pub decode_ms: f32,
    /// Gaps of more than 200 ms that are over (in only).
    pub freezes: u64,
    /// Their sum, and the gap that lasts, if it is as long already.
    pub freeze_ms: u64,
    /// Key frames.
    pub key_frames: u64,
}

/// Everything that `stats` reports.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// Sound sent.
    pub audio_out: AudioStats,
    /// Sound received.
    pub audio_in: AudioStats,
    /// Picture sent.
    pub video_out: VideoStats,
    /// Picture received.
    pub video_in: VideoStats,
    /// Round trip of the media path, ms.
    pub rtt_ms: Option<f32>,
    /// What the encoders may use together.
    pub target_kbps: u32,
    /// Path.
    pub path: Option<Path>,
    /// As reported by the transport, e.g. `SRTP_AEAD_AES_256_GCM`.
    pub srtp_profile: String,
    /// As reported by the transport, e.g. `TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256`.
    pub dtls_cipher: String,
    /// Epoch of the inner layer.
    pub epoch: u32,
    /// Ratchet step.
    pub step: u8,
    /// Every packet sent so far had the only size it may have; `None` while there were too few to say (PROTOCOL §7.5).
    pub sizes_constant: Option<bool>,
    /// Packets whose tag failed.
    pub integrity_failures: u64,
    /// Packets that were repeated.
    pub replays: u64,
    /// Processor time of this process, s.
    pub cpu_s: f64,
    /// Resident memory, KiB.
    pub rss_kb: u64,
}
