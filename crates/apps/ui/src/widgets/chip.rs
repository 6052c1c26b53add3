//! Chips: a state as icon, words and colour; and pills over video.

use egui::{
    Align2, Color32, CornerRadius, Pos2, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2,
};

use super::{icon, measure};
use crate::{
    fonts::Type,
    icons::{self, Icon},
    theme::{Theme, VIDEO_PILL},
};

/// What a chip or notice says by its colour, besides words and icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Good.
    Ok,
    /// Attention.
    Warn,
    /// Stop.
    Danger,
    /// Neutral.
    Info,
}

impl Tone {
    /// Strong and soft colour.
    #[must_use]
    pub const fn colors(self, theme: &Theme) -> (Color32, Color32) {
        match self {
            Self::Ok => (theme.ok, theme.ok_soft),
            Self::Warn => (theme.warn, theme.warn_soft),
            Self::Danger => (theme.danger, theme.danger_soft),
            Self::Info => (theme.info, theme.info_soft),
        }
    }

    /// Its filled mark; each has another shape.
    #[must_use]
    pub const fn mark(self) -> Icon {
        match self {
            Self::Ok => icons::CHECK_CIRCLE_FILL,
            Self::Warn => icons::WARNING_FILL,
            Self::Danger => icons::X_CIRCLE_FILL,
            Self::Info => icons::INFO_FILL,
        }
    }
}

/// A round label, 28 high.
pub fn chip(ui: &mut Ui, tone: Tone, mark: Icon, label: &str) -> Response {
    let theme = Theme::current(ui.ctx());
    let (strong, soft) = tone.colors(&theme);
    let room = (ui.max_rect().width() - 48.0).max(60.0);
    let galley = measure(ui, Type::SECOND_STRONG, strong, label, room);
    let size = vec2(galley.size().x + 44.0, (galley.size().y + 6.0).max(28.0));
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let border = if theme.look == crate::theme::Look::Contrast { Stroke::new(1.0, strong) } else { Stroke::NONE };
    ui.painter().rect(rect, CornerRadius::same(14), soft, border, StrokeKind::Inside);
    icon(ui, Pos2::new(rect.min.x + 18.0, rect.center().y), mark, 16.0, strong);
    ui.painter().galley(Pos2::new(rect.min.x + 32.0, rect.center().y - galley.size().y / 2.0), galley, strong);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, label));
    response
}

/// White words on near-black, for use over video only; `corner` is where it is anchored.
pub fn pill(ui: &Ui, corner: Pos2, anchor: Align2, mark: Icon, label: &str) -> Rect {
    let galley = measure(ui, Type::BUTTON.sized(15.0), Color32::WHITE, label, f32::INFINITY);
    let rect = anchor.anchor_size(corner, vec2(galley.size().x + 52.0, 32.0));
    ui.painter().rect_filled(rect, CornerRadius::same(16), VIDEO_PILL);
    icon(ui, Pos2::new(rect.min.x + 20.0, rect.center().y), mark, 18.0, Color32::WHITE);
    ui.painter().galley(Pos2::new(rect.min.x + 36.0, rect.center().y - galley.size().y / 2.0), galley, Color32::WHITE);
    let id = ui.make_persistent_id(("pill", label));
    let response = ui.interact(rect, id, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, label));
    rect
}
