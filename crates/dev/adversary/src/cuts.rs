//! Scripts of somebody inside DTLS who makes shorter what was said, at its end or in the middle.

use std::{cell::Cell as Count, rc::Rc};

use sotto_session_api::{Command, EndReason, Event, Gate};
use sotto_sim::{Between, Duo, Who};
use sotto_wire::{SealedRecord, TrackId};

use crate::{
    Fallen,
    scripts::{BOTH, check, form, withstands},
};

/// Somebody inside DTLS who loses some of what one side sends.
struct Cutter {
    from: Who,
    /// Of its chat this record alone is lost; `None`: everything is.
    chat: Option<u32>,
    /// Chat records that came so far.
    came: u32,
    lost: Rc<Count<u32>>,
}

impl Cutter {
    fn take_place(duo: &mut Duo, from: Who, chat: Option<u32>) -> Rc<Count<u32>> {
        let lost = Rc::new(Count::new(0));
        duo.put_between(Self { from, chat, came: 0, lost: Rc::clone(&lost) });
        lost
    }
}

impl Between for Cutter {
    fn record(&mut self, from: Who, record: SealedRecord) -> Vec<(Who, SealedRecord)> {
        let is_lost = from == self.from
            && match self.chat {
                None => true,
                Some(n) if record.track == TrackId::Chat => {
                    self.came += 1;
                    self.came - 1 == n
                }
                Some(_) => false,
            };
        if is_lost {
            self.lost.set(self.lost.get() + 1);
            return Vec::new();
        }
        vec![(from.other(), record)]
    }
}

fn ended(duo: &Duo, who: Who) -> Option<(EndReason, bool)> {
    duo.side(who).events.iter().rev().find_map(|event| match event {
        Event::Ended { reason, complete } => Some((*reason, *complete)),
        _ => None,
    })
}

/// What a side has read, in order.
pub(crate) fn read(duo: &Duo, who: Who) -> Vec<String> {
    let text = |event: &Event| match event {
        Event::Chat { own: false, text, .. } => Some(text.to_string()),
        _ => None,
    };
    duo.side(who).events.iter().filter_map(text).collect()
}

fn opened(seed: u64) -> Result<Duo, Fallen> {
    let mut duo = Duo::new(seed);
    duo.open_session(form(seed));
    check(BOTH.iter().all(|who| duo.gate(*who) == Some(Gate::G2)), || "no session".into())?;
    Ok(duo)
}

/// Somebody inside DTLS cuts off what one side says last, END with it.
fn end_of(from: Who, seed: u64) -> Result<(), Fallen> {
    let to = from.other();
    let mut duo = opened(seed)?;
    let is_said = seed >> 1 & 1 == 1;
    if is_said {
        duo.command(from, Command::Chat("heard".into()));
        duo.run_for(1_000);
    }
    let lost = Cutter::take_place(&mut duo, from, None);
    if seed >> 2 & 1 == 1 {
        duo.command(from, Command::Chat("lost".into()));
        duo.run_for(1_000);
    }
    duo.command(from, Command::End);
    // Before the one who ended has given up, or after.
    duo.run_for(if seed >> 3 & 1 == 0 { 1_000 } else { 10_000 });
    duo.command(to, Command::End);
    duo.run_for(20_000);
    check(lost.get() > 0, || "nothing was cut off".into())?;
    let ends = [from, to].map(|who| ended(&duo, who));
    withstands(ends == [Some((EndReason::Abnormal, false)); 2], || format!("{to:?} took it for whole: {ends:?}"))?;
    check(duo.codes(to).contains(&"E_TRUNCATED"), || "E_TRUNCATED was not said".into())?;
    let expected: &[&str] = if is_said { &["heard"] } else { &[] };
    check(read(&duo, to) == expected, || format!("{to:?} read {:?}", read(&duo, to)))
}

/// The therapist hears nothing of the client's end.
pub(crate) fn cut_end(seed: u64) -> Result<(), Fallen> {
    end_of(Who::Client, seed)
}

/// The client hears nothing of the therapist's end.
pub(crate) fn cut_end_of_therapist(seed: u64) -> Result<(), Fallen> {
    end_of(Who::Therapist, seed)
}

/// One record of the chat is lost, a whole message or a part of one, with more after it or nothing but the end: what comes
/// after it is not read, and the session is not taken for whole.
pub(crate) fn cut_middle(seed: u64) -> Result<(), Fallen> {
    let from = BOTH[(seed & 1) as usize];
    let to = from.other();
    let mut duo = opened(seed >> 1)?;
    let is_long = seed >> 2 & 1 == 1;
    let more_follows = seed >> 3 & 1 == 0;
    // A long message takes three records.
    let part = if is_long { (seed >> 4) as u32 % 3 } else { 0 };
    let lost = Cutter::take_place(&mut duo, from, Some(1 + part));
    let say = |duo: &mut Duo, text: String| {
        duo.command(from, Command::Chat(text));
        duo.run_for(1_000);
    };
    say(&mut duo, "before".into());
    say(&mut duo, "not today ".repeat(if is_long { 130 } else { 1 }));
    if more_follows {
        say(&mut duo, "after".into());
    }
    check(lost.get() == 1, || format!("{} records were lost", lost.get()))?;
    duo.command(from, Command::End);
    duo.run_for(20_000);
    let read = read(&duo, to);
    withstands(read == ["before"], || format!("{to:?} read on: {read:?}"))?;
    let shows_at_once = more_follows || (is_long && part < 2);
    let reason = if shows_at_once { EndReason::Error } else { EndReason::Abnormal };
    withstands(ended(&duo, to) == Some((reason, false)), || {
        format!("{to:?} took it for whole: {:?}", ended(&duo, to))
    })?;
    let is_whole = ended(&duo, from).is_none_or(|(_, complete)| complete);
    withstands(!is_whole, || format!("{from:?} took it for whole: {:?}", ended(&duo, from)))?;
    let code = if shows_at_once { "E_DATA_ORDER" } else { "E_TRUNCATED" };
    check(duo.codes(to).contains(&code), || format!("{code} was not said: {:?}", duo.codes(to)))
}
