//! The comparison: read your half aloud, choose what you hear. Enter and Space never pass it.

use egui::{Align2, CornerRadius, Id, Key, Rect, Role, Stroke, StrokeKind, Ui, pos2, vec2};
use sotto_session_api::{Command, CompareReason, Pick, Verification};

use super::{
    fingerprint, standing,
    waiting::{empty_picture, picture},
};
use crate::{
    fonts::Type,
    icons,
    interface::Screen,
    texts::fill,
    theme::{Look, radius},
    video::{Painting, Whose},
    widgets::{
        Button, CandidateRow, Control, Tone, announce, at, candidate_row, checkbox, deliberate_click, flow, gap,
        heading, icon, key_cap, mark_with_name, measure, notice, region, text, text_at, title, word_tiles,
    },
};

const NUMBERS: [Key; 5] = [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5];
const LETTERS: [Key; 5] = [Key::A, Key::B, Key::C, Key::D, Key::E];
const NONE: usize = 4;

/// What was marked.
#[derive(Default)]
pub(crate) struct CompareState {
    marked: Option<usize>,
    digits: bool,
    fingerprint: bool,
    /// The way by fingerprint.
    pub way: fingerprint::Way,
    /// The choice is on its way; the other side is to choose yet.
    pub sent: bool,
    shown: Option<Verification>,
    again: bool,
    /// After a loss of continuity: words can't tell a copied computer from its owner, a person can.
    recognised: bool,
    /// It was not said yet, and somebody went on.
    recognise_first: bool,
}

impl CompareState {
    /// A comparison is asked: other words than before make a new choice necessary.
    pub(crate) fn asked(&mut self, verification: &Verification) {
        if self.shown.as_ref().is_some_and(|shown| shown != verification) {
            *self = Self { digits: self.digits, again: true, ..Self::default() };
        }
        self.shown = Some(verification.clone());
    }

    /// It is asked: for the first time, or because nothing of it was heard.
    pub(crate) fn asked_again(&mut self, verification: &Verification) {
        self.asked(verification);
        (self.sent, self.marked) = (false, None);
    }

    /// The camera or a picture gave the content of a QR code.
    pub(crate) fn scanned(&mut self, bytes: &[u8]) {
        if !self.sent {
            self.fingerprint = true;
            self.way = fingerprint::Way::read(bytes);
        }
    }

    /// The camera reads the other screen.
    pub(crate) const fn reads(&self) -> bool {
        self.fingerprint && self.way.reads && !self.sent
    }

    /// The comparison whose choice was sent and that the other side has not answered yet.
    pub(crate) fn awaited(&self) -> Option<&Verification> {
        self.shown.as_ref().filter(|_| self.sent)
    }
}

/// Lets the layout breathe or not.
#[derive(Clone, Copy)]
struct Measures {
    small: bool,
    row: f32,
    between: f32,
    tile: f32,
}

pub(crate) fn show(ui: &mut Ui, s: &mut Screen<'_>, verification: &Verification) {
    let area = ui.max_rect();
    s.state.compare.asked(verification);
    keys(ui, s, verification);
    if area.width() >= 1000.0 && area.height() >= 640.0 {
        wide(ui, s, verification);
    } else {
        small(ui, s, verification);
    }
}

/// 1–5 (A–E with digits) marks a row; the same again confirms it.
fn keys(ui: &Ui, s: &mut Screen<'_>, verification: &Verification) {
    if s.state.compare.sent || s.state.compare.fingerprint {
        return;
    }
    let caps = if s.state.compare.digits { LETTERS } else { NUMBERS };
    let pressed = ui.input(|input| {
        input.events.iter().find_map(|event| match event {
            egui::Event::Key { key, pressed: true, repeat: false, modifiers, .. }
                if !modifiers.command && !modifiers.alt && !modifiers.ctrl =>
            {
                caps.iter().position(|cap| cap == key)
            }
            _ => None,
        })
    });
    let Some(row) = pressed else { return };
    if s.state.compare.marked == Some(row) {
        confirm(s, row);
    } else {
        mark(s, verification, row);
    }
}

