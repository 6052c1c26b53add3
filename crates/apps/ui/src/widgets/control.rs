//! What every control has: a place, a name, a role, a state, and a ring when the keyboard is on it.

use egui::{CornerRadius, Id, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, accesskit::Live};

use crate::theme::Theme;

const KEYBOARD: &str = "sotto last input was a key";

/// Remembers whether the last input was a key: rings are drawn for keys, never for clicks.
pub fn note_input(ctx: &egui::Context) {
    let (key, pointer) = ctx.input(|input| {
        let mut found = (false, false);
        for event in &input.events {
            match event {
                egui::Event::Key { pressed: true, .. } => found = (true, false),
                egui::Event::PointerButton { pressed: true, .. } | egui::Event::Touch { .. } => found = (false, true),
                _ => {}
            }
        }
        found
    });
    if key || pointer {
        ctx.data_mut(|data| data.insert_temp(Id::unique(KEYBOARD), key));
    }
}

/// Whether the last input was a key.
#[must_use]
pub(crate) fn keyboard_in_use(ctx: &egui::Context) -> bool {
    ctx.data(|data| data.get_temp::<bool>(Id::unique(KEYBOARD)).unwrap_or(false))
}

/// A control before it is placed.
pub struct Control<'a> {
    name: &'a str,
    role: Role,
    enabled: bool,
    toggled: Option<bool>,
    description: Option<&'a str>,
    radius: u8,
    ring: Option<Rect>,
}

impl<'a> Control<'a> {
    /// A control with a role and the name that is spoken.
    #[must_use]
    pub const fn new(role: Role, name: &'a str) -> Self {
        Self { name, role, enabled: true, toggled: None, description: None, radius: 10, ring: None }
    }

    /// Not usable now.
    #[must_use]
    pub const fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// On or off.
    #[must_use]
    pub const fn toggled(mut self, toggled: Option<bool>) -> Self {
        self.toggled = toggled;
        self
    }

    /// More than the name: why it is disabled, what it does.
    #[must_use]
    pub const fn description(mut self, description: Option<&'a str>) -> Self {
        self.description = description;
        self
    }

    /// Corner radius of what is drawn; the ring follows it.
    #[must_use]
    pub const fn radius(mut self, radius: u8) -> Self {
        self.radius = radius;
        self
    }

    /// The ring goes around this instead of around the whole area.
    #[must_use]
    pub const fn ring(mut self, ring: Rect) -> Self {
        self.ring = Some(ring);
        self
    }

    /// Makes `rect` react and be spoken. The ring is drawn here, so call it after painting what is below the ring.
    pub fn place(self, ui: &Ui, rect: Rect, id: Id) -> Response {
        let sense = if self.enabled { Sense::click() } else { Sense::hover() };
        let response = ui.interact(rect, id, sense);
        if self.enabled {
            note_region(ui.ctx(), id);
        }
        self.describe(ui, &response);
        response
    }

    /// Describes an existing response and draws its ring.
    pub fn describe(self, ui: &Ui, response: &Response) {
        let (role, name, enabled, toggled) = (self.role, self.name, self.enabled, self.toggled);
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(role, enabled, name);
            info.selected = toggled;
            info
        });
        if let Some(description) = self.description {
            ui.ctx().accesskit_node_builder(response.id, |node| node.set_description(description));
        }
        if response.has_focus() && keyboard_in_use(ui.ctx()) {
            if response.gained_focus() {
                ui.scroll_to_rect(response.rect.expand(16.0), None);
            }
            focus_ring(ui, self.ring.unwrap_or(response.rect), self.radius);
        }
    }
}

/// The ring: 3 points wide, 2 points away. A scroll area must leave it 6 points.
pub(crate) fn focus_ring(ui: &Ui, rect: Rect, radius: u8) {
    let theme = Theme::current(ui.ctx());
    let painter = ui.painter().with_clip_rect(ui.clip_rect().expand(6.0));
    let radius = CornerRadius::same(radius.saturating_add(3));
    painter.rect_stroke(rect.expand(2.0), radius, Stroke::new(3.0, theme.focus), StrokeKind::Outside);
}

/// One hidden status node; a screen reader speaks its text when it changes.
pub fn announce(ui: &Ui, text: &str, urgent: bool) {
    let id = Id::unique(("sotto status", urgent));
    let place = Rect::from_min_size(ui.max_rect().min, egui::vec2(1.0, 1.0));
    let response = ui.interact(place, id, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    ui.ctx().accesskit_node_builder(id, |node| {
        node.set_role(Role::Status);
        node.set_label(text);
        node.clear_value();
        node.set_live(if urgent { Live::Assertive } else { Live::Polite });
    });
}

#[derive(Clone, Default)]
struct Regions {
    present: u8,
    controls: Vec<(u8, Id)>,
}

/// What follows belongs to this part of the window: F6 goes from part to part.
pub fn region(ctx: &egui::Context, number: u8) {
    ctx.data_mut(|data| data.get_temp_mut_or_default::<Regions>(Id::unique(KEYBOARD)).present = number);
}

/// Notes a control that can have the keyboard.
pub(crate) fn note_region(ctx: &egui::Context, id: Id) {
    ctx.data_mut(|data| {
        let regions = data.get_temp_mut_or_default::<Regions>(Id::unique(KEYBOARD));
        let present = regions.present;
        regions.controls.push((present, id));
    });
}

/// The controls of this frame with their parts, in order.
pub(crate) fn take_regions(ctx: &egui::Context) -> Vec<(u8, Id)> {
    ctx.data_mut(|data| {
        let regions = data.get_temp_mut_or_default::<Regions>(Id::unique(KEYBOARD));
        regions.present = 0;
        std::mem::take(&mut regions.controls)
    })
}
