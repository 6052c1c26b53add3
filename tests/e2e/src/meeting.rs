//! The steps of a session, as the two people take them. Each step fails with both sides' stories.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Peer;

/// A therapist, a client, and what they call each other.
#[derive(Debug)]
pub struct Meeting {
    /// The therapist.
    pub therapist: Peer,
    /// The client.
    pub client: Peer,
    /// The therapist's name for the client.
    pub client_contact: String,
    /// The client's name for the therapist.
    pub therapist_contact: String,
}

/// Argon2id of a new profile, connecting and the retries of a handshake fit in it on a loaded machine.
const PATIENCE_S: u64 = 45;

fn text(event: &Value, field: &str) -> String {
    event[field].as_str().unwrap_or_else(|| panic!("no `{field}` in {event}")).to_owned()
}

impl Meeting {
    /// The therapist makes an invite: contact and what to tell the client.
    ///
    /// # Panics
    /// If there is none within the time.
    pub fn invite(therapist: &mut Peer, form: &str) -> (String, String) {
        therapist.send(&json!({"cmd": "invite", "label": "Anna", "form": form}));
        let invite = therapist.expect("invite", PATIENCE_S, |event| event[form].is_string());
        (text(&invite, "contact"), text(&invite, form))
    }

    /// First contact: the client uses an invite and both see it in the waiting room.
    ///
    /// # Panics
    /// If they don't get there.
    #[must_use]
    pub fn by_invite(mut therapist: Peer, mut client: Peer, form: &str) -> Self {
        let (_, invite) = Self::invite(&mut therapist, form);
        client.send(&json!({"cmd": "join", "invite": invite}));
        Self::in_waiting_room(therapist, client)
    }

    /// A later meeting by the pinned keys.
    ///
    /// # Panics
    /// If they don't get to the waiting room.
    #[must_use]
    pub fn by_contact(mut therapist: Peer, mut client: Peer, client_contact: &str, therapist_contact: &str) -> Self {
        therapist.send(&json!({"cmd": "listen", "contacts": [client_contact]}));
        therapist.expect("listening", PATIENCE_S, |_| true);
        client.send(&json!({"cmd": "join", "contact": therapist_contact}));
        Self::in_waiting_room(therapist, client)
    }

    /// Waits until the client is in the waiting room on both sides.
    ///
    /// # Panics
    /// If that doesn't happen.
    #[must_use]
    pub fn in_waiting_room(mut therapist: Peer, mut client: Peer) -> Self {
        let seen = therapist.expect("peer_waiting", PATIENCE_S, |_| true);
        let waits = client.expect("waiting", PATIENCE_S, |_| true);
        let (client_contact, therapist_contact) = (text(&seen, "contact"), text(&waits, "contact"));
        Self { therapist, client, client_contact, therapist_contact }
    }

    /// Both sides.
    pub fn both(&mut self) -> [&mut Peer; 2] {
        [&mut self.therapist, &mut self.client]
    }

    /// The therapist lets the client in; both come to the comparison. Gives the two cards: therapist's, client's.
    ///
    /// # Panics
    /// If they don't get there.
    pub fn admit(&mut self) -> [Value; 2] {
        self.therapist.send(&json!({"cmd": "admit", "contact": self.client_contact}));
        self.both().map(|peer| {
            peer.expect("admitted", 10, |_| true);
            peer.expect("gate", PATIENCE_S, |event| event["gate"] == "G1");
            peer.expect("verify", 10, |_| true)
        })
    }

    /// Index of what `reader` reads among what `listener` may have heard.
    ///
    /// # Panics
    /// If the words are not among the candidates: then somebody is in between, or the engine is broken.
    #[must_use]
    pub fn heard(listener: &Value, reader: &Value) -> usize {
        let candidates = listener["candidates"].as_array().map_or(&[][..], Vec::as_slice);
        assert_eq!(candidates.len(), 4, "four candidates: {listener}");
        let digits = listener["digit_candidates"].as_array().map_or(&[][..], Vec::as_slice);
        let at = candidates.iter().position(|candidate| *candidate == reader["words"]);
        let at = at.unwrap_or_else(|| panic!("{} is not in {listener}", reader["words"]));
        assert_eq!(digits.get(at), Some(&reader["digits"]), "digits go with the words");
        at
    }

    /// Both read, listen and pick; both come to gate G2.
    ///
    /// # Panics
    /// If they don't get there.
    pub fn compare(&mut self, cards: &[Value; 2]) {
        assert_eq!(cards[0]["fingerprint"], cards[1]["fingerprint"], "both see the same fingerprint of the pair");
        assert_ne!(cards[0]["reads_first"], cards[1]["reads_first"], "exactly one reads first");
        assert_ne!(cards[0]["words"], cards[1]["words"], "each side has a half of its own");
        let picks = [Self::heard(&cards[0], &cards[1]), Self::heard(&cards[1], &cards[0])];
        for (peer, pick) in self.both().into_iter().zip(picks) {
            peer.send(&json!({"cmd": "verify", "pick": pick}));
        }
        for peer in self.both() {
            peer.expect("gate", PATIENCE_S, |event| event["gate"] == "G2");
        }
    }

    /// From the waiting room to gate G2.
    ///
    /// # Panics
    /// If they don't get there.
    pub fn open(&mut self) {
        let cards = self.admit();
        self.compare(&cards);
    }

    /// One side writes, the other reads, and the writer is told that it arrived.
    ///
    /// # Panics
    /// If the text doesn't arrive.
    pub fn chat(&mut self, from_client: bool, words: &str) {
        let [therapist, client] = self.both();
        let (writer, reader) = if from_client { (client, therapist) } else { (therapist, client) };
        writer.send(&json!({"cmd": "chat", "text": words}));
        reader.expect("chat", 20, |event| event["from"] == "them" && event["text"] == words);
        writer.expect("chat", 20, |event| event["from"] == "me");
    }

    /// Waits until both hear and see each other.
    ///
    /// # Panics
    /// If that doesn't happen.
    pub fn see_and_hear(&mut self) {
        for peer in self.both() {
            for track in ["audio", "camera"] {
                peer.expect("media", 30, |event| {
                    event["track"] == track && event["direction"] == "in" && event["first_ms"].is_number()
                });
            }
        }
    }

    /// Lets the session run.
    pub fn talk(&self, seconds: f64) {
        let until = Instant::now() + Duration::from_secs_f64(seconds);
        // Real people, real time: sound and pictures are what passes meanwhile.
        std::thread::sleep(until.saturating_duration_since(Instant::now()));
    }

    /// One side ends; both are told that nothing is missing.
    ///
    /// # Panics
    /// If the end is not normal and complete on both sides.
    pub fn end(&mut self) {
        self.client.send(&json!({"cmd": "end"}));
        for peer in self.both() {
            let ended = peer.expect("ended", 15, |_| true);
            assert_eq!((&ended["reason"], &ended["complete"]), (&json!("normal"), &json!(true)), "{ended}");
        }
    }

    /// Closes both programs, which must say that all went well.
    ///
    /// # Panics
    /// If one doesn't.
    pub fn close(self) {
        for peer in [self.therapist, self.client] {
            let status = peer.close();
            assert!(status.success(), "a clean end is exit status 0, not {status}");
        }
    }
}
