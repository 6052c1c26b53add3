//! How much of what was said arrived: alignment, correlation, intelligibility.

mod correlate;
mod speech;
mod stoi;

pub use correlate::{Alignment, best_correlation};
pub use speech::{Heard, compare_speech};
pub use stoi::stoi;
