//! Pictures on their way from a decoder or camera to a screen.

use std::sync::{Arc, Mutex, PoisonError};

/// A picture in I420: three planes, BT.601 limited range.
#[derive(Clone, PartialEq, Eq)]
pub struct Planes {
    /// Width in pixels, even.
    pub width: u32,
    /// Height in pixels, even.
    pub height: u32,
    /// Bytes per row of Y, U and V.
    pub strides: [usize; 3],
    /// Samples of Y, U and V: at least `stride × rows` each.
    pub data: [Vec<u8>; 3],
    /// Capture time where known, microseconds of the sender's or this computer's monotonic clock.
    pub capture_us: u64,
}

impl Planes {
    /// A black picture without row padding.
    #[must_use]
    pub fn black(width: u32, height: u32) -> Self {
        let (w, h) = (width as usize, height as usize);
        let (cw, ch) = (w.div_ceil(2), h.div_ceil(2));
        Self {
            width,
            height,
            strides: [w, cw, cw],
            data: [vec![16; w * h], vec![128; cw * ch], vec![128; cw * ch]],
            capture_us: 0,
        }
    }
}

impl core::fmt::Debug for Planes {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Planes({}x{})", self.width, self.height)
    }
}

type Callback = Box<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct Slot {
    picture: Mutex<Option<Arc<Planes>>>,
    on_new: Mutex<Option<Callback>>,
}

/// Holder of one displayable picture; the latest wins. Clones share it.
#[derive(Clone, Default)]
pub struct VideoSlot(Arc<Slot>);

impl VideoSlot {
    /// Puts a picture in; an untaken older one is dropped.
    pub fn put(&self, picture: Arc<Planes>) {
        *self.0.picture.lock().unwrap_or_else(PoisonError::into_inner) = Some(picture);
        if let Some(callback) = &*self.0.on_new.lock().unwrap_or_else(PoisonError::into_inner) {
            callback();
        }
    }
    /// Takes the picture if there is a new one.
    #[must_use]
    pub fn take(&self) -> Option<Arc<Planes>> {
        self.0.picture.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
    /// Empties the slot, so that no picture stays in memory after a session.
    pub fn clear(&self) {
        *self.0.picture.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
    /// Calls back at every new picture.
    pub fn on_new(&self, callback: impl Fn() + Send + Sync + 'static) {
        *self.0.on_new.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(callback));
    }
}

impl core::fmt::Debug for VideoSlot {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("VideoSlot")
    }
}
