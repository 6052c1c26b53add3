//! The field for an invite code: what is right becomes a token, what is not is said beside it, and nothing is sent by
//! itself. What a person may type is what `handshake` accepts: any case, spaces or dashes, a link in its place.

use egui::{
    Align2, CornerRadius, FontSelection, Frame, Id, Key, Margin, Modifiers, Pos2, Rect, Role, Sense, Stroke,
    StrokeKind, TextEdit, Ui, WidgetInfo, pos2, text_edit::TextEditState, vec2,
};
use sotto_handshake::{JoinError, SpokenCode};
use sotto_identity::words::WordList;
use zeroize::Zeroizing;

use super::{Button, control, icon, measure, text_at};
use crate::{
    fonts::Type,
    icons,
    texts::{Texts, fill},
    theme::{Theme, radius},
};

const DIGITS: usize = 6;
const WORDS: usize = 4;
const LINK: &str = "tsp1:";

/// What was entered so far.
pub struct CodeEntry {
    number: String,
    words: Vec<&'static str>,
    /// `@host[:port]` of a code that names its server.
    host: String,
    link: Zeroizing<String>,
    typed: Zeroizing<String>,
    chosen: Option<usize>,
    caret_to_end: bool,
}

impl Default for CodeEntry {
    fn default() -> Self {
        Self {
            number: String::new(),
            words: Vec::new(),
            host: String::new(),
            link: Zeroizing::default(),
            typed: crate::interface::secret_text(),
            chosen: None,
            caret_to_end: false,
        }
    }
}

