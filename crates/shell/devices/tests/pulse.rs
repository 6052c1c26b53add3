//! Real devices: PulseAudio null sinks, one private server per test. Skipped, and said so, where there is none.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use std::{
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use sotto_devices::{open_microphone, open_speaker};
use sotto_media::{AUDIO_FRAME, DeviceFault};
use sotto_netlab::sound_server::SoundServer;
use sotto_session_api::{MicrophoneChoice, SpeakerChoice};

/// A sweep: it correlates with itself at one lag only.
fn sweep(seconds: f32) -> Vec<i16> {
    let count = (seconds * 48_000.0) as usize;
    (0..count)
        .map(|n| {
            let t = n as f32 / 48_000.0;
            ((std::f32::consts::TAU * (300.0 * t + 200.0 * t * t)).sin() * 12_000.0) as i16
        })
        .collect()
}

/// Best normalised correlation of `wanted` anywhere in `heard`.
fn correlation(wanted: &[i16], heard: &[i16]) -> f64 {
    let energy = |samples: &[i16]| samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>().sqrt();
    let own = energy(wanted);
    (0..heard.len().saturating_sub(wanted.len()))
        .step_by(2)
        .map(|lag| {
            let part = &heard[lag..lag + wanted.len()];
            let dot: f64 = wanted.iter().zip(part).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            dot / (own * energy(part)).max(1.0)
        })
        .fold(0.0, f64::max)
}

fn raw(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

#[test]
fn sound_goes_through_real_devices_and_a_lost_device_is_named() {
    let folder = std::env::temp_dir().join(format!("sotto-pulse-{}", std::process::id()));
    let Some(server) = SoundServer::start(&folder) else {
        return sotto_netlab::skip("no PulseAudio here");
    };
    // The libraries read it once, before any other thread of this test exists.
    let address = server.address();
    if std::env::var("PULSE_SERVER").as_deref() != Ok(address.as_str()) {
        // A child of this same test with the right environment: no unsafe `set_var`.
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "inside_the_sound_server", "--ignored", "--nocapture"])
            .env("PULSE_SERVER", &address)
            .env("XDG_RUNTIME_DIR", &folder)
            .env("SOTTO_TEST_PULSE_PID", server.pid().to_string())
            .status()
            .unwrap();
        assert!(status.success());
    }
    drop(server);
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Run by the test above, with its sound server in the environment.
#[test]
#[ignore = "needs the sound server that sound_goes_through_real_devices_and_a_lost_device_is_named starts; it runs this"]
fn inside_the_sound_server() {
    let wanted = sweep(1.0);

    // Speaker: what we play is heard at the monitor of the sink.
    let mut recorder = Command::new("parec")
        .args(["--device=speaker.monitor", "--rate=48000", "--channels=1", "--format=s16le", "--latency-msec=20"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    thread::sleep(Duration::from_millis(400));
    let mut speaker = open_speaker(&SpeakerChoice::Device(None)).unwrap();
    for chunk in wanted.chunks_exact(AUDIO_FRAME).chain(std::iter::repeat_n(&[0; AUDIO_FRAME][..], 40)) {
        speaker.play(chunk.try_into().unwrap()).unwrap();
        assert!(speaker.queued_ms() <= 80);
    }
    recorder.kill().unwrap();
    let bytes = recorder.wait_with_output().unwrap().stdout;
    let heard: Vec<i16> = bytes.chunks_exact(2).map(|c| i16::from_le_bytes([c[0], c[1]])).collect();
    let at_speaker = correlation(&wanted[4_800..28_800], &heard);
    assert!(at_speaker > 0.9, "speaker: {at_speaker}");

    // Microphone: what is fed into the source is captured.
    let mut microphone = open_microphone(&MicrophoneChoice::Device(None)).unwrap();
    let file = std::env::temp_dir().join(format!("sotto-feed-{}.raw", std::process::id()));
    std::fs::write(&file, raw(&wanted)).unwrap();
    let mut feed = Command::new("paplay")
        .args(["--raw", "--device=micfeed", "--rate=48000", "--channels=1", "--format=s16le"])
        .arg(&file)
        .spawn()
        .unwrap();
    let mut captured = Vec::new();
    let mut frame = [0; AUDIO_FRAME];
    while captured.len() < 3 * 48_000 {
        microphone.next_frame(&mut frame).unwrap();
        captured.extend_from_slice(&frame);
    }
    feed.wait().unwrap();
    std::fs::remove_file(file).unwrap();
    let at_microphone = correlation(&wanted[4_800..28_800], &captured);
    assert!(at_microphone > 0.9, "microphone: {at_microphone}");
    eprintln!("correlation: speaker {at_speaker:.3}, microphone {at_microphone:.3}");

    // The sound server goes away: both are told by name within two seconds.
    let pid = std::env::var("SOTTO_TEST_PULSE_PID").unwrap();
    assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    let since = Instant::now();
    let lost = loop {
        if let Err(fault) = microphone.next_frame(&mut frame) {
            break fault;
        }
        assert!(since.elapsed() < Duration::from_secs(3), "the lost microphone was not noticed");
    };
    assert!(matches!(lost, DeviceFault::Lost { name } if !name.is_empty()));
    let lost = loop {
        if let Err(fault) = speaker.play(&frame) {
            break fault;
        }
        assert!(since.elapsed() < Duration::from_secs(5), "the lost speaker was not noticed");
    };
    assert!(matches!(lost, DeviceFault::Lost { .. }));
}
