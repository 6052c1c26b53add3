//! Drives the shipped programs as people and operators would: two `sotto-peer` processes and a `sotto-rendezvous`,
//! by command line, standard input and standard output.
//!
//! It owns: the programs under test ([`Programs`]), one running program each ([`Peer`], [`Server`]), the steps of a
//! session ([`Meeting`]), the memory of a running program ([`Memory`]), a TCP connection that can be cut ([`Proxy`]),
//! whether the computer itself stood still ([`Standstill`]) and folders that stay when a test fails ([`Folder`]). It knows nothing that a person with a keyboard could not know: no key, no wire format, no crate of the
//! engine. The one test that knows more, `known_keys`, brings it along.
#![forbid(unsafe_code)]

mod figures;
mod folder;
mod keyring;
mod meeting;
mod memory;
mod peer;
mod programs;
mod proxy;
mod server;
mod standstill;

pub use figures::figure;
pub use folder::Folder;
pub use keyring::DesktopKeyring;
pub use meeting::Meeting;
pub use memory::{Memory, SHORTEST};
pub use peer::{Peer, PeerSetup};
pub use programs::Programs;
pub use proxy::Proxy;
pub use server::{Server, ServerSetup};
pub use standstill::Standstill;
