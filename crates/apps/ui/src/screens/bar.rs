//! The bar of the therapist's screens, and the corners of the client's.

use egui::{Align2, CornerRadius, Rect, Role, Stroke, Ui, pos2, vec2};

use crate::{
    fonts::Type,
    icons::{self, Icon},
    interface::{Place, Screen},
    model::Request,
    widgets::{Button, Control, icon, mark_with_name, measure, region, text_at},
};

const HEIGHT: f32 = 64.0;

/// The therapist's top bar; what remains below it is returned.
pub(crate) fn top(ui: &mut Ui, s: &mut Screen<'_>) -> Rect {
    let area = ui.max_rect();
    let theme = s.theme;
    let bar = Rect::from_min_size(area.min, vec2(area.width(), HEIGHT));
    ui.painter().rect_filled(bar, CornerRadius::ZERO, theme.surface);
    ui.painter().hline(bar.x_range(), bar.max.y - 0.5, Stroke::new(1.0, theme.line));
    region(ui.ctx(), 1);
    let narrow = area.width() < 860.0;
    let left = if narrow { 16.0 } else { 33.0 };
    let named = area.width() >= 520.0;
    let at = pos2(bar.min.x + left, bar.center().y);
    let end = if named {
        mark_with_name(ui, at, 22.0, Type::HEADING, theme.accent, theme.ink).max.x
    } else {
        crate::widgets::mark(ui, at, 22.0, theme.accent).max.x
    };
    let mut x = end + if narrow { 20.0 } else { 48.0 };
    let mut tabs = vec![(s.t.room, Place::Home), (s.t.clients, Place::Clients)];
    tabs.push((s.t.device_check, Place::Devices));
    let here = match s.state.place {
        Place::NewClient | Place::Invite(_) | Place::Contact(_) => Place::Clients,
        place => place,
    };
    for (label, place) in tabs {
        let selected = here == place;
        let width = measure(ui, Type::BODY, theme.ink, label, f32::INFINITY).size().x;
        if tab(ui, Rect::from_min_size(pos2(x, bar.min.y), vec2(width + 8.0, HEIGHT)), label, selected).clicked() {
            s.go(place);
        }
        x += width + if narrow { 20.0 } else { 36.0 };
    }
    let mut actions: Vec<(Icon, &str, Action)> = vec![
        (icons::QUESTION, s.t.help, Action::Go(Place::Help)),
        (icons::GEAR_SIX, s.t.settings, Action::Go(Place::Settings)),
    ];
    if s.model.abilities.lock {
        actions.push((icons::BAG, s.t.lock, Action::Lock));
    }
    // Labels if there is room for all of them, else icons alone with the same names.
    let width_of = |label: &str| measure(ui, Type::BODY, theme.ink, label, f32::INFINITY).size().x + 32.0;
    let labelled: f32 = actions.iter().map(|(_, label, _)| width_of(label) + 24.0).sum::<f32>();
    let with_labels = x + labelled + 24.0 < bar.max.x;
    let step = if with_labels { 0.0 } else { 44.0 };
    let total = if with_labels { labelled - 24.0 } else { step * actions.len() as f32 };
    let mut at = bar.max.x - total - if narrow { 8.0 } else { 33.0 };
    for (mark, label, action) in actions {
        let width = if with_labels { width_of(label) } else { step };
        let rect = Rect::from_min_size(pos2(at, bar.center().y - 22.0), vec2(width, 44.0));
        if bar_action(ui, rect, mark, label, with_labels).clicked() {
            match action {
                Action::Go(place) => s.go(place),
                Action::Lock => s.requests.push(Request::Lock),
            }
        }
        at += width + if with_labels { 24.0 } else { 0.0 };
    }
    region(ui.ctx(), 2);
    Rect::from_min_max(pos2(area.min.x, bar.max.y), area.max)
}

enum Action {
    Go(Place),
    Lock,
}

fn tab(ui: &Ui, rect: Rect, label: &str, selected: bool) -> egui::Response {
    let theme = crate::theme::Theme::current(ui.ctx());
    let id = ui.make_persistent_id(("tab", label));
    let control = Control::new(Role::Tab, label).toggled(Some(selected)).radius(6).ring(rect.shrink2(vec2(-4.0, 12.0)));
    let response = control.place(ui, rect, id).on_hover_cursor(egui::CursorIcon::PointingHand);
    let (of, color) = if selected { (Type::BUTTON, theme.ink) } else { (Type::BODY, theme.ink2) };
    let text = text_at(ui, pos2(rect.min.x, rect.center().y), Align2::LEFT_CENTER, of, color, label);
    if selected {
        let line = Rect::from_min_max(pos2(text.min.x, rect.max.y - 4.0), pos2(text.max.x, rect.max.y));
        ui.painter().rect_filled(line, CornerRadius::same(2), theme.accent);
    } else if response.hovered() {
        ui.painter().hline(text.x_range(), text.max.y, Stroke::new(1.5, theme.ink2));
    }
    response
}

fn bar_action(ui: &Ui, rect: Rect, mark: Icon, label: &str, labelled: bool) -> egui::Response {
    let theme = crate::theme::Theme::current(ui.ctx());
    let id = ui.make_persistent_id(("bar", label));
    let response = Control::new(Role::Button, label).radius(6).place(ui, rect, id);
    let response = response.on_hover_cursor(egui::CursorIcon::PointingHand);
    let color = if response.hovered() { theme.ink } else { theme.ink2 };
    let at = if labelled { rect.left_center() + vec2(11.0, 0.0) } else { rect.center() };
    icon(ui, at, mark, 20.0, color);
    if labelled {
        text_at(ui, rect.left_center() + vec2(28.0, 0.0), Align2::LEFT_CENTER, Type::BODY, color, label);
        response
    } else {
        response.on_hover_text(label)
    }
}

/// Mark left, "leave at once" right: on every client screen, always in the same corner. Returns what remains.
pub(crate) fn client_corners(ui: &mut Ui, s: &mut Screen<'_>) -> Rect {
    let area = ui.max_rect();
    let theme = s.theme;
    let narrow = area.width() < 800.0;
    let margin = if narrow { 16.0 } else { 33.0 };
    let top = if area.height() < 560.0 || narrow { 12.0 } else { 24.0 };
    region(ui.ctx(), 1);
    mark_with_name(
        ui,
        pos2(area.min.x + margin, area.min.y + top + 20.0),
        22.0,
        Type::HEADING,
        theme.accent,
        theme.ink,
    );
    let right = if narrow { 16.0 } else { 48.0 };
    let button = Button::secondary(s.t.leave_at_once).icon(icons::SIGN_OUT).height(44.0);
    let button = if s.preferences.quick_exit { button.description(s.t.shift_three_times) } else { button };
    let width = button.width(ui);
    let rect = Rect::from_min_size(pos2(area.max.x - right - width, area.min.y + top), vec2(width, 44.0));
    if button.show_at(ui, rect).clicked() {
        s.state.leave_now = true;
    }
    let mut bottom = rect.max.y + 8.0;
    if s.preferences.quick_exit && !narrow {
        let at = pos2(rect.max.x, rect.max.y + 4.0);
        bottom = text_at(ui, at, Align2::RIGHT_TOP, Type::SMALL, theme.ink2, s.t.shift_three_times).max.y;
    }
    region(ui.ctx(), 2);
    Rect::from_min_max(pos2(area.min.x, bottom), area.max)
}