fn mark(s: &mut Screen<'_>, _: &Verification, row: usize) {
    s.state.compare.marked = Some(row);
}

fn confirm(s: &mut Screen<'_>, row: usize) {
    let pick = match row {
        NONE => Pick::NoneOfThese,
        row if s.state.compare.digits => Pick::Digits(row),
        row => Pick::Candidate(row),
    };
    answer(s, pick);
}

/// Sends the choice; a match only once the person is recognised, where that is asked.
pub(super) fn answer(s: &mut Screen<'_>, pick: Pick) {
    let compare = &mut s.state.compare;
    let asked = compare.shown.as_ref().is_some_and(|shown| shown.reason == CompareReason::Continuity);
    if asked && !compare.recognised && !matches!(pick, Pick::NoneOfThese | Pick::Differs(_)) {
        compare.recognise_first = true;
        return;
    }
    compare.sent = true;
    s.send(Command::Verify(pick));
}

fn cap(s: &Screen<'_>, row: usize) -> &'static str {
    let caps = if s.state.compare.digits { ["A", "B", "C", "D", "E"] } else { ["1", "2", "3", "4", "5"] };
    caps[row.min(4)]
}

/// The parts of a row, in lower case as they are said, or digits in threes.
fn parts(s: &Screen<'_>, verification: &Verification, row: usize) -> Vec<String> {
    if row == NONE {
        return vec![s.t.none_of_these.to_owned()];
    }
    if s.state.compare.digits {
        return verification.digit_candidates.get(row).map(|digits| in_threes(digits)).into_iter().collect();
    }
    verification
        .candidates
        .get(row)
        .map(|words| words.iter().map(|word| word.to_ascii_lowercase()).collect())
        .unwrap_or_default()
}

fn in_threes(digits: &str) -> String {
    digits.split_at_checked(3).map_or_else(|| digits.to_owned(), |(a, b)| format!("{a} {b}"))
}

fn own(s: &Screen<'_>, verification: &Verification) -> Vec<String> {
    if s.state.compare.digits {
        vec![in_threes(&verification.digits)]
    } else {
        verification.words.iter().map(|word| word.to_ascii_lowercase()).collect()
    }
}

fn wide(ui: &mut Ui, s: &mut Screen<'_>, verification: &Verification) {
    let (t, theme) = (s.t, s.theme);
    let area = ui.max_rect();
    let margin = 48.0;
    let left_width = (464.0f32).min(area.width() * 0.3625).min(area.height() - 300.0);
    let card_left = area.min.x + margin + left_width + 56.0;
    let card_width = (area.max.x - margin - card_left).min(760.0);
    let top = area.min.y + 112.0;
    let bottom = area.max.y - 56.0;
    region(ui.ctx(), 1);
    mark_with_name(
        ui,
        pos2(area.min.x + margin + 2.0, area.min.y + 56.0),
        22.0,
        Type::HEADING,
        theme.accent,
        theme.ink,
    );
    let end = Button::secondary(t.end).height(44.0).min_width(116.0);
    let end_width = end.width(ui);
    let right = card_left + card_width;
    let head = Rect::from_min_max(pos2(card_left, area.min.y + 36.0), pos2(right - end_width - 16.0, top));
    at(ui, head, "title", |ui| {
        title(ui, Type::TITLE, t.compare_title);
        gap(ui, 2.0);
        text(ui, Type::SECOND, theme.ink2, t.compare_lead);
    });
    if end.show_at(ui, Rect::from_min_size(pos2(right - end_width, area.min.y + 34.0), vec2(end_width, 44.0))).clicked()
    {
        s.send(Command::End);
    }
    region(ui.ctx(), 2);
    let warning = 92.0;
    // Why this comparison: beside the card, so that the five rows and the confirmation keep their place.
    let column = Rect::from_min_max(pos2(area.min.x + margin, top), pos2(area.min.x + margin + left_width, bottom));
    let (reason, any) = at(ui, column, "why", |ui| why(ui, s, verification));
    let face = Rect::from_min_max(
        pos2(area.min.x + margin, if any { reason.max.y.min(bottom - warning - 136.0) } else { top }),
        pos2(area.min.x + margin + left_width, bottom - warning - 16.0),
    );
    let painting = Painting { radius: 16.0, cover: true, frozen: false };
    theirs(ui, s, face, painting);
    let place = Rect::from_min_max(pos2(face.min.x, bottom - warning), pos2(face.max.x, bottom));
    private_warning(ui, s, place, true);

    region(ui.ctx(), 3);
    let outer = Rect::from_min_max(pos2(card_left, top), pos2(right, bottom));
    ui.painter().add(theme.card_shadow().as_shape(outer, CornerRadius::same(radius::CARD)));
    ui.painter().rect(outer, CornerRadius::same(radius::CARD), theme.surface, theme.card_stroke(), StrokeKind::Inside);
    let height = outer.height();
    let measures = Measures { small: false, row: if height < 680.0 { 50.0 } else { 54.0 }, between: 8.0, tile: 70.0 };
    at(ui, outer.shrink2(vec2(26.0, 8.0)), "card", |ui| {
        egui::ScrollArea::vertical().id_salt("comparison").auto_shrink(false).show(ui, |ui| {
            ui.set_clip_rect(outer);
            let inner =
                Rect::from_min_size(ui.cursor().min + vec2(6.0, 0.0), vec2(outer.width() - 64.0, f32::INFINITY));
            let (used, ()) = at(ui, inner, "inner", |ui| {
                ui.set_width(inner.width());
                gap(ui, 18.0);
                body(ui, s, verification, measures);
            });
            ui.advance_cursor_after_rect(used.expand2(vec2(6.0, 0.0)));
        });
    });
    region(ui.ctx(), 4);
    let line = Rect::from_min_max(pos2(card_left, bottom + 4.0), pos2(right, area.max.y));
    at(ui, line, "other ways", |ui| {
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Min), |ui| other_ways(ui, s, true));
    });
}

