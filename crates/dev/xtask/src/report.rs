//! The report of a demo: for a person, in the terminal and as Markdown.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    Outcome,
    session::{Meeting, Session, Side},
};

/// What one side saw.
#[derive(Debug)]
pub(crate) struct Shown {
    /// Pictures it wrote.
    pub(crate) seen: usize,
    /// The two that are kept.
    pub(crate) kept: Vec<PathBuf>,
}

/// Writes the report to `file` and returns it as text.
pub(crate) fn write(sessions: &[Session], pictures: &[Shown], speech: bool, file: &Path) -> Outcome<String> {
    let mut text = String::from("\n# Sotto: two people met\n");
    for session in sessions {
        section(&mut text, session);
    }
    text.push_str("\n## What each side saw\n\n");
    for (who, shown) in ["therapist", "client"].into_iter().zip(pictures) {
        let _infallible = writeln!(text, "The {who} saw {} pictures in the first session; two of them:\n", shown.seen);
        for picture in &shown.kept {
            let name = picture.file_name().unwrap_or_default().to_string_lossy();
            let _infallible = writeln!(text, "![{who} saw]({name})");
        }
        text.push('\n');
    }
    text.push_str(if speech {
        "The pictures are a moving test picture with its frame number and capture time drawn in; the voices were made by espeak-ng.\n"
    } else {
        "The pictures are a moving test picture with its frame number and capture time drawn in; the sound is a test signal.\n"
    });
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(file, text.trim_start())?;
    Ok(text)
}

fn section(text: &mut String, session: &Session) {
    let sides = [("therapist", &session.therapist), ("client", &session.client)];
    let mut line = |content: String| {
        text.push_str(&content);
        text.push('\n');
    };
    line(match session.meeting {
        Meeting::Code => "\n## First session: by a spoken code\n".to_owned(),
        Meeting::Pinned => "\n## Second session: by the pinned keys, without a code\n".to_owned(),
    });
    line("**Times**\n".to_owned());
    line(format!(
        "- join → waiting room: {} ms for the client, {} ms until the therapist saw them",
        session.client_waiting_ms, session.peer_waiting_ms
    ));
    line(format!(
        "- Admit → the words to compare: {} ms; → open: {} ms (picked by a program: people take longer)",
        session.card_ms, session.open_ms
    ));
    for (who, side) in sides {
        line(format!(
            "- Admit → first sound / first picture, as the {who} got it: {} / {}",
            millis(side.first_sound_ms),
            millis(side.first_picture_ms)
        ));
    }
    line(format!("- open for {:.1} s, then ended; both sides agree on every message of the session\n", session.open_s));

    line("**Who is there**\n".to_owned());
    for (who, side) in sides {
        let order = if side.reads_first { ", first" } else { "" };
        line(format!(
            "- the {who} read aloud{order}: “{}” (or {}); the other picked it from four",
            side.words, side.digits
        ));
    }
    line(format!("- fingerprint of the two keys, the same on both: {}\n", session.client.fingerprint));

    line("**Negotiated**\n".to_owned());
    let stats = &session.client.stats;
    line(format!(
        "- outer layer {}{}; inner layer SFrame AES_256_GCM_SHA512_128, epoch {}, step {}",
        show(&stats["srtp_profile"]),
        stats["dtls_cipher"]
            .as_str()
            .filter(|name| !name.is_empty())
            .map_or_else(String::new, |name| format!(", {name}")),
        show(&stats["epoch"]),
        show(&stats["step"])
    ));
    line(format!(
        "- sound {}, picture {} {}×{}; path: {}; round trip {} ms\n",
        or_unknown(&session.client.codecs[0]),
        or_unknown(&session.client.codecs[1]),
        show(&stats["video_in"]["width"]),
        show(&stats["video_in"]["height"]),
        show(&stats["path"]),
        show(&stats["rtt_ms"])
    ));

    line("**Packets**\n".to_owned());
    line("| | sound out | sound in | lost | bytes each | concealed | picture out | in | frames shown | kbit/s | freezes |".to_owned());
    line("|---|---|---|---|---|---|---|---|---|---|---|".to_owned());
    for (who, side) in sides {
        line(packets(who, side));
    }
    line(format!(
        "\nForged or damaged packets: {}; replayed: {}. “Bytes each” is the RTP payload of a sound packet, sealed \
         by the inner layer: one size, whatever is said.",
        sum(sides, "integrity_failures"),
        sum(sides, "replays")
    ));
    for (who, side) in sides {
        let processor =
            side.processor.map_or_else(|| "unknown".to_owned(), |used| format!("{used:.2} processor-seconds a second"));
        line(format!(
            "The {who}'s program used {processor} and {} MB of memory (development build).",
            side.memory_kb / 1024
        ));
        for notice in &side.notices {
            line(format!("It told its person: {notice}"));
        }
    }
}

fn packets(who: &str, side: &Side) -> String {
    let [sound_out, sound_in, picture_out, picture_in] =
        ["audio_out", "audio_in", "video_out", "video_in"].map(|name| &side.stats[name]);
    format!(
        "| {who} | {} | {} | {} | {} | {} ms | {} | {} | {} | {} | {} |",
        show(&sound_out["packets"]),
        show(&sound_in["packets"]),
        show(&sound_in["lost"]),
        each(sound_out),
        show(&sound_in["concealed_ms"]),
        show(&picture_out["packets"]),
        show(&picture_in["packets"]),
        show(&picture_in["frames"]),
        show(&picture_in["kbps"]),
        show(&picture_in["freezes"])
    )
}

/// Bytes of each packet, where all have one size.
fn each(direction: &Value) -> String {
    match (direction["bytes"].as_u64(), direction["packets"].as_u64()) {
        (Some(bytes), Some(packets)) if packets > 0 && bytes % packets == 0 => (bytes / packets).to_string(),
        (Some(bytes), Some(packets)) if packets > 0 => format!("{:.1} on average", bytes as f64 / packets as f64),
        _ => "–".to_owned(),
    }
}

fn sum(sides: [(&str, &Side); 2], field: &str) -> u64 {
    sides.iter().filter_map(|(_, side)| side.stats[field].as_u64()).sum()
}

fn millis(value: Option<u64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value} ms"))
}

fn or_unknown(name: &str) -> &str {
    if name.is_empty() { "unknown" } else { name }
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => format!("{:.1}", number.as_f64().unwrap_or_default()),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_size_is_told_from_an_average() {
        assert_eq!(each(&json!({"bytes": 1040, "packets": 10})), "104");
        assert_eq!(each(&json!({"bytes": 1041, "packets": 10})), "104.1 on average");
        assert_eq!(each(&json!({})), "–");
    }
}
