//! RFC 9605 Appendix C, PROTOCOL Appendix B, and an independent implementation's values.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{hex, unhex};
use serde::Deserialize;
use sotto_frame_crypto::{
    EpochKeys, SessionKeys, Shape,
    header::Header,
    kid::Kid,
    sframe::{SframeKey, ratchet},
};
use sotto_identity::{Secret, derive};
use sotto_wire::{Codec, Role, TrackId};

/// Appendix B, "KK epoch_root_0".
const EPOCH_ROOT: &str = concat!(
    "8534afda61b2da0f23725336a73447d13159f0c1a5c3a00c455ed25f6f5b5310",
    "6536e4f629ecf3e3de6e518dbb599e67cd8c17e4f1bf31799e4a69d639611bb5"
);
/// Appendix B, "KK h = h2".
const KK_H: &str = concat!(
    "3c820d43629f5a9c673e96de264c7efadb99a8ed8636a48158826db59d299abc",
    "0257c3b69d363e0341eba415102733ee22c4b5853e48b7e135ecf023fbf9bdec"
);

#[derive(Deserialize)]
struct Rfc9605 {
    header: Vec<HeaderVector>,
    sframe: Vec<SframeVector>,
}

#[derive(Deserialize)]
struct HeaderVector {
    kid: u64,
    ctr: u64,
    encoded: String,
}

#[derive(Deserialize)]
struct SframeVector {
    cipher_suite: u16,
    kid: u64,
    ctr: u64,
    base_key: String,
    metadata: String,
    pt: String,
    ct: String,
}

fn rfc9605() -> Rfc9605 {
    serde_json::from_str(include_str!("data/rfc9605.json")).unwrap()
}

#[test]
fn sframe_rfc9605_headers_289() {
    let vectors = rfc9605().header;
    assert_eq!(vectors.len(), 289);
    for HeaderVector { kid, ctr, encoded } in vectors {
        let encoded = unhex(&encoded);
        let header = Header { kid, ctr };
        let mut out = [0xEE; 17];
        let len = header.encode(&mut out);
        assert_eq!((&out[..len], len), (&encoded[..], header.encoded_len()), "{header:?}");
        assert_eq!(Header::parse(&encoded), Some((header, encoded.len())), "{header:?}");
        for cut in 0..encoded.len() {
            assert_eq!(Header::parse(&encoded[..cut]), None, "{header:?} cut to {cut}");
        }
    }
}

#[test]
fn sframe_headers_that_are_not_minimal_are_malformed() {
    for bad in [
        "8000",
        "8007",
        "0800",
        "0807", // one byte for what fits three bits
        "900001",
        "9000ff",
        "090007",
        "0900ff", // two for what fits one
        "f000ffffffffffffff",
        "0f00ffffffffffffff",
        "ff00ffffffffffffff0000000000000000",
    ] {
        assert_eq!(Header::parse(&unhex(bad)), None, "{bad}");
    }
    assert_eq!(Header::parse(&[]), None);
}

#[test]
fn sframe_rfc9605_suite5() {
    let vectors = rfc9605().sframe;
    assert_eq!(vectors.len(), 1);
    for vector in vectors {
        assert_eq!(vector.cipher_suite, 5);
        let key = SframeKey::derive(&unhex(&vector.base_key), vector.kid);
        let (metadata, pt, ct) = (unhex(&vector.metadata), unhex(&vector.pt), unhex(&vector.ct));
        assert_eq!(key.seal(vector.ctr, &metadata, &[&pt], 0).unwrap(), ct);
        let (header, _) = Header::parse(&ct).unwrap();
        assert_eq!(header, Header { kid: vector.kid, ctr: vector.ctr });
        assert_eq!(key.open(header, &metadata, &ct).unwrap(), pt);
    }
}