/// What is to be said about the entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Digits are missing.
    Digits(usize),
    /// The number is too long.
    TooManyDigits,
    /// Words are missing.
    Words(usize),
    /// There is no such word, but perhaps these.
    NoSuchWord(Vec<&'static str>),
    /// The word can't stand there.
    WrongPlace,
    /// A complete code.
    Complete,
    /// A complete link.
    Link,
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '_' | '.' | ',' | ';' | '/' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

impl CodeEntry {
    /// Replaces all by a pasted or scanned text.
    pub fn offer(&mut self, text: &str) {
        *self = Self::default();
        self.typed.push_str(text.trim());
        self.absorb(true);
        self.caret_to_end = true;
    }

    /// Whether anything was entered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.number.is_empty() && self.words.is_empty() && self.link.is_empty() && self.typed.is_empty()
    }

    /// The whole as the engine takes it, once it is complete.
    #[must_use]
    pub fn complete(&self) -> Option<Zeroizing<String>> {
        if !self.link.is_empty() {
            return self.typed.trim().is_empty().then(|| self.link.clone());
        }
        let mut words = self.words.clone();
        let (typed, typed_host) = self.typed.trim().split_once('@').unwrap_or((self.typed.trim(), ""));
        if !typed.trim().is_empty() && words.len() < WORDS {
            words.push(Self::only(words.len(), typed.trim())?);
        } else if !typed.trim().is_empty() {
            return None;
        }
        if self.number.len() != DIGITS || words.len() != WORDS {
            return None;
        }
        let host = if self.host.is_empty() { typed_host } else { &self.host };
        let mut text = Zeroizing::new(format!("{}-{}", self.number, words.join("-")));
        if !host.is_empty() {
            text.push('@');
            text.push_str(host);
        }
        Some(text)
    }

    /// The word of position `at` that this can only be: itself, or the only one that begins so.
    fn only(at: usize, typed: &str) -> Option<&'static str> {
        let list = WordList::at(at);
        if let Some(byte) = list.byte(typed) {
            return Some(list.word(byte));
        }
        match list.complete(typed).as_slice() {
            [one] if typed.len() >= 2 => Some(one),
            _ => None,
        }
    }

    /// Words that may be meant by what is being typed, at most four.
    #[must_use]
    pub fn completions(&self) -> Vec<&'static str> {
        let typed = self.typed.trim();
        if !self.link.is_empty() || self.number.is_empty() || self.words.len() >= WORDS || typed.is_empty() {
            return Vec::new();
        }
        let mut found = WordList::at(self.words.len()).complete(typed);
        if found.len() > 4 {
            found.clear();
        }
        found
    }

    fn accept(&mut self, word: &'static str) {
        self.words.push(word);
        self.typed.clear();
        self.chosen = None;
        self.caret_to_end = true;
    }

    /// Turns what is finished into tokens. `all`: there will be no more typing, so the last word is finished too.
    fn absorb(&mut self, all: bool) {
        if self.typed.trim_start().get(..LINK.len()).is_some_and(|head| head.eq_ignore_ascii_case(LINK)) {
            if all || self.typed.trim().len() > 60 {
                self.link = Zeroizing::new(self.typed.split_whitespace().collect());
                self.typed.clear();
                self.number.clear();
                self.words.clear();
            }
            return;
        }
        if self.number.is_empty() {
            let end = self.typed.find(|c: char| !c.is_ascii_digit() && !is_separator(c)).unwrap_or(self.typed.len());
            let (head, tail) = self.typed.split_at(end);
            let digits: String = head.chars().filter(char::is_ascii_digit).collect();
            if digits.len() != DIGITS {
                return;
            }
            let rest = Zeroizing::new(tail.to_owned());
            self.number = digits;
            self.typed.clear();
            self.typed.push_str(&rest);
        }
        loop {
            let typed = self.typed.trim_start_matches(is_separator);
            if typed.is_empty() {
                // The space after a token: kept, it would be what Backspace takes first.
                self.caret_to_end |= !self.typed.is_empty();
                self.typed.clear();
                return;
            }
            if self.words.len() >= WORDS {
                if all && let Some(host) = typed.strip_prefix('@') {
                    self.host = host.trim().to_owned();
                    self.typed.clear();
                }
                return;
            }
            let end = typed.find(|c: char| is_separator(c) || c == '@');
            let (piece, rest) = match end {
                Some(end) => typed.split_at(end),
                None if all => (typed, ""),
                None => return,
            };
            if piece.is_empty() {
                if end.is_some() || !all {
                    self.typed.clear();
                }
                return;
            }
            let Some(word) = Self::only(self.words.len(), piece) else {
                // Stays to be looked at; the space that was typed after it goes.
                let kept = Zeroizing::new(if all { typed.to_owned() } else { typed.trim_end().to_owned() });
                if kept.as_str() != self.typed.as_str() {
                    self.typed.clear();
                    self.typed.push_str(&kept);
                    self.caret_to_end = true;
                }
                return;
            };
            let rest = Zeroizing::new(rest.to_owned());
            self.accept(word);
            self.typed.push_str(&rest);
        }
    }

    /// Takes the last token back into the text.
    fn take_back(&mut self) {
        if !self.link.is_empty() {
            self.link = Zeroizing::default();
        } else if !self.host.is_empty() {
            self.host.clear();
        } else if let Some(word) = self.words.pop() {
            self.typed.push_str(&word.to_ascii_lowercase());
        } else if !self.number.is_empty() {
            self.typed.push_str(&self.number);
            // One digit less, so that it does not become a token again at once.
            self.typed.pop();
            self.number.clear();
        }
        self.caret_to_end = true;
    }

    /// What to say now.
    #[must_use]
    pub fn said(&self) -> Said {
        if !self.link.is_empty() {
            return Said::Link;
        }
        if self.complete().is_some() {
            return Said::Complete;
        }
        let typed = self.typed.trim();
        if self.number.is_empty() {
            let digits = typed.chars().filter(char::is_ascii_digit).count();
            if digits > DIGITS {
                return Said::TooManyDigits;
            }
            return Said::Digits(DIGITS - digits);
        }
        let at = self.words.len();
        let piece = typed.split(|c: char| is_separator(c) || c == '@').next().unwrap_or_default();
        if at >= WORDS {
            return Said::Words(0);
        }
        if !piece.is_empty() && WordList::at(at).complete(piece).is_empty() {
            if piece.bytes().all(|byte| byte.is_ascii_digit()) {
                return Said::TooManyDigits;
            }
            return self.unknown(at, piece);
        }
        Said::Words(WORDS - at)
    }

    fn unknown(&self, at: usize, piece: &str) -> Said {
        // The handshake's own parser knows what is near: the words before are right, those after are made up.
        let mut words: Vec<&str> = self.words.clone();
        words.push(piece);
        words.extend((at + 1..WORDS).map(|position| WordList::at(position).word(0)));
        let text = Zeroizing::new(format!("{}-{}", self.number, words.join("-")));
        match SpokenCode::parse(&text) {
            Err(JoinError::UnknownWord { suggestions, .. }) => Said::NoSuchWord(suggestions),
            _ => Said::WrongPlace,
        }
    }
}

