//! A script of a server that kept what went through it, weeks ago or a moment ago.

use std::{
    cell::{Cell as Count, RefCell},
    rc::Rc,
};

use sotto_identity::records::VerificationState;
use sotto_session_api::{Command, ContactId, EndReason, Event, Gate};
use sotto_sim::{Between, Duo, SeededRng, Who};
use sotto_wire::{Cell, CellType, server::MailboxId};

use crate::{
    Fallen,
    cuts::read,
    scripts::{BOTH, check, form, nobody_else_got_in, withstands},
};

type Kept = Rc<RefCell<Vec<(Who, MailboxId, Cell)>>>;

/// Keeps everything.
struct Keeper(Kept);

impl Between for Keeper {
    fn cell(&mut self, from: Who, mailbox: MailboxId, cell: &Cell, _: u64) -> Option<Vec<(Who, Cell)>> {
        self.0.borrow_mut().push((from, mailbox, cell.clone()));
        None
    }
}

/// How often each old cell is put beside new ones: whoever does so for ever lets nobody meet, which a server can do anyway.
const SHOWN: u32 = 2;

/// Puts old cells before and after the new ones, and to either side.
struct Player {
    old: Vec<(Who, Cell, u32)>,
    rng: SeededRng,
    shown: Rc<Count<u32>>,
}

impl Player {
    /// One that was not shown too often, of the same type wherever `like` is given.
    fn take(&mut self, like: Option<CellType>) -> Option<(Who, Cell)> {
        let fits = |(_, cell, shown): &(Who, Cell, u32)| {
            *shown < SHOWN && like.is_none_or(|like| cell.cell_type() == Some(like))
        };
        let fitting: Vec<usize> = (0..self.old.len()).filter(|at| fits(&self.old[*at])).collect();
        if fitting.is_empty() {
            return None;
        }
        let (from, cell, shown) = &mut self.old[fitting[self.rng.below(fitting.len() as u64) as usize]];
        *shown += 1;
        self.shown.set(self.shown.get() + 1);
        let to = if self.rng.below(4) == 0 { *from } else { from.other() };
        Some((to, cell.clone()))
    }
}

impl Between for Player {
    fn cell(&mut self, from: Who, _: MailboxId, cell: &Cell, _: u64) -> Option<Vec<(Who, Cell)>> {
        let mut arriving = vec![(from.other(), cell.clone())];
        for like in [cell.cell_type(), None] {
            let old = self.take(like);
            let at = self.rng.below(arriving.len() as u64 + 1) as usize;
            if let Some(old) = old {
                arriving.insert(at, old);
            }
        }
        Some(arriving)
    }
}

/// A session of two who know one another, from the door on.
fn meet(duo: &mut Duo, [at_client, at_therapist]: [ContactId; 2], mut meanwhile: impl FnMut(&mut Duo)) {
    duo.command(Who::Therapist, Command::Listen(None));
    duo.run_for(500);
    meanwhile(duo);
    let told = duo.side(Who::Therapist).events.len();
    duo.command(Who::Client, Command::JoinContact(at_client));
    for _ in 0..60 {
        duo.run_for(5_000);
        meanwhile(duo);
        if duo.side(Who::Therapist).events[told..].iter().any(|event| matches!(event, Event::PeerWaiting { .. })) {
            break;
        }
    }
    duo.run_for(2_000);
    duo.admit(at_therapist);
    meanwhile(duo);
    duo.compare();
    for who in BOTH {
        duo.command(who, Command::Chat(format!("{who:?}")));
    }
    duo.run_for(1_000);
    meanwhile(duo);
}

/// All cells of a first session and of a pinned one come again in the next, in their own mailboxes and in the new one, in
/// both directions, after a restart of the programs or without one: none is taken, and the session opens all the same.
pub(crate) fn older_session(seed: u64) -> Result<(), Fallen> {
    let mut rng = SeededRng::new(!seed);
    let mut duo = Duo::new(seed);
    let kept = Kept::default();
    duo.put_between(Keeper(Rc::clone(&kept)));
    let contact = duo.open_session(form(seed));
    duo.command(Who::Client, Command::End);
    duo.run_for(5_000);
    let first = kept.borrow().len();
    meet(&mut duo, contact, |_| ());
    duo.command(Who::Therapist, Command::End);
    duo.run_for(5_000);
    let old = kept.borrow().clone();
    check(first > 0 && old.len() > first, || "nothing was kept".into())?;
    if seed >> 1 & 1 == 1 {
        for who in BOTH {
            duo.restart(who);
        }
    }
    // The mailbox of the hour, or another one.
    if seed >> 2 & 3 == 3 {
        duo.run_for(3_700_000);
    }
    let told = BOTH.map(|who| duo.side(who).events.len());
    let psks =
        |duo: &Duo| BOTH.map(|who| duo.side(who).contacts.values().map(|held| *held.psk.expose()).collect::<Vec<_>>());
    let before = psks(&duo);
    let shown = Rc::new(Count::new(0));
    let player = old.iter().map(|(from, _, cell)| (*from, cell.clone(), 0)).collect();
    duo.put_between(Player { old: player, rng: rng.clone(), shown: Rc::clone(&shown) });
    let mut injected = 0;
    meet(&mut duo, contact, |duo| {
        // In order, each where it was, then wherever somebody listens.
        for (from, mailbox, cell) in &old {
            let to = if rng.below(4) == 0 { *from } else { from.other() };
            duo.inject(to, *mailbox, cell.clone());
            let open = duo.side(to).room.open_mailboxes();
            if !open.is_empty() && rng.below(4) == 0 {
                duo.inject(to, MailboxId(open[rng.below(open.len() as u64) as usize]), cell.clone());
            }
            injected += 1;
            duo.run_for(rng.below(1_500));
        }
    });
    check(shown.get() > 0 && injected > 0, || "nothing came again".into())?;
    let news = |who: Who| &duo.side(who).events[told[who as usize]..];
    for who in BOTH {
        let alarm = news(who).iter().find(|event| matches!(event, Event::Alert { .. }));
        withstands(alarm.is_none(), || format!("{who:?} is told of what was long ago: {alarm:?}"))?;
        let met = |event: &&Event| matches!(event, Event::Waiting(_) | Event::PeerWaiting { .. });
        let met = news(who).iter().filter(met).count();
        withstands(met <= 1, || format!("{who:?} met somebody {met} times"))?;
    }
    withstands(psks(&duo) == before, || "contacts have changed".into())?;
    nobody_else_got_in(&duo)?;
    check(BOTH.iter().all(|who| duo.gate(*who) == Some(Gate::G2)), || {
        format!("the session did not open: {:?}", BOTH.map(|who| duo.codes(who)))
    })?;
    duo.command(BOTH[(seed >> 4 & 1) as usize], Command::End);
    duo.run_for(10_000);
    for who in BOTH {
        // One of each of the two sessions since they know one another.
        let said = read(&duo, who);
        check(said == [format!("{:?}", who.other()), format!("{:?}", who.other())], || {
            format!("{who:?} read {said:?}")
        })?;
        let whole = Event::Ended { reason: EndReason::Normal, complete: true };
        check(duo.side(who).events[told[who as usize]..].contains(&whole), || {
            format!("no whole end: {:?}", duo.codes(who))
        })?;
        let verified = duo.side(who).contacts.values().all(|held| held.state == VerificationState::Verified);
        check(verified, || format!("{who:?} holds a contact that is not compared"))?;
    }
    Ok(())
}
