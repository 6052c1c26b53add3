//! The SDP that never crosses the wire (PROTOCOL §5.3).
//!
//! `webrtc` takes only its own SDP as local description, so that is what it gets. The peer's SDP is rebuilt here from a
//! [`Description`] and one template: m-lines audio, camera, screen, application, always sendrecv, never renegotiated.

use core::fmt::Write as _;

use sotto_wire::{Description, Setup, TrackSsrc};

use crate::TransportFault;

/// Payload type of Opus.
pub(crate) const OPUS: u8 = 111;
/// Payload type of H.264.
pub(crate) const H264: u8 = 102;
/// Retransmissions of [`H264`].
pub(crate) const H264_RTX: u8 = 103;
/// Payload type of AV1.
pub(crate) const AV1: u8 = 45;
/// Retransmissions of [`AV1`].
pub(crate) const AV1_RTX: u8 = 46;

/// What this build announces. AV1 has its numbers in the template, but no encoder yet.
pub(crate) const SPOKEN: [u8; 3] = [OPUS, H264, H264_RTX];

/// `fmtp` of Opus: 20 ms frames, in-band FEC.
pub(crate) const OPUS_FMTP: &str = "minptime=10;useinbandfec=1";
/// `fmtp` of H.264: constrained baseline, level 3.1, fragmented units.
pub(crate) const H264_FMTP: &str = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";

/// RFC 8843 §15.
pub(crate) const MID_URI: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
/// draft-holmer-rmcat-transport-wide-cc-extensions-01.
pub(crate) const TWCC_URI: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// The fields of a [`Description`] that `webrtc` chose, read from its own SDP. Not for foreign SDP.
pub(crate) struct OwnFields {
    /// SHA-256 of our certificate.
    pub fingerprint: [u8; 32],
    /// ICE user fragment.
    pub ufrag: String,
    /// ICE password.
    pub pwd: String,
}

/// Reads what varies out of the crate's own SDP. `None` if a field is missing: a bug of ours or a new crate version.
pub(crate) fn own_fields(sdp: &str) -> Option<OwnFields> {
    let find = |key: &str| sdp.lines().find_map(|line| line.trim_end().strip_prefix(key));
    let hex = find("a=fingerprint:sha-256 ")?;
    let mut fingerprint = [0_u8; 32];
    let mut pairs = hex.split(':');
    for byte in &mut fingerprint {
        *byte = u8::from_str_radix(pairs.next()?, 16).ok()?;
    }
    if pairs.next().is_some() {
        return None;
    }
    Some(OwnFields { fingerprint, ufrag: find("a=ice-ufrag:")?.to_owned(), pwd: find("a=ice-pwd:")?.to_owned() })
}

/// ice-char of RFC 8839 §5.1. Anything else could start a line of its own in the SDP that we build.
pub(crate) fn is_ice_string(text: &str, min: usize, max: usize) -> bool {
    (min..=max).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
}

/// Refuses what PROTOCOL §5.3 refuses. `offer`: the description is an offer.
///
/// # Errors
/// `Downgrade` without RTX, else `BadDescription`.
pub(crate) fn check(description: &Description, offer: bool, own_ssrcs: &[(u32, u32); 3]) -> Result<(), TransportFault> {
    let bad = TransportFault::BadDescription;
    if description.setup != (if offer { Setup::ActPass } else { Setup::Active }) {
        return Err(bad);
    }
    if !is_ice_string(&description.ufrag, 4, 255) || !is_ice_string(&description.pwd, 22, 255) {
        return Err(bad);
    }
    let types = &description.payload_types;
    for (at, payload_type) in types.iter().enumerate() {
        if ![OPUS, H264, H264_RTX, AV1, AV1_RTX].contains(payload_type) || types[..at].contains(payload_type) {
            return Err(bad);
        }
    }
    if !types.contains(&OPUS) || !types.contains(&H264) {
        return Err(bad);
    }
    // Without RTX a NACK repeats an SRTP index with other bytes: the AES-GCM nonce is used twice.
    if !types.contains(&H264_RTX) || types.contains(&AV1) != types.contains(&AV1_RTX) {
        return Err(TransportFault::Downgrade);
    }
    let mut seen: Vec<u32> =
        own_ssrcs.iter().flat_map(|(media, rtx)| [*media, *rtx]).filter(|ssrc| *ssrc != 0).collect();
    for (index, track) in description.tracks.iter().enumerate() {
        if (index == 0) != (track.rtx_ssrc == 0) {
            return Err(if index == 0 { bad } else { TransportFault::Downgrade });
        }
        let used = if index == 0 { &[track.ssrc][..] } else { &[track.ssrc, track.rtx_ssrc] };
        for ssrc in used {
            if *ssrc == 0 || seen.contains(ssrc) {
                return Err(bad);
            }
            seen.push(*ssrc);
        }
    }
    Ok(())
}

