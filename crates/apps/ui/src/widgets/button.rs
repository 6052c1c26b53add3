//! Buttons: primary, secondary, text, danger.

use egui::{Align2, Color32, CornerRadius, Pos2, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, pos2, vec2};

use super::{
    Control, icon,
    text::{measure, text_at},
};
use crate::{
    fonts::Type,
    icons::Icon,
    theme::{Theme, radius},
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Primary,
    Secondary,
    Text,
    Danger,
    /// Secondary text, as in bars and footers.
    Plain,
}

/// A button before it is shown.
pub struct Button<'a> {
    kind: Kind,
    label: &'a str,
    icon: Option<Icon>,
    name: Option<&'a str>,
    description: Option<&'a str>,
    enabled: bool,
    toggled: Option<bool>,
    height: f32,
    min_width: f32,
}

impl<'a> Button<'a> {
    const fn new(kind: Kind, label: &'a str) -> Self {
        Self {
            kind,
            label,
            icon: None,
            name: None,
            description: None,
            enabled: true,
            toggled: None,
            height: 48.0,
            min_width: 0.0,
        }
    }
    /// The one main action of a screen.
    #[must_use]
    pub const fn primary(label: &'a str) -> Self {
        Self::new(Kind::Primary, label)
    }
    /// Another action.
    #[must_use]
    pub const fn secondary(label: &'a str) -> Self {
        Self::new(Kind::Secondary, label)
    }
    /// An action in text.
    #[must_use]
    pub const fn text(label: &'a str) -> Self {
        Self::new(Kind::Text, label)
    }
    /// An action in quiet text.
    #[must_use]
    pub const fn plain(label: &'a str) -> Self {
        Self::new(Kind::Plain, label)
    }
    /// Ends or destroys.
    #[must_use]
    pub const fn danger(label: &'a str) -> Self {
        Self::new(Kind::Danger, label)
    }
    /// With an icon before the label.
    #[must_use]
    pub const fn icon(mut self, icon: Icon) -> Self {
        self.icon = Some(icon);
        self
    }
    /// Spoken instead of the label; it must contain the label.
    #[must_use]
    pub const fn name(mut self, name: &'a str) -> Self {
        self.name = Some(name);
        self
    }
    /// Spoken after the name.
    #[must_use]
    pub const fn description(mut self, description: &'a str) -> Self {
        self.description = Some(description);
        self
    }
    /// Usable now. Say why not in a line beside it.
    #[must_use]
    pub const fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }
    /// On or off.
    #[must_use]
    pub const fn toggled(mut self, on: bool) -> Self {
        self.toggled = Some(on);
        self
    }
    /// Height in points.
    #[must_use]
    pub const fn height(mut self, height: f32) -> Self {
        self.height = height;
        self
    }
    /// At least this wide.
    #[must_use]
    pub const fn min_width(mut self, width: f32) -> Self {
        self.min_width = width;
        self
    }

    const fn face(&self) -> Type {
        if matches!(self.kind, Kind::Plain) { Type::BODY } else { Type::BUTTON }
    }

    const fn padding(&self) -> f32 {
        match self.kind {
            Kind::Text | Kind::Plain => 4.0,
            _ => 24.0,
        }
    }

    fn around(&self) -> f32 {
        let icon = if self.icon.is_some() { 30.0 } else { 0.0 };
        2.0f32.mul_add(self.padding(), icon)
    }

    /// Width that the label wants on one line.
    #[must_use]
    pub fn width(&self, ui: &Ui) -> f32 {
        let galley = measure(ui, self.face(), Color32::BLACK, self.label, f32::INFINITY);
        (galley.size().x + self.around()).ceil().max(self.min_width)
    }

    /// At the cursor.
    pub fn show(self, ui: &mut Ui) -> Response {
        let full = ui.max_rect().width().min(ui.available_width().max(160.0));
        let wanted = self.width(ui);
        let width = wanted.min(full.max(ui.available_width()));
        // In a wrapping line the next line has more room than is left on this one.
        let width = if ui.layout().main_wrap() { wanted.min(ui.max_rect().width()) } else { width };
        let galley = measure(ui, self.face(), Color32::BLACK, self.label, (width - self.around()).max(24.0));
        let height = self.height.max(galley.size().y + 16.0);
        let (rect, _) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
        self.show_at(ui, rect)
    }

    /// At a place.
    pub fn show_at(self, ui: &Ui, rect: Rect) -> Response {
        let theme = Theme::current(ui.ctx());
        let id = ui.make_persistent_id(self.label);
        let corner = radius::BUTTON;
        let control = Control::new(Role::Button, self.name.unwrap_or(self.label))
            .enabled(self.enabled)
            .toggled(self.toggled)
            .description(self.description)
            .radius(corner);
        let response = control.place(ui, rect, id).on_hover_cursor(egui::CursorIcon::PointingHand);
        let hot = self.enabled && response.hovered();
        let down = self.enabled && response.is_pointer_button_down_on();
        let (fill, border, ink) = self.colors(&theme, hot, down);
        let drawn = if down && self.kind == Kind::Primary { rect.translate(vec2(0.0, 1.0)) } else { rect };
        let painter = ui.painter();
        painter.rect(drawn, CornerRadius::same(corner), fill, border, StrokeKind::Inside);
        let galley = measure(ui, self.face(), ink, self.label, (rect.width() - self.around()).max(24.0) + 0.5);
        let icon_width = if self.icon.is_some() { 30.0 } else { 0.0 };
        let content = icon_width + galley.size().x;
        let left = match self.kind {
            Kind::Text | Kind::Plain => drawn.min.x + self.padding(),
            _ => drawn.center().x - content / 2.0,
        };
        if let Some(mark) = self.icon {
            icon(ui, pos2(left + 10.0, drawn.center().y), mark, 22.0, ink);
        }
        let at = pos2(left + icon_width, drawn.center().y - galley.size().y / 2.0);
        let size = galley.size();
        painter.galley(at, galley, ink);
        if hot && matches!(self.kind, Kind::Text | Kind::Plain) {
            painter.hline(at.x..=at.x + size.x, at.y + size.y - 1.0, Stroke::new(1.5, ink));
        }
        response
    }

    fn colors(&self, theme: &Theme, hot: bool, down: bool) -> (Color32, Stroke, Color32) {
        let none = Stroke::NONE;
        if !self.enabled {
            return match self.kind {
                Kind::Text | Kind::Plain => (Color32::TRANSPARENT, none, theme.ink3),
                _ => (
                    theme.sunken,
                    if theme.sunken == theme.canvas { Stroke::new(1.0, theme.ink3) } else { none },
                    theme.ink3,
                ),
            };
        }
        match self.kind {
            Kind::Primary => (if hot { theme.accent_hover } else { theme.accent }, none, theme.on_accent),
            Kind::Secondary => {
                let stroke = Stroke::new(if down { 2.0 } else { 1.0 }, theme.control);
                (if hot { theme.sunken } else { theme.raised }, stroke, theme.ink)
            }
            Kind::Danger => (theme.danger_soft, Stroke::new(if hot { 2.0 } else { 1.0 }, theme.danger), theme.danger),
            Kind::Text => (Color32::TRANSPARENT, none, theme.accent),
            Kind::Plain => {
                (Color32::TRANSPARENT, none, if self.toggled == Some(true) { theme.ink } else { theme.ink2 })
            }
        }
    }
}

/// A key, drawn: decoration. On a filled button it takes the button's ink.
pub fn key_cap(ui: &Ui, center: Pos2, key: &str, ink: Option<Color32>) {
    let theme = Theme::current(ui.ctx());
    let color = ink.unwrap_or(theme.ink2);
    let width = measure(ui, Type::SMALL_STRONG, color, key, f32::INFINITY).size().x + 16.0;
    let rect = Rect::from_center_size(center, vec2(width.max(28.0), 28.0));
    let (fill, border) = match ink {
        Some(ink) => (Color32::TRANSPARENT, Stroke::new(1.5, ink)),
        None => (theme.sunken, Stroke::new(1.0, theme.line)),
    };
    ui.painter().rect(rect, CornerRadius::same(radius::KEY), fill, border, StrokeKind::Inside);
    text_at(ui, rect.center(), Align2::CENTER_CENTER, Type::SMALL_STRONG, color, key);
}
