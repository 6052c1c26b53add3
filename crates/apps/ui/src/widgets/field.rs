//! Text fields with a label above, a line below, and the focus ring.

use egui::{
    CornerRadius, FontSelection, Frame, Id, Margin, Response, Stroke, StrokeKind, TextEdit, Ui,
    text_edit::TextEditState,
};

use super::{control::focus_ring, text};
use crate::{
    fonts::Type,
    icons::Icon,
    theme::{Theme, radius},
};

/// A field of one line before it is shown.
pub struct Field<'a> {
    label: &'a str,
    hint: &'a str,
    below: &'a str,
    wrong: bool,
    password: bool,
    labelled: bool,
    icon: Option<Icon>,
    limit: usize,
    focus: bool,
}

impl<'a> Field<'a> {
    /// A field with its name.
    #[must_use]
    pub const fn new(label: &'a str) -> Self {
        Self {
            label,
            hint: "",
            below: "",
            wrong: false,
            password: false,
            labelled: true,
            icon: None,
            limit: 4096,
            focus: false,
        }
    }
    /// Shown while it is empty.
    #[must_use]
    pub const fn hint(mut self, hint: &'a str) -> Self {
        self.hint = hint;
        self
    }
    /// A line below: help, or what is wrong.
    #[must_use]
    pub const fn below(mut self, below: &'a str, wrong: bool) -> Self {
        self.below = below;
        self.wrong = wrong;
        self
    }
    /// Shows dots.
    #[must_use]
    pub const fn password(mut self, password: bool) -> Self {
        self.password = password;
        self
    }
    /// The name is spoken and shown as hint only.
    #[must_use]
    pub const fn icon(mut self, icon: Icon) -> Self {
        self.icon = Some(icon);
        self.labelled = false;
        self
    }
    /// No label above; the name is still spoken.
    #[must_use]
    pub const fn unlabelled(mut self) -> Self {
        self.labelled = false;
        self
    }
    /// Longest text.
    #[must_use]
    pub const fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
    /// Takes the keyboard now.
    #[must_use]
    pub const fn focus(mut self, focus: bool) -> Self {
        self.focus = focus;
        self
    }

    /// Shows it. Enter is told by `lost_focus()` together with the key.
    pub fn show(self, ui: &mut Ui, content: &mut String) -> Response {
        let theme = Theme::current(ui.ctx());
        if self.labelled {
            let label = text(ui, Type::BUTTON, theme.ink, self.label);
            // The field carries the name itself.
            ui.ctx().accesskit_node_builder(label.id, |node| node.set_hidden());
            ui.add_space(6.0);
        }
        let left: i8 = if self.icon.is_some() { 46 } else { 16 };
        let id = ui.make_persistent_id(("field", self.label));
        let border = if self.wrong { Stroke::new(2.0, theme.warn) } else { Stroke::new(1.0, theme.control) };
        let width = ui.available_width();
        // `TextEdit` wants a `String`; the caller's is zeroized when dropped. Growing it would leave copies behind.
        if content.capacity() < self.limit.min(1024) {
            content.reserve(self.limit.min(1024) - content.len());
        }
        let output = TextEdit::singleline(content)
            .id(id)
            .password(self.password)
            .char_limit(self.limit)
            .font(FontSelection::FontId(Type::BODY.font()))
            .text_color(theme.ink)
            .frame(Frame::NONE.inner_margin(Margin { left, right: 16, top: 12, bottom: 12 }).fill(theme.raised))
            .desired_width(width)
            .show(ui);
        let response = output.response.response;
        if self.focus {
            response.request_focus();
        }
        super::control::note_region(ui.ctx(), response.id);
        let rect = response.rect;
        // The border goes over the field's own background; the text is drawn above by the field before, inside of it.
        ui.painter().rect_stroke(rect, CornerRadius::same(radius::BUTTON), border, StrokeKind::Inside);
        if let Some(mark) = self.icon {
            super::icon(ui, egui::pos2(rect.min.x + 26.0, rect.center().y), mark, 20.0, theme.ink2);
        }
        placeholder(ui, rect, output.galley_pos.x, Type::BODY, if content.is_empty() { self.hint } else { "" });
        let (name, hint) = (self.label, self.hint);
        ui.ctx().accesskit_node_builder(response.id, |node| {
            node.set_label(name);
            if !hint.is_empty() && hint != name {
                node.set_placeholder(hint);
            }
            if !self.below.is_empty() {
                node.set_description(self.below);
            }
        });
        // A text field shows its ring after a click too: it takes what is typed.
        if response.has_focus() {
            if response.gained_focus() {
                ui.scroll_to_rect(rect.expand(16.0), None);
            }
            focus_ring(ui, rect, radius::BUTTON);
        }
        if !self.below.is_empty() {
            ui.add_space(6.0);
            let color = if self.wrong { theme.warn } else { theme.ink2 };
            if self.wrong {
                super::icon_text(ui, crate::icons::WARNING_FILL, color, Type::SECOND, theme.ink, self.below);
            } else {
                text(ui, Type::SECOND, color, self.below);
            }
        }
        response
    }
}

/// Painted where typed text begins, on the same line: `TextEdit` paints its own at the top left corner of the field.
pub(super) fn placeholder(ui: &Ui, field: egui::Rect, left: f32, of: Type, hint: &str) {
    if hint.is_empty() {
        return;
    }
    let color = Theme::current(ui.ctx()).ink3;
    let galley = super::measure(ui, of, color, hint, f32::INFINITY);
    let at = egui::pos2(left, field.center().y - galley.size().y / 2.0);
    ui.painter().with_clip_rect(field.intersect(ui.clip_rect())).galley(at, galley, color);
}

/// Forgets what egui remembers of a field: its undo history holds old texts.
pub fn forget_text(ctx: &egui::Context, id: Id) {
    TextEditState::default().store(ctx, id);
}
