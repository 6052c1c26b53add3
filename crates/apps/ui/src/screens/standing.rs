//! What stands on screen until it is solved or understood: at most one at a time, the latest.

use egui::Ui;
use sotto_session_api::{AlertCode, ContactId, Severity, sentences::sentence};

use crate::{
    icons,
    interface::Screen,
    memory::Standing,
    texts::fill,
    widgets::{Tone, gap, notice},
};

/// Shows the latest notice, if there is one.
pub(crate) fn show(ui: &mut Ui, s: &mut Screen<'_>) {
    // Back in touch: what the server said is solved.
    if s.model.snapshot.online {
        let solved = |code: &str| matches!(code, "rendezvous-unreachable" | "rendezvous-lost" | "rendezvous-dns");
        s.memory.standing.retain(|standing| !matches!(standing, Standing::Code(code, _) if solved(code)));
    }
    let Some(latest) = s.memory.standing.last().cloned() else { return };
    let (tone, heading, text) = match &latest {
        Standing::Code(code, severity) => {
            let sentence = sentence(code, s.language());
            let tone = match severity {
                Severity::Info => Tone::Info,
                Severity::Warning => Tone::Warn,
                Severity::Error => Tone::Danger,
            };
            (tone, sentence.what.to_owned(), sentence.what_to_do.to_owned())
        }
        Standing::Alert(code, contact) => {
            let (heading, text) = alert(s, code, *contact);
            let heading = match contact {
                Some(contact) if s.is_therapist() => format!("{}: {heading}", s.label(Some(*contact))),
                _ => heading,
            };
            (if matches!(code, AlertCode::Crowded) { Tone::Warn } else { Tone::Danger }, heading, text)
        }
    };
    let mark = match tone {
        Tone::Danger => icons::WARNING_OCTAGON_FILL,
        tone => tone.mark(),
    };
    if notice(ui, tone, mark, &heading, &text, Some(s.t.dismiss)) {
        s.memory.standing.retain(|standing| *standing != latest);
    }
    gap(ui, 24.0);
}

fn alert(s: &Screen<'_>, code: &AlertCode, contact: Option<ContactId>) -> (String, String) {
    let t = s.t;
    let (heading, text) = match code {
        AlertCode::WrongCode { n, of } => {
            return (fill(t.tried_wrong, &[&n.to_string(), &of.to_string()]), t.alert_wrong_code.to_owned());
        }
        AlertCode::BrokenOff { n, of } => {
            return (fill(t.tried_and_stopped, &[&n.to_string(), &of.to_string()]), t.alert_broken_off.to_owned());
        }
        AlertCode::Burned => (t.burned, t.alert_burned),
        AlertCode::SecondUse => (t.alert_second_use, t.alert_second_use_text),
        AlertCode::AnotherDevice => (t.alert_another_device, t.alert_another_device_text),
        AlertCode::ContinuityLost => (t.alert_continuity, t.alert_continuity_text),
        AlertCode::KeyChanged { known } => {
            let number = |contact| s.contact(contact).and_then(|info| info.fingerprint.clone()).unwrap_or_default();
            let both = [number(*known), contact.map(number).unwrap_or_default()];
            let text = fill(t.alert_key_changed_text, &[&both[0], &both[1]]);
            return (t.alert_key_changed.to_owned(), text);
        }
        AlertCode::Mismatch => (t.mismatch_title, t.mismatch_lead),
        AlertCode::Integrity => (t.alert_integrity, t.alert_integrity_text),
        AlertCode::Crowded => (t.alert_crowded, t.alert_crowded_text),
    };
    (heading.to_owned(), text.to_owned())
}
