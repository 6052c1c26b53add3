//! Two ends that agree on nothing as strong as we insist on, over real DTLS.

use sotto_wire::TrackId;
use webrtc::peer_connection::{CipherSuiteId, SrtpProtectionProfile};

use super::{
    TransportEvent, TransportFault,
    common::{TurnServer, packet, record},
    pair,
};
use crate::knobs::Knobs;

/// The faults that both sides end with. Neither may be told that it is connected, or be given anything.
async fn faults(knobs: [Knobs; 2]) -> [TransportFault; 2] {
    let server = TurnServer::start().await;
    let [mut client, mut therapist] = pair(&server, knobs).await;
    for peer in [&client, &therapist] {
        peer.transport.send_packet(packet(TrackId::Audio, 1, 120));
        peer.transport.send_record(record(TrackId::Control, 1, 256)).await.unwrap();
    }
    let offer = client.transport.description().await.unwrap();
    therapist.transport.set_remote(&offer).await.unwrap();
    let answer = therapist.transport.description().await.unwrap();
    client.transport.set_remote(&answer).await.unwrap();
    let mut faults = [None; 2];
    loop {
        if let [Some(client), Some(therapist)] = faults {
            return [client, therapist];
        }
        let (event, at) = tokio::select! {
            event = client.next(), if faults[0].is_none() => (event, 0),
            event = therapist.next(), if faults[1].is_none() => (event, 1),
        };
        match event {
            // The other side may have failed already.
            TransportEvent::LocalCandidate(candidate) => {
                let _ = [&therapist, &client][at].transport.add_candidate(&candidate).await;
            }
            TransportEvent::CandidatesEnd => {}
            TransportEvent::Failed(fault) => faults[at] = Some(fault),
            other => panic!("told at {at}: {other:?}"),
        }
    }
}

/// DTLS does not come up where one side takes this alone; where both do it does, and our own check ends it.
async fn refused(weak: Knobs) {
    let (at_client, at_therapist, both) = tokio::join!(
        faults([weak.clone(), Knobs::default()]),
        faults([Knobs::default(), weak.clone()]),
        faults([weak.clone(), weak.clone()]),
    );
    let what = format!("{:?}, {:?}", weak.profile, weak.suite);
    assert_eq!([at_client, at_therapist], [[TransportFault::DtlsTimeout; 2]; 2], "{what}");
    assert!(both.contains(&TransportFault::Downgrade), "{what}: {both:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_with_another_srtp_profile_alone_does_not_connect() {
    use SrtpProtectionProfile::{Srtp_Aead_Aes_128_Gcm, Srtp_Aes128_Cm_Hmac_Sha1_80};
    let refused = |profile| refused(Knobs { profile, ..Knobs::default() });
    tokio::join!(refused(Srtp_Aead_Aes_128_Gcm), refused(Srtp_Aes128_Cm_Hmac_Sha1_80));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_with_another_cipher_suite_alone_does_not_connect() {
    use CipherSuiteId::{Tls_Ecdhe_Ecdsa_With_Aes_128_Gcm_Sha256, Tls_Ecdhe_Ecdsa_With_Aes_256_Cbc_Sha};
    let refused = |suite| refused(Knobs { suite, ..Knobs::default() });
    tokio::join!(refused(Tls_Ecdhe_Ecdsa_With_Aes_128_Gcm_Sha256), refused(Tls_Ecdhe_Ecdsa_With_Aes_256_Cbc_Sha));
}
