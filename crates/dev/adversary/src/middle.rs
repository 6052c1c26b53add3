//! A man in the middle who knows the spoken code, or guesses one: a whole handshake with each side, and everything in
//! between read and sealed again.

use sotto_frame_crypto::{DataOpener, DataSealer, SessionKeys};
use sotto_handshake::{
    AwaitHs2, AwaitHs3, Binding, CodeSecret, Established, FirstHs2, Params, Purpose, SigChannel, cpace,
};
use sotto_identity::{IdentityKey, Secret};
use sotto_sim::{Between, SeededRng, Who};
use sotto_wire::{
    Cell, CellType, Role, SealedRecord, SigMessage, VersionRange, record::ControlMessage, server::MailboxId,
};

/// The certificate of the middle, shown to both sides.
pub(crate) const CERTIFICATE: [u8; 32] = [0xAA; 32];

type Cells = Vec<(Who, Cell)>;

/// A finished handshake with one side.
pub(crate) struct Leg {
    pub(crate) sig: SigChannel,
    pub(crate) bind: Binding,
    pub(crate) sealer: DataSealer,
    pub(crate) opener: DataOpener,
}

impl Leg {
    pub(crate) fn new(established: Established, role: Role) -> Self {
        let keys = SessionKeys::new(established.epoch_root_0(), &established.session_hash(), role);
        let bind = established.binding();
        Self { sig: established.into_sig(), bind, sealer: keys.data_sealer, opener: keys.data_opener }
    }
}

/// How far the handshake with a side is. The middle is the therapist to the client, and the client to the therapist.
enum State {
    Idle,
    /// PA2 went to the client: key, context, its range.
    Answered(Secret<32>, [u8; 32], VersionRange),
    AwaitHs3(Box<AwaitHs3>),
    /// PA1 went to the therapist.
    Asked(cpace::Initiator),
    AwaitHs2(Box<AwaitHs2>),
    /// HS2 of the therapist is read; the nonce is chosen when the client's words are known.
    Grinding(Box<FirstHs2>),
    AwaitAck(Box<Established>),
    Up(Box<Leg>),
}

/// The middle.
pub(crate) struct Middle {
    code: CodeSecret,
    own: IdentityKey,
    rng: SeededRng,
    states: [State; 2],
    /// Messages for a side with which the handshake isn't finished.
    held: [Vec<SigMessage>; 2],
    certificates: [[u8; 32]; 2],
    /// Opens its commitment to the therapist with a nonce that gives the words that the client reads.
    grinds: bool,
    client_reads: Option<[&'static str; 3]>,
}

/// Tries at a nonce where the commitment is not checked: two to the 24th have one half of the words.
const TRIES: u32 = 1 << 28;

impl Middle {
    pub(crate) fn new(code: CodeSecret, mut rng: SeededRng) -> Self {
        let own = IdentityKey::generate(&mut rng);
        Self {
            code,
            own,
            rng,
            states: [State::Idle, State::Idle],
            held: [Vec::new(), Vec::new()],
            certificates: [[0; 32]; 2],
            grinds: false,
            client_reads: None,
        }
    }

    /// One that chooses its nonce last.
    pub(crate) fn grinding(code: CodeSecret, rng: SeededRng) -> Self {
        Self { grinds: true, ..Self::new(code, rng) }
    }

    /// With the words of the client known, the therapist's side is finished to have the same.
    fn grind(&mut self) -> Cells {
        let (Some(wanted), State::Grinding(_)) = (self.client_reads, &self.states[Who::Therapist as usize]) else {
            return Vec::new();
        };
        let State::Grinding(first) = self.take(Who::Therapist) else { return Vec::new() };
        let mut nonce = [0; 32];
        rand_core::Rng::fill_bytes(&mut self.rng, &mut nonce);
        // Where the commitment is checked no nonce is accepted but one: there is nothing to search for.
        for n in 0..if cfg!(sotto_broken = "commitment") { TRIES } else { 1 } {
            nonce[..4].copy_from_slice(&n.to_be_bytes());
            if first.words_with(&nonce).own_words() == wanted {
                break;
            }
        }
        let Ok((hs3, established)) = first.finish_with(nonce) else { return Vec::new() };
        self.states[Who::Therapist as usize] = State::AwaitAck(Box::new(established));
        vec![(Who::Therapist, hs3)]
    }

    fn take(&mut self, who: Who) -> State {
        core::mem::replace(&mut self.states[who as usize], State::Idle)
    }

    fn pa1(&mut self, mailbox: MailboxId, cell: &Cell) -> Cells {
        let Ok(run) = cpace::respond(cell, &self.code, &mailbox.0, &mut self.rng) else { return Vec::new() };
        self.states[Who::Client as usize] = State::Answered(run.psk0, run.context, run.versions);
        let mut cells = vec![(Who::Client, run.cell)];
        if matches!(self.states[Who::Therapist as usize], State::Idle) {
            let (asked, pa1) = cpace::Initiator::start(&self.code, &mailbox.0, &mut self.rng);
            self.states[Who::Therapist as usize] = State::Asked(asked);
            cells.push((Who::Therapist, pa1));
        }
        cells
    }

