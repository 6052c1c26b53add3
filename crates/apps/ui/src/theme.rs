//! The design tokens: colours for light, dark and high contrast, spacing, radii; and egui's style made from them.

use egui::{Color32, CornerRadius, Margin, Shadow, Stroke, Style, Visuals, style::WidgetVisuals, vec2};

/// The three looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Look {
    /// Warm paper and ink.
    #[default]
    Light,
    /// Dark surfaces.
    Dark,
    /// Black, white and full colours; every card has a border.
    Contrast,
}

impl Look {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Light, Self::Dark, Self::Contrast];
}

/// Colours by purpose. Text reaches 4.5:1 on each surface, controls, marks and focus 3:1 (WCAG 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Which look.
    pub look: Look,
    /// Window.
    pub canvas: Color32,
    /// Cards and bars.
    pub surface: Color32,
    /// Fields and secondary buttons.
    pub raised: Color32,
    /// Tracks, disabled controls, key caps.
    pub sunken: Color32,
    /// Text.
    pub ink: Color32,
    /// Secondary text.
    pub ink2: Color32,
    /// Hints and disabled labels.
    pub ink3: Color32,
    /// Links, marks, primary fill.
    pub accent: Color32,
    /// Primary fill under the pointer.
    pub accent_hover: Color32,
    /// Text on `accent`.
    pub on_accent: Color32,
    /// Soft fill of word tiles and picked rows.
    pub accent_soft: Color32,
    /// Good.
    pub ok: Color32,
    /// Its soft fill.
    pub ok_soft: Color32,
    /// Attention.
    pub warn: Color32,
    /// Its soft fill.
    pub warn_soft: Color32,
    /// Stop.
    pub danger: Color32,
    /// Its soft fill.
    pub danger_soft: Color32,
    /// Neutral notice.
    pub info: Color32,
    /// Its soft fill.
    pub info_soft: Color32,
    /// Focus ring.
    pub focus: Color32,
    /// Borders of controls.
    pub control: Color32,
    /// Dividers: decoration only.
    pub line: Color32,
    /// Panel of the welcome screen.
    pub panel: Color32,
    /// Full circle on it.
    pub panel_circle: Color32,
    /// Open circle on it.
    pub panel_ring: Color32,
}

const fn hex(rgb: u32) -> Color32 {
    let [_, r, g, b] = rgb.to_be_bytes();
    Color32::from_rgb(r, g, b)
}

/// Text on the welcome panel.
pub const PANEL_TEXT: Color32 = hex(0xF3_F0_EA);
/// Secondary text on the welcome panel.
pub const PANEL_TEXT2: Color32 = hex(0xC9_DA_D7);
/// Fill of pills over video: at least 10:1 for white text on a white picture.
pub const VIDEO_PILL: Color32 = Color32::from_black_alpha(215);

const LIGHT: Theme = Theme {
    look: Look::Light,
    canvas: hex(0xF3_F0_EA),
    surface: hex(0xFC_FB_F8),
    raised: hex(0xFF_FF_FF),
    sunken: hex(0xE9_E5_DC),
    ink: hex(0x22_29_2B),
    ink2: hex(0x4C_56_58),
    ink3: hex(0x5C_65_66),
    accent: hex(0x24_5E_63),
    accent_hover: hex(0x1C_4D_52),
    on_accent: hex(0xFF_FF_FF),
    accent_soft: hex(0xDC_E8_E6),
    ok: hex(0x2C_6A_45),
    ok_soft: hex(0xDF_EC_E1),
    warn: hex(0x7F_52_00),
    warn_soft: hex(0xF5_E8_CC),
    danger: hex(0xA1_2F_28),
    danger_soft: hex(0xF6_E0_DB),
    info: hex(0x3B_5B_85),
    info_soft: hex(0xE0_E7_F0),
    focus: hex(0x1B_5F_A8),
    control: hex(0x7F_82_7B),
    line: hex(0xD9_D4_C9),
    panel: hex(0x1F_52_57),
    panel_circle: hex(0x2E_68_6C),
    panel_ring: hex(0x83_B3_B0),
};

