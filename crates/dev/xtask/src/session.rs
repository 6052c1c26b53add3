//! Two people at two programs: the steps of a session, driven as the two of them would.

use std::{
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{Failure, Outcome, process::Program, progress::Progress, run::Programs};

const START_LIMIT: Duration = Duration::from_secs(60);
const STEP_LIMIT: Duration = Duration::from_secs(30);
/// Two software encoders and decoders may start on one slow machine.
const MEDIA_LIMIT: Duration = Duration::from_secs(45);

/// How the two get to the waiting room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meeting {
    /// For the first time, by a spoken code.
    Code,
    /// By the keys that each has pinned.
    Pinned,
}

/// Where things lie and what the two show each other.
#[derive(Clone, Debug)]
pub(crate) struct Stage<'a> {
    /// The programs.
    pub(crate) programs: &'a Programs,
    /// Folder for profiles, logs and what was received.
    pub(crate) folder: &'a Path,
    /// URL of the rendezvous server.
    pub(crate) rendezvous: &'a str,
    /// Speech of the therapist and the client, WAV files; the built-in test sound where missing.
    pub(crate) voices: Option<[PathBuf; 2]>,
    /// Whether what each side sees is kept as pictures.
    pub(crate) pictures: bool,
}

/// What one session was like.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// How they met.
    pub(crate) meeting: Meeting,
    /// Milliseconds from `join` until the client saw itself in the waiting room.
    pub(crate) client_waiting_ms: u128,
    /// Milliseconds from `join` until the therapist saw the client wait.
    pub(crate) peer_waiting_ms: u128,
    /// Milliseconds from Admit to the comparison card, the slower of the two.
    pub(crate) card_ms: u128,
    /// Milliseconds from Admit to the open session, as the driver saw it (people are slower).
    pub(crate) open_ms: u128,
    /// Seconds between the open session and its end.
    pub(crate) open_s: f64,
    /// The therapist's side.
    pub(crate) therapist: Side,
    /// The client's side.
    pub(crate) client: Side,
}

/// What one side showed and measured.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    /// Its own half of the session words.
    pub(crate) words: String,
    /// Its own half as digits.
    pub(crate) digits: String,
    /// It was to read first.
    pub(crate) reads_first: bool,
    /// Fingerprint of the pair, as shown.
    pub(crate) fingerprint: String,
    /// First received sound: milliseconds since Admit on its own clock.
    pub(crate) first_sound_ms: Option<u64>,
    /// First received picture: milliseconds since Admit on its own clock.
    pub(crate) first_picture_ms: Option<u64>,
    /// Codec names of received sound and picture.
    pub(crate) codecs: [String; 2],
    /// The last `stats` of the session.
    pub(crate) stats: Value,
    /// Processor seconds per second of open session, where the programs report them.
    pub(crate) processor: Option<f64>,
    /// Largest resident memory reported, KiB.
    pub(crate) memory_kb: u64,
    /// What the program told its person besides: devices, servers.
    pub(crate) notices: Vec<String>,
    /// Folder with the pictures it saw.
    pub(crate) saw: Option<PathBuf>,
    /// What its speaker played, a WAV file.
    pub(crate) heard: PathBuf,
}

/// Starts both programs and waits until their profiles are open.
pub(crate) fn start(stage: &Stage<'_>, meeting: Meeting) -> Outcome<[Program; 2]> {
    let mut started = Vec::new();
    for (index, role) in ["therapist", "client"].into_iter().enumerate() {
        let mut command = Command::new(&stage.programs.peer);
        command
            .arg("--profile")
            .arg(stage.folder.join(format!("{role}-profile")))
            .args(["--role", role, "--rendezvous", stage.rendezvous, "--camera", "test", "--stats-every", "1"])
            .arg("--mic")
            .arg(
                stage
                    .voices
                    .as_ref()
                    .map_or_else(|| "test".into(), |voices| format!("file:{}", voices[index].display())),
            )
            .arg("--audio-out")
            .arg(format!("wav:{}", heard(stage.folder, role, meeting).display()));
        if stage.pictures {
            command.arg("--video-out").arg(format!("png:{}", saw(stage.folder, role, meeting).display()));
        }
        std::fs::create_dir_all(saw(stage.folder, role, meeting))?;
        started.push(Program::start(&format!("{role}-{}", name(meeting)), command, stage.folder)?);
    }
    for program in &mut started {
        program.wait("ready", START_LIMIT, |_| true)?;
    }
    started.try_into().map_err(|_| Failure::new("two sides were started"))
}

