//! What several tests set up alike.
#![allow(dead_code, clippy::unwrap_used, reason = "tests; each file uses its part")]

pub mod lab;
pub mod pictures;

use sotto_e2e::{Folder, Meeting, Peer, PeerSetup, Programs, Server, ServerSetup};

/// A server on loopback and a folder; peers are started by the test.
pub struct Stage {
    pub programs: Programs,
    pub folder: Folder,
    pub server: Server,
}

impl Stage {
    pub fn new(name: &str) -> Self {
        Self::with_server(name, &ServerSetup::loopback())
    }

    pub fn with_server(name: &str, setup: &ServerSetup) -> Self {
        let programs = Programs::shipped();
        let folder = Folder::new(name);
        let server = Server::start(&programs.rendezvous, setup);
        Self { programs, folder, server }
    }

    /// A peer whose profile is named for the role; it knows the server.
    pub fn setup(&self, role: &'static str) -> PeerSetup {
        PeerSetup::new(&self.programs.peer, role, self.folder.join(role)).with("--rendezvous", &self.server.url)
    }

    pub fn start(&self, role: &'static str) -> Peer {
        Peer::start(&self.setup(role))
    }

    /// Both in the waiting room by a new invite.
    pub fn meet(&self, form: &str) -> Meeting {
        Meeting::by_invite(self.start("therapist"), self.start("client"), form)
    }
}