/// Bases, keys and salts can't be read out of a session; AES-GCM under the right key and salt has one result only.
#[test]
fn kat_tsp1_bases() {
    let root = Secret::new(hex(EPOCH_ROOT));
    for (epoch, direction, track, expected, after_one_step) in [
        (
            0_u32,
            0_u8,
            0_u8,
            "ef8ca580df3212fbc14457591b1ed1ec7155477b13ef4b39169ba592a3447694d58b5273a1ca9c457e2026b9976e18ecd718fa46c947f0565aaddef23db3c1b3",
            "3dcff54e24c812201a79760018355d7ad973aaefacf064fda5013f7528d4eaac5ff1f0817b800d3b87683a4d34c63597b4a8efd08ea3d844462b5b9876255f11",
        ),
        (
            0,
            1,
            1,
            "f8465bb726a7b20073c5082bfc9caea91a7785d95e808d24b96579f6a1817f9e509c2ceed53c8eb87cbf1ac2db2a4ff32c5cf7482365bafc687e670894694f31",
            "b2211018555b25abd645c2d4aba913a39a714007ccfdd8f0270af367a65d04621e6dc279d1de20a76c7a7a9a28914cfea778f132413e84a4fb762414f265c3be",
        ),
        (
            3,
            1,
            5,
            "d6be3eeffa8c8a2804af434032170d274a9ac892abeae7864330c9ea1f2184399cad41aaa1a0a0a81c61cd1f2e5dd4073486c12bda32735505a2530a22a08192",
            "256d3f24292452eb01c0da72bca21125711dce62e358ef15fdfaf575ce483b65f34930bacb830cea0354470594789470fcd6c5145357ba7facf0997efa710f85",
        ),
    ] {
        let mut context = epoch.to_be_bytes().to_vec();
        context.extend([direction, track]);
        let base: Secret<64> = derive::kdf(&root, "sframe base", &context);
        assert_eq!(base.expose()[..], unhex(expected), "base({epoch},{direction},{track},0)");
        assert_eq!(ratchet(&base).expose()[..], unhex(after_one_step), "sframe_ratchet_nh64_label");
    }
}

