//! A thief of a link, who comes in the client's place before the client and goes on to the words.

use std::{cell::RefCell, rc::Rc};

use sotto_handshake::{AwaitHs2, Established, JoinText, Params, Purpose, parse_join_text};
use sotto_identity::{IdentityKey, records::VerificationState};
use sotto_session_api::{AlertCode, Command, Event, Gate, InviteForm, Pick};
use sotto_sim::{Between, Duo, SeededRng, ServerReport, Who};
use sotto_wire::{
    Cell, CellType, Role, SealedRecord, SigMessage, VersionRange,
    record::ControlMessage,
    server::{MailboxId, PeerEvent, TurnCredentials},
    sig::{Description, Policy, Setup, TrackSsrc},
};

use crate::{
    Fallen,
    middle::Leg,
    scripts::{alerts, check, nobody_is_fooled, therapist_mailbox, withstands},
};

/// The certificate of the thief.
const CERTIFICATE: [u8; 32] = [0x7E; 32];

/// When the real client comes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comes {
    /// First, but the server holds HS1 back until the thief's is through.
    HeldBack,
    /// While the thief waits.
    BeforeAdmit,
    /// While the therapist looks at the words.
    AtTheWords,
    /// When the therapist has picked.
    Afterwards,
}

/// How far the thief is.
enum State {
    Idle,
    AwaitHs2(Box<AwaitHs2>),
    AwaitAck(Box<Established>),
    Up(Box<Leg>),
}

/// Plays the client to the therapist, and lets everything else pass.
struct Thief {
    state: State,
    /// Goes out in place of the client's first one.
    hs1: Option<Cell>,
    /// The therapist's.
    certificate: [u8; 32],
    /// What it would read aloud, once it is let on.
    words: Rc<RefCell<Option<[&'static str; 3]>>>,
}

impl Thief {
    /// By the link alone, with a key of its own.
    fn new(text: &str, mailbox: MailboxId, mut rng: SeededRng) -> Result<Self, Fallen> {
        let Ok(JoinText::Invite(invite)) = parse_join_text(text) else { return Err("not a link".into()) };
        let keys = invite.keys();
        let purpose = Purpose::Invite { context: keys.context };
        let params = Params::initiator(purpose, mailbox.0, keys.psk0, VersionRange::OURS.max);
        let own = IdentityKey::generate(&mut rng);
        let (state, hs1) =
            AwaitHs2::start(params.with_printed(invite.versions()), &own, Some(invite.idhash()), &mut rng);
        let state = State::AwaitHs2(Box::new(state));
        Ok(Self { state, hs1: Some(hs1), certificate: [0; 32], words: Rc::default() })
    }

    /// What the thief says to a cell of the therapist; `None` where it is none of its own.
    fn hears(&mut self, cell: &Cell, now_ms: u64) -> Option<Vec<Cell>> {
        let (state, cells) = match (core::mem::replace(&mut self.state, State::Idle), cell.cell_type()?) {
            (State::AwaitHs2(state), CellType::Hs2) => {
                let (hs3, established) = state.read(cell).ok()?.finish().ok()?;
                (State::AwaitAck(Box::new(established)), Some(vec![hs3]))
            }
            (State::AwaitAck(mut established), CellType::Sig) => match established.read_ack(cell, now_ms) {
                Ok(true) => {
                    *self.words.borrow_mut() = Some(established.session_words().own_words());
                    let mut leg = Leg::new(*established, Role::Initiator);
                    let policy = leg.sig.seal(&SigMessage::Policy(Policy { ice: 0, compare: 0, caps: 0, held: 0 }));
                    (State::Up(Box::new(leg)), Some(policy))
                }
                _ => (State::AwaitAck(established), Some(Vec::new())),
            },
            (State::Up(mut leg), CellType::Sig) => {
                let message = leg.sig.receive(cell, now_ms).ok().and_then(|received| received.message);
                let mut cells: Vec<Cell> = core::iter::from_fn(|| leg.sig.poll(now_ms)).collect();
                match message {
                    Some(SigMessage::Admit) => cells.extend(leg.sig.seal(&SigMessage::Offer(offer()))),
                    Some(SigMessage::Answer(answer)) => self.certificate = answer.fingerprint,
                    _ => {}
                }
                (State::Up(leg), Some(cells))
            }
            (state, _) => (state, None),
        };
        self.state = state;
        cells
    }
}

fn offer() -> Description {
    Description {
        fingerprint: CERTIFICATE,
        setup: Setup::ActPass,
        ufrag: "abcd".into(),
        pwd: "abcdefghijklmnopqrstuv".into(),
        tracks: [(1, 0), (2, 3), (4, 5)].map(|(ssrc, rtx_ssrc)| TrackSsrc { ssrc, rtx_ssrc }),
        payload_types: vec![111, 102, 103],
    }
}

impl Between for Thief {
    fn cell(&mut self, from: Who, _: MailboxId, cell: &Cell, now_ms: u64) -> Option<Vec<(Who, Cell)>> {
        let cells = match (from, cell.cell_type()) {
            (Who::Therapist, _) => self.hears(cell, now_ms)?,
            (Who::Client, Some(CellType::Hs1)) => vec![self.hs1.take()?],
            (Who::Client, _) => return None,
        };
        Some(cells.into_iter().map(|cell| (Who::Therapist, cell)).collect())
    }

