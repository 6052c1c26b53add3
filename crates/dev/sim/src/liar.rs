//! A peer that lies with real keys: it made the handshake honestly and then says what nobody should.
//!
//! Its words are sealed by its own room, with its own counters, so they are authentic and arrive in order. Its honest
//! machine goes on beside them, unless it is told to be [deaf](Duo::go_deaf) or to say [something else](Duo::say_instead).

use sotto_call::Said;
use sotto_frame_crypto::Shape;
use sotto_wire::{
    Codec, TrackId,
    file::FileMessage,
    record::{ChatMessage, ControlMessage},
};

use crate::{Duo, Who};

/// A message that can be said on its track.
pub trait Message {
    /// In clear, as the honest side seals it.
    fn said(&self) -> Said;
}

impl Message for Said {
    fn said(&self) -> Said {
        self.clone()
    }
}

impl Message for ControlMessage {
    fn said(&self) -> Said {
        Said::new(TrackId::Control, self.mtype(), self.encode_data())
    }
}

impl Message for ChatMessage {
    fn said(&self) -> Said {
        Said::new(TrackId::Chat, self.mtype(), self.encode_data())
    }
}

impl Message for FileMessage {
    fn said(&self) -> Said {
        Said::new(TrackId::File, self.mtype(), self.encode_data())
    }
}

impl Duo {
    /// `who` says this, whatever its machine thinks. It arrives after one delay, as all records do.
    ///
    /// # Panics
    /// If `who` has no session with a transport.
    pub fn say(&mut self, who: Who, message: &impl Message) {
        assert!(self.try_to_say(who, message), "{who:?} has nobody to say anything to");
    }

    /// [`Duo::say`]; false if `who` has no session with a transport.
    pub fn try_to_say(&mut self, who: Who, message: &impl Message) -> bool {
        let has_said = self.sides[who as usize].room.say(&message.said());
        self.carry_out_all(who);
        has_said
    }

    /// From now on it is remembered what `who` says and hears in its session.
    pub fn watch(&mut self, who: Who) {
        self.sides[who as usize].room.watch();
    }

    /// From now on, `who` says this wherever its machine would say a message of type `mtype` on `track`.
    pub fn say_instead(&mut self, who: Who, track: TrackId, mtype: u8, instead: &[Said]) {
        self.sides[who as usize].room.say_instead(track, mtype, instead);
    }

    /// The machine of `who` says messages of this type itself again.
    pub fn say_honestly(&mut self, who: Who, track: TrackId, mtype: u8) {
        self.sides[who as usize].room.say_honestly(track, mtype);
    }

    /// From now on the machine of `who` remembers what it hears and does nothing by it: nothing ends from its side.
    pub fn go_deaf(&mut self, who: Who) {
        self.sides[who as usize].room.go_deaf();
    }

    /// What `who` heard on a track in its session, in order: type and data.
    #[must_use]
    pub fn heard(&self, who: Who, track: TrackId) -> Vec<(u8, Vec<u8>)> {
        of(&self.side(who).room.heard(), track)
    }

    /// What the machine of `who` wanted to say on a track, in order: type and data.
    #[must_use]
    pub fn said(&self, who: Who, track: TrackId) -> Vec<(u8, Vec<u8>)> {
        of(&self.side(who).room.said(), track)
    }

    /// `who` sends one packet of a media track; whether the other side lets it through to a decoder.
    ///
    /// # Panics
    /// If `who` has no media.
    pub fn say_media(&mut self, who: Who, track: TrackId, payload: &[u8]) -> bool {
        let timestamp = (self.now_ms * 48) as u32;
        let (codec, shape) = match track {
            TrackId::Camera | TrackId::Screen => (Codec::H264, Shape::VideoFull),
            _ => (Codec::Opus, Shape::Audio),
        };
        let (sealer, _) = self.sides[who as usize].media.as_mut().expect("it has media");
        let packet = sealer.seal(track, codec, true, timestamp, payload, shape).expect("it seals");
        let before = self.side(who.other()).packets_opened;
        self.open_media(who.other(), &packet);
        self.side(who.other()).packets_opened > before
    }
}

fn of(all: &[Said], track: TrackId) -> Vec<(u8, Vec<u8>)> {
    all.iter().filter(|said| said.track == track).map(|said| (said.mtype, said.data.clone())).collect()
}
