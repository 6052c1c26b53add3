//! ICE restart: another path for the same connection (RFC 8445 §9, PROTOCOL §8).
//!
//! New sockets, new allocations, new ICE credentials; certificate, DTLS, SRTP, SSRCs and sequence numbers stay, so no
//! SRTP index is ever used twice. Each side has its turn by signalling: [`Transport::restart`] at the offerer,
//! [`Transport::accept_restart`] at the answerer, [`Transport::finish_restart`] at the offerer.

use rtc::peer_connection::configuration::{RTCConfigurationBuilder, RTCOfferOptions};
use sotto_wire::{Description, sig::IceCredentials};
use tokio::sync::watch;
use webrtc::peer_connection::RTCSessionDescription;

use crate::{
    Relay, TransportFault,
    rebinds::Rebinds,
    runtime::towards,
    sdp,
    transport::{Negotiation, Transport, ice_servers, internal, resolve},
};

impl Transport {
    /// Offerer: begins a restart with these relays, maybe others than before. Candidates follow as events. May be
    /// called again while the answer to an earlier restart is missing.
    ///
    /// # Errors
    /// `RelayUnreachable` if no relay's name resolves, `Internal` at the answerer or before both are described. The
    /// connection goes on in each case.
    pub async fn restart(&self, relays: Vec<Relay>) -> Result<IceCredentials, TransportFault> {
        let mut negotiation = self.negotiation.lock().await;
        if !self.config.offerer || negotiation.described.is_none() {
            return Err(TransportFault::Internal("restart"));
        }
        self.prepare(&mut negotiation, relays).await?;
        let bound = self.rebinds.expect();
        let options = RTCOfferOptions { ice_restart: true };
        let offer = self.peer_connection.create_offer(Some(options)).await.map_err(internal("restart: offer"))?;
        self.apply_own(offer, bound).await
    }

    /// Answerer: the peer restarts with these credentials.
    ///
    /// # Errors
    /// As [`Self::restart`], and `BadDescription` for credentials that are none.
    pub async fn accept_restart(
        &self,
        relays: Vec<Relay>,
        peer: &IceCredentials,
    ) -> Result<IceCredentials, TransportFault> {
        let mut negotiation = self.negotiation.lock().await;
        if self.config.offerer {
            return Err(TransportFault::Internal("restart"));
        }
        let described = renewed(&negotiation, peer)?;
        self.prepare(&mut negotiation, relays).await?;
        let bound = self.rebinds.expect();
        let offer =
            RTCSessionDescription::offer(sdp::rebuild(&described)).map_err(|_| TransportFault::BadDescription)?;
        self.peer_connection.set_remote_description(offer).await.map_err(internal("restart: remote offer"))?;
        negotiation.described = Some(described);
        let answer = self.peer_connection.create_answer(None).await.map_err(internal("restart: answer"))?;
        let own = self.apply_own(answer, bound).await?;
        self.remote_applied(&mut negotiation).await?;
        Ok(own)
    }

    /// Offerer: the peer's credentials for the restart that was begun last.
    ///
    /// # Errors
    /// `BadDescription` for credentials that are none, `Internal` without a restart.
    pub async fn finish_restart(&self, peer: &IceCredentials) -> Result<(), TransportFault> {
        let mut negotiation = self.negotiation.lock().await;
        if !self.config.offerer || negotiation.remote {
            return Err(TransportFault::Internal("no restart"));
        }
        let described = renewed(&negotiation, peer)?;
        let answer =
            RTCSessionDescription::answer(sdp::rebuild(&described)).map_err(|_| TransportFault::BadDescription)?;
        self.peer_connection.set_remote_description(answer).await.map_err(internal("restart: remote answer"))?;
        negotiation.described = Some(described);
        self.remote_applied(&mut negotiation).await
    }

    /// The relays of this attempt, and room for its candidates.
    async fn prepare(&self, negotiation: &mut Negotiation, relays: Vec<Relay>) -> Result<(), TransportFault> {
        let resolved = resolve(&relays, self.config.relay_only).await?;
        // The crate lets go of its old sockets first, and ends for good without new ones. Whoever has no network at the
        // moment tries again.
        let mut addresses = resolved.iter().flat_map(|(_, addresses)| addresses);
        if self.config.relay_only && !addresses.any(|relay| towards(*relay).is_some()) {
            return Err(TransportFault::RelayUnreachable);
        }
        let present = self.peer_connection.get_configuration().await;
        let configuration = RTCConfigurationBuilder::new()
            .with_ice_servers(ice_servers(&relays))
            .with_ice_transport_policy(present.ice_transport_policy())
            .with_certificates(present.certificates().to_vec())
            .build();
        self.peer_connection.set_configuration(configuration).await.map_err(internal("restart: configuration"))?;
        self.sources.restart(resolved);
        negotiation.remote = false;
        negotiation.early.clear();
        negotiation.candidates = 0;
        Ok(())
    }

    async fn apply_own(
        &self,
        own: RTCSessionDescription,
        bound: watch::Receiver<u32>,
    ) -> Result<IceCredentials, TransportFault> {
        let fields = sdp::own_fields(&own.sdp).ok_or(TransportFault::Internal("own SDP"))?;
        self.peer_connection.set_local_description(own).await.map_err(internal("restart: local description"))?;
        Rebinds::wait(bound).await;
        Ok(IceCredentials { ufrag: fields.ufrag, pwd: fields.pwd })
    }
}

/// The peer's description with other credentials; everything else of it stays as it was authenticated and checked.
fn renewed(negotiation: &Negotiation, peer: &IceCredentials) -> Result<Description, TransportFault> {
    if !sdp::is_ice_string(&peer.ufrag, 4, 255) || !sdp::is_ice_string(&peer.pwd, 22, 255) {
        return Err(TransportFault::BadDescription);
    }
    let described = negotiation.described.clone().ok_or(TransportFault::Internal("restart"))?;
    // Both change at a restart (RFC 8445 §9); with the same ones the crate would take it for none.
    if peer.ufrag == described.ufrag || peer.pwd == described.pwd {
        return Err(TransportFault::BadDescription);
    }
    Ok(Description { ufrag: peer.ufrag.clone(), pwd: peer.pwd.clone(), ..described })
}
