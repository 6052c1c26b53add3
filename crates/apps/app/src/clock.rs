//! Now, as the interface wants it.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use sotto_ui::Clock;

/// The window's clocks.
pub struct Clocks(Instant);

impl Clocks {
    /// The steady clock begins now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Now.
    pub fn now(&self) -> Clock {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
        // Asked anew each time: summer time may begin while the window is open.
        let utc_offset = jiff::Zoned::now().offset().seconds();
        Clock { mono: self.0.elapsed().as_secs_f64(), unix, utc_offset }
    }
}