const DARK: Theme = Theme {
    look: Look::Dark,
    canvas: hex(0x15_19_1A),
    surface: hex(0x1D_22_23),
    raised: hex(0x26_2C_2D),
    sunken: hex(0x10_13_14),
    ink: hex(0xE9_E6_DF),
    ink2: hex(0xB9_BD_B8),
    ink3: hex(0x98_9F_9C),
    accent: hex(0x8C_C5_C2),
    accent_hover: hex(0xA4_D5_D2),
    on_accent: hex(0x0E_25_26),
    accent_soft: hex(0x22_3A_3B),
    ok: hex(0x93_CB_A3),
    ok_soft: hex(0x1F_36_28),
    warn: hex(0xE3_BC_74),
    warn_soft: hex(0x3A_2E_17),
    danger: hex(0xF0_A1_96),
    danger_soft: hex(0x45_23_1F),
    info: hex(0xA5_C0_E4),
    info_soft: hex(0x22_30_4A),
    focus: hex(0x9C_C9_FF),
    control: hex(0x74_7C_7B),
    line: hex(0x36_3D_3E),
    panel: hex(0x1A_2A_2B),
    panel_circle: hex(0x2E_68_6C),
    panel_ring: hex(0x83_B3_B0),
};

const CONTRAST: Theme = Theme {
    look: Look::Contrast,
    canvas: hex(0x00_00_00),
    surface: hex(0x00_00_00),
    raised: hex(0x0B_0B_0B),
    sunken: hex(0x00_00_00),
    ink: hex(0xFF_FF_FF),
    ink2: hex(0xFF_FF_FF),
    ink3: hex(0xE6_E6_E6),
    accent: hex(0xFF_FF_FF),
    accent_hover: hex(0xFF_E8_6B),
    on_accent: hex(0x00_00_00),
    accent_soft: hex(0x1A_1A_1A),
    ok: hex(0x8C_F0_A8),
    ok_soft: hex(0x00_24_0F),
    warn: hex(0xFF_D7_5E),
    warn_soft: hex(0x2B_20_00),
    danger: hex(0xFF_B0_A6),
    danger_soft: hex(0x3A_0A_06),
    info: hex(0xA8_CC_FF),
    info_soft: hex(0x07_1B_38),
    focus: hex(0xFF_E3_00),
    control: hex(0xFF_FF_FF),
    line: hex(0xFF_FF_FF),
    panel: hex(0x00_00_00),
    panel_circle: hex(0x1A_1A_1A),
    panel_ring: hex(0xFF_FF_FF),
};

/// Radii in points.
pub mod radius {
    /// Pictures in the window.
    pub const PICTURE: u8 = 16;
    /// Cards.
    pub const CARD: u8 = 14;
    /// Fields and word tiles.
    pub const FIELD: u8 = 12;
    /// Buttons.
    pub const BUTTON: u8 = 10;
    /// Key caps.
    pub const KEY: u8 = 6;
}

impl Theme {
    /// The tokens of a look.
    #[must_use]
    pub const fn of(look: Look) -> Self {
        match look {
            Look::Light => LIGHT,
            Look::Dark => DARK,
            Look::Contrast => CONTRAST,
        }
    }

    /// The tokens in use.
    #[must_use]
    pub fn current(ctx: &egui::Context) -> Self {
        ctx.data(|data| data.get_temp::<Look>(egui::Id::NULL)).map_or(LIGHT, Self::of)
    }

    /// Puts a look in force from now on.
    pub fn apply(look: Look, ctx: &egui::Context, reduced_motion: bool) {
        let theme = if look == Look::Light { egui::Theme::Light } else { egui::Theme::Dark };
        ctx.data_mut(|data| data.insert_temp(egui::Id::NULL, look));
        ctx.set_style_of(theme, Self::of(look).style(reduced_motion));
        ctx.set_theme(theme);
    }

    /// Border of a card: decoration, but in high contrast a real one.
    #[must_use]
    pub const fn card_stroke(&self) -> Stroke {
        Stroke { width: 1.0, color: if matches!(self.look, Look::Contrast) { self.control } else { self.line } }
    }

    /// Lifts a card, in light only.
    #[must_use]
    pub const fn card_shadow(&self) -> Shadow {
        if matches!(self.look, Look::Light) {
            Shadow { offset: [0, 2], blur: 14, spread: 0, color: Color32::from_black_alpha(13) }
        } else {
            Shadow::NONE
        }
    }