/// What came out of a frame.
pub struct CodeFieldOutput {
    /// Enter was pressed and the code is complete.
    pub submitted: bool,
}

/// Draws the field with tokens inside, and the completion below it.
pub fn code_field(ui: &mut Ui, t: &Texts, entry: &mut CodeEntry, take_focus: bool) -> CodeFieldOutput {
    let theme = Theme::current(ui.ctx());
    let id = Id::unique("sotto code field");
    let width = ui.available_width();
    let paste_inside = width >= 460.0;
    let paste = Button::secondary(t.paste).icon(icons::CLIPBOARD_TEXT).height(56.0);
    let paste_width = paste.width(ui);
    let right = if paste_inside { paste_width + 32.0 } else { 16.0 };

    keys(ui, id, entry);
    let tokens = tokens(entry);
    let places = place_tokens(ui, &tokens, width - 16.0 - right);
    let rows = places.last().map_or(0, |(row, ..)| *row);
    let edit_left = places.last().map_or(16.0, |(_, left, size)| left + size + 12.0);
    let (edit_row, edit_left) = if width - right - edit_left < 140.0 { (rows + 1, 16.0) } else { (rows, edit_left) };
    let height = 64.0f32.mul_add(edit_row as f32, 84.0);
    let (rect, _) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    ui.painter().rect(
        rect,
        CornerRadius::same(radius::FIELD),
        theme.raised,
        Stroke::new(1.0, theme.control),
        StrokeKind::Inside,
    );
    for ((text, mono), (row, left, size)) in tokens.iter().zip(&places) {
        let place = Rect::from_min_size(rect.min + vec2(*left, 64.0f32.mul_add(*row as f32, 18.0)), vec2(*size, 48.0));
        token(ui, place, text, *mono);
    }

    let line = Rect::from_min_max(
        pos2(rect.min.x + edit_left, 64.0f32.mul_add(edit_row as f32, rect.min.y + 18.0)),
        pos2(rect.max.x - right, 64.0f32.mul_add(edit_row as f32, rect.min.y + 66.0)),
    );
    let wrong = matches!(entry.said(), Said::NoSuchWord(_) | Said::WrongPlace | Said::TooManyDigits);
    if wrong && !entry.typed.is_empty() {
        let text_width = measure(ui, Type::WORDS.sized(24.0), theme.ink, &entry.typed, f32::INFINITY).size().x;
        let back = Rect::from_min_size(line.min, vec2((text_width + 16.0).min(line.width()), 48.0));
        ui.painter().rect_filled(back, CornerRadius::same(radius::BUTTON), theme.warn_soft);
        ui.painter().hline(back.shrink(8.0).x_range(), back.max.y - 6.0, Stroke::new(2.0, theme.warn));
    }
    let hint = if entry.is_empty() { "471193 artist …" } else { "" };
    let mut child = ui.new_child(egui::UiBuilder::new().id_salt("edit").max_rect(line));
    let font = Type::WORDS.sized(24.0).font();
    let output = TextEdit::singleline(&mut *entry.typed)
        .id(id)
        .font(FontSelection::FontId(font))
        .text_color(theme.ink)
        .frame(Frame::NONE.inner_margin(Margin { left: 8, right: 0, top: 9, bottom: 9 }))
        .char_limit(4096)
        .desired_width(line.width() - 8.0)
        .show(&mut child);
    let response = output.response.response;
    super::field::placeholder(ui, line, output.galley_pos.x, Type::WORDS.sized(24.0), hint);
    control::note_region(ui.ctx(), id);
    if take_focus {
        response.request_focus();
    }
    if response.changed() {
        entry.chosen = None;
        entry.absorb(false);
    }
    if std::mem::take(&mut entry.caret_to_end) {
        let mut state = TextEditState::load(ui.ctx(), id).unwrap_or_default();
        let end = egui::text::CCursor::new(entry.typed.chars().count());
        state.cursor.set_char_range(Some(egui::text::CCursorRange::one(end)));
        state.store(ui.ctx(), id);
        ui.ctx().request_repaint();
    }
    let value = entered(entry);
    ui.ctx().accesskit_node_builder(id, |node| {
        node.set_label(t.code_field);
        node.set_description(value);
    });
    if response.has_focus() {
        control::focus_ring(ui, rect, radius::FIELD);
    }
    let submitted =
        response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) && entry.complete().is_some();

    let paste_response = if paste_inside {
        let place =
            Rect::from_min_size(pos2(rect.max.x - paste_width - 16.0, rect.min.y + 14.0), vec2(paste_width, 56.0));
        paste.show_at(ui, place)
    } else {
        ui.add_space(8.0);
        paste.show(ui)
    };
    if paste_response.clicked() {
        response.request_focus();
        ui.ctx().send_viewport_cmd(egui::ViewportCommand::RequestPaste);
    }
    if response.has_focus() && completion(ui, t, entry, pos2(output.galley_pos.x - 16.0, line.max.y + 26.0)) {
        response.request_focus();
    }
    CodeFieldOutput { submitted }
}

