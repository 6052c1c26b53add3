//! The scripts (PROTOCOL §12).

use std::{
    cell::{Cell as Count, RefCell},
    rc::Rc,
};

use sotto_handshake::{
    AwaitConfirm, AwaitHs2, AwaitHs3, AwaitKkHs2, CodeSecret, Forger, InviteKeys, JoinText, Params, Purpose, cpace,
    parse_join_text,
};
use sotto_identity::{IdentityKey, Secret, records::VerificationState};
use sotto_session_api::{AlertCode, Command, ContactId, Event, Gate, InviteForm};
use sotto_sim::{Between, Duo, SeededRng, Who};
use sotto_wire::{Cell, CellType, SealedPacket, VersionRange, server::MailboxId};

use crate::{
    Fallen, Script,
    cuts::{cut_end, cut_end_of_therapist, cut_middle},
    devices::{copied_device, copied_listener},
    downgrade::downgrade,
    links::{link_looks, used_link},
    middle::{CERTIFICATE, Middle},
    older::older_session,
    server::{Inside, RecordTrick, Server, Trick},
    thief::stolen_invite,
    tracks::{swapped_channels, swapped_tracks},
};

pub(crate) const BOTH: [Who; 2] = [Who::Client, Who::Therapist];
const HOST: &str = "127.0.0.1:7000";

/// Every script.
pub const SCRIPTS: &[Script] = &[
    Script { name: "known-code", play: known_code },
    Script { name: "ground-words", play: ground_words },
    Script { name: "guessed-code", play: guessed_code },
    Script { name: "broken-off-runs", play: broken_off_runs },
    Script { name: "swapped-keys", play: swapped_keys },
    Script { name: "stolen-invite", play: stolen_invite },
    Script { name: "link-looks", play: link_looks },
    Script { name: "used-link", play: used_link },
    Script { name: "replay", play: replay },
    Script { name: "older-session", play: older_session },
    Script { name: "reflection", play: reflection },
    Script { name: "reorder-drop-duplicate", play: shuffle },
    Script { name: "downgrade", play: downgrade },
    Script { name: "fingerprint-swap", play: fingerprint_swap },
    Script { name: "certificate-swap", play: certificate_swap },
    Script { name: "forged-records", play: forged_records },
    Script { name: "cut-end", play: cut_end },
    Script { name: "cut-end-of-therapist", play: cut_end_of_therapist },
    Script { name: "cut-middle", play: cut_middle },
    Script { name: "swapped-channels", play: swapped_channels },
    Script { name: "repeated-chat", play: repeated_chat },
    Script { name: "forged-sound", play: forged_sound },
    Script { name: "repeated-sound", play: repeated_sound },
    Script { name: "swapped-tracks", play: swapped_tracks },
    Script { name: "copied-profile", play: copied_profile },
    Script { name: "copied-device-in-session", play: copied_device },
    Script { name: "copied-profile-listens", play: copied_listener },
    Script { name: "impersonation-to-the-copied", play: impersonation },
];

pub(crate) fn check(holds: bool, what: impl FnOnce() -> String) -> Result<(), Fallen> {
    if holds { Ok(()) } else { Err(Fallen::Otherwise(what())) }
}

pub(crate) fn withstands(holds: bool, what: impl FnOnce() -> String) -> Result<(), Fallen> {
    if holds { Ok(()) } else { Err(Fallen::Defence(what())) }
}

/// What each script ends in: no side took a comparison for passed, and none opened the gate.
pub(crate) fn nobody_is_fooled(duo: &Duo) -> Result<(), Fallen> {
    for who in BOTH {
        withstands(duo.gate(who) != Some(Gate::G2), || format!("the gate of {who:?} is open"))?;
        let verified = duo.side(who).contacts.values().any(|contact| contact.state == VerificationState::Verified);
        withstands(!verified, || format!("{who:?} holds a compared contact"))?;
    }
    Ok(())
}

pub(crate) fn alerts(duo: &Duo) -> Vec<AlertCode> {
    let alert = |event: &Event| match event {
        Event::Alert { code, .. } => Some(*code),
        _ => None,
    };
    duo.side(Who::Therapist).events.iter().filter_map(alert).collect()
}

fn secret(text: &str) -> Result<CodeSecret, Fallen> {
    match parse_join_text(text) {
        Ok(JoinText::Code(code)) => Ok(code.secret(HOST)),
        _ => Err("not a code".into()),
    }
}

