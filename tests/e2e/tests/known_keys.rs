//! What stays of a session's secrets in the memory of the two programs, with secrets that the test knows: the programs'
//! generator is seeded, and the test computes everything again that they derived.
//!
//! `leaks.rs` finds keys by how they lie expanded for use, in the programs as they are shipped. What never lies so is found
//! here: roots, bases, chaining keys, what was drawn for them, and half a key that was overwritten only in part.
//!
//! And what such keys are worth: who has those of the transport opens nothing but what is sealed once more.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod common;
#[path = "common/replay.rs"]
mod replay;
#[path = "common/srtp.rs"]
mod srtp;

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::Path,
    time::Duration,
};

use common::{
    Stage,
    lab::{PERSONS, ROLES, own, server_in, skipped},
};
use replay::{KnownSecret, Program, Replay};
use serde_json::json;
use sotto_e2e::{Folder, Meeting, Memory, Peer, PeerSetup, Programs, Server, ServerSetup};
use sotto_frame_crypto::{header::Header, kid::Kid, sframe::SframeKey};
use sotto_handshake::{RendezvousUrl, SpokenCode};
use sotto_identity::{IdentityKey, Secret};
use sotto_netlab::{
    capture::read_pcap,
    lab::{Lab, Links, Site},
    stun::{Kind, RtpHeader, payloads},
};
use sotto_vault::Vault;
use sotto_wire::{Codec, TrackId};

/// A secret is looked for by pieces of this length: a half of it is a leak too.
const PIECE: usize = 16;
/// Tracks that carry media keep their bases, from which the ratchet goes on.
const MEDIA_TRACKS: u8 = 4;
const TRACKS: u8 = 7;

/// Keys of the transport that a session can't do without. The others it may hold as long as it lasts.
const OF_THE_TRANSPORT: [&str; 3] = [MASTER_SECRET, RECORD_KEY, SRTP_KEY];
const MASTER_SECRET: &str = "DTLS master secret";
const RECORD_KEY: &str = "DTLS record key";
const SRTP_KEY: &str = "SRTP key";

fn memory(peer: &Peer) -> Option<Memory> {
    match Memory::of(peer.pid()) {
        Ok(memory) => Some(memory),
        Err(error) => {
            sotto_netlab::skip(&format!("the memory of another process can't be read here ({error}); root can"));
            None
        }
    }
}

fn seed(role: &str) -> String {
    format!("the seed of the {role}")
}

fn seeded(stage: &Stage, role: &'static str, rekey_s: &str) -> PeerSetup {
    stage
        .setup(role)
        .with("--rekey-seconds", rekey_s)
        .with_variable("SOTTO_SEED", seed(role).into())
        .with_variable("SOTTO_SEED_LOG", stage.folder.join(&format!("{role}.log")))
        .with_variable("SOTTO_TRANSPORT_KEYS_LOG", stage.folder.join(&format!("{role}.keys")))
}

fn program(stage: &Stage, role: &str) -> Program {
    Program::read(&seed(role), &stage.folder.join(&format!("{role}.log")))
}

