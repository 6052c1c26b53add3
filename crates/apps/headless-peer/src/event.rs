//! One [`Event`] → one line of standard output.

use serde_json::{Value, json};
use sotto_session_api::{
    AlertCode, AudioStats, CompareReason, ContactId, ContactInfo, ContactState, EndReason, Event, FileStage, Gate,
    InviteForm, KeyState, LinkState, MediaDirection, MediaTrack, Path, ProfileRole, Severity, SideNotice, Stats,
    Verification, VideoStats,
};

use crate::{ParseError, alert::alert};

/// Renders an event; `t` is in seconds since the start. `None` for [`Event::Stopped`], which is the end of the program.
#[must_use]
pub fn render_event(event: &Event, t: f64) -> Option<String> {
    let (name, fields) = match event {
        Event::Ready { role, fingerprint } => ("ready", {
            let mut fields = json!({"version": env!("CARGO_PKG_VERSION"), "role": role_name(*role)});
            put(&mut fields, "fingerprint", fingerprint.clone());
            fields
        }),
        Event::Invited { contact, text, form, expires } => {
            let key = match form {
                InviteForm::Code => "code",
                InviteForm::Link => "link",
            };
            ("invite", json!({"contact": id(*contact), key: text, "expires": expires}))
        }
        Event::Waiting(contact) => ("waiting", json!({"contact": id(*contact)})),
        Event::Listening(contacts) => {
            ("listening", json!({"contacts": contacts.iter().copied().map(id).collect::<Vec<_>>()}))
        }
        Event::PeerWaiting { contact, key_state } => {
            ("peer_waiting", json!({"contact": id(*contact), "key_state": key_state_name(*key_state)}))
        }
        Event::PeerLeft(contact) => ("peer_left", json!({"contact": id(*contact)})),
        Event::Admitted(contact) => ("admitted", json!({"contact": id(*contact)})),
        Event::Denied(contact) => ("denied", json!({"contact": id(*contact)})),
        Event::PutBack(contact) => ("put_back", json!({"contact": id(*contact)})),
        Event::Verify(card) => ("verify", verification(card)),
        Event::Gate(gate) => ("gate", json!({"gate": gate_name(*gate)})),
        Event::Media { track, direction, first_ms, codec, size, muted } => ("media", {
            let mut fields =
                json!({"track": track_name(*track), "direction": direction_name(*direction), "muted": muted});
            put(&mut fields, "first_ms", *first_ms);
            put(&mut fields, "codec", *codec);
            put(&mut fields, "width", size.map(|size| size.0));
            put(&mut fields, "height", size.map(|size| size.1));
            fields
        }),
        Event::Link { state, path, side } => ("link", {
            let mut fields = json!({"state": link_name(*state)});
            put(&mut fields, "path", path.map(path_name));
            put(&mut fields, "side", *side);
            fields
        }),
        Event::Chat { own, id, text } => {
            ("chat", json!({"from": if *own { "me" } else { "them" }, "id": id, "text": text.as_ref()}))
        }
        Event::File(file) => (
            "file",
            json!({
                "id": hex(&file.id.0),
                "from": if file.own { "me" } else { "them" },
                "name": file.name.as_ref(),
                "size": file.size,
                "done": file.done,
                "state": match file.stage {
                    FileStage::Offered => "offered",
                    FileStage::Running => "running",
                    FileStage::Complete => "complete",
                    FileStage::Refused => "refused",
                    FileStage::Failed => "failed",
                },
            }),
        ),
        Event::Stats(stats) => ("stats", stats_fields(stats)),
        Event::Log(record) => ("log", {
            let mut fields = json!({"rows": record.rows});
            put(&mut fields, "first_changed", record.first_changed);
            fields
        }),
        Event::PassphraseChanged => ("passphrase_changed", json!({})),
        Event::Keyring { on } => ("keyring", json!({"on": on})),
        Event::Exported { words } => ("exported", json!({"words": words.expose()})),
        Event::Contacts(contacts) => {
            ("contacts", json!({"contacts": contacts.iter().map(contact_fields).collect::<Vec<_>>()}))
        }
        Event::Alert { contact, code: said } => ("alert", {
            let (code, text) = alert(said);
            let mut fields = json!({"code": code, "text": text});
            put(&mut fields, "contact", contact.map(id));
            if let AlertCode::KeyChanged { known } = said {
                fields["known"] = id(*known).into();
            }
            fields
        }),
        Event::Notice(SideNotice { code, what, what_to_do, severity }) => (
            "notice",
            json!({"code": code, "what": what, "what_to_do": what_to_do, "severity": severity_name(*severity)}),
        ),
        Event::Ended { reason, complete } => ("ended", json!({"reason": reason_name(*reason), "complete": complete})),
        Event::Refused { code, what, what_to_do } => {
            ("error", json!({"code": code, "what": what, "what_to_do": what_to_do}))
        }
        Event::Stopped => return None,
    };
    Some(line(name, t, &fields))
}

/// Renders the answer to a line that is no command.
#[must_use]
pub fn render_error(error: &ParseError, t: f64) -> String {
    let what_to_do = "Nothing was changed. docs/PEER.md lists commands and fields.";
    line("error", t, &json!({"code": error.code(), "what": error.to_string(), "what_to_do": what_to_do}))
}

/// `event` and `t` come first, for people who read along; serde_json sorts the rest.
fn line(name: &str, t: f64, fields: &Value) -> String {
    // Milliseconds are as fine as anybody needs.
    let t = json!((t * 1000.0).round() / 1000.0);
    // serde_json escapes line breaks in texts, so that one event is always one line.
    let fields = fields.to_string();
    let rest = fields.strip_prefix('{').filter(|rest| *rest != "}");
    rest.map_or_else(
        || format!("{{\"event\":\"{name}\",\"t\":{t}}}"),
        |rest| format!("{{\"event\":\"{name}\",\"t\":{t},{rest}"),
    )
}