/// Two people who pick what they hear, else "none of these", and say so again when it is read again.
fn listen_and_pick(duo: &mut Duo) {
    for _ in 0..3 {
        duo.compare();
    }
}

pub(crate) fn therapist_mailbox(duo: &Duo) -> Result<MailboxId, Fallen> {
    let open = duo.side(Who::Therapist).room.open_mailboxes();
    open.first().copied().map(MailboxId).ok_or_else(|| "the therapist listens nowhere".into())
}

/// The server knows the code and sits in between from the first cell to the words.
fn known_code(seed: u64) -> Result<(), Fallen> {
    let mut duo = Duo::new(seed);
    let (at_therapist, text) = duo.invite(InviteForm::Code);
    duo.put_between(Middle::new(secret(&text)?, SeededRng::new(!seed)));
    duo.lie_about_certificate(CERTIFICATE);
    duo.command(Who::Client, Command::JoinInvite(text));
    duo.run_for(3_000);
    duo.admit(at_therapist);
    let cards = BOTH.map(|who| duo.card(who));
    let [Some(client), Some(therapist)] = &cards else {
        return Err(format!("the middle did not come to the words: {:?}", BOTH.map(|who| duo.codes(who))).into());
    };
    withstands(client.fingerprint != therapist.fingerprint, || "both see the same two keys".into())?;
    listen_and_pick(&mut duo);
    nobody_is_fooled(&duo)?;
    check(alerts(&duo).contains(&AlertCode::Mismatch), || "the therapist saw no mismatch".into())
}

/// The server knows the code and opens its commitment to the therapist last, with a nonce by which the therapist hears the
/// very words that the client reads.
fn ground_words(seed: u64) -> Result<(), Fallen> {
    let mut duo = Duo::new(seed);
    let (at_therapist, text) = duo.invite(InviteForm::Code);
    duo.put_between(Middle::grinding(secret(&text)?, SeededRng::new(!seed)));
    duo.lie_about_certificate(CERTIFICATE);
    duo.command(Who::Client, Command::JoinInvite(text));
    duo.run_for(3_000);
    duo.admit(at_therapist);
    listen_and_pick(&mut duo);
    nobody_is_fooled(&duo)?;
    check(duo.card(Who::Therapist).is_none(), || "the therapist came to the words".into())?;
    withstands(duo.side(Who::Therapist).contacts.is_empty(), || "a false commitment was pinned".into())
}

/// Whoever is inside DTLS changes sound on its way, sends it back and swaps it between the two.
fn forged_sound(seed: u64) -> Result<(), Fallen> {
    let mut duo = Duo::new(seed);
    duo.open_session(InviteForm::Code);
    let mut rng = SeededRng::new(!seed);
    let sent = Rc::new(Count::new(0_u64));
    let count = sent.clone();
    duo.tamper_with_media(move |from, packet| {
        count.set(count.get() + 1);
        let mut forged: Vec<(Who, SealedPacket)> = Vec::new();
        for _ in 0..4 {
            let mut changed = packet.clone();
            let mut bytes = changed.bytes.to_vec();
            match rng.below(4) {
                0 => bytes[rng.below(packet.bytes.len() as u64) as usize] ^= 1 << rng.below(8),
                1 => changed.rtp_timestamp = changed.rtp_timestamp.wrapping_add(960),
                2 => changed.marker = !changed.marker,
                _ => bytes.truncate(rng.below(packet.bytes.len() as u64) as usize),
            }
            changed.bytes = bytes.into();
            forged.push((from.other(), changed));
        }
        forged.push((from, packet.clone()));
        forged.push((from.other(), packet));
        forged
    });
    duo.media_every_ms = 200;
    duo.run_for(40_000);
    let opened: u64 = BOTH.iter().map(|who| duo.side(*who).packets_opened).sum();
    check(sent.get() > 300, || format!("{} packets were sent", sent.get()))?;
    withstands(opened <= sent.get() + 2, || format!("{opened} packets were opened of {}", sent.get()))?;
    check(opened + 2 >= sent.get(), || format!("the real ones were lost: {opened} of {}", sent.get()))
}