/// Keys that the text field must not see first.
fn keys(ui: &Ui, id: Id, entry: &mut CodeEntry) {
    if !ui.memory(|memory| memory.has_focus(id)) {
        return;
    }
    // A paste is a whole: it replaces what was there if nothing is half typed.
    let pasted = ui.input_mut(|input| {
        let place = input.events.iter().position(|event| matches!(event, egui::Event::Paste(_)))?;
        match input.events.remove(place) {
            egui::Event::Paste(text) => Some(Zeroizing::new(text)),
            _ => None,
        }
    });
    if let Some(text) = pasted {
        if entry.typed.is_empty() && entry.words.is_empty() && entry.number.is_empty() {
            entry.offer(&text);
        } else {
            let text = Zeroizing::new(text.trim().to_owned());
            if text.starts_with(|c: char| c.is_ascii_digit())
                || text.get(..LINK.len()).is_some_and(|h| h.eq_ignore_ascii_case(LINK))
            {
                entry.offer(&text);
            } else {
                entry.typed.push_str(&text);
                entry.absorb(true);
                entry.caret_to_end = true;
            }
        }
        return;
    }
    let found = entry.completions();
    if !found.is_empty() {
        let down = ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::ArrowDown));
        let up = ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::ArrowUp));
        if down {
            entry.chosen = Some(entry.chosen.map_or(0, |chosen| (chosen + 1).min(found.len() - 1)));
        } else if up {
            entry.chosen = entry.chosen.and_then(|chosen| chosen.checked_sub(1));
        }
        if let Some(word) = entry.chosen.and_then(|chosen| found.get(chosen).copied())
            && ui.input_mut(|input| {
                let space = input.consume_key(Modifiers::NONE, Key::Space);
                let enter = input.consume_key(Modifiers::NONE, Key::Enter);
                if space {
                    input.events.retain(|event| !matches!(event, egui::Event::Text(text) if text == " "));
                }
                space || enter
            })
        {
            entry.accept(word);
            return;
        }
    }
    if entry.typed.is_empty() && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Backspace)) {
        entry.take_back();
    }
}

