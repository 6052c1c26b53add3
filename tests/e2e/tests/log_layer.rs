//! A log layer that fails a whole call. Both engines run in this process, at the most talkative log that the programs have;
//! each event is looked at when it is made, for every secret that was derived so far, for addresses, labels, codes and
//! messages. The first one found ends the call.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod common;

use std::{
    collections::HashMap,
    fmt::{Debug, Write as _},
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD, prelude::BASE64_URL_SAFE_NO_PAD};
use sotto_e2e::{Folder, Programs, Server, ServerSetup};
use sotto_identity::noted;
use sotto_session::{Config, SessionHandle};
use sotto_session_api::{
    CameraChoice, Command, EndReason, Event, Gate, InviteForm, MediaTrack, MicrophoneChoice, Pick, ProfileRole,
    SecretText, SpeakerChoice, Verification,
};
use tracing::field::{Field, Visit};
use tracing_subscriber::{EnvFilter, Layer, layer::Context, prelude::*};

const LABEL: &str = "Kanarienvogel Dienstag";
const SAID: [&str; 2] = ["Nachtigall, ick hör dir trapsen", "Zaunkönig im Birnbaum"];
const PASSPHRASES: [&str; 2] = ["nine quiet stones by the water", "seven slow boats at noon"];
/// Server and relay are on loopback: their addresses are the only ones that there are to be told.
const ADDRESSES: [&str; 4] = ["127.0.0.1", "::1", "localhost", "ws://"];
/// A secret is looked for by pieces of this length.
const PIECE: usize = 16;

/// What no event may hold, and what was found.
#[derive(Default)]
struct Watched {
    texts: Vec<(String, String)>,
    pieces: HashMap<[u8; PIECE], String>,
    events: Vec<String>,
    caught: Vec<String>,
}

static WATCHED: Mutex<Option<Watched>> = Mutex::new(None);

fn watched<R>(work: impl FnOnce(&mut Watched) -> R) -> R {
    work(WATCHED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
}

impl Watched {
    fn text(&mut self, what: &str, text: &str) {
        assert!(text.len() >= 3, "{what} is too short to be looked for");
        self.texts.push((what.to_owned(), text.to_lowercase()));
    }

    fn secret(&mut self, what: &str, bytes: &[u8]) {
        for piece in bytes.chunks_exact(PIECE) {
            self.pieces.entry(piece.try_into().unwrap()).or_insert_with(|| what.to_owned());
        }
    }

    fn look(&mut self, event: &str) {
        self.events.push(event.to_owned());
        for (what, bytes) in noted::take_everywhere() {
            self.secret(&what, &bytes);
        }
        let lower = event.to_lowercase();
        let texts = self.texts.iter().filter(|(_, text)| lower.contains(text)).map(|(what, _)| what.clone());
        let mut found: Vec<String> = texts.collect();
        for bytes in written_bytes(event) {
            let pieces = bytes.windows(PIECE).filter_map(|window| self.pieces.get(window));
            found.extend(pieces.map(|what| format!("a secret, {what:?}")));
        }
        self.caught.extend(found.into_iter().map(|what| format!("{what} in: {event}")));
    }
}

/// Bytes as a careless line may write them: in hexadecimal, in base64, or as the list of numbers of a `Debug`.
fn written_bytes(text: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let runs =
        |is_part: fn(char) -> bool| text.split(move |letter: char| !is_part(letter)).filter(|run| run.len() >= 22);
    for run in runs(|letter| letter.is_ascii_hexdigit()) {
        for from in 0..2 {
            let pairs = run.as_bytes()[from..].chunks_exact(2);
            found.push(pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect());
        }
    }
    for run in runs(|letter| letter.is_ascii_alphanumeric() || "+/-_".contains(letter)) {
        for from in 0..4 {
            let run = &run[from.min(run.len())..];
            // Whole, and without what may not be the end of it.
            for run in [run, &run[..run.len() / 4 * 4]] {
                found.extend(BASE64_STANDARD_NO_PAD.decode(run).ok());
                found.extend(BASE64_URL_SAFE_NO_PAD.decode(run).ok());
            }
        }
    }
    let is_listed = |letter: char| letter.is_ascii_digit() || letter == ',' || letter == ' ';
    for list in text.split(|letter| !is_listed(letter)) {
        found.push(list.split(',').map_while(|number| number.trim().parse().ok()).collect());
    }
    found
}

/// Everything that an event or a span says.
struct Words(String);

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}

