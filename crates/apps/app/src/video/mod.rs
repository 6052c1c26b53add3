//! Pictures on the screen: planes go to the graphics processor as they are and become colours there.

mod gpu;
mod picture;

pub use gpu::{install, release};
pub use picture::{Fit, Look, Picture, Which};