fn tokens(entry: &CodeEntry) -> Vec<(String, bool)> {
    if !entry.link.is_empty() {
        return vec![(format!("{LINK}…"), false)];
    }
    let mut tokens = Vec::new();
    if !entry.number.is_empty() {
        tokens.push((entry.number.clone(), true));
    }
    tokens.extend(entry.words.iter().map(|word| (word.to_ascii_lowercase(), false)));
    if !entry.host.is_empty() {
        tokens.push((format!("@{}", entry.host), false));
    }
    tokens
}

fn entered(entry: &CodeEntry) -> String {
    tokens(entry).into_iter().map(|(text, _)| text).collect::<Vec<_>>().join(" ")
}

const fn face(mono: bool) -> Type {
    if mono { Type::DIGITS.sized(24.0) } else { Type::WORDS.sized(24.0) }
}

/// Row, left end and width of each token.
fn place_tokens(ui: &Ui, tokens: &[(String, bool)], room: f32) -> Vec<(usize, f32, f32)> {
    let (mut row, mut left) = (0, 16.0);
    let mut places = Vec::new();
    for (text, mono) in tokens {
        let width = measure(ui, face(*mono), egui::Color32::BLACK, text, f32::INFINITY).size().x + 62.0;
        if left + width > room + 16.0 && left > 16.0 {
            row += 1;
            left = 16.0;
        }
        places.push((row, left, width));
        left += width + 10.0;
    }
    places
}

fn token(ui: &Ui, rect: Rect, text: &str, mono: bool) {
    let theme = Theme::current(ui.ctx());
    let stroke = if theme.look == crate::theme::Look::Contrast { Stroke::new(1.0, theme.ok) } else { Stroke::NONE };
    ui.painter().rect(rect, CornerRadius::same(radius::BUTTON), theme.accent_soft, stroke, StrokeKind::Inside);
    icon(ui, rect.left_center() + vec2(24.0, 0.0), icons::CHECK_CIRCLE_FILL, 20.0, theme.ok);
    text_at(ui, rect.left_center() + vec2(42.0, 0.0), Align2::LEFT_CENTER, face(mono), theme.ink, text);
    let response = ui.interact(rect, ui.make_persistent_id(("token", text)), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
}

/// The words that may be meant, below the caret; true when one was taken with the pointer.
fn completion(ui: &Ui, t: &Texts, entry: &mut CodeEntry, at: Pos2) -> bool {
    let found = entry.completions();
    if found.is_empty() {
        return false;
    }
    let theme = Theme::current(ui.ctx());
    let typed = entry.typed.trim().len();
    let width = 240.0f32.max(
        found
            .iter()
            .map(|word| measure(ui, Type::HEADING, theme.ink, word, f32::INFINITY).size().x)
            .fold(0.0, f32::max)
            + 128.0,
    );
    let right = ui.max_rect().max.x;
    let at = pos2(at.x.min(right - width - 12.0).max(ui.max_rect().min.x), at.y);
    let mut taken = None;
    egui::Area::new(Id::unique("sotto completion")).order(egui::Order::Foreground).fixed_pos(at).show(ui.ctx(), |ui| {
        let frame = Frame::new()
            .fill(theme.raised)
            .stroke(Stroke::new(1.0, theme.line))
            .shadow(theme.card_shadow())
            .corner_radius(CornerRadius::same(radius::BUTTON))
            .inner_margin(Margin::same(4));
        frame.show(ui, |ui| {
            for (index, word) in found.iter().enumerate() {
                let chosen = entry.chosen == Some(index) || (found.len() == 1 && entry.chosen.is_none());
                let (rect, _) = ui.allocate_exact_size(vec2(width, 48.0), Sense::hover());
                let id = ui.make_persistent_id(("completion", *word));
                let response = ui.interact(rect, id, Sense::CLICK);
                let name = fill(t.complete_to, &[&word.to_ascii_lowercase()]);
                response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, chosen, &name));
                if chosen || response.hovered() {
                    ui.painter().rect_filled(rect, CornerRadius::same(8), theme.ok_soft);
                }
                completed_word(ui, rect, word, typed);
                if chosen {
                    let cap = measure(ui, Type::SMALL_STRONG, theme.ink2, t.space_key, f32::INFINITY).size().x / 2.0;
                    super::key_cap(ui, rect.right_center() - vec2(cap + 20.0, 0.0), t.space_key, None);
                }
                if response.clicked() {
                    taken = Some(*word);
                }
            }
        });
    });
    if let Some(word) = taken {
        entry.accept(word);
    }
    taken.is_some()
}

