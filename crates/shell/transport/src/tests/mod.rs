//! Tests that switch a counter-measure off and see that it was needed. Real sockets, real relay, seeded loss.
#![allow(clippy::unwrap_used, reason = "tests")]

mod counter_measures;
mod downgrade;
mod lying_relay;
mod network;
mod wire;

#[path = "../../tests/common/mod.rs"]
mod common;

use crate::{Relay, Transport, TransportConfig, TransportEvent, TransportFault};

use tokio::sync::mpsc;

use crate::knobs::Knobs;
use common::{Peer, TurnServer, config};

/// Both sides with the same switches, which a test may still change per side.
async fn pair(server: &TurnServer, knobs: [Knobs; 2]) -> [Peer; 2] {
    let mut peers = Vec::new();
    for (offerer, knobs) in [true, false].into_iter().zip(knobs) {
        let (sender, events) = mpsc::channel(8192);
        let transport = Transport::with_knobs(config(offerer, server.relay()), sender, knobs).await.unwrap();
        peers.push(Peer::new(transport, events));
    }
    peers.try_into().ok().unwrap()
}