fn put(fields: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        fields[name] = value.into();
    }
}

/// Contacts as text: sixteen hexadecimal digits.
fn id(contact: ContactId) -> String {
    format!("{:016x}", contact.0)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn verification(card: &Verification) -> Value {
    json!({
        "contact": id(card.contact),
        "words": card.words,
        "digits": card.digits,
        "reads_first": card.reads_first,
        "candidates": card.candidates,
        "digit_candidates": card.digit_candidates,
        "fingerprint": card.fingerprint,
        "qr": hex(&card.qr),
        "reason": match card.reason {
            CompareReason::First => "first",
            CompareReason::Every => "every",
            CompareReason::Continuity => "continuity",
            CompareReason::Changed => "changed",
        },
    })
}

fn contact_fields(contact: &ContactInfo) -> Value {
    let state = match contact.state {
        ContactState::Invited => "invited",
        ContactState::Pairing => "pairing",
        ContactState::Unverified => "unverified",
        ContactState::Verified => "verified",
        ContactState::Mismatch => "mismatch",
    };
    let mut fields = json!({
        "contact": id(contact.contact),
        "label": contact.label,
        "state": state,
        "compare_on_change": contact.compare_on_change,
    });
    put(&mut fields, "fingerprint", contact.fingerprint.clone());
    put(&mut fields, "verified_at", contact.verified_at);
    fields
}

fn stats_fields(stats: &Stats) -> Value {
    let mut fields = json!({
        "audio_out": audio(&stats.audio_out, false),
        "audio_in": audio(&stats.audio_in, true),
        "video_out": video(&stats.video_out, false),
        "video_in": video(&stats.video_in, true),
        "target_kbps": stats.target_kbps,
        "srtp_profile": stats.srtp_profile,
        "dtls_cipher": stats.dtls_cipher,
        "epoch": stats.epoch,
        "step": stats.step,
        "integrity_failures": stats.integrity_failures,
        "replays": stats.replays,
        "cpu_s": number(stats.cpu_s),
        "rss_kb": stats.rss_kb,
    });
    put(&mut fields, "rtt_ms", stats.rtt_ms.map(|ms| number(ms.into())));
    put(&mut fields, "path", stats.path.map(path_name));
    put(&mut fields, "sizes_constant", stats.sizes_constant);
    fields
}

fn audio(stats: &AudioStats, received: bool) -> Value {
    let mut fields = json!({"packets": stats.packets, "bytes": stats.bytes, "level_db": number(stats.level_db.into())});
    if received {
        fields["lost"] = stats.lost.into();
        fields["concealed_ms"] = stats.concealed_ms.into();
        fields["jitter_buffer_ms"] = stats.jitter_buffer_ms.into();
        fields["longest_gap_ms"] = stats.longest_gap_ms.into();
    }
    fields
}

fn video(stats: &VideoStats, received: bool) -> Value {
    let mut fields = json!({
        "packets": stats.packets, "bytes": stats.bytes, "frames": stats.frames,
        "width": stats.width, "height": stats.height, "fps": number(stats.fps.into()), "kbps": stats.kbps,
        "key_frames": stats.key_frames,
    });
    if received {
        fields["decode_ms"] = number(stats.decode_ms.into());
        fields["freezes"] = stats.freezes.into();
        fields["freeze_ms"] = stats.freeze_ms.into();
    } else {
        fields["encode_ms"] = number(stats.encode_ms.into());
    }
    fields
}

/// Three digits after the point; JSON has no infinity (a silent track's level), which becomes null.
fn number(value: f64) -> Value {
    json!((value * 1000.0).round() / 1000.0)
}

const fn role_name(role: ProfileRole) -> &'static str {
    match role {
        ProfileRole::Therapist => "therapist",
        ProfileRole::Client => "client",
    }
}

const fn key_state_name(state: KeyState) -> &'static str {
    match state {
        KeyState::Unverified => "unverified",
        KeyState::Verified => "verified",
        KeyState::ContinuityLost => "continuity-lost",
    }
}

const fn gate_name(gate: Gate) -> &'static str {
    match gate {
        Gate::G0 => "G0",
        Gate::G1 => "G1",
        Gate::G2 => "G2",
    }
}

const fn track_name(track: MediaTrack) -> &'static str {
    match track {
        MediaTrack::Audio => "audio",
        MediaTrack::Camera => "camera",
        MediaTrack::Screen => "screen",
    }
}

const fn direction_name(direction: MediaDirection) -> &'static str {
    match direction {
        MediaDirection::Out => "out",
        MediaDirection::In => "in",
    }
}

const fn link_name(state: LinkState) -> &'static str {
    match state {
        LinkState::Connecting => "connecting",
        LinkState::Connected => "connected",
        LinkState::Weak => "weak",
        LinkState::Reconnecting => "reconnecting",
    }
}

const fn path_name(path: Path) -> &'static str {
    match path {
        Path::Relayed => "relayed",
        Path::RelayedAddressesKnown => "relayed-addresses-known",
        Path::Direct => "direct",
    }
}

const fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

const fn reason_name(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Normal => "normal",
        EndReason::Mismatch => "mismatch",
        EndReason::CompareTimeout => "compare-timeout",
        EndReason::Rekey => "rekey",
        EndReason::Error => "error",
        EndReason::Blocked => "blocked",
        EndReason::Interrupted => "interrupted",
        EndReason::Abnormal => "abnormal",
        EndReason::Denied => "denied",
    }
}
