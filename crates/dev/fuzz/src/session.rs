//! A peer with the session's real keys against a live session: whatever it says, and in whatever order, nothing is shown
//! before both have matched, and the session ends in the ways that PROTOCOL §6.3, §7.7 and §8 have.

use sotto_identity::records::VerificationState;
use sotto_session_api::{Command, EndReason, Event, Gate, InviteForm, Pick};
use sotto_sim::{Duo, Message, Said, Who};
use sotto_wire::{
    TrackId,
    file::{FileMessage, FileOffer},
    record::{ChatMessage, ControlMessage, End, RK1_LEN, RK2_LEN, RekeyAttempt, TrackEnd},
};

/// Codes of PROTOCOL §10, and of what the two people are told, that a peer may bring about. `E_INTERNAL` is none.
const CODES: &[&str] = &[
    "E_DATA_ORDER",
    "E_BIND",
    "E_REKEY",
    "E_SAS_TIMEOUT",
    "E_DTLS",
    "E_TRUNCATED",
    "E_NOT_NOW",
    "E_NO_SESSION",
    "keys-late",
    "sas-again",
];
const BIND: u8 = 0x01;
/// Steps of one input, and the time that it may take.
const MOST_STEPS: usize = 200;
const MOST_MS: u64 = 30 * 60_000;

const IS_PAST_PICK: u8 = 2;
const IS_OPEN: u8 = 4;
const IS_BEFORE_BIND: u8 = 8;

const PASS_TIME: u8 = 3;
/// The record's flags are the input's.
const OWN_FLAGS: u8 = 0x80;
/// The data get the length that their type has.
const RIGHT_LENGTH: u8 = 0x40;

const FROM_PERSON: u8 = 0x80;

/// What the honest side may have come to know.
struct Scene {
    duo: Duo,
    liar: Who,
    /// The person's right answer, as long as it isn't given.
    right: Option<usize>,
    has_picked: bool,
    has_said_match: bool,
    was_open: bool,
    was_blocked: bool,
    looked_at: usize,
    has_ended: bool,
}

/// First byte: who lies, and how far the two have got. Then steps of five bytes and data: track, type, flags, length.
pub(crate) fn records(data: &[u8]) {
    let Some((&kind, mut rest)) = data.split_first() else { return };
    let mut scene = Scene::new(kind);
    scene.look();
    for _ in 0..MOST_STEPS {
        let [track, mtype, flags, high, low, more @ ..] = rest else { break };
        if *track & 3 == PASS_TIME {
            scene.pass(*mtype, *flags);
            rest = more;
        } else {
            let len = usize::from(u16::from_be_bytes([*high, *low])).min(more.len());
            let (body, after) = more.split_at(len);
            rest = after;
            scene.say(*track, *mtype, *flags, body);
        }
        scene.look();
        if scene.has_ended || scene.duo.now_ms > MOST_MS {
            break;
        }
    }
    // Whatever is under way comes to its end.
    scene.duo.run_for(4_000);
    scene.look();
}

impl Scene {
    fn new(kind: u8) -> Self {
        let liar = if kind & 1 == 0 { Who::Client } else { Who::Therapist };
        let mut duo = Duo::new(31);
        let (contact, text) = duo.invite(InviteForm::Code);
        duo.join(&text);
        let is_before_bind = kind & IS_BEFORE_BIND != 0;
        if is_before_bind {
            duo.say_instead(liar, TrackId::Control, BIND, &[]);
        }
        duo.admit(contact);
        let mut scene = Self {
            duo,
            liar,
            right: None,
            has_picked: false,
            has_said_match: false,
            was_open: false,
            was_blocked: false,
            looked_at: 0,
            has_ended: false,
        };
        if !is_before_bind {
            let (own, other) = (scene.duo.card(liar.other()), scene.duo.card(liar));
            let (own, other) = (own.expect("a card"), other.expect("a card"));
            scene.right = own.candidates.iter().position(|candidate| *candidate == other.words);
        }
        if kind & IS_OPEN != 0 && !is_before_bind {
            scene.duo.compare();
            (scene.has_picked, scene.has_said_match, scene.right) = (true, true, None);
            assert_eq!(scene.duo.gate(liar.other()), Some(Gate::G2));
        }
        scene.duo.go_deaf(liar);
        if kind & IS_PAST_PICK != 0 {
            scene.pick();
        }
        scene
    }

