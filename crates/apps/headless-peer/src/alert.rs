//! What an alert is called and what it says to the person in front of it.

use sotto_session_api::AlertCode;

/// Stable code and sentence.
pub(crate) fn alert(code: &AlertCode) -> (&'static str, String) {
    match code {
        AlertCode::WrongCode { n, of } => (
            "wrong-code",
            format!("Wrong code ({n} of {of}). If this was not your client's typing error, make a new code."),
        ),
        AlertCode::BrokenOff { n, of } => (
            "broken-off",
            format!(
                "Somebody began to use the invite and stopped ({n} of {of}). If it was not your client, make a new one."
            ),
        ),
        AlertCode::Burned => {
            ("burned", "There were too many attempts: this invite no longer works. Make a new one.".to_owned())
        }
        AlertCode::SecondUse => (
            "second-use",
            "A second person used an invite that was already used. Compare the words before you say anything private."
                .to_owned(),
        ),
        AlertCode::AnotherDevice => (
            "another-device",
            "Another device with this key tries to join the running session. It was kept out.".to_owned(),
        ),
        AlertCode::ContinuityLost => (
            "continuity-lost",
            "This key may have been copied or restored from a copy. Make sure that you recognise the person."
                .to_owned(),
        ),
        AlertCode::KeyChanged { .. } => (
            "key-changed",
            "This is not the key that was known. It is a contact of its own now; nothing was replaced.".to_owned(),
        ),
        AlertCode::Mismatch => (
            "mismatch",
            "The words did not match: somebody may be in between. The session was ended; call on a number you know."
                .to_owned(),
        ),
        AlertCode::Integrity => (
            "integrity",
            "Somebody on the way sends forged packets. They are thrown away; the session stays protected.".to_owned(),
        ),
        AlertCode::Crowded => {
            ("crowded", "Somebody else uses this meeting point. Ask for a new invite if it stays so.".to_owned())
        }
    }
}