    /// egui's style from the tokens: no field keeps its grey.
    #[must_use]
    pub fn style(&self, reduced_motion: bool) -> Style {
        let mut style = Style { animation_time: if reduced_motion { 0.0 } else { 0.12 }, ..Style::default() };
        style.text_styles = crate::fonts::text_styles();
        style.interaction.selectable_labels = false;
        style.interaction.tooltip_delay = 0.5;
        style.scroll_animation = egui::style::ScrollAnimation::none();
        let spacing = &mut style.spacing;
        spacing.item_spacing = vec2(0.0, 0.0);
        spacing.button_padding = vec2(16.0, 10.0);
        spacing.interact_size = vec2(44.0, 44.0);
        spacing.window_margin = Margin::same(24);
        spacing.menu_margin = Margin::same(8);
        spacing.scroll.bar_width = 8.0;
        spacing.scroll.floating = true;
        style.visuals = self.visuals(reduced_motion);
        style
    }

    fn visuals(&self, reduced_motion: bool) -> Visuals {
        let widget = |bg: Color32, border: Stroke| WidgetVisuals {
            bg_fill: bg,
            weak_bg_fill: bg,
            bg_stroke: border,
            corner_radius: CornerRadius::same(radius::BUTTON),
            fg_stroke: Stroke::new(1.5, self.ink),
            expansion: 0.0,
        };
        let border = Stroke::new(1.0, self.control);
        let mut visuals = if self.look == Look::Light { Visuals::light() } else { Visuals::dark() };
        visuals.override_text_color = None;
        visuals.weak_text_color = Some(self.ink3);
        visuals.widgets.noninteractive = widget(self.surface, Stroke::new(1.0, self.line));
        visuals.widgets.inactive = widget(self.raised, border);
        visuals.widgets.hovered = widget(self.sunken, border);
        visuals.widgets.active = widget(self.sunken, Stroke::new(2.0, self.control));
        visuals.widgets.open = widget(self.sunken, border);
        visuals.selection.bg_fill = self.accent_soft;
        visuals.selection.stroke = Stroke::new(1.5, self.ink);
        visuals.hyperlink_color = self.accent;
        visuals.faint_bg_color = self.canvas;
        visuals.extreme_bg_color = self.raised;
        visuals.text_edit_bg_color = Some(self.raised);
        visuals.code_bg_color = self.sunken;
        visuals.warn_fg_color = self.warn;
        visuals.error_fg_color = self.danger;
        visuals.window_corner_radius = CornerRadius::same(radius::CARD);
        visuals.window_shadow = self.card_shadow();
        visuals.window_fill = self.surface;
        visuals.window_stroke = self.card_stroke();
        visuals.menu_corner_radius = CornerRadius::same(radius::FIELD);
        visuals.panel_fill = self.canvas;
        visuals.popup_shadow = self.card_shadow();
        visuals.text_cursor.stroke = Stroke::new(2.0, self.accent);
        visuals.text_cursor.blink = !reduced_motion;
        visuals.disabled_alpha = 1.0;
        visuals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(color: Color32) -> f64 {
        let linear = |byte: u8| {
            let value = f64::from(byte) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126f64.mul_add(linear(color.r()), 0.7152f64.mul_add(linear(color.g()), 0.0722 * linear(color.b())))
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_reaches_four_and_a_half_and_controls_three_on_every_surface() {
        for look in Look::ALL {
            let t = Theme::of(look);
            for surface in [t.canvas, t.surface, t.raised, t.sunken] {
                for text in [t.ink, t.ink2, t.ink3, t.accent, t.ok, t.warn, t.danger, t.info] {
                    assert!(contrast(text, surface) >= 4.5, "{look:?} {text:?} on {surface:?}");
                }
                for mark in [t.focus, t.control] {
                    assert!(contrast(mark, surface) >= 3.0, "{look:?} {mark:?} on {surface:?}");
                }
            }
            for (soft, strong) in [
                (t.accent_soft, t.accent),
                (t.ok_soft, t.ok),
                (t.warn_soft, t.warn),
                (t.danger_soft, t.danger),
                (t.info_soft, t.info),
            ] {
                for text in [strong, t.ink, t.ink2] {
                    assert!(contrast(text, soft) >= 4.5, "{look:?} {text:?} on {soft:?}");
                }
            }
            assert!(contrast(t.on_accent, t.accent) >= 4.5 && contrast(t.on_accent, t.accent_hover) >= 4.5);
            assert!(contrast(PANEL_TEXT, t.panel) >= 4.5 && contrast(PANEL_TEXT2, t.panel) >= 4.5);
        }
    }
}
