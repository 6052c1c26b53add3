//! The session in three network namespaces, through the relay, listened to on every link; a control run with a build
//! that encrypts nothing, in which the same scanners must find everything; and a run at two per cent of loss.
//!
//! `cargo test -p sotto-e2e --test lab -- --nocapture` prints what was measured. Needs root, iproute2 and tcpdump;
//! elsewhere the tests say why they are skipped.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod common;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

use common::lab::{
    PERSONS, ROLES, alone, check_datagrams_to_relay_alone, check_server_alone, check_sockets, now_us, own, server_in,
    skipped, sockets,
};
use common::pictures::frame_numbers;
use serde_json::{Value, json};
use sotto_e2e::{Folder, Meeting, Peer, PeerSetup, Programs, figure};
use sotto_netlab::capture::{Frame, read_pcap};
use sotto_netlab::dtls::{ECDHE_ECDSA_CHACHA20_POLY1305, HelloKind, SRTP_AEAD_AES_256_GCM, hellos};
use sotto_netlab::lab::{self, Lab, Links, Site};
use sotto_netlab::quality::compare_speech;
use sotto_netlab::scan;
use sotto_netlab::stun::{Kind, RtpHeader, payloads};
use sotto_netlab::voice;
use sotto_netlab::wav::{self, Wav, resample};
use sotto_netlab::wire::Impairment;

/// Payload types (PROTOCOL §5.3).
const OPUS: u8 = 111;
const RETRANSMITTED: u8 = 103;
/// What is typed and must not be seen on the way.
const CANARIES: [&str; 2] = ["canary-therapist-Zitronenfalter", "canary-client-Distelfink"];
const TEXTS: [&str; 2] = [
    "Good morning, please sit down. How did you sleep since we met last week? You told me about the long train rides, \
     and I was wondering whether they still make you tired in the evening.",
    "It was a strange week, to be honest. On Tuesday I walked along the river for an hour, and yesterday my sister \
     called me twice, which she has not done since we were children.",
];

/// What one session left behind. Therapist first, client second.
struct Run {
    folder: Folder,
    links: [Vec<Frame>; 2],
    sent: [Wav; 2],
    /// Just before the therapist let the client in, microseconds since the Unix epoch.
    admit_us: u64,
    /// Seconds of sound before the therapist muted.
    talked_s: f64,
    /// Open TCP and UDP sockets of each person while waiting: protocol and remote end.
    waiting_sockets: [Vec<(String, String)>; 2],
    stats: [Value; 2],
}

fn run(name: &str, programs: &Programs, links: &Links, talk_s: f64) -> Run {
    let talk = |meeting: &mut Meeting| {
        meeting.talk(talk_s);
        meeting.therapist.send(&json!({"cmd": "mute", "track": "audio", "on": true}));
        meeting.talk(4.0);
    };
    run_while(name, programs, links, talk_s, talk)
}

