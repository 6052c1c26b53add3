//! Looks for a text that one side typed.

use crate::capture::Frame;
use crate::packet::tcp_streams;
use crate::stun::payloads;

/// How many UDP payloads and TCP streams hold `text`, as UTF-8 or UTF-16 of either byte order.
#[must_use]
pub fn count_text(frames: &[Frame], text: &str) -> usize {
    let forms: [Vec<u8>; 3] = [
        text.as_bytes().to_vec(),
        text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    ];
    let holds = |bytes: &[u8]| forms.iter().any(|form| bytes.windows(form.len()).any(|window| window == form));
    payloads(frames).filter(|payload| holds(payload.payload)).count()
        + tcp_streams(frames).values().filter(|stream| holds(stream)).count()
}

/// How many frames hold these bytes anywhere.
#[must_use]
pub fn find_in_frames(frames: &[Frame], bytes: &[u8]) -> usize {
    frames.iter().filter(|frame| frame.bytes.windows(bytes.len()).any(|window| window == bytes)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::build::{tcp, udp};

    #[test]
    fn a_text_is_found_in_datagrams_and_across_segments() {
        let (a, b) = ("198.51.100.7:4000", "192.0.2.10:443");
        let text = "canary Zitronenfalter 4711";
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(count_text(&[udp(a, b, format!("xx{text}yy").as_bytes())], text), 1);
        assert_eq!(count_text(&[udp(a, b, &wide)], text), 1);
        assert_eq!(count_text(&[tcp(a, b, 1, b"canary Zitronen"), tcp(a, b, 16, b"falter 4711")], text), 1);
        assert_eq!(count_text(&[udp(a, b, b"canary Zitronenfalte")], text), 0);
        assert_eq!(find_in_frames(&[udp(a, b, text.as_bytes())], b"Zitronenfalter"), 1);
    }
}