/// Whoever is inside DTLS sends sound again, at once and later.
fn repeated_sound(seed: u64) -> Result<(), Fallen> {
    let mut duo = Duo::new(seed);
    duo.open_session(InviteForm::Code);
    let mut rng = SeededRng::new(!seed);
    let sent = Rc::new(Count::new(0_u64));
    let count = sent.clone();
    let mut kept: Vec<(Who, SealedPacket)> = Vec::new();
    let before: u64 = BOTH.iter().map(|who| duo.side(*who).packets_opened).sum();
    duo.tamper_with_media(move |from, packet| {
        count.set(count.get() + 1);
        kept.push((from.other(), packet.clone()));
        let old = kept[rng.below(kept.len() as u64) as usize].clone();
        vec![(from.other(), packet.clone()), (from.other(), packet), old]
    });
    duo.media_every_ms = 200;
    duo.run_for(20_000);
    let opened: u64 = BOTH.iter().map(|who| duo.side(*who).packets_opened).sum::<u64>() - before;
    check(sent.get() > 150, || format!("{} packets were sent", sent.get()))?;
    withstands(opened <= sent.get(), || format!("{opened} packets were heard of {}", sent.get()))?;
    check(opened == sent.get(), || format!("the real ones were lost: {opened} of {}", sent.get()))
}

/// The server guesses the code.
fn guessed_code(seed: u64) -> Result<(), Fallen> {
    let mut duo = Duo::new(seed);
    let (_, text) = duo.invite(InviteForm::Code);
    let mut rng = SeededRng::new(!seed);
    let nameplate = text.split('-').next().unwrap_or_default();
    let guess = CodeSecret::new(Secret::new((rng.next() as u32).to_be_bytes()), nameplate, HOST);
    duo.put_between(Middle::new(guess, rng));
    duo.command(Who::Client, Command::JoinInvite(text));
    duo.run_for(120_000);
    let wrong = alerts(&duo).iter().any(|code| matches!(code, AlertCode::WrongCode { .. }));
    check(wrong, || "the therapist was not told of a wrong code".into())?;
    withstands(duo.waiting().is_none(), || "the client waits".into())?;
    withstands(BOTH.iter().all(|who| duo.side(*who).contacts.is_empty()), || "a key was pinned".into())?;
    nobody_is_fooled(&duo)
}

/// Plays the client up to HS2, which is enough to know the words, and never further.
struct BreaksOff {
    own: IdentityKey,
    rng: SeededRng,
    asked: Rc<RefCell<Option<cpace::Initiator>>>,
    state: Option<AwaitHs2>,
    words: Rc<Count<u32>>,
}

impl Between for BreaksOff {
    fn cell(&mut self, from: Who, mailbox: MailboxId, cell: &Cell, _: u64) -> Option<Vec<(Who, Cell)>> {
        if from == Who::Client {
            return Some(Vec::new());
        }
        match cell.cell_type() {
            Some(CellType::Pa2) => {
                let (psk0, context) = self.asked.borrow_mut().take()?.finish(cell).ok()?;
                let version = VersionRange::OURS.max;
                let params = Params::initiator(Purpose::Code { context }, mailbox.0, psk0, version);
                let (state, hs1) = AwaitHs2::start(params, &self.own, None, &mut self.rng);
                self.state = Some(state);
                Some(vec![(from, hs1)])
            }
            Some(CellType::Hs2) => {
                let (_, established) = self.state.take()?.read(cell).ok()?.finish().ok()?;
                let _ = established.session_words().own_words();
                self.words.set(self.words.get() + 1);
                Some(Vec::new())
            }
            _ => Some(Vec::new()),
        }
    }
}

/// The server knows the code, looks at the therapist's words and breaks off, again and again.
fn broken_off_runs(seed: u64) -> Result<(), Fallen> {
    let mut duo = Duo::new(seed);
    let (_, text) = duo.invite(InviteForm::Code);
    let code = secret(&text)?;
    let mut rng = SeededRng::new(!seed);
    let (asked, words) = (Rc::new(RefCell::new(None)), Rc::new(Count::new(0)));
    let own = IdentityKey::generate(&mut rng);
    let rng_of_server = rng.clone();
    duo.put_between(BreaksOff {
        own,
        rng: rng_of_server,
        asked: Rc::clone(&asked),
        state: None,
        words: Rc::clone(&words),
    });
    let mailbox = therapist_mailbox(&duo)?;
    // Both after each run is over and, on odd seeds, much faster than runs end.
    let (tries, wait_ms) = if seed & 1 == 0 { (12, 22_000) } else { (90, 2_000) };
    for _ in 0..tries {
        let (run, pa1) = cpace::Initiator::start(&code, &mailbox.0, &mut rng);
        *asked.borrow_mut() = Some(run);
        duo.inject(Who::Therapist, mailbox, pa1);
        duo.run_for(wait_ms);
    }
    check(words.get() > 0, || "no words were seen".into())?;
    withstands(words.get() <= 5, || format!("{} looks at the words of one code", words.get()))?;
    check(alerts(&duo).contains(&AlertCode::Burned), || "the code was not burned".into())?;
    check(alerts(&duo).contains(&AlertCode::BrokenOff { n: 1, of: 5 }), || "the first look was not said".into())?;
    nobody_is_fooled(&duo)
}