fn small(ui: &mut Ui, s: &mut Screen<'_>, verification: &Verification) {
    let (t, theme) = (s.t, s.theme);
    let area = ui.max_rect();
    let inner = area.shrink2(vec2(16.0, 14.0));
    region(ui.ctx(), 1);
    let end = Button::secondary(t.end).height(44.0).min_width(80.0);
    let end_width = end.width(ui);
    let face = Rect::from_min_size(inner.min, vec2(84.0, 84.0));
    let painting = Painting { radius: 12.0, cover: true, frozen: false };
    theirs(ui, s, face, painting);
    let right = Rect::from_min_max(pos2(face.max.x + 16.0, inner.min.y), pos2(inner.max.x, face.max.y));
    at(ui, right, "title", |ui| {
        let full = measure(ui, Type::HEADING, theme.ink, t.compare_title, f32::INFINITY).size().x;
        title(ui, if full > right.width() { Type::SECTION.sized(16.0) } else { Type::HEADING }, t.compare_title);
    });
    let warning =
        Rect::from_min_max(pos2(right.min.x, face.max.y - 42.0), pos2(right.max.x - end_width - 16.0, face.max.y));
    private_warning(ui, s, warning, false);
    let place = Rect::from_min_max(
        pos2(right.max.x - end_width, face.max.y - 44.0),
        face.max.max(pos2(right.max.x, face.max.y)),
    );
    if end.show_at(ui, Rect::from_min_max(place.min, pos2(right.max.x, face.max.y))).clicked() {
        s.send(Command::End);
    }
    region(ui.ctx(), 3);
    let rest = Rect::from_min_max(pos2(area.min.x, face.max.y + 6.0), area.max);
    // Own words stay pinned; the rest scrolls where it must.
    let tight = rest.height() < 390.0;
    let measures = Measures {
        small: true,
        row: if rest.width() < 560.0 { 48.0 } else { 44.0 },
        between: 6.0,
        tile: if tight { 40.0 } else { 50.0 },
    };
    let column = Rect::from_min_max(pos2(inner.min.x, rest.min.y), pos2(inner.max.x, rest.max.y));
    let mut pinned = rest.min.y;
    if !s.state.compare.sent && !s.state.compare.fingerprint {
        let (used, ()) = at(ui, column, "pinned", |ui| own_half(ui, s, verification, measures));
        pinned = used.max.y;
    }
    let scroll = Rect::from_min_max(pos2(area.min.x, pinned), area.max);
    at(ui, scroll, "scroll", |ui| {
        egui::ScrollArea::vertical().id_salt("comparison").auto_shrink(false).show(ui, |ui| {
            let place = Rect::from_min_size(pos2(inner.min.x, ui.cursor().min.y), vec2(inner.width(), f32::INFINITY));
            let (used, ()) = at(ui, place, "inner", |ui| {
                ui.set_width(inner.width());
                why(ui, s, verification);
                if s.state.compare.sent || s.state.compare.fingerprint {
                    body(ui, s, verification, measures);
                } else {
                    candidates(ui, s, verification, measures);
                }
                gap(ui, 10.0);
                region(ui.ctx(), 4);
                flow(ui, 24.0, |ui| other_ways(ui, s, false));
                gap(ui, 12.0);
            });
            ui.advance_cursor_after_rect(used.expand2(vec2(16.0, 0.0)));
        });
    });
}