/// The path from the root to the wire: what a session seals is what the keys of Appendix B seal.
#[test]
fn kat_tsp1_session_keys() {
    use aes_gcm::{
        Aes256Gcm, KeyInit,
        aead::{Aead, Payload},
    };

    fn expect(key: &str, salt: &str, ctr: u64, aad: &[u8], msg: &[u8]) -> Vec<u8> {
        let mut nonce: [u8; 12] = hex(salt);
        for (byte, ctr) in nonce[4..].iter_mut().zip(ctr.to_be_bytes()) {
            *byte ^= ctr;
        }
        Aes256Gcm::new(&hex::<32>(key).into()).encrypt(&nonce.into(), Payload { msg, aad }).unwrap()
    }

    let mut client = SessionKeys::new(Secret::new(hex(EPOCH_ROOT)), &hex(KK_H), Role::Initiator);
    let mut therapist = SessionKeys::new(Secret::new(hex(EPOCH_ROOT)), &hex(KK_H), Role::Responder);

    // KID 0x00: epoch 0, I→R, audio, step 0.
    let packet = client.media_sealer.seal(TrackId::Audio, Codec::Opus, false, 7, b"x", Shape::VideoExact).unwrap();
    let expected = expect(
        "de62f2e8f6f9e6ad3e3323220b36b5da8ca59292d9bb02b42c46e6c482d2cb6a",
        "57c5d42bc8f87efbda86790f",
        0,
        &[0x00, 0, 0, 0, 0, 0, 7, 111],
        b"\0\x01x",
    );
    assert_eq!(packet.bytes[..], [&[0x00][..], &expected].concat());

    // KID 0x90: R→I, camera.
    let packet = therapist.media_sealer.seal(TrackId::Camera, Codec::H264, true, 7, b"x", Shape::VideoExact).unwrap();
    let expected = expect(
        "f612bfcece4595444c0f252f07cad11b26f1c357eaa82e0063117864b11dc7f9",
        "99eae067cdc323fdaf586077",
        0,
        &[0x80, 0x90, 1, 1, 0, 0, 0, 7, 102],
        b"\0\x01x",
    );
    assert_eq!(packet.bytes[..], [&[0x80, 0x90][..], &expected].concat());

    // KID 0x3d0: epoch 3, R→I, chat; the root is taken as epoch 3's.
    let mut data = therapist.data_sealer;
    for epoch in 1..=3 {
        let keys = EpochKeys::derive(Secret::new(hex(EPOCH_ROOT)), epoch, Role::Responder);
        data.start_epoch(keys.data_seal).unwrap();
    }
    let ctr = data.next_counter(TrackId::Chat);
    let record = data.seal(TrackId::Chat, 1, b"abc").unwrap().remove(0);
    let mut plaintext = b"\x01\x00\x00\x03abc".to_vec();
    plaintext.resize(512, 0);
    let front = [0x90 | ctr as u8, 0x03, 0xD0];
    let expected = expect(
        "657eb44a91ba2bd8388858aa19314f5beb1f5c596ce28c2e573cb525a9678776",
        "0b1db87c1cb124cf026999e3",
        ctr,
        &[&front[..], &[5, 0, 0, 0, 0, 0]].concat(),
        &plaintext,
    );
    assert_eq!(record.bytes[..], [&front[..], &expected].concat());

    // KID 0x01: the next step of the microphone. Its salt is not in the appendix, so the key is checked through ours.
    let base: Secret<64> = derive::kdf(&Secret::new(hex(EPOCH_ROOT)), "sframe base", &[0; 6]);
    let ours = SframeKey::derive(ratchet(&base).expose(), 0x01);
    assert_eq!(client.media_sealer.ratchet(), Ok(1));
    let packet = client.media_sealer.seal(TrackId::Audio, Codec::Opus, false, 7, b"x", Shape::VideoExact).unwrap();
    assert_eq!(packet.bytes[..], ours.seal(1, &[0, 0, 0, 0, 0, 7, 111], &[b"\0\x01x"], 0).unwrap());
    let salt: Secret<12> = derive::expand(
        &derive::extract(b"", ratchet(&base).expose()),
        b"SFrame 1.0 Secret salt \0\0\0\0\0\0\0\x01\0\x05",
    );
    let mut nonce = *salt.expose();
    nonce[11] ^= 1;
    let key = Aes256Gcm::new(&hex::<32>("7307d6947cc50eb87f657aeb329b82cfd49ec47a1c2221c6a934c0265b3db621").into());
    let aad = [0x11, 0, 0, 0, 0, 0, 7, 111];
    assert_eq!(packet.bytes[0], aad[0], "KID 1 and CTR 1 share the config byte");
    assert_eq!(packet.bytes[1..], key.encrypt(&nonce.into(), Payload { msg: b"\0\x01x", aad: &aad }).unwrap());
}

/// From another implementation: 80 bytes `a`, KID 0, CTR 5, track 0, marker 1, timestamp 960, codec 111.
#[test]
fn audio_packet_of_another_implementation() {
    let mut client = SessionKeys::new(Secret::new(hex(EPOCH_ROOT)), &hex(KK_H), Role::Initiator);
    client.media_sealer.skip_counters_for_test(TrackId::Audio, 5);
    let packet = client.media_sealer.seal(TrackId::Audio, Codec::Opus, true, 960, &[b'a'; 80], Shape::Audio).unwrap();
    assert_eq!(
        packet.bytes[..],
        unhex(concat!(
            "054c59f6627e29792b95277389a0daa6c630748d02b14efb0238a310e9b974baffa106a4efbbb2ece373bf03b6c243240deac497",
            "0cadee399a5bda99a9a09d7ad31a93f8bbd4c6b71400cb22d05a1c63c747fb099cbb58f82f5c4257e1ca448909961c9c1bc857a9"
        ))
    );
}