/// The layer.
struct Watch;

impl<S: tracing::Subscriber> Layer<S> for Watch {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut words = Words(event.metadata().target().to_owned());
        event.record(&mut words);
        watched(|watched| watched.look(&words.0));
    }

    fn on_new_span(&self, span: &tracing::span::Attributes<'_>, _: &tracing::span::Id, _: Context<'_, S>) {
        let mut words = Words(span.metadata().name().to_owned());
        span.record(&mut words);
        watched(|watched| watched.look(&words.0));
    }
}

/// One of the two.
struct Person {
    handle: SessionHandle,
    events: Receiver<Box<Event>>,
}

impl Person {
    fn start(folder: &Folder, role: ProfileRole, server: &str) -> Self {
        let name = ["client", "therapist"][usize::from(role == ProfileRole::Therapist)];
        let passphrase = PASSPHRASES[usize::from(role == ProfileRole::Therapist)];
        let mut config = Config::new(folder.join(name), role, SecretText::new(passphrase.to_owned()));
        config.rendezvous = Some(server.to_owned());
        config.camera = CameraChoice::Test;
        config.microphone = MicrophoneChoice::Test;
        config.speaker = SpeakerChoice::None;
        config.rekey_every_s = 3;
        config.fast_kdf = true;
        let mut handle = sotto_session::start(config).unwrap();
        let events = handle.events().unwrap();
        Self { handle, events }
    }

    fn send(&self, command: Command) {
        assert!(self.handle.send(command));
    }

    /// Waits for an event; a line that says too much ends the call here.
    fn wait<R>(&self, what: &str, mut wanted: impl FnMut(Event) -> Option<R>) -> R {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            fail_if_caught();
            match self.events.recv_timeout(Duration::from_millis(20)) {
                Ok(event) => {
                    if let Some(found) = wanted(*event) {
                        return found;
                    }
                }
                Err(RecvTimeoutError::Timeout) => assert!(Instant::now() < until, "no {what}"),
                Err(RecvTimeoutError::Disconnected) => panic!("the engine is gone while {what} is awaited"),
            }
        }
    }
}

fn fail_if_caught() {
    let caught = watched(|watched| std::mem::take(&mut watched.caught));
    assert!(caught.is_empty(), "the log says too much:\n{}", caught.join("\n"));
}

fn watch_card(card: &Verification) {
    watched(|watched| {
        watched.text("the words", &card.words.join(" "));
        watched.text("the words", &format!("{:?}", card.words));
        watched.text("the digits", &format!("\"{}\"", card.digits));
        watched.text("the fingerprint", &card.fingerprint);
        watched.secret("the pair's keys", &card.qr[5..37]);
        watched.secret("the pair's keys", &card.qr[37..]);
    });
}

