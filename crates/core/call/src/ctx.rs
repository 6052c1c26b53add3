//! What a step of a sub-machine may touch.

use std::collections::VecDeque;

use rand_core::CryptoRng;
use sotto_session_api::{Event, Severity, SideNotice};

use crate::io::{
    Change, FileRequest, MediaRequest, Now, Output, ServerRequest, ServerUrl, Ticket, TransportId, TransportRequest,
};

/// Time, randomness and the way out, handed down for one step.
pub(crate) struct Ctx<'a> {
    pub now: Now,
    pub rng: &'a mut dyn CryptoRng,
    pub out: &'a mut VecDeque<Output>,
    pub counters: &'a mut Counters,
}

/// Names handed out so far.
#[derive(Default)]
pub(crate) struct Counters {
    ticket: u64,
    transport: u64,
}

impl Ctx<'_> {
    pub(crate) fn event(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }

    /// Says something that a person may want to act on.
    pub(crate) fn notice(&mut self, code: &'static str, severity: Severity) {
        self.event(Event::Notice(SideNotice::new(code, severity)));
    }

    /// Refuses a command; nothing changed.
    pub(crate) fn refuse(&mut self, code: &'static str) {
        self.event(Event::refused(code));
    }

    pub(crate) fn server(&mut self, server: &ServerUrl, request: ServerRequest) {
        self.out.push_back(Output::Server(server.clone(), request));
    }

    pub(crate) fn transport(&mut self, id: TransportId, request: TransportRequest) {
        self.out.push_back(Output::Transport(id, request));
    }

    pub(crate) fn file(&mut self, request: FileRequest) {
        self.out.push_back(Output::File(request));
    }

    pub(crate) fn media(&mut self, request: MediaRequest) {
        self.out.push_back(Output::Media(request));
    }

    /// Asks for a durable write; what depends on it waits for the ticket.
    pub(crate) fn store(&mut self, change: Change) -> Ticket {
        self.counters.ticket += 1;
        let ticket = Ticket(self.counters.ticket);
        self.out.push_back(Output::Store(ticket, change));
        ticket
    }

    pub(crate) fn new_transport(&mut self) -> TransportId {
        self.counters.transport += 1;
        TransportId(self.counters.transport)
    }

    /// A moment `ms` from now.
    pub(crate) const fn after(&self, ms: u64) -> u64 {
        self.now.mono_ms.saturating_add(ms)
    }

    pub(crate) fn random_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.rng.fill_bytes(&mut bytes);
        u64::from_be_bytes(bytes)
    }
}