/// Leads both through a session of `open` in its open state.
pub(crate) fn hold(
    stage: &Stage<'_>,
    progress: &Progress,
    [mut therapist, mut client]: [Program; 2],
    meeting: Meeting,
    open: Duration,
) -> Outcome<Session> {
    // To the waiting room.
    let join = match meeting {
        Meeting::Code => {
            therapist.send(&json!({"cmd": "invite", "label": "Tuesday 10:00", "form": "code", "minutes": 30}))?;
            let invite = therapist.wait("invite", STEP_LIMIT, |_| true)?;
            let code = text(&invite.value, "code")?;
            progress.say(&format!("therapist: a new client, code {code}"));
            json!({"cmd": "join", "invite": code})
        }
        Meeting::Pinned => {
            therapist.send(&json!({"cmd": "listen", "contacts": "all"}))?;
            therapist.wait("listening", STEP_LIMIT, |_| true)?;
            client.send(&json!({"cmd": "contacts"}))?;
            let contacts = client.wait("contacts", STEP_LIMIT, |_| true)?;
            let contact = text(&contacts.value["contacts"][0], "contact")?;
            progress.say("client: the therapist is in the list, no code is needed");
            json!({"cmd": "join", "contact": contact})
        }
    };
    let joined = client.send(&join)?;
    let waiting = client.wait("waiting", STEP_LIMIT, |_| true)?;
    let peer_waiting = therapist.wait("peer_waiting", STEP_LIMIT, |_| true)?;
    let contact = text(&peer_waiting.value, "contact")?;
    progress.say("client: in the waiting room; nobody sees or hears them");

    // In.
    let admitted = therapist.send(&json!({"cmd": "admit", "contact": contact}))?;
    therapist.wait("admitted", STEP_LIMIT, |_| true)?;
    client.wait("admitted", STEP_LIMIT, |_| true)?;
    progress.say("therapist: admits the client; connecting through the relay");

    // Compare, each picking what the other read.
    let cards = [therapist.wait("verify", STEP_LIMIT, |_| true)?, client.wait("verify", STEP_LIMIT, |_| true)?];
    let card_ms = cards.iter().map(|card| card.at.duration_since(admitted).as_millis()).max().unwrap_or_default();
    for (reader, card) in ["therapist", "client"].into_iter().zip(&cards) {
        progress.say(&format!("{reader}: reads aloud \"{}\"", words(&card.value["words"])));
    }
    for program in [&mut therapist, &mut client] {
        program.wait("gate", MEDIA_LIMIT, |event| event["gate"] == "G1")?;
    }
    let picks = [pick(&cards[0].value, &cards[1].value)?, pick(&cards[1].value, &cards[0].value)?];
    for (program, pick) in [&mut therapist, &mut client].into_iter().zip(picks) {
        program.send(&json!({"cmd": "verify", "pick": pick}))?;
    }
    let opened = [
        therapist.wait("gate", STEP_LIMIT, |event| event["gate"] == "G2")?.at,
        client.wait("gate", STEP_LIMIT, |event| event["gate"] == "G2")?.at,
    ];
    let opened = opened.into_iter().max().unwrap_or_else(Instant::now);
    progress.say("both: picked what they heard; the session is open");

    // Talk.
    let begun = Instant::now();
    for program in [&mut therapist, &mut client] {
        for track in ["audio", "camera"] {
            let first =
                |event: &Value| event["track"] == track && event["direction"] == "in" && event["first_ms"].is_u64();
            if program.latest("media", first).is_none() {
                program.wait("media", MEDIA_LIMIT, first)?;
            }
        }
    }
    progress.say("both: hear and see each other");
    therapist.send(&json!({"cmd": "chat", "text": "Good to see you."}))?;
    client.wait("chat", STEP_LIMIT, |event| event["from"] == "them" && event["text"] == "Good to see you.")?;
    client.send(&json!({"cmd": "chat", "text": "Likewise: ça va très bien 🙂"}))?;
    therapist.wait("chat", STEP_LIMIT, |event| event["from"] == "them")?;
    progress.say(&format!("both: chat works; now {} s of session", open.as_secs()));
    while begun.elapsed() < open {
        thread::sleep(Duration::from_millis(200).min(open.saturating_sub(begun.elapsed())));
        for program in [&mut therapist, &mut client] {
            if let Some(ended) = program.latest("ended", |_| true) {
                return Err(Failure::new(format!("the session ended by itself: {}", ended.value)));
            }
        }
    }
    for program in [&mut therapist, &mut client] {
        let asked = program.send(&json!({"cmd": "stats"}))?;
        program.wait_since("stats", asked, STEP_LIMIT)?;
    }
    let open_s = begun.elapsed().as_secs_f64();

    let therapist_side = side(stage, &mut therapist, "therapist", meeting, &cards[0].value, opened)?;
    let client_side = side(stage, &mut client, "client", meeting, &cards[1].value, opened)?;

    // Out.
    therapist.send(&json!({"cmd": "end"}))?;
    for (who, program) in [("therapist", &mut therapist), ("client", &mut client)] {
        let ended = program.wait("ended", STEP_LIMIT, |_| true)?;
        if ended.value["complete"] != true {
            return Err(Failure::new(format!("{who}: the end was not complete: {}", ended.value)));
        }
    }
    for program in [therapist, client] {
        program.finish(STEP_LIMIT)?;
    }
    progress.say("both: ended, and both agree on every message that was sent");
    Ok(Session {
        meeting,
        client_waiting_ms: waiting.at.duration_since(joined).as_millis(),
        peer_waiting_ms: peer_waiting.at.duration_since(joined).as_millis(),
        card_ms,
        open_ms: opened.duration_since(admitted).as_millis(),
        open_s,
        therapist: therapist_side,
        client: client_side,
    })
}

