//! Typefaces and the type scale. There is no bold: weight is another family.

use std::{collections::BTreeMap, sync::Arc};

use egui::{Color32, FontData, FontDefinitions, FontFamily, FontId, TextFormat, TextStyle, text::LayoutJob};

use crate::icons::Icon;

macro_rules! font {
    ($file:literal) => {
        FontData::from_static(include_bytes!(concat!("../../../../assets/fonts/", $file)))
    };
}

const SEMIBOLD: &str = "semibold";
const ICONS: &str = "icons";
const ICONS_FILLED: &str = "icons-filled";

/// The fonts, once, in the creation context: they count from the next frame, and text in an unknown family panics.
pub fn install(ctx: &egui::Context) {
    ctx.set_fonts(definitions());
}

/// Our typefaces; `regular` gets `fallback` fonts behind it (e.g. the system's, for other scripts).
#[must_use]
pub fn definitions() -> FontDefinitions {
    let mut fonts = FontDefinitions::empty();
    let files = [
        ("regular", font!("AtkinsonHyperlegibleNext_400Regular.ttf")),
        (SEMIBOLD, font!("AtkinsonHyperlegibleNext_600SemiBold.ttf")),
        ("mono", font!("AtkinsonHyperlegibleMono_600SemiBold.ttf")),
        (ICONS, font!("Phosphor-subset.ttf")),
        (ICONS_FILLED, font!("Phosphor-Fill-subset.ttf")),
    ];
    for (name, data) in files {
        fonts.font_data.insert(name.to_owned(), Arc::new(data));
    }
    let mut family = |family: FontFamily, members: &[&str]| {
        fonts.families.insert(family, members.iter().map(|&name| name.to_owned()).collect());
    };
    family(FontFamily::Proportional, &["regular"]);
    family(FontFamily::Monospace, &["mono", "regular"]);
    family(FontFamily::Name(SEMIBOLD.into()), &[SEMIBOLD, "regular"]);
    family(FontFamily::Name(ICONS.into()), &[ICONS]);
    family(FontFamily::Name(ICONS_FILLED.into()), &[ICONS_FILLED]);
    fonts
}

pub(crate) fn text_styles() -> BTreeMap<TextStyle, FontId> {
    [
        (TextStyle::Small, Type::SMALL),
        (TextStyle::Body, Type::BODY),
        (TextStyle::Button, Type::BUTTON),
        (TextStyle::Heading, Type::TITLE),
        (TextStyle::Monospace, Type::DIGITS),
    ]
    .into_iter()
    .map(|(style, of)| (style, of.font()))
    .collect()
}

/// Weight or width of a typeface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// Text.
    Regular,
    /// Headings, buttons, words.
    Semibold,
    /// Numbers that are read aloud or compared.
    Mono,
}

/// One step of the type scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Type {
    /// Points.
    pub size: f32,
    /// Face.
    pub face: Face,
    /// Line height as a multiple of the size.
    pub line: f32,
}

impl Type {
    const fn new(size: f32, face: Face, line: f32) -> Self {
        Self { size, face, line }
    }
    /// Waiting room, welcome.
    pub const DISPLAY: Self = Self::new(38.0, Face::Semibold, 1.2);
    /// Title of a screen.
    pub const TITLE: Self = Self::new(30.0, Face::Semibold, 1.2);
    /// Words read aloud in the comparison.
    pub const WORDS: Self = Self::new(28.0, Face::Semibold, 1.2);
    /// Headings, candidate words.
    pub const HEADING: Self = Self::new(20.0, Face::Semibold, 1.3);
    /// Section headings.
    pub const SECTION: Self = Self::new(18.0, Face::Semibold, 1.45);
    /// Lead sentence.
    pub const LEAD: Self = Self::new(18.0, Face::Regular, 1.45);
    /// Text.
    pub const BODY: Self = Self::new(16.0, Face::Regular, 1.45);
    /// Buttons.
    pub const BUTTON: Self = Self::new(16.0, Face::Semibold, 1.3);
    /// Secondary text.
    pub const SECOND: Self = Self::new(15.0, Face::Regular, 1.45);
    /// Secondary text with weight.
    pub const SECOND_STRONG: Self = Self::new(15.0, Face::Semibold, 1.45);
    /// Smallest allowed.
    pub const SMALL: Self = Self::new(14.0, Face::Regular, 1.45);
    /// Smallest, with weight.
    pub const SMALL_STRONG: Self = Self::new(14.0, Face::Semibold, 1.45);
    /// Number of an invite.
    pub const NUMBER: Self = Self::new(60.0, Face::Mono, 1.2);
    /// Digits of a fingerprint.
    pub const DIGITS: Self = Self::new(22.0, Face::Mono, 1.45);

    /// Another size of the same step.
    #[must_use]
    pub const fn sized(self, size: f32) -> Self {
        Self { size, ..self }
    }

    /// Its font.
    #[must_use]
    pub fn font(self) -> FontId {
        let family = match self.face {
            Face::Regular => FontFamily::Proportional,
            Face::Semibold => FontFamily::Name(SEMIBOLD.into()),
            Face::Mono => FontFamily::Monospace,
        };
        FontId::new(self.size, family)
    }

    /// Its format in a colour.
    #[must_use]
    pub fn format(self, color: Color32) -> TextFormat {
        TextFormat { line_height: Some((self.size * self.line).round()), ..TextFormat::simple(self.font(), color) }
    }

    /// Text that wraps at `width`.
    #[must_use]
    pub fn job(self, text: &str, color: Color32, width: f32) -> LayoutJob {
        let mut job = LayoutJob::single_section(text.to_owned(), self.format(color));
        job.wrap.max_width = width;
        job
    }
}

pub(crate) fn icon_job(icon: Icon, size: f32, color: Color32) -> LayoutJob {
    let family = FontFamily::Name(if icon.filled { ICONS_FILLED } else { ICONS }.into());
    LayoutJob::single_section(icon.glyph.to_string(), TextFormat::simple(FontId::new(size, family), color))
}
