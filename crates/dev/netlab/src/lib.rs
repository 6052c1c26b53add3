//! A laboratory for tests: real network namespaces, captures of every link, and scanners that look for what an
//! eavesdropper would look for.
//!
//! It owns: namespaces and the links between them ([`lab`]), a userspace wire with seeded loss ([`wire`]), reading
//! captures ([`capture`], [`packet`], [`stun`], [`dtls`]), the scanners ([`scan`]), measures of what arrived ([`quality`]), a
//! voice to speak with ([`voice`]), sound devices to speak into
//! ([`sound_server`]), and what other programs could get of a running one ([`Exposure`]). It knows nothing of sessions, keys or processes of this project: a scanner
//! that shared code with what it judges could share its mistakes.
//!
//! ```no_run
//! use sotto_netlab::lab::{Lab, Links, Site};
//!
//! let lab = Lab::new(&Links::Veth)?;
//! let capture = lab.capture(Site::Client, std::path::Path::new("/tmp/client.pcap"))?;
//! lab.command(Site::Server, "true").status()?;
//! let frames = sotto_netlab::capture::read_pcap(&capture.stop()?)?;
//! # Ok::<(), sotto_netlab::LabError>(())
//! ```
//!
//! Everything here needs Linux; namespaces need root. A test asks [`lab::missing`] first and, where
//! something is, tells [`skip()`] why it does nothing.

pub mod capture;
pub mod dtls;
mod error;
mod exposure;
pub mod lab;
mod namespace;
pub mod packet;
pub mod quality;
pub mod scan;
mod skip;
pub mod sound_server;
pub mod stun;
mod tun;
pub mod voice;
pub mod wav;
pub mod wire;

pub use error::LabError;
pub use exposure::{Exposure, ordinary};
pub use namespace::{Namespace, reap_leftovers};
pub use skip::skip;