/// Keys of DTLS and SRTP, as the programs wrote them down: their generator is not ours, so nobody computes them again.
fn transport_keys(stage: &Stage) -> Vec<KnownSecret> {
    let logs = ["therapist", "client"].map(|role| std::fs::read_to_string(stage.folder.join(&format!("{role}.keys"))));
    let lines: BTreeSet<String> =
        logs.into_iter().flat_map(|log| log.unwrap().lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    let known = lines.iter().map(|line| {
        let (purpose, key) = line.split_once(' ').unwrap();
        let bytes = replay::hex(key);
        let name = match (purpose, bytes.len()) {
            ("Sha256", 48) => MASTER_SECRET,
            ("Sha256", _) => "DTLS pre-master secret",
            ("ChaCha20Poly1305", _) => RECORD_KEY,
            ("Aes256Gcm", _) => SRTP_KEY,
            ("Aes256", _) => "SRTP master key",
            ("Sha1", _) => "STUN key",
            _ => panic!("a key for {purpose} of {} bytes", bytes.len()),
        };
        KnownSecret { epoch: 0, name: name.to_owned(), bytes }
    });
    known.collect()
}

/// What a program's profile holds, from a copy of its file: the program itself has the profile locked.
fn vault(profile: &Path) -> Vault {
    let copy = Folder::new("copy");
    std::fs::copy(profile.join("vault.tsp"), copy.join("vault.tsp")).unwrap();
    let passphrase = std::fs::read_to_string(profile.join("passphrase")).unwrap();
    Vault::open(copy.path(), passphrase.trim_end()).unwrap()
}

fn epochs(meeting: &mut Meeting) -> [u64; 2] {
    meeting.both().map(|peer| peer.stats()["epoch"].as_u64().unwrap())
}

/// Which keys of the media are in use: those of this epoch, after so many steps of the ratchet.
#[derive(Clone, Copy)]
struct Moment {
    epoch: u8,
    step: u8,
}

/// Keys that are not in use any more are kept for 5 s, for packets that come late.
const GRACE_S: f64 = 6.5;

/// The memory of both when one epoch has been in use for so long that nothing of the one before may be there.
fn in_one_epoch(meeting: &mut Meeting) -> ([Memory; 2], u8) {
    for _ in 0..10 {
        let begun = epochs(meeting);
        meeting.talk(GRACE_S);
        let memories = meeting.both().map(|peer| memory(peer).unwrap());
        if epochs(meeting) == begun && begun[0] == begun[1] {
            return (memories, u8::try_from(begun[0]).unwrap());
        }
    }
    panic!("no epoch stays for as long as memory is read");
}

/// Secrets that belong to the contact: they are in the open profile for as long as the program runs.
const OF_THE_CONTACT: [&str; 3] = ["contact psk", "contact rdv", "continuity"];

fn sframe_name(what: &str, epoch: u8, direction: u8, track: u8, step: u8) -> String {
    let kid = u64::from(epoch) << 8 | u64::from(direction << 7 | track << 4 | step);
    format!("SFrame 1.0 Secret {what} {kid:016x}0005")
}

/// What a session needs at a moment; all of it must be found.
fn in_use(Moment { epoch, step }: Moment) -> Vec<String> {
    let of_the_session = ["resume", "sig key 00", "sig key 01", "rekey psk"];
    let lasting = OF_THE_CONTACT.into_iter().chain(OF_THE_TRANSPORT).chain(of_the_session);
    let mut names: Vec<String> = lasting.map(str::to_owned).collect();
    for direction in 0..2_u8 {
        names.extend((0..MEDIA_TRACKS).map(|track| match step {
            0 => format!("sframe base {:08x}{direction:02x}{track:02x}", u32::from(epoch)),
            _ => "SFrame 1.0 Ratchet".to_owned(),
        }));
        for what in ["key", "salt"] {
            // Chat, control and files have one key an epoch.
            let step = |track| if track < MEDIA_TRACKS { step } else { 0 };
            names.extend((0..TRACKS).map(|track| sframe_name(what, epoch, direction, track, step(track))));
        }
    }
    names
}

/// Whether a running session may hold a secret at a moment. The next epoch is agreed on while this one is in use.
fn may_be_in_use(secret: &KnownSecret, now: Moment) -> bool {
    let KnownSecret { epoch, name, .. } = secret;
    let of_the_transport = ["DTLS", "SRTP", "STUN"].iter().any(|layer| name.starts_with(layer));
    *epoch > now.epoch || of_the_transport || in_use(now).contains(name) && (name != "rekey psk" || *epoch == now.epoch)
}

/// Names and places of what is found of these secrets, without those that may be there.
fn found(memory: &Memory, secrets: &[KnownSecret]) -> BTreeMap<String, Vec<String>> {
    let mut names: BTreeMap<&[u8], &KnownSecret> = BTreeMap::new();
    for secret in secrets {
        let bytes = &secret.bytes[..];
        let len = PIECE.min(bytes.len());
        for at in (0..=bytes.len() - len).step_by(len) {
            names.entry(&bytes[at..at + len]).or_insert(secret);
        }
    }
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (piece, place) in memory.find_all(names.keys().copied()) {
        let secret = names[piece];
        found.entry(format!("{} (epoch {})", secret.name, secret.epoch)).or_default().push(place.to_owned());
    }
    found
}

/// What the seeds of two programs that met by this code lead to.
struct Known {
    replay: Replay,
    logs: [Program; 2],
    profiles: [Vault; 2],
    client_secret: Secret<32>,
}

fn known(stage: &Stage, code: &str) -> Known {
    let [profile, client_profile] = ["therapist", "client"].map(|role| vault(&stage.folder.join(role)));
    let identity = profile.profile().identity_key().unwrap();
    let [contact] = &client_profile.profile().contacts[..] else { panic!("one contact") };
    let client_secret = contact.own_secret.clone().unwrap();
    let url = RendezvousUrl::parse(&stage.server.url).unwrap();
    let code = SpokenCode::parse(code).unwrap().secret(url.host_port());
    let logs = [program(stage, "therapist"), program(stage, "client")];
    let replay = Replay::of((&logs[1], &logs[0]), &code, (&IdentityKey::from_bytes(&client_secret), &identity));
    Known { replay, logs, profiles: [profile, client_profile], client_secret }
}

/// Holds a session until a moment that `wait` waits for, and ends it: while it runs all that it needs is found and nothing
/// else, afterwards the contact's secrets alone.
fn hold(name: &str, rekey_s: &str, wait: impl FnOnce(&mut Meeting) -> ([Memory; 2], Moment)) {
    let programs = Programs::seeded();
    let server = Server::start(&programs.rendezvous, &ServerSetup::loopback());
    let stage = Stage { programs, folder: Folder::new(name), server };
    let [mut therapist, mut client] = ["therapist", "client"].map(|role| Peer::start(&seeded(&stage, role, rekey_s)));
    if memory(&client).is_none() {
        return;
    }
    let (_, code) = Meeting::invite(&mut therapist, "code");
    client.send(&json!({"cmd": "join", "invite": code}));
    let mut meeting = Meeting::in_waiting_room(therapist, client);
    meeting.open();
    meeting.see_and_hear();
    meeting.chat(true, "Nachtigall, ick hör dir trapsen");
    meeting.chat(false, "Zaunkönig im Birnbaum");
    let (during, now) = wait(&mut meeting);
    meeting.end();
    // Both have erased what they had: they say so a moment after `ended`.
    std::thread::sleep(Duration::from_millis(1_500));
    let after = meeting.both().map(|peer| memory(peer).unwrap());

    let Known { mut replay, logs, profiles: [profile, client_profile], client_secret } = known(&stage, &code);
    assert!(replay.epoch >= now.epoch, "epochs up to {} are known, {} was in use", replay.epoch, now.epoch);
    let secret_of = |name: &str| {
        let known = replay.secrets.iter().find(|known| known.name == name);
        Secret::new(known.unwrap().bytes[..].try_into().unwrap())
    };
    // What the profiles have is what was computed.
    for held in [&profile, &client_profile] {
        let [contact] = &held.profile().contacts[..] else { panic!("one contact") };
        let stored = [&contact.psk, &contact.rendezvous_key, contact.continuity.as_ref().unwrap()];
        for (name, stored) in OF_THE_CONTACT.into_iter().zip(stored) {
            assert_eq!(secret_of(name).expose(), stored.expose(), "{name}");
        }
    }
    // Every other draw too, but the client's identity for this contact, which is in its profile.
    for log in &logs {
        for bytes in log.draws().into_iter().filter(|bytes| bytes.len() >= PIECE && bytes != client_secret.expose()) {
            if replay.secrets.iter().all(|known| known.bytes != bytes) {
                replay.secrets.push(KnownSecret {
                    epoch: replay.epoch,
                    name: format!("drawn: {}", bytes.len()),
                    bytes,
                });
            }
        }
    }
    replay.secrets.extend(transport_keys(&stage));

    let mut wrong = Vec::new();
    for (role, (during, after)) in ["therapist", "client"].into_iter().zip(during.iter().zip(&after)) {
        let there = found(during, &replay.secrets);
        let size = during.size() >> 20;
        println!("{role}: {} of {} secrets in use, {size} MB looked through", there.len(), replay.secrets.len());
        let needed = in_use(now);
        let is_needed = |found: &str| needed.iter().any(|name| found.starts_with(&format!("{name} (")));
        println!(
            "{role}: not needed, but there: {:?}",
            there.keys().filter(|name| !is_needed(name)).collect::<Vec<_>>()
        );
        let is_there = |name: &str| there.keys().any(|found| found.starts_with(&format!("{name} (")));
        wrong.extend(in_use(now).into_iter().filter(|name| !is_there(name)).map(|n| format!("{role}: no {n}")));
        for secret in replay.secrets.iter().filter(|secret| !may_be_in_use(secret, now)) {
            if let Some(places) = there.get(&format!("{} (epoch {})", secret.name, secret.epoch)) {
                wrong.push(format!(
                    "{role}, epoch {}, step {} in use: {} of epoch {} in {places:?}",
                    now.epoch, now.step, secret.name, secret.epoch
                ));
            }
        }
        let left = found(after, &replay.secrets);
        println!("{role}: {} afterwards: {:?}", left.len(), left.keys());
        // The search finds afterwards what is to be there: the secrets of the contact, in the open profile.
        for name in OF_THE_CONTACT {
            if !left.contains_key(&format!("{name} (epoch 0)")) {
                wrong.push(format!("{role}, after the end: the profile has no {name}"));
            }
        }
        for (name, places) in left {
            if !OF_THE_CONTACT.iter().any(|known| name == format!("{known} (epoch 0)")) {
                wrong.push(format!("{role}, after the end: {name} in {places:?}"));
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    meeting.close();
}

#[test]
fn no_secret_of_a_session_is_left_in_memory_when_it_is_over() {
    hold("known-keys", "10", |meeting| {
        for _ in 0..120 {
            if epochs(meeting).into_iter().all(|epoch| epoch >= 2) {
                break;
            }
            meeting.talk(0.5);
        }
        let (memories, epoch) = in_one_epoch(meeting);
        assert!(epoch >= 2, "{epoch} rekeys");
        (memories, Moment { epoch, step: 0 })
    });
}

#[test]
fn keys_before_a_step_of_the_ratchet_are_gone_from_memory() {
    hold("known-keys-ratchet", "180", |meeting| {
        // The first step is 30 s after the media began, the second 60 s.
        meeting.talk(30.0 + GRACE_S);
        (meeting.both().map(|peer| memory(peer).unwrap()), Moment { epoch: 0, step: 1 })
    });
}

/// All that stands in a row in it.
fn runs(bytes: &[u8]) -> HashSet<&[u8]> {
    bytes.windows(8).collect()
}

/// Who has the keys of SRTP from a bug in the outer layer opens it, and stands before the inner one.
#[test]
fn mitm_dtls_keys_known_media_still_sealed() {
    if skipped() {
        return;
    }
    let (programs, folder) = (Programs::seeded(), Folder::new("known-dtls-keys"));
    let lab = Lab::new(&Links::Veth).unwrap();
    let capture = lab.capture_matching(Site::Client, &folder.join("client.pcap"), "udp").unwrap();
    let server = server_in(&lab, &programs);
    let stage = Stage { programs, folder, server };
    let [mut therapist, mut client] =
        [0, 1].map(|n| Peer::start_in(&lab, PERSONS[n], &seeded(&stage, ROLES[n], "180")));
    let (_, code) = Meeting::invite(&mut therapist, "code");
    client.send(&json!({"cmd": "join", "invite": code}));
    let mut meeting = Meeting::in_waiting_room(therapist, client);
    meeting.open();
    for peer in meeting.both() {
        peer.gains(None, &["/audio_in/packets", "/video_in/frames"], 50.0);
    }
    meeting.end();
    meeting.close();
    let frames = read_pcap(&capture.stop().unwrap()).unwrap();

    let srtp_keys = transport_keys(&stage).into_iter().filter(|known| known.name == SRTP_KEY);
    let srtp_keys: Vec<[u8; 32]> = srtp_keys.map(|known| known.bytes.try_into().unwrap()).collect();
    let replay = known(&stage, &code).replay;
    let bases: Vec<_> = replay.secrets.iter().filter(|known| known.name.starts_with("sframe base 00000000")).collect();
    let mut salts = BTreeMap::<usize, BTreeSet<[u8; 8]>>::new();
    let mut opened = BTreeMap::<(u8, u8), usize>::new();
    for datagram in payloads(&frames).filter(|datagram| datagram.kind == Kind::Rtp) {
        let header = RtpHeader::parse(datagram.payload).unwrap();
        let Some(codec) = Codec::from_u8(header.payload_type) else { continue };
        // The outer layer is no obstacle.
        let found = srtp_keys.iter().enumerate();
        let mut found = found.filter_map(|(n, key)| Some((n, srtp::open(datagram.payload, key)?)));
        let (n, (inside, nonce)) = found.next().expect("one of the keys of SRTP opens it");
        // Two zero bytes, SSRC, the count of turns and the sequence number, on the salt of the key: it was the nonce.
        let on_salt = [&[0; 2][..], &header.ssrc.to_be_bytes(), &header.sequence.to_be_bytes()].concat();
        let of_nonce = [&nonce[..6], &nonce[10..]].concat();
        let salt: Vec<u8> = of_nonce.iter().zip(on_salt).map(|(nonce, with)| nonce ^ with).collect();
        salts.entry(n).or_default().insert(salt.try_into().unwrap());
        // Inside is SFrame, of the one who sends here.
        let (sframe, _) = Header::parse(&inside).expect("SFrame");
        let kid = Kid::from_u64(sframe.kid).expect("a key of ours");
        let by_client = datagram.source.ip() == own(Site::Client);
        assert_eq!((kid.epoch, kid.direction), (0, u8::from(!by_client)));
        let track = if codec == Codec::Opus { TrackId::Audio } else { TrackId::Camera };
        assert_eq!(kid.track, track);
        if kid.step > 0 {
            continue; // a computer so slow that the keys have moved on
        }
        let [a, b, c, d] = header.timestamp.to_be_bytes();
        let metadata = [track as u8, u8::from(header.marker), a, b, c, d, codec as u8];
        let mut openers = bases.iter().filter_map(|base| {
            Some((&base.name, SframeKey::derive(&base.bytes, sframe.kid).open(sframe, &metadata, &inside)?))
        });
        let (name, plain) = openers.next().expect("its own key opens it");
        assert_eq!(*name, format!("sframe base 00000000{:02x}{:02x}", kid.direction, track as u8));
        assert!(openers.next().is_none(), "no other key opens it");
        let (len, plain) = plain.split_first_chunk::<2>().unwrap();
        let plain = &plain[..usize::from(u16::from_be_bytes(*len))];
        assert!(plain.len() >= 8 && runs(plain).is_disjoint(&runs(&inside)), "{track:?} is readable without its key");
        *opened.entry((kid.direction, track as u8)).or_default() += 1;
    }
    println!("opened, by direction and track: {opened:?}; salts: {}", salts.len());
    assert!(salts.len() == 2 && salts.values().all(|salts| salts.len() == 1), "a key a direction: {salts:?}");
    assert!(opened.len() == 4 && opened.values().all(|&count| count >= 10), "{opened:?}");
}
