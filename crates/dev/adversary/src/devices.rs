//! Scripts of a copy of a whole profile that is used while its owner's program runs.

use std::{cell::RefCell, rc::Rc};

use sotto_handshake::{AwaitConfirm, AwaitKkHs2, Established, Params, Purpose, address};
use sotto_identity::{IdentityKey, Secret, records::ContactRecord, records::VerificationState};
use sotto_session_api::{AlertCode, Command, EndReason, Event, Gate};
use sotto_sim::{Between, Duo, SeededRng, Who};
use sotto_wire::{
    Cell, CellType, Role, SigMessage, VersionRange,
    server::{ClientFrame, ErrorCode, MailboxId, PeerEvent, ServerFrame},
    sig::Policy,
};

use crate::{
    Fallen,
    cuts::read,
    scripts::{BOTH, check, form, withstands},
};

/// How a copy comes to the meeting point.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The server is its accomplice.
    ServerHelps,
    /// By an honest server, with the secret of the device: it takes its owner's place there.
    SameDevice,
    /// By an honest server, from what a move to another computer takes along.
    Moved,
}

/// Repeats to the accomplice what one side sends.
struct Ear {
    from: Who,
    heard: Rc<RefCell<Vec<Cell>>>,
}

impl Between for Ear {
    fn cell(&mut self, from: Who, _: MailboxId, cell: &Cell, _: u64) -> Option<Vec<(Who, Cell)>> {
        if from == self.from {
            self.heard.borrow_mut().push(cell.clone());
        }
        None
    }
}

/// A program with a copied profile.
struct Copy {
    /// Whose.
    of: Who,
    record: ContactRecord,
    own: IdentityKey,
    mailbox: MailboxId,
    rng: SeededRng,
    /// At an honest server.
    channel: Option<u16>,
    /// From a server that helps.
    heard: Rc<RefCell<Vec<Cell>>>,
    /// What an honest server told it, cells excepted.
    told: Vec<ServerFrame>,
}

impl Copy {
    /// What is on the disk of one side now.
    fn of(duo: &Duo, of: Who, rng: SeededRng) -> Result<Self, Fallen> {
        let side = duo.side(of);
        let record = side.contacts.values().next().cloned().ok_or("there is no contact")?;
        let own = record.own_key(side.identity()).ok_or("there is no key")?;
        let (heard, told) = (Rc::default(), Vec::new());
        Ok(Self { of, record, own, mailbox: MailboxId([0; 32]), rng, channel: None, heard, told })
    }

    /// Goes to where the two meet in this hour.
    fn come(&mut self, duo: &mut Duo, way: Way) {
        let slot = (duo.start_unix + duo.now_ms / 1_000) / 3_600;
        self.mailbox = MailboxId(address::rendezvous_address(&self.record.rendezvous_key, slot));
        if way == Way::ServerHelps {
            duo.put_between(Ear { from: self.of.other(), heard: Rc::clone(&self.heard) });
            return;
        }
        let role = if self.of == Who::Client { Role::Initiator } else { Role::Responder };
        let device = if way == Way::SameDevice { duo.side(self.of).device().clone() } else { Secret::new([0xC0; 32]) };
        let owner = address::owner_tag(&device, &self.mailbox.0, role);
        duo.stranger(&ClientFrame::Open { mailbox: self.mailbox, side: role.direction(), owner });
        self.listen(duo);
        self.channel = self.told.iter().find_map(|frame| match frame {
            ServerFrame::Opened { channel, .. } => Some(*channel),
            _ => None,
        });
    }

    /// The cells that came.
    fn listen(&mut self, duo: &mut Duo) -> Vec<Cell> {
        let mut cells = self.heard.take();
        for frame in duo.told_stranger() {
            match frame {
                ServerFrame::Message { cell, .. } => cells.push(cell),
                other => self.told.push(other),
            }
        }
        cells
    }

    fn send(&self, duo: &mut Duo, cell: Cell) {
        match self.channel {
            Some(channel) => duo.stranger(&ClientFrame::Add { channel, cell }),
            None => duo.inject(self.of.other(), self.mailbox, cell),
        }
    }