    /// The therapist's transport is connected to the thief, who proves its certificate and says that the words match.
    fn record(&mut self, from: Who, record: SealedRecord) -> Vec<(Who, SealedRecord)> {
        let State::Up(leg) = &mut self.state else { return Vec::new() };
        let Ok(Some(message)) = leg.opener.open(&record) else { return Vec::new() };
        let is_bind = matches!(
            ControlMessage::decode(message.mtype, &message.data),
            Ok(Some(ControlMessage::TransportBind { .. }))
        );
        let said = [
            ControlMessage::TransportBind { role: 0, bind: leg.bind.value(&CERTIFICATE, &self.certificate) },
            ControlMessage::SasResult(1),
        ];
        let said = said.iter().filter(|_| is_bind);
        let records =
            said.flat_map(|said| leg.sealer.seal(message.track, said.mtype(), &said.encode_data()).unwrap_or_default());
        records.map(|record| (from, record)).collect()
    }
}

/// What the server gives for a relay, though it has not seen two sides.
fn relay() -> TurnCredentials {
    let urls = vec!["turn:127.0.0.1:3478?transport=udp".into()];
    TurnCredentials { expiry: u32::MAX, username: "user".into(), password: "pass".into(), urls }
}

/// The real client uses the link, which is used: both are told, and the client gets nowhere.
fn client_comes(duo: &mut Duo, text: String) {
    duo.command(Who::Client, Command::JoinInvite(text));
    duo.run_for(5_000);
}

/// Somebody else uses the link first and is let in by a therapist who suspects nothing. The real client is refused and both
/// are told; nobody in whose voice the therapist hears the client has the words, so nothing is compared. As a control the
/// therapist takes the thief's own voice for the client's.
pub(crate) fn stolen_invite(seed: u64) -> Result<(), Fallen> {
    let comes = [Comes::HeldBack, Comes::BeforeAdmit, Comes::AtTheWords, Comes::Afterwards][(seed % 4) as usize];
    let is_control = seed / 4 % 4 == 3;
    let mut duo = Duo::new(seed);
    let (at_therapist, text) = duo.invite(InviteForm::Link);
    let mailbox = therapist_mailbox(&duo)?;
    let mut thief = Thief::new(&text, mailbox, SeededRng::new(!seed))?;
    let words = Rc::clone(&thief.words);
    if comes != Comes::HeldBack
        && let Some(hs1) = thief.hs1.take()
    {
        duo.inject(Who::Therapist, mailbox, hs1);
    }
    duo.put_between(thief);
    if comes == Comes::HeldBack {
        client_comes(&mut duo, text.clone());
    }
    duo.run_for(1_000);
    let waits = |event: &Event| matches!(event, Event::PeerWaiting { .. });
    check(duo.side(Who::Therapist).events.iter().any(waits), || "the thief does not wait".into())?;
    if comes == Comes::BeforeAdmit {
        client_comes(&mut duo, text.clone());
        // The server does not let on that it was not the thief who left.
        duo.hand(Who::Therapist, ServerReport::Peer(mailbox, PeerEvent::Joined));
        duo.run_for(100);
    }
    duo.admit(at_therapist);
    duo.hand(Who::Therapist, ServerReport::Turn(mailbox, relay()));
    duo.run_for(500);
    duo.reach(Who::Therapist, CERTIFICATE);
    duo.run_for(500);
    let thief_reads = words.borrow().ok_or("the thief has no words")?;
    let has_card = |duo: &Duo| duo.card(Who::Therapist).is_some_and(|card| card.candidates.contains(&thief_reads));
    check(has_card(&duo), || format!("the thief is not at the words: {:?}", duo.codes(Who::Therapist)))?;
    if comes == Comes::AtTheWords {
        client_comes(&mut duo, text.clone());
        check(has_card(&duo), || "the second use took the words away".into())?;
    }
    for _ in 0..2 {
        let Some(card) = duo.card(Who::Therapist) else { break };
        let client = duo.card(Who::Client);
        let client_has =
            |words| client.as_ref().is_some_and(|own| own.words == words || own.candidates.contains(&words));
        withstands(!client_has(thief_reads) && !client_has(card.words), || "the client has the same words".into())?;
        let heard = if is_control { Some(thief_reads) } else { client.map(|own| own.words) };
        let picked = heard.and_then(|heard| card.candidates.iter().position(|candidate| *candidate == heard));
        duo.command(Who::Therapist, Command::Verify(picked.map_or(Pick::NoneOfThese, Pick::Candidate)));
        duo.run_for(2_000);
    }
    let gate = duo.gate(Who::Therapist);
    match comes {
        // It tries again by itself, and gets through.
        Comes::HeldBack => duo.run_for(60_000),
        Comes::Afterwards => client_comes(&mut duo, text),
        Comes::BeforeAdmit | Comes::AtTheWords => {}
    }
    check(alerts(&duo).contains(&AlertCode::SecondUse), || "the therapist was not told of the second use".into())?;
    let codes = duo.codes(Who::Client);
    check(codes.contains(&"E_INVITE_USED"), || format!("the client was not told of the second use: {codes:?}"))?;
    withstands(duo.waiting().is_none() && duo.card(Who::Client).is_none(), || "the client was let on".into())?;
    withstands(duo.side(Who::Client).contacts.is_empty(), || "the client pinned a key".into())?;
    let held: Vec<VerificationState> = duo.side(Who::Therapist).contacts.values().map(|held| held.state).collect();
    if is_control {
        let fooled = gate == Some(Gate::G2) && held == [VerificationState::Verified];
        return check(fooled, || "not even the thief's own voice fits: the script proves nothing".into());
    }
    nobody_is_fooled(&duo)?;
    check(alerts(&duo).contains(&AlertCode::Mismatch), || "the therapist saw no mismatch".into())?;
    check(held == [VerificationState::Mismatch], || format!("the thief's contact is {held:?}"))
}