    fn pick(&mut self) {
        if let Some(right) = self.right.take() {
            self.has_picked = true;
            self.duo.command(self.liar.other(), Command::Verify(Pick::Candidate(right)));
        }
    }

    /// Time goes by, or the honest person does something.
    fn pass(&mut self, mtype: u8, flags: u8) {
        match flags & (FROM_PERSON | 3) {
            0 | 2 => self.duo.run_for(u64::from(mtype) * 20),
            1 | 3 => self.duo.run_for(u64::from(mtype) * 1_000),
            0x80 => self.pick(),
            0x81 => self.duo.command(self.liar.other(), Command::Chat("hello".into())),
            0x82 => self.duo.command(self.liar.other(), Command::End),
            _ => {
                self.right = None;
                self.duo.command(self.liar.other(), Command::Verify(Pick::NoneOfThese));
            }
        }
    }

    fn say(&mut self, track: u8, mtype: u8, flags: u8, body: &[u8]) {
        let mut data = body.to_vec();
        if track & RIGHT_LENGTH != 0
            && let Some(len) = right_length(track & 3, mtype)
        {
            data.resize(len, 0);
        }
        let flags = (track & OWN_FLAGS != 0).then_some(flags);
        let track = [TrackId::Control, TrackId::Chat, TrackId::File][usize::from(track & 3)];
        self.has_said_match |= track == TrackId::Control && mtype == 2 && data == [1];
        self.duo.try_to_say(self.liar, &Said { track, mtype, flags, data });
        self.duo.run_for(25);
    }

    /// What must hold after each step.
    fn look(&mut self) {
        let side = self.duo.side(self.liar.other());
        for event in &side.events[self.looked_at..] {
            let is_shown = match event {
                Event::Chat { own: false, text, .. } => {
                    assert!(!text.contains(['\u{202e}', '\0', '\r', '\u{2066}']), "it is shown as it came");
                    true
                }
                Event::File(file) if !file.own => {
                    assert!(!file.name.is_empty() && !file.name.contains(['/', '\\', '\0']), "a path");
                    true
                }
                _ => false,
            };
            assert!(!is_shown || self.was_open, "shown before G2: {event:?}");
            match event {
                Event::Gate(Gate::G2) => {
                    assert!(self.has_picked && self.has_said_match, "open without two matches");
                    assert!(!self.was_open && !self.has_ended, "open again");
                    self.was_open = true;
                }
                Event::Gate(_) | Event::Verify(_) => assert!(!self.has_ended && !self.was_open),
                Event::Media { .. } => assert!(!self.has_ended, "something of the peer after the end"),
                Event::Ended { reason, complete } => {
                    assert!(!self.has_ended, "it ends once");
                    // An END that both agree on gives its reason; without one it is not complete.
                    assert!(!matches!(reason, EndReason::Interrupted | EndReason::Denied), "{reason:?}");
                    assert!(*reason != EndReason::Abnormal || !complete, "{reason:?}");
                    self.has_ended = true;
                }
                _ => {}
            }
        }
        self.looked_at = side.events.len();
        let codes = self.duo.codes(self.liar.other());
        assert!(codes.iter().all(|code| CODES.contains(code)), "{codes:?}");
        if self.has_ended {
            assert!(!side.has_media && self.duo.gate(self.liar.other()).is_none());
        }
        for contact in side.contacts.values() {
            assert!(contact.state != VerificationState::Verified || self.was_open, "compared without two matches");
            assert!(!self.was_blocked || contact.state == VerificationState::Mismatch, "a block is lifted");
            self.was_blocked |= contact.state == VerificationState::Mismatch;
        }
    }
}