    fn was_refused(&self) -> bool {
        self.told.iter().any(|frame| matches!(frame, ServerFrame::Error { code: ErrorCode::Crowded, .. }))
    }

    /// As a client: HS1, CONFIRM, and what came of them.
    fn knocks(&mut self, duo: &mut Duo) -> Result<Knock, Fallen> {
        let psk = self.record.psk.clone();
        let params = Params::initiator(Purpose::Pinned, self.mailbox.0, psk, VersionRange::OURS.max);
        let peer = self.record.peer().map_err(|_| "there is no key of the other side")?;
        let (state, hs1) = AwaitKkHs2::start(params, &self.own, &peer, &mut self.rng);
        self.send(duo, hs1);
        duo.run_for(200);
        let answer = self.listen(duo).into_iter().find(|cell| state.header_fits(cell)).ok_or("HS1 was not answered")?;
        let read = state.read(&answer, self.record.held_continuity(), &mut self.rng);
        let (mut established, confirm) = read.map_err(|fault| format!("HS2: {fault:?}"))?;
        for cell in confirm {
            self.send(duo, cell);
        }
        duo.run_for(200);
        let mut knock = Knock { rejected: false, established: None };
        let mut is_in = false;
        for cell in self.listen(duo) {
            knock.rejected |= cell.cell_type() == Some(CellType::Reject);
            is_in |= cell.cell_type() == Some(CellType::Sig) && established.read_ack(&cell, duo.now_ms) == Ok(true);
        }
        knock.established = is_in.then_some(established);
        Ok(knock)
    }

    fn says_policy(&self, duo: &mut Duo, established: &mut Established) {
        let policy = SigMessage::Policy(Policy { ice: 0, compare: 0, caps: 0, held: 1 });
        for cell in established.sig_mut().seal(&policy) {
            self.send(duo, cell);
        }
    }