/// From another implementation: `tx0` of the KK session. The step after it is by Appendix D: the unpadded record.
#[test]
fn transcripts_start_from_the_handshake_hash_and_take_unpadded_records() {
    let mut client = SessionKeys::new(Secret::new(hex(EPOCH_ROOT)), &hex(KK_H), Role::Initiator);
    let tx0: [u8; 64] = hex(concat!(
        "f6f534fa01e180cc311c7428a94d2ea38ea9ab5e4e7fe153333aa1b52ac25b8d",
        "1fd61236252021f47ff3f9b7a97cb434f6bd0d1971e67481109969953ebeb792"
    ));
    for track in client.data_sealer.view().into_iter().chain(client.data_opener.view()) {
        assert_eq!((track.next_ctr, &track.tx[..]), (0, &tx0[..32]));
    }
    client.data_sealer.seal(TrackId::Chat, 1, b"abc").unwrap();
    let [control, chat, file] = client.data_sealer.view();
    let tx1 = derive::hash("tx", &[&tx0, b"\x01\x00\x00\x03abc"]);
    assert_eq!((chat.next_ctr, &chat.tx[..]), (1, &tx1[..32]));
    assert!(control.tx == file.tx && control.tx[..] == tx0[..32]);
}

#[test]
fn kid_layout_round_trips_and_refuses_the_rest() {
    for (kid, number) in [
        (Kid { epoch: 0, direction: 0, track: TrackId::Audio, step: 0 }, 0x00),
        (Kid { epoch: 0, direction: 0, track: TrackId::Audio, step: 1 }, 0x01),
        (Kid { epoch: 0, direction: 1, track: TrackId::Camera, step: 0 }, 0x90),
        (Kid { epoch: 3, direction: 1, track: TrackId::Chat, step: 0 }, 0x3D0),
        (Kid { epoch: 255, direction: 1, track: TrackId::File, step: 15 }, 0xFFEF),
    ] {
        assert_eq!((kid.to_u64(), Kid::from_u64(number)), (number, Some(kid)));
    }
    let valid =
        (0..0x2_0000).filter(|&number| Kid::from_u64(number).inspect(|kid| assert_eq!(kid.to_u64(), number)).is_some());
    assert_eq!(valid.count(), 0x1_0000 / 8 * 7, "no track 7, no epoch 256");
    assert_eq!(Kid::from_u64(u64::MAX), None);
}

/// The crate `sframe` agrees on headers, keys, salts, sealing and opening. (Its ratchet does not follow the RFC.)
#[test]
fn sframe_differential_vs_crate() {
    use sframe::{
        CipherSuite,
        frame::{EncryptedFrame, MediaFrame, MonotonicCounter},
        key::{DecryptionKey, EncryptionKey},
    };

    let mut rng = common::Rng(0x5F1A);
    for round in 0..500 {
        let kid = rng.next() >> rng.below(64);
        let ctr = rng.next() >> rng.below(64);
        let base: Vec<u8> = (0..64).map(|_| rng.next() as u8).collect();
        let metadata: Vec<u8> = (0..rng.below(33)).map(|_| rng.next() as u8).collect();
        let plaintext: Vec<u8> = (0..rng.below(1200)).map(|_| rng.next() as u8).collect();

        let ours = SframeKey::derive(&base, kid);
        let sealed = ours.seal(ctr, &metadata, &[&plaintext], 0).unwrap();

        let their_key = EncryptionKey::derive_from(CipherSuite::AesGcm256Sha512, kid, &base).unwrap();
        let mut counter = MonotonicCounter::with_start_value(ctr, u64::MAX);
        let frame = MediaFrame::try_with_meta_data(&mut counter, &plaintext, &metadata).unwrap();
        let theirs = frame.encrypt(&their_key).unwrap();
        let theirs = theirs.sframe_cipher_text();
        assert_eq!(sealed, theirs, "round {round}");

        let their_key = DecryptionKey::derive_from(CipherSuite::AesGcm256Sha512, kid, &base).unwrap();
        let opened = EncryptedFrame::try_with_meta_data(&sealed, &metadata).unwrap().decrypt(&their_key).unwrap();
        assert_eq!(opened.payload(), plaintext, "round {round}");
        let (header, _) = Header::parse(theirs).unwrap();
        assert_eq!(ours.open(header, &metadata, theirs).unwrap(), plaintext, "round {round}");
    }
}
