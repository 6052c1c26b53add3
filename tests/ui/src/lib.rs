//! A desk with the interface on it: a fake session, a fake camera, and someone who presses the keys.
//!
//! Only what the interface may know is here: a snapshot, events, requests. Nothing connects, nothing is encrypted.
#![forbid(unsafe_code)]

mod fake;
mod portrait;
pub mod scenes;

pub use fake::FakeEngine;

use egui::{Ui, Vec2};
use egui_kittest::Harness;
use sotto_session_api::{Event, Snapshot};
use sotto_ui::{Abilities, Clock, Device, DeviceList, Devices, Interface, Model, Preferences, Profile, Request};

/// Tuesday, 3 March 2026, 9:56 in Berlin.
pub const MORNING: Clock = Clock { mono: 240.0, unix: 1_772_528_160, utc_offset: 3600 };

/// The interface with everything that it is told.
pub struct Desk {
    /// What is tested.
    pub interface: Interface,
    /// State of the profile.
    pub profile: Profile,
    /// State of the session.
    pub snapshot: Snapshot,
    /// Devices.
    pub devices: Devices,
    /// Abilities.
    pub abilities: Abilities,
    /// Now.
    pub clock: Clock,
    /// Pictures.
    pub video: portrait::Portraits,
    /// What was asked for and nobody took yet.
    pub requests: Vec<Request>,
}

impl Desk {
    /// A first start.
    #[must_use]
    pub fn new(preferences: Preferences) -> Self {
        let list = |names: &[&str]| DeviceList {
            known: names.iter().map(|&name| Device { id: name.to_owned(), name: name.to_owned() }).collect(),
            chosen: names.first().map(|&name| name.to_owned()),
            missing: false,
        };
        Self {
            interface: Interface::new(preferences),
            profile: Profile::Absent,
            snapshot: Snapshot::default(),
            devices: Devices {
                cameras: list(&["Integrated camera", "Desk camera"]),
                microphones: list(&["Headset", "Integrated microphone"]),
                speakers: list(&["Headset", "Speakers"]),
                level_db: None,
            },
            abilities: Abilities {
                capture_stopped: false,
                preview: true,
                files: true,
                save_card: true,
                tone: true,
                lock: true,
            },
            clock: MORNING,
            video: portrait::Portraits::default(),
            requests: Vec::new(),
        }
    }

    /// Something happened in the session.
    pub fn tell(&mut self, event: &Event) {
        self.interface.handle(event, self.clock);
    }

    /// Draws one frame.
    pub fn show(&mut self, ui: &mut Ui) {
        let model = Model {
            profile: self.profile,
            snapshot: &self.snapshot,
            clock: self.clock,
            devices: &self.devices,
            abilities: self.abilities,
        };
        self.requests.extend(self.interface.show(ui, &model, &mut self.video));
    }
}

/// Puts a desk into a window of this size, in points. `scale` is the person's text size.
///
/// The accessibility tree is checked in each frame; a missing glyph is a failure.
#[must_use]
pub fn window(desk: Desk, size: impl Into<Vec2>) -> Harness<'static, Desk> {
    Harness::builder()
        .with_size(size)
        .with_max_steps(12)
        .with_render_cursor(false)
        .with_context_setup(sotto_ui::install)
        .wgpu()
        .build_ui_state(|ui, desk: &mut Desk| desk.show(ui), desk)
}
