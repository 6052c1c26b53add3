//! A description of an authenticated peer (PROTOCOL §12.5).

use sotto_wire::SigMessage;

use crate::sdp;

/// Offer and answer: what is accepted becomes an SDP in which every line is one of ours.
///
/// # Panics
/// If a field of the peer got out of its place.
pub fn fuzz_sdp(data: &[u8]) {
    for (mtype, is_offer) in [(4, true), (5, false)] {
        let Ok(Some(SigMessage::Offer(description) | SigMessage::Answer(description))) =
            SigMessage::decode(mtype, data)
        else {
            continue;
        };
        if sdp::check(&description, is_offer, &[(1001, 0), (1002, 1003), (1004, 1005)]).is_err() {
            continue;
        }
        let text = sdp::rebuild(&description);
        let own = sdp::own_fields(&text).expect("our own template has every field");
        assert_eq!(
            (own.fingerprint, &own.ufrag, &own.pwd),
            (description.fingerprint, &description.ufrag, &description.pwd)
        );
        let starts = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
        assert_eq!((starts("m="), starts("a=fingerprint"), starts("a=candidate")), (4, 1, 0), "{text}");
    }
}
