//! Help: the keys.

use egui::{Ui, vec2};

use super::settings;
use crate::{
    fonts::Type,
    interface::Screen,
    widgets::{at, divider, gap, heading, key_cap, measure, page, region, text, title},
};

pub(crate) fn show(ui: &mut Ui, s: &mut Screen<'_>) {
    let t = s.t;
    let rest = settings::frame(ui, s);
    at(ui, rest, "help", |ui| {
        page(ui, "help", 720.0, 16.0, |ui| {
            region(ui.ctx(), 2);
            settings::back(ui, s);
            title(ui, Type::TITLE, t.help_title);
            gap(ui, 20.0);
            heading(ui, Type::SECTION, t.help_keys);
            gap(ui, 8.0);
            let ctrl = t.key_ctrl;
            let mut rows: Vec<(Vec<&str>, &str)> = vec![
                (vec!["F6"], t.help_f6),
                (vec!["Esc"], t.help_esc),
                (vec![ctrl, "D"], t.help_mute),
                (vec![ctrl, "E"], t.help_camera),
                (vec![ctrl, "T"], t.help_chat),
                (vec!["V"], t.help_v),
                (vec![ctrl, t.key_end], t.help_end),
                (vec![ctrl, "+ −"], t.help_zoom),
            ];
            if s.is_therapist() {
                rows.insert(2, (vec![ctrl, t.key_enter], t.help_admit));
            } else {
                rows.push((vec![t.key_shift, t.key_shift, t.key_shift], t.help_shift));
            }
            for (keys, words) in rows {
                row(ui, &keys, words);
                divider(ui);
            }
            gap(ui, 24.0);
            if !s.is_therapist() {
                text(ui, Type::BODY, s.theme.ink2, t.quick_exit_text);
            }
        });
    });
}

fn row(ui: &mut Ui, keys: &[&str], words: &str) {
    let theme = crate::theme::Theme::current(ui.ctx());
    let caps: Vec<f32> = keys
        .iter()
        .map(|key| measure(ui, Type::SMALL_STRONG, theme.ink2, key, f32::INFINITY).size().x.max(12.0) + 16.0)
        .collect();
    let width = caps.iter().sum::<f32>() + 8.0 * caps.len() as f32;
    let left = width.max(180.0) + 16.0;
    let galley = measure(ui, Type::BODY, theme.ink, words, ui.available_width() - left);
    let height = (galley.size().y + 20.0).max(52.0);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), egui::Sense::hover());
    let mut x = rect.min.x;
    for (key, cap) in keys.iter().zip(&caps) {
        key_cap(ui, egui::pos2(x + cap / 2.0, rect.center().y), key, None);
        x += cap + 8.0;
    }
    ui.painter().galley(rect.left_center() + vec2(left, -galley.size().y / 2.0), galley, theme.ink);
    let spoken = format!("{}: {words}", keys.join(" "));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &spoken));
}