/// Holds the text of a link and answers the client as the therapist, with a key of its own.
struct HoldsLink {
    keys: InviteKeys,
    versions: VersionRange,
    own: IdentityKey,
    rng: SeededRng,
    /// HS1 that it took.
    taken: Rc<Count<u32>>,
    /// HS3 that it saw.
    finished: Rc<Count<u32>>,
}

impl Between for HoldsLink {
    fn cell(&mut self, from: Who, mailbox: MailboxId, cell: &Cell, _: u64) -> Option<Vec<(Who, Cell)>> {
        match (from, cell.cell_type()) {
            (Who::Client, Some(CellType::Hs1)) => {
                count(&self.taken);
                let purpose = Purpose::Invite { context: self.keys.context };
                let params = Params::responder(purpose, mailbox.0, self.keys.psk0.clone(), cell);
                let params = params.with_printed(self.versions);
                let (_, hs2) = AwaitHs3::respond(params, &self.own, cell, None, &mut self.rng).ok()?;
                Some(vec![(from, hs2)])
            }
            (Who::Client, Some(CellType::Hs3)) => {
                count(&self.finished);
                Some(Vec::new())
            }
            _ => None,
        }
    }
}

/// The server read the link and answers as the therapist, with a key of its own.
fn swapped_keys(seed: u64) -> Result<(), Fallen> {
    let mut duo = Duo::new(seed);
    let (_, text) = duo.invite(InviteForm::Link);
    let Ok(JoinText::Invite(invite)) = parse_join_text(&text) else { return Err("not a link".into()) };
    let mut rng = SeededRng::new(!seed);
    let own = IdentityKey::generate(&mut rng);
    let [taken, finished] = [0; 2].map(|none| Rc::new(Count::new(none)));
    let (keys, versions) = (invite.keys(), invite.versions());
    duo.put_between(HoldsLink { keys, versions, own, rng, taken: Rc::clone(&taken), finished: Rc::clone(&finished) });
    duo.command(Who::Client, Command::JoinInvite(text));
    duo.run_for(60_000);
    check(taken.get() > 0, || "no HS1 came".into())?;
    withstands(finished.get() == 0, || "the client revealed its key".into())?;
    check(duo.codes(Who::Client).contains(&"E_IDHASH"), || format!("{:?}", duo.codes(Who::Client)))?;
    withstands(duo.side(Who::Client).contacts.is_empty(), || "the client pinned a key".into())?;
    nobody_is_fooled(&duo)
}

/// Whoever is compared or let in is the other side: both hold the same handshake.
pub(crate) fn nobody_else_got_in(duo: &Duo) -> Result<(), Fallen> {
    let psks = BOTH.map(|who| {
        let contacts = duo.side(who).contacts.values();
        contacts.map(|contact| (*contact.psk.expose(), contact.state)).collect::<Vec<_>>()
    });
    for (own, other) in [(&psks[0], &psks[1]), (&psks[1], &psks[0])] {
        for (psk, _) in own.iter().filter(|(_, state)| *state == VerificationState::Verified) {
            withstands(other.iter().any(|(held, _)| held == psk), || "a compared contact is somebody else".into())?;
        }
    }
    if let [Some(client), Some(therapist)] = BOTH.map(|who| duo.card(who)) {
        withstands(client.fingerprint == therapist.fingerprint, || "two sessions".into())?;
        withstands(client.candidates.contains(&therapist.words), || "other words".into())?;
    }
    Ok(())
}

fn play_server(duo: &mut Duo, trick: Trick, seed: u64) -> Rc<Count<u32>> {
    let count = Rc::new(Count::new(0));
    let rng = SeededRng::new(!seed);
    duo.put_between(Server { trick, rng, old: Vec::new(), count: Rc::clone(&count) });
    count
}