/// A session that lasts for as long as `talk` does.
fn run_while(name: &str, programs: &Programs, links: &Links, talk_s: f64, talk: impl FnOnce(&mut Meeting)) -> Run {
    let folder = Folder::new(name);
    let lab = Lab::new(links).unwrap();
    let server = server_in(&lab, programs);
    let captures = PERSONS.map(|person| lab.capture(person, &folder.join(&format!("{person:?}.pcap"))).unwrap());
    let mut sent = Vec::new();
    let mut peers = Vec::new();
    for (index, role) in ROLES.into_iter().enumerate() {
        let voice_file = folder.join(&format!("{role}-says.wav"));
        let (said, who) = voice::write_speech(&voice_file, 20 + index as u64, TEXTS[index], 11.0).unwrap();
        println!("{name}: the {role} speaks with {who}");
        sent.push(said);
        let setup = PeerSetup::new(&programs.peer, role, folder.join(role))
            .with("--mic", format!("file:{}", voice_file.display()))
            .with("--audio-out", format!("wav:{}", folder.join(&format!("{role}-hears.wav")).display()))
            .with("--video-out", format!("png:{}", folder.join(&format!("{role}-sees")).display()))
            .with("--log", "trace")
            // Only the control build writes it.
            .with_variable("SOTTO_DANGEROUS_SIGNALLING_LOG", folder.join(&format!("{role}-opened")));
        // The client learns the server and its pin from the link.
        let setup = if index == 0 { setup.with("--rendezvous", &server.url) } else { setup };
        peers.push(Peer::start_in(&lab, PERSONS[index], &setup));
    }
    let (client, therapist) = (peers.pop().unwrap(), peers.pop().unwrap());
    let mut meeting = Meeting::by_invite(therapist, client, "link");
    meeting.talk(1.0);
    let waiting_sockets = meeting.both().map(|peer| sockets(peer.pid()));
    let admit_us = now_us();
    meeting.open();
    meeting.see_and_hear();
    meeting.chat(false, CANARIES[0]);
    meeting.chat(true, CANARIES[1]);
    talk(&mut meeting);
    let stats = meeting.both().map(Peer::stats);
    for (stats, role) in stats.iter().zip(ROLES) {
        println!("{name}: figures of the {role}: {stats}");
    }
    check_what_is_said_here(&mut meeting, &stats);
    meeting.end();
    meeting.close();
    let links = captures.map(|capture| read_pcap(&capture.stop().unwrap()).unwrap());
    let sent = <[Wav; 2]>::try_from(sent).unwrap();
    Run { folder, links, sent, admit_us, talked_s: talk_s, waiting_sockets, stats }
}

/// Neither figures nor the most talkative log name an address of a person's computer.
fn check_what_is_said_here(meeting: &mut Meeting, stats: &[Value; 2]) {
    for (peer, stats) in meeting.both().into_iter().zip(stats) {
        let said = format!("{}\n{stats}", peer.errors());
        assert!(said.contains("swap") || said.len() > 500, "nothing is said at all");
        for address in PERSONS.into_iter().flat_map(lab::addresses) {
            assert!(!said.contains(&address.to_string()), "{address} in:\n{said}");
        }
    }
}

/// SSRC and sender of each stream of sound on a link, and whether the therapist sends it.
fn sound_streams(frames: &[Frame], person: Site) -> Vec<(u32, usize)> {
    let mut streams = BTreeSet::new();
    for payload in payloads(frames).filter(|payload| payload.kind == Kind::Rtp) {
        if let Some(header) = RtpHeader::parse(payload.payload).filter(|header| header.payload_type == OPUS) {
            let from_here = payload.source.ip() == own(person);
            let speaker = usize::from((person == Site::Client) == from_here);
            streams.insert((header.ssrc, speaker));
        }
    }
    streams.into_iter().collect()
}

/// What each person said, as long as the call lasted, at the rate of the eavesdropper.
fn said(run: &Run, speaker: usize) -> Vec<f32> {
    let low = resample(&run.sent[speaker].samples, run.sent[speaker].rate_hz, 8000);
    let wanted = ((run.talked_s + 8.0) * 8000.0) as usize;
    low.into_iter().cycle().take(wanted).collect()
}

/// Everything that an eavesdropper finds on both links.
#[derive(Debug, Default)]
struct Found {
    /// Best correlation of what was decoded as Opus with what was said.
    opus: f64,
    /// The worst one, for the control run, in which every stream must be understood.
    opus_least: f64,
    start_codes: u64,
    parameter_sets: u64,
    vp8_key_frames: usize,
    sctp: scan::Sctp,
    texts: [usize; 2],
    rtp_packets: u64,
}

