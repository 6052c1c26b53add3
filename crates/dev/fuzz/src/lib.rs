//! Hostile input as plain functions (PROTOCOL §12.5): what each parser, each message and each state does with bytes
//! that nobody authenticated, and a session with what a peer says who is authentic and lies.
//!
//! A body panics where a promise is broken: a refused input changed the state, an accepted one has a second encoding.
//! [`Target::check`] adds that no more than 1 MiB is allocated. Tests replay `tests/fuzz/TARGET` and seeded changes of it;
//! `cargo xtask fuzz TARGET` searches on, and with `--keep` puts the best of what it found there.
#![forbid(unsafe_code)]

mod machines;
mod parsers;
mod sealed;
mod session;

/// Most that one unauthenticated input may make a program allocate, bytes.
pub const MAX_ALLOCATED: u64 = 1 << 20;

/// One way in.
#[derive(Debug)]
pub struct Target {
    /// Name, as the command line and the corpus have it.
    pub name: &'static str,
    /// Who can send this.
    pub from: &'static str,
    body: fn(&[u8]),
    /// Inputs that lead to the code behind the first checks.
    seeds: fn() -> Vec<Vec<u8>>,
    /// Most that is allocated while the state is as it is, bytes.
    most: u64,
    /// Why it may be more than [`MAX_ALLOCATED`]; empty where it isn't.
    why_more: &'static str,
    /// Changed inputs that a test tries.
    changes: u64,
}

/// Changed inputs of a target that tests try; the search itself is `cargo xtask fuzz`.
const CHANGES: u64 = 3_000;

/// All targets.
pub const TARGETS: &[Target] = &[
    target_of("cell-r", "the rendezvous server, to a therapist", machines::cell_r, machines::cell_seeds),
    target_of("cell-i", "the rendezvous server, to a client", machines::cell_i, machines::cell_seeds),
    target_of("cell", "the rendezvous server", parsers::cell, parsers::cell_seeds),
    target_of("sig-plaintext", "an authenticated peer", parsers::sig_plaintext, parsers::sig_seeds),
    target_of("tlv", "an authenticated peer", parsers::tlv, parsers::tlv_seeds),
    target_of("invite", "whoever gives an invite", parsers::invite, parsers::invite_seeds),
    target_of("sframe-open", "whoever is inside DTLS", sealed::media, sealed::media_seeds),
    target_of("data-record", "whoever is inside DTLS", sealed::record, sealed::record_seeds),
    target_of("control-message", "an authenticated peer", parsers::control, parsers::control_seeds),
    target_of("rekey-message", "whoever has the keys of the running epoch", sealed::rekey, sealed::rekey_seeds),
    // A session is made for each input: the two sides and their server are in what it takes.
    target_of("session-records", "a peer with the session's keys", session::records, session::seeds).changed(300),
    target_of("video-packet", "an authenticated peer", parsers::video_packet, parsers::video_seeds),
    target_of("h264", "an authenticated peer", parsers::h264, parsers::h264_seeds)
        .allowing(64 << 20, "the decoder keeps pictures, which are larger than what they were made of"),
    target_of("sdp", "an authenticated peer", sotto_transport::fuzz::fuzz_sdp, parsers::sdp_seeds),
    target_of(
        "vault-open",
        "whoever changes the profile folder",
        sotto_vault::fuzz::fuzz_vault_open,
        parsers::vault_seeds,
    ),
    target_of("rdv-frame", "whoever connects to the server", machines::rdv_frame, machines::frame_seeds),
    target_of("server-frame", "the rendezvous server", parsers::server_frame, parsers::server_seeds),
    target_of(
        "turn-shim",
        "whoever sends to the relay",
        sotto_rendezvous_server::fuzz::fuzz_turn_shim,
        parsers::stun_seeds,
    ),
    target_of("command-line", "whoever writes to a peer's input", parsers::command, parsers::command_seeds),
];

const fn target_of(name: &'static str, from: &'static str, body: fn(&[u8]), seeds: fn() -> Vec<Vec<u8>>) -> Target {
    Target { name, from, body, seeds, most: MAX_ALLOCATED, why_more: "", changes: CHANGES }
}

impl Target {
    const fn allowing(mut self, most: u64, why_more: &'static str) -> Self {
        self.most = most;
        self.why_more = why_more;
        self
    }

    /// Most that an input may make it allocate, bytes.
    #[must_use]
    pub const fn most(&self) -> u64 {
        self.most
    }

    /// Why that is more than [`MAX_ALLOCATED`]; empty where it isn't.
    #[must_use]
    pub const fn why_more(&self) -> &'static str {
        self.why_more
    }

    /// Fewer, where each of them takes long.
    const fn changed(mut self, changes: u64) -> Self {
        self.changes = changes;
        self
    }

    /// How many changed inputs a test tries.
    #[must_use]
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// Feeds one input.
    ///
    /// # Panics
    /// If a promise is broken.
    pub fn check(&self, data: &[u8]) {
        let used = allocation_counter::measure(|| (self.body)(data));
        assert!(used.bytes_max <= self.most, "{}: {} bytes for an input of {}", self.name, used.bytes_max, data.len());
    }

    /// Inputs that a search starts from.
    #[must_use]
    pub fn seeds(&self) -> Vec<Vec<u8>> {
        (self.seeds)()
    }

    /// What was made once for all inputs is made now, so that no input pays for it.
    pub fn warm_up(&self) {
        (self.body)(&[]);
    }
}

/// The target of a name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    let found = TARGETS.iter().find(|target| target.name == name)?;
    found.warm_up();
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "greedy: ")]
    fn an_input_that_allocates_too_much_is_found() {
        let greedy = |_: &[u8]| drop(std::hint::black_box(vec![1_u8; 1 + (1 << 20)]));
        target_of("greedy", "nobody", greedy, Vec::new).check(&[]);
    }

    #[test]
    fn an_input_that_allocates_as_much_as_it_may_is_let_pass() {
        let modest = |_: &[u8]| drop(std::hint::black_box(vec![1_u8; 1 << 20]));
        target_of("modest", "nobody", modest, Vec::new).check(&[]);
    }
}