/// The other person, but not beside a square that a camera reads: somebody could send a picture of another one.
fn theirs(ui: &Ui, s: &mut Screen<'_>, face: Rect, painting: Painting) {
    if s.state.compare.fingerprint && s.state.compare.way.is_by_camera() {
        empty_picture(ui, s, face, s.t.scan_alone);
    } else {
        picture(ui, s, Whose::Theirs, face, painting, s.t.their_picture);
    }
}

fn private_warning(ui: &mut Ui, s: &Screen<'_>, rect: Rect, full: bool) {
    let (t, theme) = (s.t, s.theme);
    let stroke = if theme.look == Look::Contrast { Stroke::new(1.0, theme.warn) } else { Stroke::NONE };
    ui.painter().rect(rect, CornerRadius::same(radius::CARD), theme.warn_soft, stroke, StrokeKind::Inside);
    let indent = if full { 72.0 } else { 44.0 };
    icon(ui, pos2(rect.min.x + indent / 2.0, rect.center().y), icons::EAR, if full { 28.0 } else { 20.0 }, theme.warn);
    let room = rect.width() - indent - 12.0;
    let mut of = if full { Type::SECTION } else { Type::SECOND_STRONG };
    if !full && measure(ui, of, theme.ink, t.nothing_private, f32::INFINITY).size().x > room {
        of = Type::SMALL_STRONG;
    }
    let head = measure(ui, Type { line: 1.2, ..of }, theme.ink, t.nothing_private, room);
    let body = full.then(|| measure(ui, Type::SECOND, theme.ink2, t.nothing_private_text, room));
    let height = head.size().y + body.as_ref().map_or(0.0, |body| body.size().y + 4.0);
    let top = pos2(rect.min.x + indent, rect.center().y - height / 2.0);
    let below = pos2(top.x, top.y + head.size().y + 4.0);
    ui.painter().galley(top, head, theme.ink);
    if let Some(body) = body {
        ui.painter().galley(below, body, theme.ink2);
    }
    let spoken = format!("{}. {}", t.nothing_private, t.nothing_private_text);
    let response = ui.interact(rect, ui.make_persistent_id("private"), egui::Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(Role::Label, true, &spoken));
}

fn body(ui: &mut Ui, s: &mut Screen<'_>, verification: &Verification, m: Measures) {
    let t = s.t;
    if s.state.compare.sent {
        gap(ui, 8.0);
        heading(ui, Type::HEADING, t.compare_sent_title);
        announce(ui, t.compare_sent, false);
        gap(ui, 8.0);
        text(ui, Type::BODY, s.theme.ink2, t.compare_sent);
        gap(ui, 24.0);
        // The other side still has to hear or to read it.
        if s.state.compare.way.is_by_camera() {
            fingerprint::square(ui, s, verification);
        } else {
            own_half(ui, s, verification, m);
        }
        return;
    }
    if s.state.compare.fingerprint {
        fingerprint::show(ui, s, verification);
        return;
    }
    own_half(ui, s, verification, m);
    candidates(ui, s, verification, m);
}