pub(crate) const fn form(seed: u64) -> InviteForm {
    if seed & 1 == 0 { InviteForm::Code } else { InviteForm::Link }
}

/// As far as the server lets them: in, compared, and chatting.
pub(crate) fn try_to_meet(duo: &mut Duo, at_therapist: ContactId, text: String) -> Result<(), Fallen> {
    duo.command(Who::Client, Command::JoinInvite(text));
    duo.run_for(60_000);
    duo.admit(at_therapist);
    duo.run_for(20_000);
    nobody_else_got_in(duo)?;
    listen_and_pick(duo);
    nobody_else_got_in(duo)
}

/// A first session under a trick that must not stop it: what comes again is not taken again.
fn must_open(seed: u64, trick: Trick) -> Result<(), Fallen> {
    let mut duo = Duo::new(seed);
    let (at_therapist, text) = duo.invite(form(seed));
    let count = play_server(&mut duo, trick, seed);
    try_to_meet(&mut duo, at_therapist, text)?;
    check(count.get() > 0, || "nothing was changed".into())?;
    check(BOTH.iter().all(|who| duo.gate(*who) == Some(Gate::G2)), || {
        format!("the session did not open: {:?}", BOTH.map(|who| duo.codes(who)))
    })
}

/// Every cell is followed or led by an old one: the session opens all the same.
fn replay(seed: u64) -> Result<(), Fallen> {
    must_open(seed, Trick::Replay)
}

/// Every cell comes back to its sender.
fn reflection(seed: u64) -> Result<(), Fallen> {
    must_open(seed, Trick::Reflect)
}

/// Cells are lost, doubled and late.
fn shuffle(seed: u64) -> Result<(), Fallen> {
    let mut duo = Duo::new(seed);
    let (at_therapist, text) = duo.invite(form(seed));
    let count = play_server(&mut duo, Trick::Shuffle, seed);
    try_to_meet(&mut duo, at_therapist, text)?;
    check(count.get() > 0, || "nothing was changed".into())
}

/// The server changes the sealed records that carry the certificates, once both wait.
fn fingerprint_swap(seed: u64) -> Result<(), Fallen> {
    let mut duo = Duo::new(seed);
    let (at_therapist, text) = duo.invite(form(seed));
    duo.join(&text);
    let count = play_server(&mut duo, Trick::Signalling, seed);
    duo.admit(at_therapist);
    duo.run_for(60_000);
    check(count.get() > 0, || "nothing was changed".into())?;
    withstands(BOTH.iter().all(|who| duo.card(*who).is_none()), || "somebody was asked to compare".into())?;
    nobody_is_fooled(&duo)
}

/// The relay ends DTLS itself, with its own certificate.
fn certificate_swap(seed: u64) -> Result<(), Fallen> {
    let mut duo = Duo::new(seed);
    let (at_therapist, text) = duo.invite(form(seed));
    duo.join(&text);
    let mut certificate = [0; 32];
    rand_core::Rng::fill_bytes(&mut SeededRng::new(!seed), &mut certificate);
    duo.lie_about_certificate(certificate);
    duo.admit(at_therapist);
    duo.run_for(5_000);
    withstands(BOTH.iter().all(|who| duo.card(*who).is_none()), || "somebody was asked to compare".into())?;
    check(BOTH.iter().any(|who| duo.codes(*who).contains(&"E_FP")), || "E_FP was not said".into())?;
    nobody_is_fooled(&duo)
}

fn play_inside(duo: &mut Duo, trick: RecordTrick, seed: u64) -> Rc<Count<u32>> {
    let count = Rc::new(Count::new(0));
    duo.put_between(Inside { trick, rng: SeededRng::new(!seed), count: Rc::clone(&count) });
    count
}

/// Somebody opened DTLS and changes, reflects or repeats records, from the binding on.
fn forged_records(seed: u64) -> Result<(), Fallen> {
    let trick = [RecordTrick::Flip, RecordTrick::Reflect, RecordTrick::Repeat][(seed % 3) as usize];
    let mut duo = Duo::new(seed);
    let (at_therapist, text) = duo.invite(InviteForm::Code);
    duo.join(&text);
    let count = play_inside(&mut duo, trick, seed);
    duo.admit(at_therapist);
    duo.run_for(5_000);
    nobody_else_got_in(&duo)?;
    listen_and_pick(&mut duo);
    check(count.get() > 0, || "nothing was sent".into())?;
    nobody_else_got_in(&duo)?;
    if trick == RecordTrick::Flip { nobody_is_fooled(&duo) } else { Ok(()) }
}

