//! Comparing by the fingerprint of both computers instead of the words: on the telephone, from a printed card, or face to
//! face, where each computer can read the square on the other's screen.

use egui::{CornerRadius, Id, Role, Stroke, StrokeKind, Ui, pos2, vec2};
use sotto_session_api::{CompareMethod, Pick, Verification};

use super::{compare::answer, contact, waiting::picture};
use crate::{
    fonts::Type,
    icons,
    interface::Screen,
    theme::{Theme, radius},
    video::{Painting, Whose},
    widgets::{Button, Control, announce, deliberate_click, flow, gap, heading, measure, qr, segment, text},
};

/// Large enough for a camera at arm's length.
const SQUARE: f32 = 232.0;

/// What was chosen here.
#[derive(Default)]
pub(crate) struct Way {
    method: Option<CompareMethod>,
    /// "They differ" was pressed once: it ends the session, so it is asked again.
    differs: bool,
    /// The camera is to read the other screen.
    pub reads: bool,
    /// What was read and is not sent yet.
    read: Option<Vec<u8>>,
}

impl Way {
    /// By camera, and this was read.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        Self { method: Some(CompareMethod::Qr), read: Some(bytes.to_vec()), ..Self::default() }
    }

    /// Each computer reads the other's square.
    pub(crate) fn is_by_camera(&self) -> bool {
        self.method == Some(CompareMethod::Qr)
    }
}

pub(crate) fn show(ui: &mut Ui, s: &mut Screen<'_>, verification: &Verification) {
    let t = s.t;
    if let Some(bytes) = s.state.compare.way.read.clone() {
        // Until the person is recognised, where that is asked first.
        answer(s, Pick::Scanned(bytes));
        if s.state.compare.sent {
            s.state.compare.way = Way { method: Some(CompareMethod::Qr), ..Way::default() };
            // What is shown from now on is drawn by the caller.
            ui.ctx().request_repaint();
            return;
        }
    }
    heading(ui, Type::HEADING, t.fingerprint_title);
    gap(ui, 14.0);
    heading(ui, Type::BUTTON, t.compared_how);
    gap(ui, 8.0);
    let before = s.state.compare.way.method;
    let mut method = before.unwrap_or(CompareMethod::Fingerprint);
    flow(ui, 10.0, |ui| {
        for (way, name) in [
            (CompareMethod::Fingerprint, t.compared_here),
            (CompareMethod::Phone, t.compared_phone),
            (CompareMethod::InPerson, t.compared_in_person),
            (CompareMethod::Card, t.compared_card),
            (CompareMethod::Qr, t.compared_camera),
        ] {
            if segment(ui, name, method == way).clicked() {
                method = way;
            }
        }
    });
    if before != Some(method) {
        s.state.compare.way = Way { method: Some(method), ..Way::default() };
    }
    gap(ui, 20.0);
    if method == CompareMethod::Qr {
        by_camera(ui, s, verification);
    } else {
        by_groups(ui, s, verification, method);
    }
}

fn by_groups(ui: &mut Ui, s: &mut Screen<'_>, verification: &Verification, method: CompareMethod) {
    let (t, theme) = (s.t, s.theme);
    text(ui, Type::BODY, theme.ink2, t.fingerprint_text);
    gap(ui, 20.0);
    contact::fingerprint(ui, &verification.fingerprint);
    gap(ui, 20.0);
    if row(ui, t.fingerprint_same) {
        answer(s, Pick::Otherwise(method));
    }
    gap(ui, 8.0);
    let differs = s.state.compare.way.differs;
    if row(ui, if differs { t.fingerprint_differs_yes } else { t.fingerprint_differs }) {
        if differs {
            answer(s, Pick::Differs(method));
        }
        s.state.compare.way.differs = true;
    }
    if differs {
        gap(ui, 4.0);
        text(ui, Type::SMALL, theme.ink2, t.none_warning);
        announce(ui, t.none_warning, false);
    }
}

/// The own square, or the camera that reads the other's. Never both, and no picture of the other person: what a camera sees
/// of this screen is this square alone, and nothing that somebody has sent.
fn by_camera(ui: &mut Ui, s: &mut Screen<'_>, verification: &Verification) {
    let (t, theme) = (s.t, s.theme);
    text(ui, Type::BODY, theme.ink2, t.scan_text);
    gap(ui, 20.0);
    let reads = s.state.compare.way.reads;
    if reads {
        let width = ui.available_width().min(SQUARE * 16.0 / 9.0);
        let (rect, _) = ui.allocate_exact_size(vec2(width, width * 9.0 / 16.0), egui::Sense::hover());
        picture(ui, s, Whose::Own, rect, Painting { radius: 12.0, cover: true, frozen: false }, t.own_picture);
        gap(ui, 10.0);
        text(ui, Type::SECOND, theme.ink2, t.scan_hold);
        announce(ui, t.scan_hold, false);
    } else {
        square(ui, s, verification);
    }
    gap(ui, 14.0);
    let camera = s.model.abilities.preview && !s.model.devices.cameras.missing;
    let label = if reads { t.scan_stop } else { t.scan_start };
    if camera && Button::secondary(label).icon(icons::QR_CODE).height(44.0).show(ui).clicked() {
        s.state.compare.way.reads = !reads;
    }
}

/// What the other side's camera reads.
pub(crate) fn square(ui: &mut Ui, s: &Screen<'_>, verification: &Verification) {
    let side = ui.available_width().min(SQUARE);
    qr(ui, &verification.qr, side, s.t.scan_square);
}

/// A row without a key cap: both answers look the same.
fn row(ui: &mut Ui, label: &str) -> bool {
    let theme = Theme::current(ui.ctx());
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 54.0), egui::Sense::hover());
    let control = Control::new(Role::Button, label).radius(radius::BUTTON);
    let response = control
        .place(ui, rect, Id::unique(("sotto fingerprint", label)))
        .on_hover_cursor(egui::CursorIcon::PointingHand);
    let fill_color = if response.hovered() { theme.sunken } else { theme.raised };
    let stroke = Stroke::new(1.0, theme.control);
    ui.painter().rect(rect, CornerRadius::same(radius::BUTTON), fill_color, stroke, StrokeKind::Inside);
    let galley = measure(ui, Type::SECTION, theme.ink, label, rect.width() - 40.0);
    ui.painter().galley(pos2(rect.min.x + 20.0, rect.center().y - galley.size().y / 2.0), galley, theme.ink);
    deliberate_click(ui, &response)
}