/// Why the words are compared, where that has to be said; whether anything was.
fn why(ui: &mut Ui, s: &mut Screen<'_>, verification: &Verification) -> bool {
    let t = s.t;
    let said = match verification.reason {
        CompareReason::Changed => Some((t.compare_changed, t.compare_changed_text)),
        CompareReason::Continuity => Some((t.compare_continuity, t.compare_continuity_text)),
        CompareReason::First | CompareReason::Every => s.state.compare.again.then_some((t.compare_again, "")),
    };
    if let Some((head, body)) = said {
        notice(ui, Tone::Warn, icons::WARNING_FILL, head, body, None);
        gap(ui, 16.0);
    }
    if verification.reason == CompareReason::Continuity && !s.state.compare.sent {
        let asked = s.state.compare.recognise_first && !s.state.compare.recognised;
        checkbox(
            ui,
            t.recognise,
            if asked { t.recognise_first } else { t.recognise_text },
            &mut s.state.compare.recognised,
        );
        if asked {
            announce(ui, t.recognise_first, true);
        }
        gap(ui, 16.0);
    }
    standing::show(ui, s);
    said.is_some() || !s.memory.standing.is_empty()
}

fn section(ui: &mut Ui, s: &Screen<'_>, m: Measures, number: &str, words: &str) -> Rect {
    let theme = s.theme;
    if m.small {
        return heading(ui, Type::SECTION.sized(16.0), &format!("{number}  {words}")).rect;
    }
    let left = ui.cursor().min.x;
    let line = ui.horizontal(|ui| {
        ui.set_min_height(28.0);
        gap(ui, 42.0);
        heading(ui, Type::HEADING, words).rect
    });
    // On the middle of the heading's first line, wherever the layout has put it.
    let center = pos2(left + 14.0, line.inner.min.y + (Type::HEADING.size * Type::HEADING.line).round() / 2.0);
    ui.painter().circle_filled(center, 14.0, theme.accent);
    text_at(ui, center, Align2::CENTER_CENTER, Type::SECOND_STRONG, theme.on_accent, number);
    line.inner
}

fn own_half(ui: &mut Ui, s: &mut Screen<'_>, verification: &Verification, m: Measures) {
    let t = s.t;
    let line = section(ui, s, m, "1", t.read_these);
    let first = if verification.reads_first { t.you_read_first } else { t.they_read_first };
    let width = measure(ui, Type::SMALL, s.theme.ink2, first, f32::INFINITY).size().x + 1.0;
    let right = ui.max_rect().max.x;
    if line.max.x + width + 16.0 < right {
        let place = Rect::from_min_size(pos2(right - width, line.center().y - 10.0), vec2(width, 24.0));
        at(ui, place, "first", |ui| text(ui, Type::SMALL, s.theme.ink2, first));
    } else {
        text(ui, Type::SMALL, s.theme.ink2, first);
    }
    gap(ui, if m.small { 2.0 } else { 12.0 });
    let words = own(s, verification);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let of = if m.small { Type::WORDS.sized(22.0) } else { Type::WORDS };
    word_tiles(ui, of, m.tile, if m.small { 10.0 } else { 12.0 }, "", &words);
    gap(ui, if m.small { 4.0 } else { 24.0 });
}

