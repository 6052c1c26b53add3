//! For tests: a side that made the handshake honestly, and then says what nobody should, with the keys of its session.
//!
//! All that it says is sealed by the call's own sealer with the next counter, so it is authentic and in order; what the
//! honest machine says goes on beside it.

use super::*;

/// One message of a data channel in clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Control, chat or file.
    pub track: TrackId,
    /// Type, by the track's own numbering.
    pub mtype: u8,
    /// Flags of its one record; none where it is sealed as the honest side does.
    pub flags: Option<u8>,
    /// Contents.
    pub data: Vec<u8>,
}

impl Said {
    /// A message as the honest side would seal it.
    #[must_use]
    pub const fn new(track: TrackId, mtype: u8, data: Vec<u8>) -> Self {
        Self { track, mtype, flags: None, data }
    }
}

/// How a side departs from what its machine wants.
#[derive(Default)]
pub(super) struct Cheat {
    /// Messages that are replaced as they are said: track, type and what is said instead.
    instead: Vec<(TrackId, u8, Vec<Said>)>,
    /// Hears and remembers, and does nothing by it.
    is_deaf: bool,
    said: Vec<Said>,
    heard: Vec<Said>,
}

impl Call {
    /// Seals a message and sends it. False if it can't be sealed, or there is nobody to send it to.
    pub(crate) fn say(&mut self, out: &mut std::collections::VecDeque<crate::Output>, said: &Said) -> bool {
        let Some(id) = self.transport else { return false };
        let sealed = match said.flags {
            None => self.sealer.seal(said.track, said.mtype, &said.data),
            Some(flags) => self.sealer.seal_part(said.track, said.mtype, flags, &said.data).map(|record| vec![record]),
        };
        let Ok(records) = sealed else { return false };
        for record in records {
            out.push_back(crate::Output::Transport(id, TransportRequest::Record(record)));
        }
        true
    }

    /// From now on, this is said wherever the machine would say a message of this type.
    pub(crate) fn say_instead(&mut self, track: TrackId, mtype: u8, instead: Vec<Said>) {
        let cheat = self.cheat.get_or_insert_default();
        cheat.instead.retain(|(of, kind, _)| (*of, *kind) != (track, mtype));
        cheat.instead.push((track, mtype, instead));
    }

    /// The machine says messages of this type itself again.
    pub(crate) fn say_honestly(&mut self, track: TrackId, mtype: u8) {
        if let Some(cheat) = &mut self.cheat {
            cheat.instead.retain(|(of, kind, _)| (*of, *kind) != (track, mtype));
        }
    }

    /// From now on it is remembered what is said and heard.
    pub(crate) fn watch(&mut self) {
        self.cheat.get_or_insert_default();
    }

    pub(crate) fn go_deaf(&mut self) {
        self.cheat.get_or_insert_default().is_deaf = true;
    }

    /// What the machine wanted to say, whatever was said instead.
    pub(crate) fn said(&self) -> &[Said] {
        self.cheat.as_ref().map_or(&[], |cheat| &cheat.said)
    }

    /// What the other side said.
    pub(crate) fn heard(&self) -> &[Said] {
        self.cheat.as_ref().map_or(&[], |cheat| &cheat.heard)
    }

    pub(super) fn says_instead(&mut self, ctx: &mut Ctx<'_>, track: TrackId, mtype: u8, data: &[u8]) -> bool {
        let Some(cheat) = &mut self.cheat else { return false };
        cheat.said.push(Said::new(track, mtype, data.to_vec()));
        let of = cheat.instead.iter().find(|(of, kind, _)| (*of, *kind) == (track, mtype));
        let Some((_, _, instead)) = of else { return false };
        for said in &instead.clone() {
            self.say(ctx.out, said);
        }
        true
    }

    pub(super) fn only_listens(&mut self, message: &DataMessage) -> bool {
        let Some(cheat) = &mut self.cheat else { return false };
        cheat.heard.push(Said::new(message.track, message.mtype, message.data.clone()));
        cheat.is_deaf
    }
}