    /// As a therapist: answers whoever comes in the next seconds, up to the waiting room; whether somebody got there.
    fn answers(&mut self, duo: &mut Duo, wait_ms: u64) -> Result<bool, Fallen> {
        let peer = self.record.peer().map_err(|_| "there is no key of the other side")?;
        let (mut awaits, mut established): (Option<AwaitConfirm>, Option<Established>) = (None, None);
        for _ in 0..wait_ms / 50 {
            duo.run_for(50);
            for cell in self.listen(duo) {
                match (cell.cell_type(), &mut established) {
                    (Some(CellType::Hs1), _) => {
                        let psk = self.record.psk.clone();
                        let params = Params::responder(Purpose::Pinned, self.mailbox.0, psk, &cell);
                        let answer = AwaitConfirm::respond(params, &self.own, &peer, &cell, &mut self.rng);
                        let (state, hs2) = answer.map_err(|fault| format!("HS1: {fault:?}"))?;
                        awaits = Some(state);
                        self.send(duo, hs2);
                    }
                    (Some(CellType::Sig), None) => {
                        let Some(state) = awaits.take() else { continue };
                        let mut proved = state.read(&cell).map_err(|fault| format!("CONFIRM: {fault:?}"))?;
                        for cell in proved.ack(self.record.held_continuity(), &mut self.rng) {
                            self.send(duo, cell);
                        }
                        established = Some(proved);
                    }
                    (Some(CellType::Sig), Some(proved)) => {
                        let received = proved.sig_mut().receive(&cell, duo.now_ms);
                        if matches!(received, Ok(ref it) if matches!(it.message, Some(SigMessage::Policy(_)))) {
                            self.says_policy(duo, proved);
                            duo.run_for(500);
                            return Ok(true);
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(false)
    }
}

/// What came of a copy that knocks.
struct Knock {
    rejected: bool,
    /// It was let on.
    established: Option<Established>,
}

fn has_alert(events: &[Event], code: AlertCode) -> bool {
    events.iter().any(|event| matches!(event, Event::Alert { code: said, .. } if *said == code))
}

/// A first session that has ended; then its two are in the next one.
fn pinned(duo: &mut Duo, seed: u64) -> [sotto_session_api::ContactId; 2] {
    let contact = duo.open_session(form(seed));
    duo.command(Who::Client, Command::End);
    duo.run_for(5_000);
    contact
}

/// A copy of the client's device comes while its owner is in a session: as long as the owner is heard it is turned away and
/// the therapist is told; once they are not, it gets to the waiting room, and both lost continuity and the end of the
/// session are said.
pub(crate) fn copied_device(seed: u64) -> Result<(), Fallen> {
    let way = [Way::ServerHelps, Way::SameDevice, Way::Moved][(seed % 3) as usize];
    let is_silent = way != Way::Moved && seed / 3 % 4 == 3;
    let is_compared = (seed / 12).is_multiple_of(2);
    let mut duo = Duo::new(seed);
    let [at_client, at_therapist] = pinned(&mut duo, seed / 24);
    let mut copy = Copy::of(&duo, Who::Client, SeededRng::new(!seed))?;
    if way == Way::Moved {
        (copy.record.continuity, copy.record.continuity_previous) = (None, None);
    }
    duo.media_every_ms = 1_000;
    duo.command(Who::Therapist, Command::Listen(None));
    duo.command(Who::Client, Command::JoinContact(at_client));
    duo.run_for(3_000);
    duo.admit(at_therapist);
    if is_compared {
        duo.compare();
    }
    let gate = Some(if is_compared { Gate::G2 } else { Gate::G1 });
    check(BOTH.iter().all(|who| duo.gate(*who) == gate), || "no session".into())?;
    duo.run_for(3_000);
    if is_silent {
        duo.media_every_ms = 0;
        duo.run_for(6_000);
    }
    let told = BOTH.map(|who| duo.side(who).events.len());
    copy.come(&mut duo, way);
    duo.run_for(100);
    fn news(duo: &Duo, told: [usize; 2], who: Who) -> &[Event] {
        &duo.side(who).events[told[who as usize]..]
    }
    let reaches = match way {
        Way::ServerHelps => true,
        Way::SameDevice | Way::Moved => {
            let is_told = has_alert(news(&duo, told, Who::Client), AlertCode::Crowded);
            withstands(is_told, || "the owner was not told of somebody in their place".into())?;
            check(copy.channel.is_some() == (way == Way::SameDevice), || "the server took the wrong one".into())?;
            check(copy.was_refused() == (way == Way::Moved), || "the server did not say so".into())?;
            way == Way::SameDevice
        }
    };
    let mut rejected = 0;
    for _ in 0..if reaches { 3 } else { 0 } {
        duo.run_for(2_000);
        let knock = copy.knocks(&mut duo)?;
        rejected += u32::from(knock.rejected);
        let Some(mut established) = knock.established else { continue };
        withstands(is_silent, || "a copy takes the place of somebody who is heard".into())?;
        copy.says_policy(&mut duo, &mut established);
        duo.run_for(1_000);
        break;
    }
    let at_therapist_now = news(&duo, told, Who::Therapist);
    let waits = at_therapist_now.iter().any(|event| matches!(event, Event::PeerWaiting { .. }));
    if is_silent {
        let interrupted = Event::Ended { reason: EndReason::Interrupted, complete: false };
        let is_said = at_therapist_now.contains(&interrupted);
        check(waits, || format!("the copy did not get to the waiting room: {:?}", duo.codes(Who::Therapist)))?;
        withstands(is_said && duo.gate(Who::Therapist).is_none(), || "the copy took the session over".into())?;
        withstands(has_alert(at_therapist_now, AlertCode::ContinuityLost), || "nothing was said of a copy".into())?;
        let is_known = |held: &ContactRecord| held.state == VerificationState::Verified;
        return withstands(!duo.side(Who::Therapist).contacts.values().any(is_known), || {
            "the contact still counts as compared".into()
        });
    }
    withstands(!waits, || "a copy waits beside its owner".into())?;
    if reaches {
        check(rejected == 3, || format!("{rejected} of 3 were turned away"))?;
        withstands(has_alert(at_therapist_now, AlertCode::AnotherDevice), || "nothing was said of a copy".into())?;
    }
    // The owner's session goes on to a whole end.
    if !is_compared {
        duo.compare();
    }
    withstands(BOTH.iter().all(|who| duo.gate(*who) == Some(Gate::G2)), || "the session is not what it was".into())?;
    if way == Way::SameDevice {
        // The copy holds the owner's place in the mailbox, which is needed again for a lost path.
        duo.set_relay(false);
        duo.run_for(8_000);
        duo.set_relay(true);
        duo.run_for(15_000);
        withstands(BOTH.iter().all(|who| duo.gate(*who) == Some(Gate::G2)), || "a lost path does not heal".into())?;
    }
    duo.command(Who::Client, Command::Chat("still here".into()));
    duo.run_for(1_000);
    duo.command(BOTH[(seed & 1) as usize], Command::End);
    duo.run_for(10_000);
    check(read(&duo, Who::Therapist) == ["still here"], || format!("{:?}", read(&duo, Who::Therapist)))?;
    let whole = Event::Ended { reason: EndReason::Normal, complete: true };
    check(BOTH.iter().all(|who| news(&duo, told, *who).contains(&whole)), || "no whole end".into())
}

/// A copy of the therapist's profile listens at the same time. Its owner is told; who moved the profile without the secret of
/// the device gets nobody; who holds all of it gets the client, until the owner's program comes back to its place a moment
/// later, and then both are told of lost continuity.
pub(crate) fn copied_listener(seed: u64) -> Result<(), Fallen> {
    let way = [Way::SameDevice, Way::Moved][(seed & 1) as usize];
    let mut duo = Duo::new(seed);
    let [at_client, at_therapist] = pinned(&mut duo, seed >> 1);
    let mut copy = Copy::of(&duo, Who::Therapist, SeededRng::new(!seed))?;
    duo.command(Who::Therapist, Command::Listen(None));
    duo.run_for(500 + (seed >> 2) % 60 * 100);
    let told = BOTH.map(|who| duo.side(who).events.len());
    let news = |duo: &Duo, who: Who| duo.side(who).events[told[who as usize]..].to_vec();
    let met = |duo: &Duo, who: Who| {
        let met = |event: &Event| matches!(event, Event::Waiting(_) | Event::PeerWaiting { .. });
        news(duo, who).iter().any(met)
    };
    copy.come(&mut duo, way);
    duo.run_for(100);
    let is_told = has_alert(&news(&duo, Who::Therapist), AlertCode::Crowded);
    withstands(is_told, || "the owner was not told of somebody in their place".into())?;
    check(copy.was_refused() == (way == Way::Moved), || "the server did not say so".into())?;
    duo.command(Who::Client, Command::JoinContact(at_client));
    if way == Way::Moved {
        withstands(!copy.answers(&mut duo, 5_000)?, || "the moved copy met the client".into())?;
        check(met(&duo, Who::Therapist), || "the owner met nobody".into())?;
        duo.admit(at_therapist);
        duo.compare();
        check(BOTH.iter().all(|who| duo.gate(*who) == Some(Gate::G2)), || "no session with the owner".into())?;
        let lost = BOTH.iter().any(|who| has_alert(&news(&duo, *who), AlertCode::ContinuityLost));
        return check(!lost, || "a copy that did nothing was taken for one that did".into());
    }
    check(copy.answers(&mut duo, 8_000)?, || "the copy did not meet the client".into())?;
    check(met(&duo, Who::Client), || "the client does not wait".into())?;
    withstands(duo.gate(Who::Client).is_none(), || "a session without Admit".into())?;
    // The owner's program looks after its places every fifteen seconds.
    duo.run_for(40_000);
    copy.listen(&mut duo);
    let crowded = |frame: &ServerFrame| matches!(frame, ServerFrame::Peer { event: PeerEvent::Crowded, .. });
    check(copy.told.iter().any(crowded), || "the owner did not come back".into())?;
    check(met(&duo, Who::Therapist), || "the owner met nobody".into())?;
    let lost = BOTH.map(|who| has_alert(&news(&duo, who), AlertCode::ContinuityLost));
    withstands(lost == [true; 2], || format!("a copy was used, and told were {lost:?}"))?;
    let is_known = |held: &ContactRecord| held.state == VerificationState::Verified;
    let compared = BOTH.iter().any(|who| duo.side(*who).contacts.values().any(is_known));
    withstands(!compared, || "the contact still counts as compared".into())
}
