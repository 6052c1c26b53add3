//! The inner layer, from inside DTLS: nothing opens that was not sealed, and nothing changes.

use std::cell::RefCell;

use sotto_frame_crypto::{DataFault, SessionKeys, Shape, TrackSet, keys::EpochKeys};
use sotto_handshake::{AwaitHs2, AwaitHs3, EpochRoot, Params, Purpose, RekeyPsk, RekeyTerms};
use sotto_identity::{IdentityKey, Secret};
use sotto_sim::SeededRng;
use sotto_wire::{
    Codec, Role, SealedPacket, SealedRecord, TrackId,
    record::{RK1_LEN, RK2_LEN},
};

/// A therapist in the middle of a session, with the next epoch admitted.
struct Scene {
    keys: SessionKeys,
    media: [u8; 64],
    data: [u8; 64],
}

fn scene() -> Scene {
    let h = [1; 64];
    let mut client = SessionKeys::new(Secret::new([2; 64]), &h, Role::Initiator);
    let mut keys = SessionKeys::new(Secret::new([2; 64]), &h, Role::Responder);
    keys.media_opener.set_allowed(TrackSet::ALL);
    let next = EpochKeys::derive(Secret::new([3; 64]), 1, Role::Responder);
    keys.media_opener.admit_epoch(next.media_open).expect("the next epoch");
    keys.data_opener.admit_epoch(next.data_open).expect("the next epoch");
    for track in [TrackId::Audio, TrackId::Camera] {
        for n in 0..100 {
            let sealed = client.media_sealer.seal(track, Codec::Opus, false, n, &[1; 80], Shape::Audio);
            keys.media_opener.open(&sealed.expect("it seals"), 0).expect("it opens");
        }
    }
    let (media, data) = (keys.media_opener.state_digest(), keys.data_opener.state_digest());
    Scene { keys, media, data }
}

thread_local! {
    static SCENE: RefCell<Scene> = RefCell::new(scene());
}

/// Track, marker, codec and timestamp, then what the packet holds.
pub(crate) fn media(data: &[u8]) {
    let [track, marker, codec, a, b, bytes @ ..] = data else { return };
    let Some(track) = TrackId::from_u8(track % 8) else { return };
    let codec = if codec & 1 == 0 { Codec::Opus } else { Codec::H264 };
    let packet = SealedPacket {
        track,
        marker: marker & 1 == 1,
        rtp_timestamp: u32::from(*a) << 8 | u32::from(*b),
        codec,
        bytes: bytes.to_vec().into(),
    };
    SCENE.with_borrow_mut(|scene| {
        assert!(scene.keys.media_opener.open(&packet, 0).is_err(), "a forgery was opened");
        assert!(scene.keys.media_opener.state_digest() == scene.media, "a forgery changed the state");
    });
}

pub(crate) fn media_seeds() -> Vec<Vec<u8>> {
    // Headers with one, two and more bytes of key and counter, in epochs 0 and 1.
    [&[0x05][..], &[0x1c, 0x64], &[0x90, 0x80, 0x64], &[0xa1, 0x01, 0x80, 0x01, 0x00]]
        .map(|header| [&[0, 0, 0, 0, 9][..], header, &[7; 98]].concat())
        .into()
}

/// Track, then the record.
pub(crate) fn record(data: &[u8]) {
    let Some((track, bytes)) = data.split_first() else { return };
    let track = [TrackId::Control, TrackId::Chat, TrackId::File][usize::from(track % 3)];
    let record = SealedRecord { track, bytes: bytes.to_vec().into() };
    SCENE.with_borrow_mut(|scene| {
        assert_eq!(scene.keys.data_opener.open(&record), Err(DataFault::Forged));
        assert!(scene.keys.data_opener.state_digest() == scene.data, "a forgery changed the state");
    });
}

pub(crate) fn record_seeds() -> Vec<Vec<u8>> {
    [&[0x90, 0x40, 0x00][..], &[0xa0, 0x01, 0x40]].map(|header| [&[0][..], header, &[7; 272]].concat()).into()
}

/// A therapist that awaits RK1, or a client that awaits RK2, with the secrets of the epoch before.
struct Rekey {
    client: RekeyTerms,
    therapist: RekeyTerms,
    psk: RekeyPsk,
}

fn rekey_scene() -> Rekey {
    let rng = &mut SeededRng::new(5);
    let (client, therapist) = (IdentityKey::generate(rng), IdentityKey::generate(rng));
    let (purpose, address, psk0) = (Purpose::Code { context: [5; 32] }, [7; 32], Secret::new([9; 32]));
    let params = Params::initiator(purpose, address, psk0.clone(), 1);
    let (state, hs1) = AwaitHs2::start(params, &client, None, rng);
    let answered = AwaitHs3::respond(Params::responder(purpose, address, psk0, &hs1), &therapist, &hs1, None, rng);
    let (at_therapist, hs2) = answered.expect("an honest HS1");
    let (hs3, at_client) = state.read(&hs2).and_then(|first| first.finish()).expect("an honest HS2");
    let at_therapist = at_therapist.read(&hs3).expect("an honest HS3");
    let client = RekeyTerms::new(&at_client, client);
    let therapist = RekeyTerms::new(&at_therapist, therapist);
    let (_, psk, _) = EpochRoot::first(&at_client).open(&client);
    Rekey { client, therapist, psk }
}

/// RK1 or RK2, by the first byte; a short input is filled up with zeros.
pub(crate) fn rekey(data: &[u8]) {
    thread_local! {
        static SCENE: Rekey = rekey_scene();
    }
    let Some((kind, bytes)) = data.split_first() else { return };
    SCENE.with(|scene| {
        let rng = &mut SeededRng::new(1);
        if kind & 1 == 0 {
            let mut message = [0; RK1_LEN];
            let len = bytes.len().min(RK1_LEN);
            message[..len].copy_from_slice(&bytes[..len]);
            assert!(scene.therapist.respond(1, &scene.psk, &message, rng).is_err(), "a forged RK1 was answered");
        } else {
            let mut message = [0; RK2_LEN];
            let len = bytes.len().min(RK2_LEN);
            message[..len].copy_from_slice(&bytes[..len]);
            let (state, _) = sotto_handshake::AwaitRk2::start(&scene.client, 1, &scene.psk, rng);
            assert!(state.read(&scene.client, &message).is_err(), "a forged RK2 was taken");
        }
    });
}

pub(crate) fn rekey_seeds() -> Vec<Vec<u8>> {
    // The base point as an ephemeral key, and another canonical one.
    let mut rk1 = vec![0; 1 + RK1_LEN];
    rk1[1] = 9;
    let mut rk2 = vec![1; 1 + RK2_LEN];
    rk2[1 + 1088..1 + 1088 + 32].fill(0x42);
    vec![rk1, rk2]
}