fn eavesdrop(run: &Run) -> Found {
    let mut found = Found { opus_least: 1.0, ..Found::default() };
    let said = [0, 1].map(|speaker| said(run, speaker));
    // Decoding takes its time: one thread a link.
    let listen = |frames: &Vec<Frame>, person: Site| -> Vec<_> {
        let streams = sound_streams(frames, person);
        assert_eq!(streams.len(), 2, "sound both ways on each link");
        let hear =
            |(ssrc, speaker): (u32, usize)| (person, speaker, scan::eavesdrop_opus(frames, ssrc, &said[speaker]));
        streams.into_iter().map(hear).collect()
    };
    let heard: Vec<_> = std::thread::scope(|scope| {
        let listen = &listen;
        let threads: Vec<_> = (0..2).map(|link| scope.spawn(move || listen(&run.links[link], PERSONS[link]))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    for (person, speaker, heard) in heard {
        println!(
            "{person:?}'s link, voice of the {}: {} packets, {} decode behind {} bytes, correlation {:.4}",
            ROLES[speaker], heard.packets, heard.decoded, heard.header, heard.correlation
        );
        found.opus = found.opus.max(heard.correlation);
        found.opus_least = found.opus_least.min(heard.correlation);
    }
    for frames in &run.links {
        let codes = scan::scan_start_codes(frames);
        found.start_codes += codes.found;
        found.parameter_sets += codes.parameter_sets;
        found.rtp_packets += codes.packets;
        found.vp8_key_frames += scan::count_vp8_key_frames(frames);
        let sctp = scan::scan_sctp(frames);
        found.sctp.payloads += sctp.payloads;
        found.sctp.plausible += sctp.plausible;
        found.sctp.packets += sctp.packets;
        for (count, canary) in found.texts.iter_mut().zip(CANARIES) {
            *count += scan::count_text(frames, canary);
        }
    }
    println!("found: {found:?}");
    found
}

/// What the readable part of each DTLS handshake says: one cipher suite and one SRTP profile are offered, and chosen.
fn check_ciphers(run: &Run) {
    for (frames, person) in run.links.iter().zip(PERSONS) {
        let hellos = hellos(frames);
        for hello in &hellos {
            println!(
                "{person:?}'s link: {:?} hello of DTLS {:04x}, cipher suites {:04x?}, SRTP profiles {:04x?}",
                hello.kind, hello.version, hello.cipher_suites, hello.srtp_profiles
            );
            assert_eq!(hello.cipher_suites, [ECDHE_ECDSA_CHACHA20_POLY1305]);
            assert_eq!(hello.srtp_profiles, [SRTP_AEAD_AES_256_GCM]);
        }
        for kind in [HelloKind::Client, HelloKind::Server] {
            assert!(hellos.iter().any(|hello| hello.kind == kind), "no {kind:?} hello on {person:?}'s link");
        }
    }
}

/// What should be ciphertext on each link, whole: entropy in bits a byte. And the greatest unevenness of its kinds.
fn entropy(run: &Run) -> ([f64; 2], f64) {
    let mut uneven: f64 = 0.0;
    let mut link = |frames: &[Frame], person: Site| {
        let mut whole = scan::Histogram::default();
        let say = |what: &str, histogram: &scan::Histogram| {
            let (bytes, bits, uneven) = (histogram.bytes(), histogram.bits_per_byte(), histogram.unevenness());
            println!("{person:?}'s link, {what}: {bytes} bytes, {bits:.5} bits a byte, unevenness {uneven:.0}");
        };
        for (carrier, histogram) in scan::ciphertext(frames) {
            say(&format!("{carrier:?}"), &histogram);
            uneven = uneven.max(histogram.unevenness());
            whole.join(&histogram);
        }
        say("all", &whole);
        assert!(whole.bytes() > 1_000_000, "too little to judge");
        whole.bits_per_byte()
    };
    ([0, 1].map(|index| link(&run.links[index], PERSONS[index])), uneven)
}

/// How long the two talk in the run that is judged, seconds: in `SOTTO_CAPTURE_SECONDS`, else long enough for every
/// scanner.
fn talk_seconds() -> f64 {
    match std::env::var("SOTTO_CAPTURE_SECONDS") {
        Ok(seconds) => seconds.parse::<u32>().ok().filter(|&seconds| seconds >= 25).unwrap().into(),
        Err(_) => 25.0,
    }
}

/// The sizes of sound packets, and how many of them there are. One size, also while muted.
fn check_sound_sizes(run: &Run) {
    for (frames, person) in run.links.iter().zip(PERSONS) {
        let streams = scan::audio_sizes(frames, OPUS);
        assert_eq!(streams.len(), 2);
        for (ssrc, sizes) in streams {
            let seconds = (sizes.at_us[sizes.at_us.len() - 1] - sizes.at_us[0]) as f64 / 1e6;
            let rate = sizes.packets as f64 / seconds;
            println!(
                "{person:?}'s link, stream {ssrc:08x}: {} packets in {seconds:.1} s, RTP packet sizes {:?}, half of them at \
                 most {:.2} ms out of turn, 99 of 100 at most {:.2} ms",
                sizes.packets,
                sizes.packet,
                sizes.unevenness_ms(PACKET_MS, 50, 0..u64::MAX),
                sizes.unevenness_ms(PACKET_MS, 99, 0..u64::MAX)
            );
            assert_eq!(sizes.packet.len(), 1, "one size, also muted");
            assert_eq!(sizes.payload.len(), 1);
            assert!(rate > 45.0 && rate < 55.0, "{rate} packets a second, also muted");
        }
    }
}

/// Minutes of a session, and how long somebody is muted in each fifth of them.
const SESSION_MIN: u64 = 50;
const MUTED_S: f64 = 60.0;
/// From one packet of sound to the next (PROTOCOL §7.5).
const PACKET_MS: f64 = 20.0;
/// How far 99 of 100 packets may be out of turn.
const PACE_MS: f64 = 3.0;

/// What an observer on the line sees of a whole session's sound: one size, and one pace, whether somebody speaks or is
/// muted. Nothing else should run beside it: the pace is also this computer's.
#[test]
#[ignore = "a session of fifty minutes: cargo xtask soak shape runs it, by hand and in no CI"]
fn a_whole_session_of_sound_has_one_size_and_shows_no_muting() {
    if skipped() {
        return;
    }
    let _alone = alone();
    let seconds = std::env::var("SOTTO_SHAPE_SECONDS").ok().and_then(|n| n.parse().ok()).unwrap_or(SESSION_MIN * 60);
    let part_s = seconds as f64 / 5.0;
    let muted_s = MUTED_S.min(part_s / 2.0);
    let mut muted = Vec::new();
    let talk = |meeting: &mut Meeting| {
        for _ in 0..5 {
            meeting.talk(part_s - muted_s);
            let from = now_us();
            meeting.therapist.send(&json!({"cmd": "mute", "track": "audio", "on": true}));
            meeting.talk(muted_s);
            muted.push(from..now_us());
            meeting.therapist.send(&json!({"cmd": "mute", "track": "audio", "on": false}));
        }
    };
    let run = run_while("shape", &Programs::shipped(), &Links::Veth, seconds as f64, talk);
    check_sound_sizes(&run);
    for sizes in run.links.iter().flat_map(|frames| scan::audio_sizes(frames, OPUS).into_values()) {
        assert!(sizes.unevenness_ms(PACKET_MS, 99, 0..u64::MAX) < PACE_MS, "out of turn; does something else run?");
    }
    let therapist = scan::audio_sizes(&run.links[0], OPUS);
    let own = sound_streams(&run.links[0], PERSONS[0]).into_iter().find(|(_, speaker)| *speaker == 0).unwrap().0;
    let sizes = &therapist[&own];
    let rate = |during: &std::ops::Range<u64>| {
        let packets = sizes.at_us.iter().filter(|at| during.contains(at)).count();
        packets as f64 * 1e6 / (during.end - during.start) as f64
    };
    for (part, muted) in muted.iter().enumerate() {
        let length = muted.end - muted.start;
        let speaking = muted.start - length..muted.start;
        println!(
            "part {}: {:.2} packets a second while the therapist is muted, {:.2} before; half of them at most {:.2} ms and \
             {:.2} ms out of turn, 99 of 100 at most {:.2} ms and {:.2} ms",
            part + 1,
            rate(muted),
            rate(&speaking),
            sizes.unevenness_ms(PACKET_MS, 50, muted.clone()),
            sizes.unevenness_ms(PACKET_MS, 50, speaking.clone()),
            sizes.unevenness_ms(PACKET_MS, 99, muted.clone()),
            sizes.unevenness_ms(PACKET_MS, 99, speaking.clone()),
        );
        assert!((rate(muted) - rate(&speaking)).abs() < 1.0, "muting shows");
    }
}

fn check_addresses(run: &Run) {
    for (frames, person) in run.links.iter().zip(PERSONS) {
        let other = if person == Site::Client { Site::Therapist } else { Site::Client };
        let report = scan::scan_addresses(frames, &lab::addresses(other));
        println!(
            "{person:?}'s link: {} frames, {} bytes, {} of them ciphertext; the other's addresses: {} times readable, {} times \
             in ciphertext, where chance puts {:.4}",
            frames.len(),
            report.bytes,
            report.ciphertext_bytes,
            report.readable.len(),
            report.in_ciphertext.len(),
            report.expected_by_chance
        );
        assert!(report.is_clean(), "{:?}", report.readable.iter().take(5).collect::<Vec<_>>());
        // The same scanner on the same link finds the person's own address: it does look.
        assert!(!scan::scan_addresses(frames, &lab::addresses(person)).is_clean());
        check_datagrams_to_relay_alone(frames, person);
    }
}

/// What each side decrypted of the other's signalling: descriptions and relay candidates, and in none of it, in any
/// form, an address of a person's computer. `u8 attempt | u8 type | …` of CAND is in PROTOCOL, Appendix D.
fn check_signalling(run: &Run) {
    const OFFER: u8 = 4;
    const ANSWER: u8 = 5;
    const CAND: u8 = 6;
    const RELAY: u8 = 2;
    let addresses: Vec<IpAddr> = PERSONS.into_iter().flat_map(lab::addresses).collect();
    for (role, description) in ROLES.into_iter().zip([OFFER, ANSWER]) {
        let log = std::fs::read_to_string(run.folder.join(&format!("{role}-opened"))).unwrap();
        let messages: Vec<(u8, Vec<u8>)> = log
            .lines()
            .map(|line| {
                let (mtype, data) = line.split_once(' ').unwrap();
                let byte = |at: usize| u8::from_str_radix(&data[at..at + 2], 16).unwrap();
                (u8::from_str_radix(mtype, 16).unwrap(), (0..data.len()).step_by(2).map(byte).collect())
            })
            .collect();
        let of = |wanted: u8| messages.iter().filter(move |(mtype, _)| *mtype == wanted);
        println!("the {role} decrypted: types {:02x?}", messages.iter().map(|(mtype, _)| mtype).collect::<Vec<_>>());
        assert_eq!(of(description).count(), 1);
        assert!(of(CAND).count() > 0);
        for (_, candidate) in of(CAND) {
            assert_eq!(candidate[1], RELAY);
            let relay = lab::SERVER.octets();
            assert!(
                candidate.windows(4).any(|bytes| bytes == relay),
                "the relay's address is found, so it is looked for"
            );
        }
        for (mtype, data) in &messages {
            for address in &addresses {
                assert!(!holds(data, *address), "message {mtype:02x} to the {role} holds {address}");
            }
        }
    }
}

/// Whether the address stands in the data: in network order, reversed, XORed with STUN's magic cookie, or as text.
fn holds(data: &[u8], address: IpAddr) -> bool {
    const COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
    let plain = match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    let reversed = plain.iter().rev().copied().collect();
    let xored = plain.iter().zip(COOKIE.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
    [plain, reversed, xored, address.to_string().into_bytes()]
        .iter()
        .any(|form: &Vec<u8>| data.windows(form.len()).any(|window| window == form))
}

/// Before ADMIT, nothing but the connection to rendezvous.
fn check_before_admission(run: &Run) {
    for ((frames, person), sockets) in run.links.iter().zip(PERSONS).zip(&run.waiting_sockets) {
        check_sockets(sockets);
        check_server_alone(frames, person, run.admit_us);
        let kinds: BTreeSet<_> = payloads(frames).map(|payload| payload.kind).collect();
        assert!(kinds.contains(&Kind::Rtp) && kinds.contains(&Kind::Dtls) && kinds.contains(&Kind::Stun), "{kinds:?}");
    }
}

/// Every SRTP index was used once. Gives the number of retransmitted packets.
fn check_srtp_indices(run: &Run) -> usize {
    let mut retransmitted = 0;
    for (frames, person) in run.links.iter().zip(PERSONS) {
        let index_use = scan::srtp_index_use(frames);
        println!(
            "{person:?}'s link: {} SRTP packets in {} streams, {} came twice alike, {} indices with different bytes",
            index_use.packets,
            index_use.streams.len(),
            index_use.repeats,
            index_use.reused.len()
        );
        assert!(index_use.packets > 1000 && index_use.reused.is_empty(), "{:?}", index_use.reused);
        retransmitted += payloads(frames)
            .filter(|payload| payload.kind == Kind::Rtp)
            .filter_map(|payload| RtpHeader::parse(payload.payload))
            .filter(|header| header.payload_type == RETRANSMITTED)
            .count();
    }
    retransmitted
}

/// Windows of four seconds of what was heard while both spoke: median correlation and median STOI. Short ones, so that one place where
/// a busy computer let sound wait, and it was stretched, is in few of them.
fn speech(run: &Run, listener: usize) -> (f64, f64) {
    let heard = wav::read(&run.folder.join(&format!("{}-hears.wav", ROLES[listener]))).unwrap();
    assert_eq!(heard.rate_hz, 48_000);
    // The file begins with the session's sound; the last seconds may be muted.
    let spoken = ((run.talked_s * f64::from(heard.rate_hz)) as usize).min(heard.samples.len());
    let heard = Wav { samples: heard.samples[..spoken].to_vec(), ..heard };
    let windows = compare_speech(&run.sent[1 - listener], &heard, 4.0, 2.0);
    for window in &windows {
        println!("the {} hears: {window:.3?}", ROLES[listener]);
    }
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    let (correlation, stoi) = (
        median(windows.iter().map(|window| window.correlation).collect()),
        median(windows.iter().map(|window| window.stoi).collect()),
    );
    println!("the {} hears: median correlation {correlation:.3}, median STOI {stoi:.3}", ROLES[listener]);
    (correlation, stoi)
}

/// The camera gives thirty pictures a second: they are sent, they arrive, and they are shown in time.
/// The tests of this file run alone on the machine, so that a rate can be judged.
fn check_picture_rate(run: &Run) {
    for (listener, role) in ROLES.into_iter().enumerate() {
        let sent = figure(&run.stats[1 - listener], "/video_out/frames");
        let seen = figure(&run.stats[listener], "/video_in/frames");
        // Sound has a constant rate of fifty packets a second: it is the clock of what was seen meanwhile.
        let seconds = figure(&run.stats[listener], "/audio_in/packets") / 50.0;
        let frozen_ms = figure(&run.stats[listener], "/video_in/freeze_ms");
        println!(
            "the {role} sees {:.1} pictures a second, {seen} of {sent}; {frozen_ms} ms of them stood",
            seen / seconds
        );
        assert!(seen / seconds > 20.0 && seen >= 0.9 * sent, "{seen} of {sent} in {seconds} s");
        assert!(frozen_ms < 100.0 * seconds, "{frozen_ms} ms of {seconds} s");
    }
}

fn check_pictures(folder: &Path, least_share: f64) {
    let (count, numbers) = frame_numbers(folder);
    println!(
        "{}: {} of {count} pictures tell their frame number, {:?} to {:?}",
        folder.display(),
        numbers.len(),
        numbers.first(),
        numbers.last()
    );
    assert!(count >= 10, "{count} pictures");
    assert!(numbers.len() as f64 >= count as f64 * least_share);
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
}

#[test]
fn a_relayed_session_carries_speech_and_pictures_and_shows_nothing_of_them() {
    if skipped() {
        return;
    }
    let _alone = alone();
    let run = run("relayed", &Programs::shipped(), &Links::Veth, talk_seconds());
    check_before_admission(&run);
    check_addresses(&run);
    check_ciphers(&run);
    let (bits, uneven) = entropy(&run);
    assert!(bits.iter().all(|&bits| bits >= 7.99), "{bits:?} bits a byte");
    // Eight standard deviations: also the kinds of which there is too little for a number of bits.
    assert!(uneven < 440.0, "{uneven}");
    check_sound_sizes(&run);
    check_srtp_indices(&run);
    let found = eavesdrop(&run);
    assert!(found.rtp_packets > 4000);
    assert!(found.opus < 0.05, "{found:?}");
    assert_eq!((found.start_codes, found.vp8_key_frames, found.texts), (0, 0, [0, 0]), "{found:?}");
    assert!(found.sctp.payloads > 4000 && found.sctp.packets == 0, "{found:?}");
    check_picture_rate(&run);
    for stats in &run.stats {
        assert_eq!((&stats["srtp_profile"], &stats["path"]), (&json!("SRTP_AEAD_AES_256_GCM"), &json!("relayed")));
    }
    for (listener, role) in ROLES.into_iter().enumerate() {
        check_pictures(&run.folder.join(&format!("{role}-sees")), 0.9);
        let (correlation, stoi) = speech(&run, listener);
        assert!(correlation >= 0.8 && stoi >= 0.95, "correlation {correlation:.3}, STOI {stoi:.3}");
    }
}

#[test]
fn the_same_scanners_find_everything_when_nothing_is_encrypted() {
    if skipped() {
        return;
    }
    let _alone = alone();
    let run = run("control", &Programs::dangerous_plaintext_control(), &Links::Veth, 15.0);
    check_signalling(&run);
    let found = eavesdrop(&run);
    // Headers grow while the call lasts, so no single guess fits every packet; a tenth of this would be a find.
    assert!(found.opus_least > 0.4, "every voice is understood: {found:?}");
    assert!(found.start_codes > 300 && found.parameter_sets > 0, "{found:?}");
    assert!(found.texts.iter().all(|&count| count > 0), "{found:?}");
    assert!(found.sctp.packets > 20, "{found:?}");
    let (bits, uneven) = entropy(&run);
    assert!(bits.iter().all(|&bits| bits < 7.9) && uneven > 1e5, "{bits:?} bits a byte, unevenness {uneven}");
    // Constant sizes don't depend on encryption.
    check_sound_sizes(&run);
}

#[test]
fn no_srtp_index_is_used_for_different_bytes_at_two_per_cent_of_loss() {
    if skipped() {
        return;
    }
    let _alone = alone();
    let lossy = |seed| Impairment { delay: std::time::Duration::from_millis(20), ..Impairment::lossy(seed, 0.02) };
    let run = run("lossy", &Programs::shipped(), &Links::Wires([lossy(11), lossy(12)]), 20.0);
    let retransmitted = check_srtp_indices(&run);
    println!("{retransmitted} retransmitted packets");
    assert!(retransmitted > 10, "without retransmission this test means nothing");
    check_addresses(&run);
    for (listener, role) in ROLES.into_iter().enumerate() {
        check_pictures(&run.folder.join(&format!("{role}-sees")), 0.8);
        speech(&run, listener);
    }
}
