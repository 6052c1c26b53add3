//! For tests: what a lying side says in its session.

use sotto_wire::TrackId;

use super::*;
use crate::Said;

impl Room {
    /// Seals a message with the keys of the session and sends it; then [`Room::poll`]. False without a connection.
    pub fn say(&mut self, said: &Said) -> bool {
        let mut out = core::mem::take(&mut self.out);
        let has_said = self.admitted_call().is_some_and(|call| call.say(&mut out, said));
        self.out = out;
        has_said
    }

    /// From now on it is remembered what the machine says and hears in its session.
    pub fn watch(&mut self) {
        for call in self.calls.values_mut() {
            call.watch();
        }
    }

    /// From now on, `instead` is said wherever the machine would say a message of this type.
    pub fn say_instead(&mut self, track: TrackId, mtype: u8, instead: &[Said]) {
        for call in self.calls.values_mut() {
            call.say_instead(track, mtype, instead.to_owned());
        }
    }

    /// The machine says messages of this type itself again.
    pub fn say_honestly(&mut self, track: TrackId, mtype: u8) {
        for call in self.calls.values_mut() {
            call.say_honestly(track, mtype);
        }
    }

    /// From now on the machine of the session remembers what it hears, and does nothing by it.
    pub fn go_deaf(&mut self) {
        for call in self.calls.values_mut() {
            call.go_deaf();
        }
    }

    /// What the machine wanted to say in its session, whatever was said instead.
    #[must_use]
    pub fn said(&self) -> Vec<Said> {
        self.calls.values().flat_map(|call| call.said().iter().cloned()).collect()
    }

    /// What the other side said in the session.
    #[must_use]
    pub fn heard(&self) -> Vec<Said> {
        self.calls.values().flat_map(|call| call.heard().iter().cloned()).collect()
    }
}