fn candidates(ui: &mut Ui, s: &mut Screen<'_>, verification: &Verification, m: Measures) {
    let t = s.t;
    section(ui, s, m, "2", if s.state.compare.digits { t.which_digits } else { t.which_words });
    gap(ui, if m.small { 2.0 } else { 14.0 });
    let width = ui.available_width();
    for row in 0..=NONE {
        let (rect, _) = ui.allocate_exact_size(vec2(width, m.row), egui::Sense::hover());
        let parts = parts(s, verification, row);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let picked = s.state.compare.marked == Some(row);
        let said = parts.join(" ");
        let name = if picked && m.small { fill(t.i_heard, &[&said]) } else { said };
        let confirm_words = if row == NONE { t.i_heard_none } else { t.i_heard_this };
        let line = CandidateRow {
            parts: &parts,
            name: &name,
            cap: cap(s, row),
            picked,
            confirm: (m.small && picked).then_some(confirm_words),
            id: Id::unique(("sotto candidate", row)),
        };
        if candidate_row(ui, rect, &line) {
            if picked && m.small {
                confirm(s, row);
            } else {
                mark(s, verification, row);
            }
        }
        if row < NONE {
            gap(ui, m.between);
        }
    }
    if let Some(row) = s.state.compare.marked {
        let said = parts(s, verification, row).join(" ");
        announce(ui, &fill(t.marked, &[&said, cap(s, row)]), false);
    }
    if m.small {
        return;
    }
    gap(ui, 16.0);
    let top = ui.cursor().min.y;
    match s.state.compare.marked {
        Some(row) => confirmation(ui, s, verification, row),
        None => {
            let how = if s.state.compare.digits { t.press_letter } else { t.click_what_you_hear };
            text(ui, Type::SECOND, s.theme.ink2, how);
            text(ui, Type::SECOND, s.theme.ink2, t.not_sure);
        }
    }
    // The same room in both states, so that nothing moves under the hand.
    gap(ui, (top + 80.0 - ui.cursor().min.y).max(0.0));
}

fn confirmation(ui: &mut Ui, s: &mut Screen<'_>, verification: &Verification, row: usize) {
    let (t, theme) = (s.t, s.theme);
    let label = if row == NONE {
        t.i_heard_none.to_owned()
    } else {
        fill(t.i_heard, &[&parts(s, verification, row).join(" ")])
    };
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 56.0), egui::Sense::hover());
    let id = Id::unique("sotto comparison confirm");
    let control = Control::new(Role::Button, &label).radius(radius::BUTTON);
    let control = control.description((row == NONE).then_some(t.none_warning));
    let response = control.place(ui, rect, id).on_hover_cursor(egui::CursorIcon::PointingHand);
    let fill_color = if response.hovered() { theme.accent_hover } else { theme.accent };
    ui.painter().rect_filled(rect, CornerRadius::same(radius::BUTTON), fill_color);
    let galley = measure(ui, Type::BUTTON, theme.on_accent, &label, rect.width() - 110.0);
    ui.painter().galley(rect.center() - galley.size() / 2.0, galley, theme.on_accent);
    key_cap(ui, rect.right_center() - vec2(36.0, 0.0), cap(s, row), Some(theme.on_accent));
    if row == NONE {
        gap(ui, 4.0);
        text(ui, Type::SMALL, theme.ink2, t.none_warning);
    }
    if deliberate_click(ui, &response) {
        confirm(s, row);
    }
}

fn other_ways(ui: &mut Ui, s: &mut Screen<'_>, reversed: bool) {
    let t = s.t;
    if s.state.compare.sent {
        return;
    }
    let digits = if s.state.compare.digits { t.words_instead } else { t.digits_instead };
    let shown = if s.state.compare.fingerprint { t.hide_fingerprint } else { t.show_fingerprint };
    let small = |label| Button::text(label).height(40.0);
    let mut ways = |ui: &mut Ui, which: usize| {
        if which == 0 {
            if !s.state.compare.fingerprint && small(digits).show(ui).clicked() {
                s.state.compare.digits = !s.state.compare.digits;
                s.state.compare.marked = None;
            }
        } else if small(shown).show(ui).clicked() {
            s.state.compare.fingerprint = !s.state.compare.fingerprint;
            s.state.compare.way = fingerprint::Way::default();
            s.state.compare.marked = None;
        }
    };
    if reversed {
        ways(ui, 1);
        gap(ui, 24.0);
        ways(ui, 0);
    } else {
        ways(ui, 0);
        ways(ui, 1);
    }
}
