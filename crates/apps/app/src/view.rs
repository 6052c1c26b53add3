//! The pictures as the interface asks for them.

use std::time::{Duration, Instant};

use egui::{Rect, Ui};
use sotto_ui::{Painting, VideoView, Whose};

use crate::video::{Fit, Look, Picture};

/// A standing picture becomes soft within this.
const SOFTEN: Duration = Duration::from_millis(300);

/// Pictures of one frame, and which of them the interface showed.
pub struct View<'a> {
    /// This side's, if it is to be had.
    pub own: Option<&'a Picture>,
    /// The other side's, if it is to be had.
    pub peer: Option<&'a Picture>,
    /// Since when the other side's picture stands; kept from frame to frame.
    pub frozen_since: &'a mut Option<Instant>,
    /// Cuts instead of fades.
    pub reduced_motion: bool,
    /// The interface showed the own picture.
    pub is_own_shown: bool,
    /// The interface showed the other side's picture.
    pub is_peer_shown: bool,
}

impl View<'_> {
    const fn of(&self, whose: Whose) -> Option<&Picture> {
        match whose {
            Whose::Own => self.own,
            Whose::Theirs => self.peer,
        }
    }

    /// How soft the other side's picture is now; asks for the next frame while that changes.
    fn blur(&mut self, ui: &Ui, is_frozen: bool) -> f32 {
        if !is_frozen {
            *self.frozen_since = None;
            return 0.0;
        }
        let age = self.frozen_since.get_or_insert_with(Instant::now).elapsed();
        if self.reduced_motion || age >= SOFTEN {
            return 1.0;
        }
        ui.ctx().request_repaint();
        age.as_secs_f32() / SOFTEN.as_secs_f32()
    }
}

impl VideoView for View<'_> {
    fn size(&self, whose: Whose) -> Option<[u32; 2]> {
        let size = self.of(whose)?.size()?;
        Some([size.x as u32, size.y as u32])
    }

    fn await_first(&mut self, whose: Whose) {
        match whose {
            Whose::Own => self.is_own_shown = true,
            Whose::Theirs => self.is_peer_shown = true,
        }
    }

    fn paint(&mut self, ui: &Ui, whose: Whose, rect: Rect, painting: Painting) {
        let blur = match whose {
            Whose::Own => 0.0,
            Whose::Theirs => self.blur(ui, painting.frozen),
        };
        let look = Look {
            fit: if painting.cover { Fit::Fill } else { Fit::Whole },
            radius: painting.radius,
            is_mirrored: whose == Whose::Own,
            blur,
        };
        let Some(picture) = self.of(whose) else { return };
        let is_painted = picture.paint(ui.painter(), rect, look).is_some();
        match whose {
            Whose::Own => self.is_own_shown |= is_painted,
            Whose::Theirs => self.is_peer_shown |= is_painted,
        }
    }
}