    fn client_says(&mut self, mailbox: MailboxId, cell: &Cell) -> Option<Cells> {
        let (state, cells) = match (self.take(Who::Client), cell.cell_type()?) {
            (State::Answered(psk0, context, versions), CellType::Hs1) => {
                let params = Params::responder(Purpose::Code { context }, mailbox.0, psk0, cell);
                let params = params.with_announced(versions);
                let (state, hs2) = AwaitHs3::respond(params, &self.own, cell, None, &mut self.rng).ok()?;
                (State::AwaitHs3(Box::new(state)), vec![hs2])
            }
            (State::AwaitHs3(state), CellType::Hs3) => {
                let mut established = state.read(cell).ok()?;
                let heard = established.session_words().candidates(&mut self.rng);
                self.client_reads = heard.words.get(heard.right).copied();
                let ack = established.ack([None, None], &mut self.rng);
                (State::Up(Box::new(Leg::new(established, Role::Responder))), ack)
            }
            (state, _) => (state, Vec::new()),
        };
        self.states[Who::Client as usize] = state;
        Some(cells.into_iter().map(|cell| (Who::Client, cell)).collect())
    }

    fn therapist_says(&mut self, mailbox: MailboxId, cell: &Cell, now_ms: u64) -> Option<Cells> {
        let (state, cells) = match (self.take(Who::Therapist), cell.cell_type()?) {
            (State::Asked(run), CellType::Pa2) => {
                let (psk0, context) = run.finish(cell).ok()?;
                let version = VersionRange::OURS.max;
                let params = Params::initiator(Purpose::Code { context }, mailbox.0, psk0, version);
                let (state, hs1) = AwaitHs2::start(params, &self.own, None, &mut self.rng);
                (State::AwaitHs2(Box::new(state)), vec![hs1])
            }
            (State::AwaitHs2(state), CellType::Hs2) => {
                let first = state.read(cell).ok()?;
                if self.grinds {
                    self.states[Who::Therapist as usize] = State::Grinding(Box::new(first));
                    return None;
                }
                let (hs3, established) = first.finish().ok()?;
                (State::AwaitAck(Box::new(established)), vec![hs3])
            }
            (State::AwaitAck(mut established), CellType::Sig) => match established.read_ack(cell, now_ms) {
                Ok(true) => (State::Up(Box::new(Leg::new(*established, Role::Initiator))), Vec::new()),
                _ => (State::AwaitAck(established), Vec::new()),
            },
            (state, _) => (state, Vec::new()),
        };
        self.states[Who::Therapist as usize] = state;
        Some(cells.into_iter().map(|cell| (Who::Therapist, cell)).collect())
    }

    /// Reads a sealed message and holds it for the other side, with the own certificate in place of the sender's.
    fn read(&mut self, from: Who, cell: &Cell, now_ms: u64) -> Cells {
        let State::Up(leg) = &mut self.states[from as usize] else { return Vec::new() };
        let message = leg.sig.receive(cell, now_ms).ok().and_then(|received| received.message);
        let answers = core::iter::from_fn(|| leg.sig.poll(now_ms)).map(|cell| (from, cell)).collect();
        if let Some(mut message) = message {
            if let SigMessage::Offer(description) | SigMessage::Answer(description) = &mut message {
                self.certificates[from as usize] = core::mem::replace(&mut description.fingerprint, CERTIFICATE);
            }
            self.held[from.other() as usize].push(message);
        }
        answers
    }

    fn flush(&mut self) -> Cells {
        let mut cells = Vec::new();
        for to in [Who::Client, Who::Therapist] {
            if let State::Up(leg) = &mut self.states[to as usize] {
                for message in self.held[to as usize].drain(..) {
                    cells.extend(leg.sig.seal(&message).into_iter().map(|cell| (to, cell)));
                }
            }
        }
        cells
    }
}

impl Between for Middle {
    fn cell(&mut self, from: Who, mailbox: MailboxId, cell: &Cell, now_ms: u64) -> Option<Cells> {
        let mut cells = match (&self.states[from as usize], from) {
            (State::Up(_), _) => self.read(from, cell, now_ms),
            (_, Who::Client) if cell.cell_type() == Some(CellType::Pa1) => self.pa1(mailbox, cell),
            (_, Who::Client) => self.client_says(mailbox, cell).unwrap_or_default(),
            (_, Who::Therapist) => self.therapist_says(mailbox, cell, now_ms).unwrap_or_default(),
        };
        cells.extend(self.grind());
        cells.extend(self.flush());
        Some(cells)
    }

    fn record(&mut self, from: Who, record: SealedRecord) -> Vec<(Who, SealedRecord)> {
        let [State::Up(client), State::Up(therapist)] = &mut self.states else { return Vec::new() };
        let (sender, receiver) = match from {
            Who::Client => (client, therapist),
            Who::Therapist => (therapist, client),
        };
        let Ok(Some(message)) = sender.opener.open(&record) else { return Vec::new() };
        let data = match ControlMessage::decode(message.mtype, &message.data) {
            Ok(Some(ControlMessage::TransportBind { role, .. })) => {
                let mut shown = [CERTIFICATE; 2];
                shown[from.other() as usize] = self.certificates[from.other() as usize];
                let bind = receiver.bind.value(&shown[0], &shown[1]);
                ControlMessage::TransportBind { role, bind }.encode_data()
            }
            // Whatever a person said, the other hears that it matched.
            Ok(Some(ControlMessage::SasResult(_))) => ControlMessage::SasResult(1).encode_data(),
            _ => message.data,
        };
        let mut arriving: Vec<_> = Vec::new();
        if self.grinds && from == Who::Therapist && message.mtype == ControlMessage::SasResult(1).mtype() {
            // The client heard other words and says nothing yet: the middle says for it that they match.
            let same = ControlMessage::SasResult(1);
            let records = sender.sealer.seal(message.track, same.mtype(), &same.encode_data()).unwrap_or_default();
            arriving.extend(records.into_iter().map(|record| (from, record)));
        }
        let records = receiver.sealer.seal(message.track, message.mtype, &data).unwrap_or_default();
        arriving.extend(records.into_iter().map(|record| (from.other(), record)));
        arriving
    }
}
