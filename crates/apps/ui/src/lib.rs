//! The interface: functions of a snapshot and the interface's own state, that return requests.
//!
//! It owns the look, the sentences and the behaviour of every screen. It deliberately knows no engine, no socket, no
//! device and no window: a test drives it with a fake session, the app with a real one.
//!
//! ```no_run
//! # fn frame(ui: &mut egui::Ui, interface: &mut sotto_ui::Interface, model: &sotto_ui::Model<'_>) {
//! for request in interface.show(ui, model, &mut sotto_ui::NoVideo) {
//!     println!("{request:?}");
//! }
//! # }
//! ```
#![forbid(unsafe_code)]

mod dates;
mod fonts;
pub mod icons;
mod idle;
mod interface;
mod memory;
mod model;
mod screens;
pub mod texts;
mod theme;
mod video;
mod widgets;

pub use dates::{Clock, Local};
pub use fonts::{Face, Type, definitions, install};
pub use interface::{Interface, Place};
pub use model::{
    Abilities, Card, Device, DeviceKind, DeviceList, Devices, LOCK_MINUTES, Model, Preferences, Profile, Request,
    Secret,
};
pub use theme::{Look, Theme, radius};
pub use video::{NoVideo, Painting, VideoView, Whose};
