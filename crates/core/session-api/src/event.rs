//! What the session engine reports.

use std::sync::Arc;

use crate::{
    ContactId, FileState, ProfileRole, SecretText, Stats,
    sentences::{Language, Sentence, sentence},
};

/// Something happened. Sentences for people are made by the front end from these.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "few events are in flight; a comparison card is worth 400 bytes")]
pub enum Event {
    /// The engine runs and the profile is open.
    Ready {
        /// Role of the profile.
        role: ProfileRole,
        /// A therapist's own fingerprint, six groups of five digits.
        fingerprint: Option<String>,
    },
    /// An invite was made.
    Invited {
        /// Contact that it will become.
        contact: ContactId,
        /// Code or link.
        text: String,
        /// Which of the two.
        form: crate::InviteForm,
        /// Unix seconds.
        expires: u64,
    },
    /// This client is in the waiting room.
    Waiting(ContactId),
    /// Listening for these contacts.
    Listening(Vec<ContactId>),
    /// A client waits (therapist).
    PeerWaiting {
        /// Who.
        contact: ContactId,
        /// What is known of the key.
        key_state: KeyState,
    },
    /// A waiting client left (therapist).
    PeerLeft(ContactId),
    /// The session was opened; ICE starts now.
    Admitted(ContactId),
    /// The therapist said no.
    Denied(ContactId),
    /// Back in the waiting room.
    PutBack(ContactId),
    /// Compare now.
    Verify(Verification),
    /// A gate was reached (PROTOCOL §6.3).
    Gate(Gate),
    /// First media of a track, or a change of what is sent.
    Media {
        /// Which.
        track: MediaTrack,
        /// Which way.
        direction: MediaDirection,
        /// Milliseconds from ADMIT to the first frame, at the first frame.
        first_ms: Option<u64>,
        /// Codec name.
        codec: Option<&'static str>,
        /// Picture size.
        size: Option<(u32, u32)>,
        /// Whether the sender sends silence or no picture now.
        muted: bool,
    },
    /// State of the connection.
    Link {
        /// State.
        state: LinkState,
        /// Relayed or direct, once known.
        path: Option<Path>,
        /// Whose side is the weak one, where known: `"own"` or `"theirs"`.
        side: Option<&'static str>,
    },
    /// A chat text went out or came in.
    Chat {
        /// True: ours, acknowledged by the other computer.
        own: bool,
        /// Counter of the record.
        id: u64,
        /// Text; control and bidi-override characters are stripped.
        text: Arc<str>,
    },
    /// A file was offered, moves or is through.
    File(FileState),
    /// Figures.
    Stats(Box<Stats>),
    /// What happened so far, for the therapist's record (PROTOCOL §6.4).
    Log(Arc<EventRecord>),
    /// The vault has its new passphrase.
    PassphraseChanged,
    /// The vault opens only with a key in the system's keyring too, or without one again. At the start it is told only
    /// where it is so.
    Keyring {
        /// With the keyring.
        on: bool,
    },
    /// The file for another computer is written.
    Exported {
        /// Twelve words that open it, with spaces between. They are told once and stored nowhere.
        words: SecretText,
    },
    /// All contacts.
    Contacts(Vec<ContactInfo>),
    /// Something a person must know and decide about.
    Alert {
        /// Which contact, where it is about one.
        contact: Option<ContactId>,
        /// What.
        code: AlertCode,
    },
    /// Something a person may want to act on.
    Notice(SideNotice),
    /// The session is over.
    Ended {
        /// Why.
        reason: EndReason,
        /// Both transcripts agree: nothing is missing.
        complete: bool,
    },
    /// A command could not be carried out; nothing changed.
    Refused {
        /// Stable code, e.g. `E_INVITE_EXPIRED` (PROTOCOL §10).
        code: &'static str,
        /// What happened, for people.
        what: String,
        /// What to do.
        what_to_do: String,
    },
    /// The engine has stopped.
    Stopped,
}

impl Event {
    /// The refusal of a code, in English; a window in another language looks the code up itself.
    #[must_use]
    pub fn refused(code: &'static str) -> Self {
        let Sentence { what, what_to_do } = sentence(code, Language::English);
        Self::Refused { code, what: what.into(), what_to_do: what_to_do.into() }
    }
}