fn side(
    stage: &Stage<'_>,
    program: &mut Program,
    role: &str,
    meeting: Meeting,
    card: &Value,
    opened: Instant,
) -> Outcome<Side> {
    let stats = program.latest("stats", |_| true).ok_or_else(|| Failure::new(format!("{role}: no stats")))?.value;
    let mut first = |track: &str| {
        let event = program.latest("media", |event| {
            event["track"] == track && event["direction"] == "in" && event["first_ms"].is_u64()
        });
        event.map_or((None, String::new()), |event| {
            (event.value["first_ms"].as_u64(), event.value["codec"].as_str().unwrap_or_default().to_owned())
        })
    };
    let (first_sound_ms, sound) = first("audio");
    let (first_picture_ms, picture) = first("camera");
    let series: Vec<(Instant, Value)> =
        program.events("stats").into_iter().map(|event| (event.at, event.value)).collect();
    Ok(Side {
        processor: processor(&series, opened),
        memory_kb: series.iter().filter_map(|(_, stats)| stats["rss_kb"].as_u64()).max().unwrap_or_default(),
        notices: program
            .events("notice")
            .iter()
            .map(|notice| {
                format!(
                    "{} {}",
                    notice.value["what"].as_str().unwrap_or_default(),
                    notice.value["what_to_do"].as_str().unwrap_or_default()
                )
            })
            .collect(),
        words: words(&card["words"]),
        digits: card["digits"].as_str().unwrap_or_default().to_owned(),
        reads_first: card["reads_first"] == true,
        fingerprint: card["fingerprint"].as_str().unwrap_or_default().to_owned(),
        first_sound_ms,
        first_picture_ms,
        codecs: [sound, picture],
        stats,
        saw: stage.pictures.then(|| saw(stage.folder, role, meeting)),
        heard: heard(stage.folder, role, meeting),
    })
}

/// Processor time per second from the first to the last report after `from`.
fn processor(series: &[(Instant, Value)], from: Instant) -> Option<f64> {
    let mut open = series.iter().filter(|(at, _)| *at >= from);
    let (first, last) = (open.next()?, open.next_back()?);
    let seconds = last.0.duration_since(first.0).as_secs_f64();
    (seconds > 0.5).then_some((last.1["cpu_s"].as_f64()? - first.1["cpu_s"].as_f64()?) / seconds)
}

/// Index of the candidate on `card` that the other side, holding `other`, reads aloud.
fn pick(card: &Value, other: &Value) -> Outcome<usize> {
    let heard = &other["words"];
    let candidates = card["candidates"].as_array().map(Vec::as_slice).unwrap_or_default();
    let matching: Vec<usize> = (0..candidates.len()).filter(|&index| &candidates[index] == heard).collect();
    match matching.as_slice() {
        [one] => Ok(*one),
        _ => Err(Failure::new(format!(
            "the words that were read, \"{}\", are {} times among the candidates {}",
            words(heard),
            matching.len(),
            card["candidates"]
        ))),
    }
}

fn words(list: &Value) -> String {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
}

fn text(value: &Value, field: &str) -> Outcome<String> {
    value[field].as_str().map(str::to_owned).ok_or_else(|| Failure::new(format!("no `{field}` in {value}")))
}

/// Short name of a meeting, for files.
pub(crate) fn name(meeting: Meeting) -> &'static str {
    match meeting {
        Meeting::Code => "first",
        Meeting::Pinned => "second",
    }
}

fn heard(folder: &Path, role: &str, meeting: Meeting) -> PathBuf {
    folder.join(format!("{role}-heard-{}.wav", name(meeting)))
}

fn saw(folder: &Path, role: &str, meeting: Meeting) -> PathBuf {
    folder.join(format!("{role}-saw-{}", name(meeting)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pick_is_the_candidate_that_was_read_and_nothing_else() {
        let other = json!({"words": ["ahead", "positive", "blockade"]});
        let card = json!({"candidates": [["a", "b", "c"], ["ahead", "positive", "blockade"], ["ahead", "x", "y"], ["q", "r", "s"]]});
        assert_eq!(pick(&card, &other).unwrap(), 1);
        let without = json!({"candidates": [["a", "b", "c"]]});
        assert!(pick(&without, &other).is_err());
        assert!(pick(&json!({}), &other).is_err());
    }
}
