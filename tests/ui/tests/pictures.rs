//! Every screen, drawn: no unnamed control, no missing glyph, and the main ones as they were agreed.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::PathBuf;

use egui_kittest::{Harness, SnapshotOptions};
use sotto_session_api::sentences::Language;
use sotto_ui::{Look, Preferences};
use sotto_ui_tests::{Desk, scenes};

fn preferences(look: Look, language: Language, zoom: f32) -> Preferences {
    Preferences { look: Some(look), language, zoom, reduced_motion: true, ..Preferences::default() }
}

/// The scene, drawn until nothing changes any more.
fn drawn(name: &str, preferences: Preferences, size: [f32; 2]) -> Harness<'static, Desk> {
    scenes::open(name, preferences, size)
}

const LOOKS: [(&str, Look); 3] = [("light", Look::Light), ("dark", Look::Dark), ("contrast", Look::Contrast)];
const LANGUAGES: [(&str, Language); 2] = [("en", Language::English), ("de", Language::German)];

/// With `SOTTO_PICTURES=DIR` every scene is written there in every look, language and at both text sizes.
#[test]
fn every_screen_is_drawn_in_every_look_language_and_size() {
    let folder = std::env::var_os("SOTTO_PICTURES").map(PathBuf::from);
    let only = std::env::var("SOTTO_SCENE").ok();
    for name in scenes::ALL.iter().copied().filter(|name| only.as_deref().is_none_or(|only| name.starts_with(only))) {
        for (look_name, look) in LOOKS {
            for (language_name, language) in LANGUAGES {
                for zoom in [1.0, 2.0] {
                    if folder.is_none() && look != Look::Light {
                        continue;
                    }
                    let mut harness = drawn(name, preferences(look, language, zoom), [1280.0, 800.0]);
                    if let Some(folder) = &folder {
                        let percent = (zoom * 100.0) as u32;
                        let file = folder.join(format!("{name}-{look_name}-{language_name}-{percent}.png"));
                        harness.render().unwrap().save(file).unwrap();
                    }
                }
            }
        }
    }
}

#[test]
fn the_main_screens_look_as_agreed() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("pictures");
    let mut results = egui_kittest::SnapshotResults::new();
    for name in scenes::MAIN {
        for percent in [100, 200] {
            let wanted = preferences(Look::Light, Language::English, percent as f32 / 100.0);
            let mut harness = drawn(name, wanted, [1280.0, 800.0]);
            let options = SnapshotOptions::new().output_path(&folder).max_failed_pixels(200);
            results.add(harness.try_snapshot_options(format!("{name}-{percent}"), &options));
        }
    }
}