/// The comparison card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Contact.
    pub contact: ContactId,
    /// Own half, read aloud.
    pub words: [&'static str; 3],
    /// Own half as six digits.
    pub digits: String,
    /// This side reads first.
    pub reads_first: bool,
    /// What the other side may have read.
    pub candidates: [[&'static str; 3]; 4],
    /// The same in digits, same order.
    pub digit_candidates: [String; 4],
    /// Fingerprint of the pair: twelve groups of five digits.
    pub fingerprint: String,
    /// What this side's QR code holds (PROTOCOL §6.1), for [`crate::Pick::Scanned`] of the other side.
    pub qr: Vec<u8>,
    /// Why it is asked.
    pub reason: CompareReason,
}

/// Why a comparison is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareReason {
    /// First session.
    First,
    /// Asked at every session.
    Every,
    /// Continuity was lost.
    Continuity,
    /// The key changed.
    Changed,
}

/// Gates (PROTOCOL §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gate {
    /// Nothing is allowed.
    G0,
    /// Compare.
    G1,
    /// Open.
    G2,
}

/// Key state of a waiting client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Never compared.
    Unverified,
    /// Compared before.
    Verified,
    /// Compared before, but continuity was lost.
    ContinuityLost,
}

/// Tracks that people know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaTrack {
    /// Sound.
    Audio,
    /// Camera.
    Camera,
    /// Shared window.
    Screen,
}

/// Way of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaDirection {
    /// Ours.
    Out,
    /// Theirs.
    In,
}

/// State of the media connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Being set up.
    Connecting,
    /// Works.
    Connected,
    /// Works badly.
    Weak,
    /// Lost, being healed.
    Reconnecting,
}

/// Path of the media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// By the relay; neither computer was told the other's address.
    Relayed,
    /// By the relay, although a direct path was allowed and tried: each computer has the other's address.
    RelayedAddressesKnown,
    /// Computer to computer.
    Direct,
}

/// Alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertCode {
    /// Somebody typed a wrong code: attempt `n` of `of`.
    WrongCode {
        /// Attempt.
        n: u8,
        /// Allowed.
        of: u8,
    },
    /// Somebody who has the invite began and broke off: attempt `n` of `of`. Each is a look at the session words.
    BrokenOff {
        /// Attempt.
        n: u8,
        /// Allowed.
        of: u8,
    },
    /// The invite was burned after too many attempts.
    Burned,
    /// A used invite was used again.
    SecondUse,
    /// Another device with this key tries to join a running session.
    AnotherDevice,
    /// Continuity was lost.
    ContinuityLost,
    /// Somebody used an invite that was made for a contact, with another key. The contact that this is about is a new
    /// one, beside the one that was known; nothing was replaced.
    KeyChanged {
        /// The contact for which the invite was made.
        known: ContactId,
    },
    /// The comparison did not match.
    Mismatch,
    /// Somebody inside the outer encryption sends forged packets.
    Integrity,
    /// Somebody else tries to use this meeting point.
    Crowded,
}

/// The therapist's record: without content, names or addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRecord {
    /// As they are exported: the value before the first line, then each line after the value that covers it.
    pub rows: Vec<String>,
    /// The number, from 1, of the first line that is not what it was; `None` if all are.
    pub first_changed: Option<usize>,
}

/// Notices name a device or a server, never a person or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SideNotice {
    /// Stable name, e.g. `no-camera`, `rendezvous-unreachable`.
    pub code: &'static str,
    /// What happened.
    pub what: String,
    /// What to do.
    pub what_to_do: String,
    /// How bad.
    pub severity: Severity,
}

impl SideNotice {
    /// The notice of a code, in English; a window in another language looks the code up itself.
    pub fn new(code: &'static str, severity: Severity) -> Self {
        let Sentence { what, what_to_do } = sentence(code, Language::English);
        Self { code, what: what.into(), what_to_do: what_to_do.into(), severity }
    }
}

/// How bad a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// For the record.
    Info,
    /// Something works less well.
    Warning,
    /// Something does not work.
    Error,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// Somebody pressed End.
    Normal,
    /// The comparison did not match.
    Mismatch,
    /// Nobody compared in time.
    CompareTimeout,
    /// No fresh keys in time.
    Rekey,
    /// An error on one side.
    Error,
    /// The contact is blocked.
    Blocked,
    /// The connection was lost.
    Interrupted,
    /// The end was not authenticated: last messages may be missing.
    Abnormal,
    /// The therapist said no.
    Denied,
}

/// Verification state of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactState {
    /// An invite that nobody has used yet.
    Invited,
    /// First contact is being made.
    Pairing,
    /// Paired, not compared.
    Unverified,
    /// Compared.
    Verified,
    /// The comparison did not match: blocked.
    Mismatch,
}

/// One contact, as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactInfo {
    /// Id.
    pub contact: ContactId,
    /// Private label.
    pub label: String,
    /// State.
    pub state: ContactState,
    /// Fingerprint of the pair, once paired.
    pub fingerprint: Option<String>,
    /// Unix seconds of the last comparison.
    pub verified_at: Option<u64>,
    /// This side wants to compare only when something changed.
    pub compare_on_change: bool,
}