#[test]
fn a_whole_call_is_failed_by_a_line_that_says_too_much() {
    noted::start_everywhere();
    // What `--log trace` sets in both programs: nothing of other crates is ever written.
    let filter = EnvFilter::new("off,sotto=trace");
    tracing_subscriber::registry().with(Watch.with_filter(filter)).init();
    watched(|watched| {
        watched.text("the label", LABEL);
        for text in SAID {
            watched.text("a message", text);
        }
        for passphrase in PASSPHRASES {
            watched.text("a passphrase", passphrase);
        }
        for address in ADDRESSES {
            watched.text("an address", address);
        }
    });
    let server = Server::start(&Programs::shipped().rendezvous, &ServerSetup::loopback());
    let folder = Folder::new("log-layer");
    let therapist = Person::start(&folder, ProfileRole::Therapist, &server.url);
    let client = Person::start(&folder, ProfileRole::Client, &server.url);

    therapist.send(Command::Invite { label: LABEL.into(), form: InviteForm::Link, minutes: None });
    let link = therapist.wait("link", |event| match event {
        Event::Invited { text, .. } => Some(text),
        _ => None,
    });
    watched(|watched| {
        watched.text("a link", &link);
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(link.strip_prefix("tsp1:").unwrap()).unwrap();
        watched.secret("a link", &bytes[6..]);
    });
    therapist.send(Command::Invite { label: LABEL.into(), form: InviteForm::Code, minutes: None });
    let (contact, code) = therapist.wait("code", |event| match event {
        Event::Invited { contact, text, form: InviteForm::Code, .. } => Some((contact, text)),
        _ => None,
    });
    let (number, words) = code.split_once('-').unwrap();
    watched(|watched| {
        watched.text("a code's number", number);
        watched.text("a code's words", words);
    });
    client.send(Command::JoinInvite(code.clone()));
    therapist.wait("client", |event| matches!(event, Event::PeerWaiting { .. }).then_some(()));
    therapist.send(Command::Admit(contact));
    let card = |event| match event {
        Event::Verify(card) => Some(card),
        _ => None,
    };
    let cards = [therapist.wait("words", card), client.wait("words", card)];
    cards.iter().for_each(watch_card);
    for (person, own, other) in [(&therapist, 0, 1), (&client, 1, 0)] {
        let heard = cards[own].candidates.iter().position(|words| *words == cards[other].words).unwrap();
        person.send(Command::Verify(Pick::Candidate(heard)));
    }
    for person in [&therapist, &client] {
        person.wait("gate", |event| (event == Event::Gate(Gate::G2)).then_some(()));
    }
    for (person, other, text) in [(&therapist, &client, SAID[0]), (&client, &therapist, SAID[1])] {
        person.send(Command::Chat(text.into()));
        other.wait("message", |event| matches!(event, Event::Chat { own: false, .. }).then_some(()));
    }
    let mut epoch = 0;
    while epoch < 3 {
        std::thread::sleep(Duration::from_millis(300));
        client.send(Command::Stats);
        epoch = client.wait("figures", |event| match event {
            Event::Stats(stats) => Some(stats.epoch),
            _ => None,
        });
    }
    therapist.send(Command::Mute { track: MediaTrack::Audio, on: true });
    // What is not possible is refused, and what is wrong is said: without what it was about.
    client.send(Command::JoinInvite(code.clone()));
    client.send(Command::SendFile(folder.join("Zaunkönig im Birnbaum")));
    std::thread::sleep(Duration::from_millis(500));
    client.send(Command::End);
    for person in [&therapist, &client] {
        let end = |event| match event {
            Event::Ended { reason, complete } => Some((reason, complete)),
            _ => None,
        };
        assert_eq!(person.wait("end", end), (EndReason::Normal, true));
        person.send(Command::Quit);
        person.wait("stop", |event| (event == Event::Stopped).then_some(()));
    }
    drop((therapist, client));
    fail_if_caught();
    let (events, pieces) = watched(|watched| (watched.events.clone(), watched.pieces.len()));
    println!("{} events, looked at for {pieces} pieces of secrets:\n{}", events.len(), events.join("\n"));
    // Our programs say little, but each says how its session ended.
    let ends = events.iter().filter(|event| event.contains("pictures and keys erased")).count();
    assert!(ends == 2 && pieces > 500, "a log of nothing proves nothing: {pieces} pieces");

    // The layer catches what a careless line would say, in each form.
    let secret = watched(|watched| *watched.pieces.keys().next().unwrap());
    let hex: String = secret.iter().map(|byte| format!("{byte:02X}")).collect();
    let base64 = BASE64_URL_SAFE_NO_PAD.encode([&[1, 2, 3][..], &secret].concat());
    for said in [hex, base64, format!("{secret:?}"), LABEL.into(), words.into(), SAID[0].into(), ADDRESSES[0].into()] {
        tracing::trace!(target: "sotto_session", %said, "a careless line");
        let caught = watched(|watched| std::mem::take(&mut watched.caught));
        assert!(!caught.is_empty(), "not caught: {said}");
    }
    tracing::trace!(target: "sotto_session", "a line that says nothing");
    fail_if_caught();
}