/// Somebody inside DTLS repeats what is said in the session: nothing is read twice.
fn repeated_chat(seed: u64) -> Result<(), Fallen> {
    let mut duo = Duo::new(seed);
    duo.open_session(form(seed));
    check(duo.gate(Who::Client) == Some(Gate::G2), || "no session".into())?;
    let count = play_inside(&mut duo, RecordTrick::Repeat, seed);
    duo.command(Who::Client, Command::Chat("once".into()));
    duo.run_for(2_000);
    check(count.get() > 0, || "nothing was repeated".into())?;
    let is_read = |event: &&Event| matches!(event, Event::Chat { own: false, .. });
    let read = duo.side(Who::Therapist).events.iter().filter(is_read).count();
    withstands(read <= 1, || format!("one message was read {read} times"))?;
    check(read == 1, || "the message was not read".into())
}

/// Somebody uses a copy of one side's whole profile, the passphrase included; then its owner comes.
fn copied_profile(seed: u64) -> Result<(), Fallen> {
    let copied = BOTH[(seed & 1) as usize];
    let mut duo = Duo::new(seed);
    let [at_client, _] = duo.open_session(form(seed >> 1));
    duo.command(Who::Client, Command::End);
    duo.run_for(5_000);
    let before = BOTH.map(|who| duo.side(who).contacts.clone());
    let meet = |disks: [_; 2], chance| {
        let mut duo = Duo::resumed(seed, disks, chance);
        duo.command(Who::Therapist, Command::Listen(None));
        duo.command(Who::Client, Command::JoinContact(at_client));
        duo.run_for(3_000);
        let lost = |event: &Event| matches!(event, Event::Alert { code: AlertCode::ContinuityLost, .. });
        let told = BOTH.map(|who| duo.side(who).events.iter().any(lost));
        (BOTH.map(|who| duo.side(who).contacts.clone()), told)
    };
    let (mut disks, told) = meet(before.clone(), seed ^ 0xC09);
    check(told == [false; 2], || "the copy was noticed at its first use".into())?;
    disks[copied as usize].clone_from(&before[copied as usize]);
    let (after, told) = meet(disks, seed ^ 0x09E);
    withstands(told == [true; 2], || format!("a copy of {copied:?} was used, and told were {told:?}"))?;
    let compared = after.iter().flat_map(|disk| disk.values()).any(|held| held.state == VerificationState::Verified);
    withstands(!compared, || "the contact still counts as compared".into())
}

/// What became of impersonations.
#[derive(Default)]
struct Impersonations {
    /// HS1 or HS2 that were forged.
    tried: Count<u32>,
    /// Forged HS1 that the therapist answered.
    answered: Count<u32>,
    /// Handshakes that the deceived side took for finished: a CONFIRM of the client, an ACK of the therapist.
    through: Count<u32>,
}

/// HS1 that are forged for each mailbox of the therapist.
const HS1_PER_MAILBOX: u32 = 3;

/// Adds one.
fn count(number: &Count<u32>) {
    number.set(number.get() + 1);
}

/// Pretends to one side to be the other one, by all that can be computed from what it has stolen.
struct Impersonator {
    forger: Forger,
    psk: Secret<32>,
    to_client: bool,
    rng: SeededRng,
    /// HS1 of its own that has no answer yet.
    sent: Rc<RefCell<Option<AwaitKkHs2>>>,
    became: Rc<Impersonations>,
}

