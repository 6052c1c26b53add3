//! Scripts of somebody who holds the text of a link.

use std::{
    cell::{Cell as Count, RefCell},
    rc::Rc,
};

use sotto_handshake::{AwaitHs2, InviteKeys, JoinText, Params, Purpose, parse_join_text};
use sotto_identity::{IdentityKey, records::VerificationState};
use sotto_session_api::{AlertCode, Command, Event, InviteForm, Pick};
use sotto_sim::{Between, Duo, SeededRng, Who};
use sotto_wire::{Cell, CellType, VersionRange, server::MailboxId};

use crate::{
    Fallen,
    scripts::{BOTH, alerts, check, nobody_is_fooled, withstands},
};

/// Looks at each of the therapist's answers, and finishes some.
struct Looks {
    state: Rc<RefCell<Option<AwaitHs2>>>,
    /// Whether it goes on to HS3, and as if nothing had been said of a use before.
    finishes: Rc<Count<bool>>,
    words: Rc<Count<u32>>,
    finished: Rc<Count<u32>>,
}

impl Between for Looks {
    fn cell(&mut self, from: Who, _: MailboxId, cell: &Cell, _: u64) -> Option<Vec<(Who, Cell)>> {
        if from == Who::Client {
            return Some(Vec::new());
        }
        if cell.cell_type() != Some(CellType::Hs2) {
            return Some(Vec::new());
        }
        let first = self.state.borrow_mut().take()?.read(cell).ok()?;
        // What comes of a used link can't be gone on with: it is no look at the words of a session.
        self.words.set(self.words.get() + u32::from(first.status().is_none()));
        if !self.finishes.get() {
            return Some(Vec::new());
        }
        let (hs3, _) = first.finish().ok()?;
        self.finished.set(self.finished.get() + 1);
        Some(vec![(Who::Therapist, hs3)])
    }
}

/// Somebody with a link, and a key.
struct Holder {
    keys: InviteKeys,
    versions: VersionRange,
    idhash: [u8; 20],
    mailbox: MailboxId,
    own: IdentityKey,
    rng: SeededRng,
    state: Rc<RefCell<Option<AwaitHs2>>>,
    finishes: Rc<Count<bool>>,
    words: Rc<Count<u32>>,
    finished: Rc<Count<u32>>,
}

impl Holder {
    /// Takes the place of whoever sits between the two.
    fn new(duo: &mut Duo, text: &str, own: IdentityKey, rng: SeededRng) -> Result<Self, Fallen> {
        let Ok(JoinText::Invite(invite)) = parse_join_text(text) else { return Err("not a link".into()) };
        let keys = invite.keys();
        let mailbox = *duo
            .side(Who::Therapist)
            .room
            .open_mailboxes()
            .first()
            .ok_or_else(|| Fallen::from("the therapist listens nowhere"))?;
        let holder = Self {
            keys,
            versions: invite.versions(),
            idhash: invite.idhash(),
            mailbox: MailboxId(mailbox),
            own,
            rng,
            state: Rc::default(),
            finishes: Rc::default(),
            words: Rc::default(),
            finished: Rc::default(),
        };
        duo.put_between(Looks {
            state: Rc::clone(&holder.state),
            finishes: Rc::clone(&holder.finishes),
            words: Rc::clone(&holder.words),
            finished: Rc::clone(&holder.finished),
        });
        Ok(holder)
    }

    /// HS1, and what comes of it in `wait_ms`.
    fn tries(&mut self, duo: &mut Duo, finishes: bool, wait_ms: u64) {
        let purpose = Purpose::Invite { context: self.keys.context };
        let params = Params::initiator(purpose, self.mailbox.0, self.keys.psk0.clone(), VersionRange::OURS.max);
        let params = params.with_printed(self.versions);
        let (state, hs1) = AwaitHs2::start(params, &self.own, Some(self.idhash), &mut self.rng);
        *self.state.borrow_mut() = Some(state);
        self.finishes.set(finishes);
        duo.inject(Who::Therapist, self.mailbox, hs1);
        duo.run_for(wait_ms);
    }
}

/// Somebody with the link looks at the therapist's words and breaks off, again and again, before and after it pairs.
pub(crate) fn link_looks(seed: u64) -> Result<(), Fallen> {
    let mut duo = Duo::new(seed);
    let (_, text) = duo.invite(InviteForm::Link);
    let mut rng = SeededRng::new(!seed);
    let own = IdentityKey::generate(&mut rng);
    let mut holder = Holder::new(&mut duo, &text, own, rng)?;
    // Never, at the third try, or each fifth time.
    let pairs = |n: u64| match seed % 3 {
        0 => false,
        1 => n == 2,
        _ => n % 5 == 4,
    };
    for n in 0..40 {
        holder.tries(&mut duo, pairs(n), 4_000 + (seed % 7) * 2_000);
    }
    let (words, finished) = (holder.words.get(), holder.finished.get());
    check(words > 0, || "no words were seen".into())?;
    check((finished == 0) == seed.is_multiple_of(3), || format!("{finished} handshakes were finished"))?;
    withstands(words <= 10, || format!("{words} looks at the words of one link"))?;
    check(alerts(&duo).contains(&AlertCode::Burned), || "the link was not burned".into())?;
    let is_said = |code: &AlertCode| matches!(code, AlertCode::BrokenOff { of: 10, .. });
    check(alerts(&duo).iter().any(is_said), || "the looks were not said".into())?;
    nobody_is_fooled(&duo)
}

/// The link of a client who was let in is used again with the client's own key: by a copy of their device, or by a client
/// whose comparison didn't match and who would like another.
pub(crate) fn used_link(seed: u64) -> Result<(), Fallen> {
    let is_blocked = seed & 1 == 1;
    let mut duo = Duo::new(seed);
    let (at_therapist, text) = duo.invite(InviteForm::Link);
    let at_client = duo.join(&text);
    duo.admit(at_therapist);
    duo.run_for(5_000);
    if is_blocked {
        for _ in 0..2 {
            duo.command(Who::Therapist, Command::Verify(Pick::NoneOfThese));
            duo.run_for(2_000);
        }
    } else {
        duo.compare();
        duo.command(Who::Client, Command::End);
    }
    duo.run_for(5_000);
    let held = |duo: &Duo| {
        let contacts = &duo.side(Who::Therapist).contacts;
        contacts.get(&at_therapist.0).map(|held| (held.state, *held.psk.expose(), held.started))
    };
    let before = held(&duo);
    let expected = if is_blocked { VerificationState::Mismatch } else { VerificationState::Verified };
    check(before.is_some_and(|(state, ..)| state == expected), || format!("before: {:?}", before.map(|held| held.0)))?;
    let Some(own) = duo.side(Who::Client).contacts.get(&at_client.0).and_then(|held| held.own_key(None)) else {
        return Err("the client's key is missing".into());
    };
    let told = BOTH.map(|who| duo.side(who).events.len());
    let mut holder = Holder::new(&mut duo, &text, own, SeededRng::new(!seed))?;
    for _ in 0..3 {
        holder.tries(&mut duo, true, 20_000);
    }
    check(holder.finished.get() > 0, || "no HS3 was sent".into())?;
    withstands(held(&duo) == before, || "the contact is another".into())?;
    let met = |event: &Event| matches!(event, Event::Waiting(_) | Event::PeerWaiting { .. });
    let met = BOTH.iter().zip(told).any(|(who, told)| duo.side(*who).events[told..].iter().any(met));
    withstands(!met, || "somebody waits by a used link".into())?;
    withstands(duo.side(Who::Therapist).contacts.len() == 1, || "there is another contact".into())
}
