//! The therapist's record of what happened (PROTOCOL §6.4): lines of JSON without content, names or addresses.

use sotto_identity::{Fingerprint, event_log::hex};
use sotto_session_api::EndReason;

use super::*;

/// The same alert of the same contact is one line a minute, however often somebody tries.
const REPEAT_S: u64 = 60;
/// Alerts remembered for that.
const REMEMBERED: usize = 64;

/// What a session is known by in the record; never sent.
pub(crate) type SessionId = [u8; 16];

impl Room {
    /// Adds a line. `rest` are JSON fields of plain ASCII.
    fn log(&self, ctx: &mut Ctx<'_>, contact: u64, what: &str, rest: &str) {
        if self.role != ProfileRole::Therapist {
            return;
        }
        let line = format!("{{\"at\":{},\"contact\":\"{contact:016x}\",\"what\":\"{what}\"{rest}}}", ctx.now.unix);
        ctx.store(Change::Log(line));
    }

    /// What this step told the person about a contact.
    pub(super) fn log_events(&mut self, ctx: &mut Ctx<'_>, told_before: usize) {
        if self.role != ProfileRole::Therapist {
            return;
        }
        let told: Vec<(u64, &'static str, String)> = ctx.out.range(told_before..).filter_map(line_of).collect();
        for (contact, what, rest) in told {
            let now = ctx.now.unix;
            self.logged.retain(|(.., at)| now.saturating_sub(*at) < REPEAT_S);
            let is_alert = !matches!(what, "invited" | "waiting" | "admitted" | "denied");
            // An attempt has its number: each is a line.
            if is_alert && rest.is_empty() {
                let known = self.logged.iter().any(|(other, code, _)| (*other, *code) == (contact, what));
                if known || self.logged.len() >= REMEMBERED {
                    continue;
                }
                self.logged.push((contact, what, now));
            }
            self.log(ctx, contact, what, &rest);
        }
    }

    pub(super) fn log_comparison(&self, ctx: &mut Ctx<'_>, contact: u64, compared: Result<&ComparedPeer, &str>) {
        let Some(call) = self.calls.get(&contact) else { return };
        let peer = self.contacts.get(&contact).and_then(|record| record.peer().ok());
        let rest = format!(
            ",\"result\":\"{}\",\"method\":\"{}\",\"session\":\"{}\",\"peer\":\"{}\",\"continuity\":\"{}\"",
            if compared.is_ok() { "same" } else { "different" },
            compared.map_or_else(|how| how, |compared| compared.method().name()),
            hex(&call.session_id()),
            peer.map_or_else(String::new, |key| Fingerprint::of(&key).digits()),
            if call.has_lost_continuity() { "lost" } else { "held" },
        );
        self.log(ctx, contact, "compared", &rest);
    }

    /// A session is over that had got as far as the two computers being connected.
    pub(super) fn log_end(
        &self,
        ctx: &mut Ctx<'_>,
        contact: u64,
        session: &SessionId,
        reason: EndReason,
        complete: bool,
    ) {
        let reason = match reason {
            EndReason::Normal => "normal",
            EndReason::Mismatch => "mismatch",
            EndReason::CompareTimeout => "compare-timeout",
            EndReason::Rekey => "rekey",
            EndReason::Error => "error",
            EndReason::Blocked => "blocked",
            EndReason::Interrupted => "interrupted",
            EndReason::Abnormal => "abnormal",
            EndReason::Denied => "denied",
        };
        let rest = format!(",\"reason\":\"{reason}\",\"complete\":{complete},\"session\":\"{}\"", hex(session));
        self.log(ctx, contact, "ended", &rest);
    }

    pub(crate) fn log_forgotten(&self, ctx: &mut Ctx<'_>, contact: u64) {
        self.log(ctx, contact, "forgotten", "");
    }
}

/// Contact, what happened and more fields.
fn line_of(output: &Output) -> Option<(u64, &'static str, String)> {
    let Output::Event(event) = output else { return None };
    let line = match event {
        Event::Invited { contact, form, expires, .. } => {
            let form = match form {
                sotto_session_api::InviteForm::Code => "code",
                sotto_session_api::InviteForm::Link => "link",
            };
            (contact.0, "invited", format!(",\"form\":\"{form}\",\"expires\":{expires}"))
        }
        Event::PeerWaiting { contact, .. } => (contact.0, "waiting", String::new()),
        Event::Admitted(contact) => (contact.0, "admitted", String::new()),
        Event::Denied(contact) => (contact.0, "denied", String::new()),
        Event::Alert { contact: Some(contact), code } => {
            let (what, rest) = match code {
                AlertCode::WrongCode { n, of } => ("wrong-code", format!(",\"n\":{n},\"of\":{of}")),
                AlertCode::BrokenOff { n, of } => ("broken-off", format!(",\"n\":{n},\"of\":{of}")),
                AlertCode::Burned => ("burned", String::new()),
                AlertCode::SecondUse => ("second-use", String::new()),
                AlertCode::AnotherDevice => ("another-device", String::new()),
                AlertCode::ContinuityLost => ("continuity-lost", String::new()),
                AlertCode::KeyChanged { known } => ("key-changed", format!(",\"known\":\"{:016x}\"", known.0)),
                AlertCode::Integrity => ("integrity", String::new()),
                // The comparison has a line of its own, and somebody at a meeting point is nobody's contact.
                AlertCode::Mismatch | AlertCode::Crowded => return None,
            };
            (contact.0, what, rest)
        }
        _ => return None,
    };
    Some(line)
}
