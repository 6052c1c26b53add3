//! What a person set, kept in the profile's folder. It holds nothing about people and no secret.

use std::{fs, io, path::Path};

use sotto_session_api::sentences::Language;
use sotto_ui::{LOCK_MINUTES, Look, Preferences};

const FILE: &str = "window.txt";
/// A larger file was not written by us.
const LIMIT: u64 = 4096;

/// What was stored, with the defaults of `start` for what was not.
pub fn load(profile: &Path, start: Preferences) -> Preferences {
    let path = profile.join(FILE);
    match fs::metadata(&path) {
        Ok(data) if data.len() <= LIMIT => parse(&fs::read_to_string(path).unwrap_or_default(), start),
        _ => start,
    }
}

/// Stores them, if there is a profile to store them in.
///
/// # Errors
/// The file can't be written.
pub fn store(profile: &Path, preferences: &Preferences) -> io::Result<()> {
    if !profile.is_dir() {
        return Ok(());
    }
    let new = profile.join("window.new");
    fs::write(&new, text(preferences))?;
    fs::rename(new, profile.join(FILE))
}

/// Removes what is left of a profile that was destroyed, and its folder if nothing of others is in it.
pub fn remove(profile: &Path) {
    for file in [FILE, "window.new", "vault.lock"] {
        let _ = fs::remove_file(profile.join(file));
    }
    let _ = fs::remove_dir(profile);
}

fn text(preferences: &Preferences) -> String {
    let language = match preferences.language {
        Language::English => "en",
        Language::German => "de",
    };
    let look = match preferences.look {
        None => "system",
        Some(Look::Light) => "light",
        Some(Look::Dark) => "dark",
        Some(Look::Contrast) => "contrast",
    };
    format!(
        "language {language}\nlook {look}\nzoom {}\nreduced-motion {}\npeek-key {}\nquick-exit {}\n\
         shared-computer {}\nminutes {}\nlock-minutes {}\n",
        (preferences.zoom * 100.0).round() as u32,
        preferences.reduced_motion,
        preferences.peek_key,
        preferences.quick_exit,
        preferences.shared_computer,
        preferences.minutes,
        preferences.lock_minutes
    )
}

/// Unknown lines and values change nothing.
fn parse(text: &str, start: Preferences) -> Preferences {
    let mut found = start;
    for (name, value) in text.lines().filter_map(|line| line.split_once(' ')) {
        let switch = value.parse::<bool>().ok();
        match name {
            "language" => match value {
                "en" => found.language = Language::English,
                "de" => found.language = Language::German,
                _ => {}
            },
            "look" => match value {
                "system" => found.look = None,
                "light" => found.look = Some(Look::Light),
                "dark" => found.look = Some(Look::Dark),
                "contrast" => found.look = Some(Look::Contrast),
                _ => {}
            },
            "zoom" => {
                if let Some(percent) = value.parse::<u32>().ok().filter(|percent| (80..=300).contains(percent)) {
                    found.zoom = percent as f32 / 100.0;
                }
            }
            "minutes" => {
                if let Some(minutes) = value.parse().ok().filter(|minutes| (1..=600).contains(minutes)) {
                    found.minutes = minutes;
                }
            }
            "lock-minutes" => {
                if let Some(minutes) = value.parse().ok().filter(|minutes| LOCK_MINUTES.contains(minutes)) {
                    found.lock_minutes = minutes;
                }
            }
            "reduced-motion" => found.reduced_motion = switch.unwrap_or(found.reduced_motion),
            "peek-key" => found.peek_key = switch.unwrap_or(found.peek_key),
            "quick-exit" => found.quick_exit = switch.unwrap_or(found.quick_exit),
            "shared-computer" => found.shared_computer = switch.unwrap_or(found.shared_computer),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_comes_back() {
        let set = Preferences {
            language: Language::German,
            look: Some(Look::Contrast),
            zoom: 1.5,
            reduced_motion: true,
            peek_key: false,
            quick_exit: false,
            shared_computer: true,
            minutes: 45,
            lock_minutes: 15,
        };
        let folder = std::env::temp_dir().join(format!("sotto-preferences-{}", std::process::id()));
        store(&folder, &set).unwrap();
        assert!(!folder.exists(), "without a profile nothing is written");
        fs::create_dir_all(&folder).unwrap();
        store(&folder, &set).unwrap();
        assert_eq!(load(&folder, Preferences::default()), set);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_damaged_file_changes_nothing() {
        let start = Preferences::default();
        assert_eq!(
            parse("language klingon\nzoom 9000\nminutes -1\nlock-minutes 600\nlook\n\u{0}\nquick-exit maybe", start),
            start
        );
        assert_eq!(parse("", start), start);
    }
}