impl Between for Impersonator {
    fn cell(&mut self, from: Who, mailbox: MailboxId, cell: &Cell, _: u64) -> Option<Vec<(Who, Cell)>> {
        let forged = match (from, cell.cell_type()) {
            (Who::Client, Some(CellType::Hs1)) if self.to_client => {
                count(&self.became.tried);
                let params = Params::responder(Purpose::Pinned, mailbox.0, self.psk.clone(), cell);
                AwaitConfirm::forge(&params, &self.forger, cell, None, &mut self.rng).into_iter().collect()
            }
            (Who::Therapist, Some(CellType::Hs2)) if !self.to_client => {
                count(&self.became.answered);
                let sent = self.sent.borrow_mut().take();
                sent.and_then(|sent| sent.confirm_unread(cell, &mut self.rng).ok()).unwrap_or_default()
            }
            (Who::Client, Some(CellType::Sig)) if self.to_client => {
                count(&self.became.through);
                Vec::new()
            }
            (Who::Therapist, Some(CellType::Sig)) if !self.to_client => {
                count(&self.became.through);
                Vec::new()
            }
            _ => Vec::new(),
        };
        Some(forged.into_iter().map(|cell| (from, cell)).collect())
    }
}

/// Key compromise impersonation: who has copied one side's whole profile is still not the other side to it. With the
/// therapist's key its HS1 is answered, and ends at CONFIRM; with the client's no HS2 is taken; with neither, no HS1. With
/// the other side's very key, as a control, the same steps get through.
fn impersonation(seed: u64) -> Result<(), Fallen> {
    let (to_client, is_control) = (seed & 1 == 0, seed.is_multiple_of(5));
    let is_stolen = seed >> 3 & 1 == 0;
    let mut duo = Duo::new(seed);
    let [at_client, at_therapist] = duo.open_session(form(seed >> 1));
    duo.command(Who::Client, Command::End);
    duo.run_for(5_000);
    let mut rng = SeededRng::new(!seed);
    let record = duo.side(Who::Client).contacts[&at_client.0].clone();
    let (Some(client), Some(therapist)) = (record.own_key(None), duo.side(Who::Therapist).identity().cloned()) else {
        return Err("keys are missing".into());
    };
    let (victim, other) = if to_client { (&client, &therapist) } else { (&therapist, &client) };
    let held: &[&IdentityKey] = match () {
        () if is_control => &[other],
        () if is_stolen => &[victim],
        () => &[],
    };
    let forger = Forger::new(*other.public(), *victim.public(), held);
    let (sent, became) = (Rc::default(), Rc::<Impersonations>::default());
    let between = Impersonator {
        forger: forger.clone(),
        psk: record.psk.clone(),
        to_client,
        rng: rng.clone(),
        sent: Rc::clone(&sent),
        became: Rc::clone(&became),
    };
    duo.command(Who::Therapist, Command::Listen(None));
    let told = BOTH.map(|who| duo.side(who).events.len());
    duo.put_between(between);
    if to_client {
        duo.command(Who::Client, Command::JoinContact(at_client));
        duo.run_for(30_000);
    } else {
        duo.run_for(1_000);
        for mailbox in duo.side(Who::Therapist).room.open_mailboxes() {
            for _ in 0..HS1_PER_MAILBOX {
                let params = Params::initiator(Purpose::Pinned, mailbox, record.psk.clone(), VersionRange::OURS.max);
                let (state, hs1) = AwaitKkHs2::forge(params, &forger, &mut rng);
                count(&became.tried);
                *sent.borrow_mut() = Some(state);
                duo.inject(Who::Therapist, MailboxId(mailbox), hs1);
                duo.run_for(2_000);
            }
        }
    }
    let Impersonations { tried, answered, through } = &*became;
    check(tried.get() > 0, || "nothing was tried".into())?;
    if is_control {
        return check(through.get() > 0, || "not even the real key gets through: the script proves nothing".into());
    }
    withstands(through.get() == 0, || format!("{} handshakes without the other's key", through.get()))?;
    if !to_client && is_stolen {
        // The mailbox of a used link is open as well, and answers no HS1 of a pinned contact.
        let all = answered.get() > 0 && answered.get().is_multiple_of(HS1_PER_MAILBOX);
        check(all, || format!("of {} HS1 {} were answered: not all was computed", tried.get(), answered.get()))?;
    } else {
        withstands(answered.get() == 0, || format!("{} HS1 without either key were answered", answered.get()))?;
    }
    let met = |event: &Event| matches!(event, Event::Waiting(_) | Event::PeerWaiting { .. });
    let deceived = BOTH.iter().zip(told).any(|(who, told)| duo.side(*who).events[told..].iter().any(met));
    withstands(!deceived, || "somebody waits with an impersonator".into())?;
    let known =
        duo.side(Who::Therapist).contacts.len() == 1 && duo.side(Who::Therapist).contacts.contains_key(&at_therapist.0);
    withstands(known, || "contacts have changed".into())
}
