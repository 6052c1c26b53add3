//! Our own widgets: each has a name, a role and a state for assistive technology, and the focus ring.

mod button;
mod call_control;
mod candidate;
mod chip;
mod choice;
pub mod code_field;
mod control;
mod field;
mod layout;
mod mark;
mod notice;
mod qr;
mod rows;
mod text;
mod tile;

pub use button::{Button, key_cap};
pub use call_control::{ControlState, call_control};
pub(crate) use candidate::deliberate_click;
pub use candidate::{CandidateRow, candidate_row};
pub use chip::{Tone, chip, pill};
pub use choice::{checkbox, choice_card, segment};
pub(crate) use control::take_regions;
pub use control::{Control, announce, note_input, region};
pub use field::{Field, forget_text};
pub use layout::{at, card, columns, divider, flow, gap, page, rows_of};
pub use mark::{mark, mark_with_name};
pub use notice::{notice, toast};
pub use qr::qr;
pub use rows::{ContactRow, contact_row, fact, step};
pub use text::{heading, icon, icon_text, measure, text, text_at, title};
pub use tile::word_tiles;