fn completed_word(ui: &Ui, rect: Rect, word: &str, typed: usize) {
    let theme = Theme::current(ui.ctx());
    let word = word.to_ascii_lowercase();
    let (head, tail) = word.split_at_checked(typed).unwrap_or((&word, ""));
    let mut job = egui::text::LayoutJob::default();
    job.append(head, 0.0, Type::HEADING.format(theme.ink));
    job.append(tail, 0.0, egui::TextFormat { color: theme.ink2, ..Type::HEADING.sized(20.0).format(theme.ink2) });
    let galley = ui.painter().layout_job(job);
    ui.painter().galley(pos2(rect.min.x + 16.0, rect.center().y - galley.size().y / 2.0), galley, theme.ink);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn typed(text: &str) -> CodeEntry {
        let mut entry = CodeEntry::default();
        for c in text.chars() {
            entry.typed.push(c);
            entry.absorb(false);
        }
        entry
    }

    #[test]
    fn a_typed_code_becomes_tokens_and_is_complete_at_the_last_word() {
        let entry = typed("471 193 Artist-PAPERW cobra hideaway");
        assert_eq!((entry.number.as_str(), entry.words.len()), ("471193", 3));
        assert_eq!(entry.said(), Said::Complete);
        assert_eq!(entry.complete().unwrap().to_lowercase(), "471193-artist-paperweight-cobra-hideaway");
    }

    #[test]
    fn a_pasted_code_or_link_is_taken_whole() {
        let mut entry = CodeEntry::default();
        entry.offer(" 471193-artist-paperweight-cobra-hideaway@meet.example.org:8443\n");
        assert_eq!(entry.host, "meet.example.org:8443");
        assert!(entry.complete().unwrap().ends_with("hideaway@meet.example.org:8443"));
        let link = format!("tsp1:{}", "abcd".repeat(30));
        entry.offer(&link);
        assert_eq!((entry.said(), entry.complete().unwrap().as_str()), (Said::Link, link.as_str()));
    }

    #[test]
    fn unknown_and_misplaced_words_are_told_apart() {
        assert_eq!(typed("471193 artist paperwieght").said(), Said::NoSuchWord(vec!["paperweight"]));
        assert_eq!(typed("471193 paperweight").said(), Said::WrongPlace);
        assert_eq!(typed("4711933").said(), Said::TooManyDigits);
        assert_eq!(typed("4711").said(), Said::Digits(2));
        assert_eq!(typed("471193 artist p").said(), Said::Words(3));
    }

    #[test]
    fn space_completes_only_when_one_word_is_left() {
        let entry = typed("471193 a ");
        assert!(entry.words.is_empty() && entry.typed.as_str() == "a");
        assert_eq!(typed("471193 artis ").words, ["artist"]);
    }

    #[test]
    fn backspace_takes_the_last_token_back() {
        let mut entry = typed("471193 artist ");
        entry.take_back();
        assert_eq!((entry.words.len(), entry.typed.as_str()), (0, "artist"));
        entry.typed.clear();
        entry.take_back();
        assert_eq!((entry.number.as_str(), entry.typed.as_str()), ("", "47119"));
    }
}
