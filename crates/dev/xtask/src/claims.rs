//! What a session must have been like to count: a demo that only shows figures can't fail.

use std::{fs, path::Path};

use serde_json::Value;

use crate::{
    Failure, Outcome,
    session::{Session, Side},
};

/// Checks both sides of a session. The text of a failure names the side and what was expected.
pub(crate) fn check(session: &Session) -> Outcome {
    for (who, side) in [("therapist", &session.therapist), ("client", &session.client)] {
        let wrong = |what: String| Failure::new(format!("{who}: {what}"));
        let stats = &side.stats;
        expect(stats, "srtp_profile", "SRTP_AEAD_AES_256_GCM").map_err(wrong)?;
        expect(stats, "path", "relayed").map_err(wrong)?;
        for count in ["integrity_failures", "replays"] {
            if stats[count] != 0 {
                return Err(wrong(format!("{count} is {}, 0 was expected on this computer", stats[count])));
            }
        }
        if stats["sizes_constant"] != true {
            return Err(wrong(format!(
                "sizes_constant is {}: not all packets had their size",
                stats["sizes_constant"]
            )));
        }
        one_size(&stats["audio_out"]).map_err(wrong)?;
        for (direction, unit) in [("audio_in", "packets"), ("video_in", "frames")] {
            if stats[direction][unit].as_u64().unwrap_or_default() <= 20 {
                return Err(wrong(format!("{direction} has {} {unit}", stats[direction][unit])));
            }
        }
        heard(side).map_err(wrong)?;
    }
    if session.therapist.fingerprint != session.client.fingerprint {
        return Err(Failure::new("the two sides show different fingerprints"));
    }
    Ok(())
}

fn expect(stats: &Value, field: &str, expected: &str) -> Result<(), String> {
    if stats[field] == expected { Ok(()) } else { Err(format!("{field} is {}, {expected} was expected", stats[field])) }
}

/// All sound packets have one size, whatever was said (PROTOCOL §7.5).
fn one_size(sound: &Value) -> Result<(), String> {
    match (sound["bytes"].as_u64(), sound["packets"].as_u64()) {
        (Some(bytes), Some(packets)) if packets > 20 && bytes % packets == 0 => Ok(()),
        _ => Err(format!("the sound packets are not of one size: {sound}")),
    }
}

/// What came out of the speaker is not silence.
fn heard(side: &Side) -> Result<(), String> {
    let level = loudness(&side.heard).map_err(|error| format!("{}: {error}", side.heard.display()))?;
    // Speech at a normal level has some 3000; the noise of a codec fed with silence has less than 10.
    if level > 100.0 { Ok(()) } else { Err(format!("what was heard is silence (level {level:.0} of 32768)")) }
}

/// Root mean square of a 16-bit PCM file.
fn loudness(file: &Path) -> Result<f64, String> {
    let bytes = fs::read(file).map_err(|error| error.to_string())?;
    let data = bytes.windows(4).position(|window| window == b"data").ok_or("no sound data in it")?;
    let samples = bytes.get(data + 8..).unwrap_or_default();
    let (sum, count) = samples.chunks_exact(2).fold((0.0, 0_u64), |(sum, count), pair| {
        let sample = f64::from(i16::from_le_bytes([pair[0], pair[1]]));
        (sum + sample * sample, count + 1)
    });
    if count == 0 { Err("it is empty".to_owned()) } else { Ok((sum / count as f64).sqrt()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sizes_that_vary_are_noticed() {
        assert!(one_size(&json!({"packets": 100, "bytes": 10_400})).is_ok());
        for wrong in [json!({"packets": 100, "bytes": 10_401}), json!({"packets": 0, "bytes": 0}), json!({})] {
            assert!(one_size(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn silence_is_told_from_sound() {
        let file = std::env::temp_dir().join(format!("xtask-claims-{}.wav", std::process::id()));
        let mut bytes = b"RIFF....WAVEfmt ................data....".to_vec();
        fs::write(&file, &bytes).unwrap();
        assert!(loudness(&file).is_err(), "an empty file holds no sound");
        bytes.extend([0; 2000]);
        fs::write(&file, &bytes).unwrap();
        assert!(loudness(&file).unwrap() < 1.0);
        bytes.extend([0, 16].repeat(1000));
        fs::write(&file, &bytes).unwrap();
        assert!(loudness(&file).unwrap() > 1000.0);
        fs::remove_file(file).unwrap();
    }
}