/// The one length that data of this type have.
const fn right_length(track: u8, mtype: u8) -> Option<usize> {
    match (track, mtype) {
        (0, 0x01) => Some(33),
        (0, 0x02..=0x04) => Some(1),
        (0, 0x10) => Some(5 + RK1_LEN),
        (0, 0x11) => Some(5 + RK2_LEN),
        (0, 0x12) => Some(5 + 32),
        (0, 0x13) => Some(0),
        (0, 0x14) => Some(5),
        (0, 0x30 | 0x31) => Some(241),
        (1, 0x02) => Some(8),
        (2, 0x02 | 0x03 | 0x05) => Some(16),
        (2, 0x04) => Some(40),
        _ => None,
    }
}

fn step(message: &impl Message) -> Vec<u8> {
    let Said { track, mtype, data, .. } = message.said();
    let track = [TrackId::Control, TrackId::Chat, TrackId::File].iter().position(|of| *of == track);
    let [high, low] = u16::try_from(data.len()).unwrap_or_default().to_be_bytes();
    let mut step = vec![track.unwrap_or_default() as u8, mtype, 0, high, low];
    step.extend(data);
    step
}

const fn pause(count: u8, flags: u8) -> [u8; 5] {
    [PASS_TIME, count, flags, 0, 0]
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let of = RekeyAttempt { epoch: 1, attempt: 1 };
    let end = |reason| ControlMessage::End(End { reason, tracks: [[TrackEnd { next_ctr: 1, tx: [0; 32] }; 3]; 2] });
    let id = [1; 16];
    let text = step(&ChatMessage::Text("not yet".into()));
    let offer = step(&FileMessage::Offer(FileOffer { id, size: 3, sha512: [0; 64], name: "../a".into() }));
    let chunk = step(&FileMessage::Chunk { id, offset: 0, data: vec![1, 2, 3] });
    let matches = step(&ControlMessage::SasResult(1));
    let differs = step(&ControlMessage::SasResult(0));
    let state = step(&ControlMessage::MediaState { audio: true, camera: true, screen: false });
    let rk1 = step(&ControlMessage::Rk1(of, Box::new([9; RK1_LEN])));
    let rk3 = step(&ControlMessage::Rk3(of, [3; 32]));
    let (ask, fail) = (step(&ControlMessage::RkReq), step(&ControlMessage::RkFail(of)));
    let rk2 = step(&ControlMessage::Rk2(of, Box::new([8; RK2_LEN])));
    let pick = pause(0, FROM_PERSON).to_vec();
    let stories: Vec<(u8, Vec<&[u8]>)> = vec![
        (0, vec![&text]),
        (IS_PAST_PICK, vec![&text, &offer, &matches, &chunk]),
        (1 | IS_PAST_PICK, vec![&offer, &offer]),
        (0, vec![&matches, &pick, &state, &text]),
        (1, vec![&differs, &matches, &pick]),
        (IS_OPEN, vec![&state, &text, &offer, &chunk, &rk1, &fail, &rk3]),
        (1 | IS_OPEN, vec![&ask, &fail, &rk2, &rk2, &text]),
        (IS_BEFORE_BIND, vec![&state]),
        (IS_BEFORE_BIND, vec![&text, &matches]),
    ];
    let mut seeds: Vec<Vec<u8>> =
        stories.into_iter().map(|(kind, steps)| [&[kind][..], &steps.concat()].concat()).collect();
    for (kind, reason) in [(0, 1), (IS_OPEN, 0), (IS_OPEN | 1, 1), (IS_PAST_PICK, 2)] {
        seeds.push([&[kind][..], &step(&end(reason)), &pause(200, 0)].concat());
    }
    // Three minutes, and what comes with them; a message of two parts, of which one comes; the person's own words.
    seeds.push([&[IS_OPEN][..], &pause(200, 1), &text, &ask].concat());
    seeds.push([&[IS_OPEN][..], &[1 | OWN_FLAGS, 1, 1, 0, 1, b'x'], &text].concat());
    seeds.push([&[IS_OPEN][..], &pause(0, FROM_PERSON | 1), &text, &pause(0, FROM_PERSON | 2), &text].concat());
    seeds.push([&[1][..], &pause(0, FROM_PERSON | 3), &pause(0, FROM_PERSON | 3), &matches].concat());
    seeds.push([&[IS_PAST_PICK][..], &[RIGHT_LENGTH, 0x31, 0, 0, 0], &[RIGHT_LENGTH, 0x30, 0, 0, 0]].concat());
    seeds
}