/// Builds the peer's SDP. The description was checked.
pub(crate) fn rebuild(description: &Description) -> String {
    let mut sdp = String::with_capacity(4096);
    let fingerprint = description.fingerprint.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":");
    let setup = match description.setup {
        Setup::ActPass => "actpass",
        Setup::Active => "active",
    };
    let transport = format!(
        "c=IN IP4 0.0.0.0\r\na=setup:{setup}\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\n",
        description.ufrag, description.pwd
    );
    let _ = write!(
        sdp,
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 {fingerprint}\r\n\
         a=group:BUNDLE 0 1 2 3\r\na=msid-semantic:WMS *\r\n"
    );
    for (mid, track) in description.tracks.iter().enumerate() {
        media(&mut sdp, mid, *track, &description.payload_types, &transport);
    }
    let _ = write!(
        sdp,
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n{transport}a=mid:3\r\na=sendrecv\r\n\
         a=sctp-port:5000\r\na=max-message-size:{}\r\n",
        crate::settings::MAX_MESSAGE
    );
    sdp
}

/// One m-line with sound or pictures.
fn media(sdp: &mut String, mid: usize, track: TrackSsrc, types: &[u8], transport: &str) {
    let audio = mid == 0;
    let (kind, order): (&str, &[u8]) =
        if audio { ("audio", &[OPUS]) } else { ("video", &[H264, H264_RTX, AV1, AV1_RTX]) };
    let spoken: Vec<u8> = order.iter().copied().filter(|payload_type| types.contains(payload_type)).collect();
    let list = spoken.iter().map(u8::to_string).collect::<Vec<_>>().join(" ");
    let _ =
        write!(sdp, "m={kind} 9 UDP/TLS/RTP/SAVPF {list}\r\n{transport}a=mid:{mid}\r\na=rtcp-mux\r\na=rtcp-rsize\r\n");
    for payload_type in spoken {
        let _ = match payload_type {
            OPUS => write!(sdp, "a=rtpmap:{OPUS} opus/48000/2\r\na=fmtp:{OPUS} {OPUS_FMTP}\r\n"),
            H264 => write!(sdp, "a=rtpmap:{H264} H264/90000\r\na=fmtp:{H264} {H264_FMTP}\r\n"),
            AV1 => write!(sdp, "a=rtpmap:{AV1} AV1/90000\r\n"),
            rtx => {
                let apt = if rtx == H264_RTX { H264 } else { AV1 };
                write!(sdp, "a=rtpmap:{rtx} rtx/90000\r\na=fmtp:{rtx} apt={apt}\r\n")
            }
        };
        if payload_type == H264 || payload_type == AV1 {
            let _ = write!(sdp, "a=rtcp-fb:{payload_type} nack\r\na=rtcp-fb:{payload_type} nack pli\r\n");
        }
        if payload_type != H264_RTX && payload_type != AV1_RTX {
            let _ = write!(sdp, "a=rtcp-fb:{payload_type} transport-cc\r\n");
        }
    }
    let _ = write!(sdp, "a=extmap:1 {MID_URI}\r\na=extmap:2 {TWCC_URI}\r\n");
    let TrackSsrc { ssrc, rtx_ssrc } = track;
    if rtx_ssrc != 0 {
        let _ = write!(sdp, "a=ssrc-group:FID {ssrc} {rtx_ssrc}\r\n");
    }
    for ssrc in [ssrc, rtx_ssrc].into_iter().filter(|ssrc| *ssrc != 0) {
        let _ = write!(sdp, "a=ssrc:{ssrc} cname:s\r\na=ssrc:{ssrc} msid:s t{mid}\r\n");
    }
    let _ = write!(sdp, "a=msid:s t{mid}\r\na=sendrecv\r\n");
}
