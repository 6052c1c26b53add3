//! Scripts of somebody inside DTLS who presents what goes on one track as if it went on another, in both directions.

use std::{cell::Cell as Count, rc::Rc};

use sotto_session_api::{Command, EndReason, Event, Gate};
use sotto_sim::{Between, Duo, SeededRng, Who};
use sotto_wire::{Codec, SealedPacket, SealedRecord, TrackId};

use crate::{
    Fallen,
    cuts::read,
    scripts::{BOTH, alerts, check, form, withstands},
};

const CODECS: [Codec; 3] = [Codec::Opus, Codec::H264, Codec::Av1];
const MEDIA: [TrackId; 4] = [TrackId::Audio, TrackId::Camera, TrackId::Screen, TrackId::ScreenAudio];
const DATA: [TrackId; 3] = [TrackId::Control, TrackId::Chat, TrackId::File];

/// Each packet also comes on every other track, to both sides, before its own place or after; some come there only.
pub(crate) fn swapped_tracks(seed: u64) -> Result<(), Fallen> {
    let mut duo = Duo::new(seed);
    duo.open_session(form(seed));
    check(BOTH.iter().all(|who| duo.gate(*who) == Some(Gate::G2)), || "no session".into())?;
    let mut rng = SeededRng::new(!seed);
    // Packets that went their own way too, of all and of the camera; and those that were shown elsewhere.
    let [passed, pictures, shown] = [0; 3].map(|none: u64| Rc::new(Count::new(none)));
    let counts = [Rc::clone(&passed), Rc::clone(&pictures), Rc::clone(&shown)];
    let before = opened(&duo);
    duo.tamper_with_media(move |from, packet| {
        let [passed, pictures, shown] = &counts;
        let own = packet.track;
        let mut arriving: Vec<(Who, SealedPacket)> = Vec::new();
        for track in MEDIA.into_iter().filter(|track| *track != own) {
            let codec = if rng.below(2) == 0 { packet.codec } else { CODECS[rng.below(3) as usize] };
            let swapped = SealedPacket { track, codec, ..packet.clone() };
            arriving.extend([(from.other(), swapped.clone()), (from, swapped)]);
            shown.set(shown.get() + 2);
        }
        if rng.below(4) > 0 {
            passed.set(passed.get() + 1);
            pictures.set(pictures.get() + u64::from(own == TrackId::Camera));
            let at = rng.below(arriving.len() as u64 + 1) as usize;
            arriving.insert(at, (from.other(), packet));
        }
        arriving
    });
    duo.has_camera = true;
    duo.media_every_ms = 200;
    duo.run_for(20_000);
    let [all, camera] = [0, 1].map(|at| opened(&duo)[at] - before[at]);
    let (passed, pictures) = (passed.get(), pictures.get());
    check(shown.get() > 1_500 && pictures > 100 && passed > pictures + 100, || {
        format!("{} packets were shown elsewhere, {passed} passed, {pictures} of them pictures", shown.get())
    })?;
    withstands(all <= passed && camera <= pictures, || {
        format!("{all} packets were opened of {passed}, and {camera} pictures of {pictures}")
    })?;
    check([all, camera] == [passed, pictures], || format!("the real ones were lost: {all} of {passed}"))
}

/// Packets that both sides opened, of all tracks and of the camera.
fn opened(duo: &Duo) -> [u64; 2] {
    let sides = BOTH.map(|who| duo.side(who));
    [sides.iter().map(|side| side.packets_opened).sum(), sides.iter().map(|side| side.camera_opened).sum()]
}

/// Somebody inside DTLS who shows each record on the other channels too.
struct Swaps {
    rng: SeededRng,
    shown: Rc<Count<u32>>,
}

impl Between for Swaps {
    fn record(&mut self, from: Who, record: SealedRecord) -> Vec<(Who, SealedRecord)> {
        let mut arriving = Vec::new();
        for track in DATA.into_iter().chain(MEDIA).filter(|track| *track != record.track) {
            let swapped = SealedRecord { track, bytes: record.bytes.clone() };
            arriving.extend([(from.other(), swapped.clone()), (from, swapped)]);
            self.shown.set(self.shown.get() + 2);
        }
        let at = self.rng.below(arriving.len() as u64 + 1) as usize;
        arriving.insert(at, (from.other(), record));
        arriving
    }
}

/// From the binding on, or once the session is open, each record comes on every other channel as well, in both directions:
/// nothing of it is taken, and the session goes on to a whole end.
pub(crate) fn swapped_channels(seed: u64) -> Result<(), Fallen> {
    let mut duo = Duo::new(seed);
    let (at_therapist, text) = duo.invite(form(seed));
    duo.join(&text);
    let shown = Rc::new(Count::new(0));
    let swaps = Swaps { rng: SeededRng::new(!seed), shown: Rc::clone(&shown) };
    let is_early = seed >> 1 & 1 == 0;
    if is_early {
        duo.put_between(swaps);
        duo.admit(at_therapist);
        duo.compare();
    } else {
        duo.admit(at_therapist);
        duo.compare();
        duo.put_between(swaps);
    }
    let gates = BOTH.map(|who| duo.gate(who));
    check(gates == [Some(Gate::G2); 2], || format!("the session did not open: {:?}", BOTH.map(|who| duo.codes(who))))?;
    for n in 0..3 {
        for who in BOTH {
            duo.command(who, Command::Chat(format!("{who:?} {n}")));
            duo.run_for(700);
        }
    }
    // A rekey changes the keys of all channels.
    if seed >> 2 & 1 == 1 {
        duo.run_for(200_000);
    }
    duo.command(BOTH[(seed >> 3 & 1) as usize], Command::End);
    duo.run_for(10_000);
    check(shown.get() > 50, || format!("{} records were shown elsewhere", shown.get()))?;
    for who in BOTH {
        let expected: Vec<String> = (0..3).map(|n| format!("{:?} {n}", who.other())).collect();
        let read = read(&duo, who);
        withstands(read.len() <= expected.len(), || format!("{who:?} read {read:?}"))?;
        check(read == expected, || format!("{who:?} read {read:?}"))?;
        let whole = Event::Ended { reason: EndReason::Normal, complete: true };
        check(duo.side(who).events.contains(&whole), || format!("no whole end: {:?}", duo.codes(who)))?;
    }
    check(alerts(&duo).is_empty(), || format!("{:?}", alerts(&duo)))
}
