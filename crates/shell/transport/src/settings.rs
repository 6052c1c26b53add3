//! All settings of `webrtc` in one place (PROTOCOL §5.3).

use core::time::Duration;
use std::{sync::Arc, time::SystemTime};

use rtc::{
    crypto::{RTCCrypto, RTCCryptoProvider, SignatureScheme},
    ice::mdns::MulticastDnsMode,
    interceptor::{
        NackGeneratorBuilder, ReceiverReportBuilder, Registry, SenderReportBuilder, Slot, TwccReceiverBuilder,
        TwccSenderBuilder,
    },
    media_stream::MediaStreamTrack,
    peer_connection::{
        certificate::CertificateParams,
        configuration::{
            media_engine::{MIME_TYPE_H264, MIME_TYPE_OPUS, MIME_TYPE_RTX, MediaEngine},
            setting_engine::{SctpMaxMessageSize, SettingEngine, SettingEngineBuilder},
        },
        transport::RTCDtlsRole,
    },
    rtp_transceiver::rtp_sender::{
        RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
        RTCRtpHeaderExtensionCapability, RTCRtpRtxParameters, RtpCodecKind,
    },
    shared::error::Error,
};
use webrtc::peer_connection::{CipherSuiteId, RTCCertificate, SrtpProtectionProfile};

use crate::{
    knobs::Knobs,
    nack_guard::NackGuard,
    rtx_unwrap::RtxUnwrap,
    sdp::{H264, H264_FMTP, H264_RTX, MID_URI, OPUS, OPUS_FMTP, TWCC_URI},
    tap::{MediaTap, TapShared},
};

/// The one SRTP profile (RFC 7714), and its name in the statistics.
pub(crate) const PROFILE: SrtpProtectionProfile = SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm;
pub(crate) const SRTP_PROFILE: &str = "SRTP_AEAD_AES_256_GCM";
/// The one DTLS cipher suite, and its name in the statistics.
pub(crate) const SUITE: CipherSuiteId = CipherSuiteId::Tls_Ecdhe_Ecdsa_With_ChaCha20_Poly1305_Sha256;
pub(crate) const DTLS_CIPHER: &str = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256";
/// Longest data message: 16 128 bytes of record, SFrame header and tag (PROTOCOL §8), rounded up.
pub(crate) const MAX_MESSAGE: usize = 17_408;
/// Ids of the data channels: control, chat, file.
pub(crate) const CHANNELS: [u16; 3] = [0, 2, 4];
/// Bytes that SCTP may hold per channel before a sender waits.
pub(crate) const CHANNEL_BUFFER: usize = 256 * 1024;
/// How often missing packets are asked for. The crate's 100 ms make a repair later than anybody waits for it.
const NACK_INTERVAL: Duration = Duration::from_millis(50);
/// ICE says "disconnected" after this much silence.
const ICE_DISCONNECTED: Duration = Duration::from_millis(3500);
/// … and gives up after this much more. The caller closes before: a session survives 60 s of interruption (PROTOCOL §8).
const ICE_FAILED: Duration = Duration::from_secs(90);
/// The crate takes STUN alone for a sign of life, not media: where a third of all packets is lost, two in `ICE_DISCONNECTED`
/// would end connections that carry sound.
const ICE_KEEPALIVE: Duration = Duration::from_millis(500);
/// Where a direct path is allowed, it has this long to be found before one by the relay is taken.
const DIRECT_FIRST: Duration = Duration::from_millis(500);

fn video(payload_type: u8, mime: &str, fmtp: &str, feedback: &[(&str, &str)]) -> RTCRtpCodecParameters {
    RTCRtpCodecParameters { rtp_codec: codec(mime, 90_000, 0, fmtp, feedback), payload_type }
}

fn codec(mime: &str, clock_rate: u32, channels: u16, fmtp: &str, feedback: &[(&str, &str)]) -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: mime.to_owned(),
        clock_rate,
        channels,
        sdp_fmtp_line: fmtp.to_owned(),
        rtcp_feedback: feedback
            .iter()
            .map(|(typ, parameter)| RTCPFeedback { typ: (*typ).to_owned(), parameter: (*parameter).to_owned() })
            .collect(),
    }
}

fn opus() -> RTCRtpCodec {
    codec(MIME_TYPE_OPUS, 48_000, 2, OPUS_FMTP, &[("transport-cc", "")])
}

fn h264() -> RTCRtpCodec {
    codec(MIME_TYPE_H264, 90_000, 0, H264_FMTP, &[("nack", ""), ("nack", "pli"), ("transport-cc", "")])
}

/// Codecs and header extensions: nothing but what the template has. No audio level (RFC 6464), ever.
pub(crate) fn media_engine(knobs: &Knobs) -> Result<MediaEngine, Error> {
    let mut engine = MediaEngine::default();
    engine.register_codec(RTCRtpCodecParameters { rtp_codec: opus(), payload_type: OPUS }, RtpCodecKind::Audio)?;
    let h264 = RTCRtpCodecParameters { rtp_codec: h264(), payload_type: H264 };
    engine.register_codec(h264, RtpCodecKind::Video)?;
    if knobs.rtx {
        engine.register_codec(video(H264_RTX, MIME_TYPE_RTX, "apt=102", &[]), RtpCodecKind::Video)?;
    }
    for uri in [MID_URI, TWCC_URI] {
        for kind in [RtpCodecKind::Audio, RtpCodecKind::Video] {
            engine.register_header_extension(RTCRtpHeaderExtensionCapability { uri: uri.to_owned() }, kind, None)?;
        }
    }
    Ok(engine)
}

/// The chain, from the wire to the application. No FlexFEC (D4), no pacer and no `Gcc` of the crate (D5).
pub(crate) fn registry(knobs: &Knobs, tap: &Arc<TapShared>) -> Registry {
    let mut registry = Registry::new()
        .with(Slot::TwccSender, TwccSenderBuilder::new().build())
        .with(Slot::NackResponder, NackGuard::new(tap.counters.clone(), knobs.rtx));
    if knobs.rtx_unwrap {
        registry = registry.with(Slot::from(6_500), RtxUnwrap::default());
    }
    let nack =
        NackGeneratorBuilder::new().with_interval(NACK_INTERVAL).with_max_nacks_per_packet(knobs.max_nacks).build();
    registry
        .with(Slot::NackGenerator, nack)
        .with(Slot::TwccReceiver, TwccReceiverBuilder::new().build())
        .with(Slot::ReceiverReport, ReceiverReportBuilder::new().build())
        .with(Slot::SenderReport, SenderReportBuilder::new().build())
        .with(Slot::from(14_000), MediaTap::new(tap.clone()))
}

/// Everything else. Certificate verification by fingerprint stays on, as is the crate's default.
pub(crate) fn setting_engine(provider: Arc<dyn RTCCryptoProvider>, knobs: &Knobs, relay_only: bool) -> SettingEngine {
    // The crate's defaults wait 2 s for better candidates than relays. Mostly there are none.
    let relay_wait = if relay_only { Duration::ZERO } else { DIRECT_FIRST };
    SettingEngineBuilder::new()
        .with_crypto_provider(provider)
        .with_srtp_protection_profiles(vec![knobs.profile])
        .with_dtls_cipher_suites(vec![knobs.suite])
        .with_answering_dtls_role(RTCDtlsRole::Client)
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_ice_connection_attempts(Some(Duration::from_millis(50)), Some(40))
        .with_relay_acceptance_min_wait(Some(relay_wait))
        .with_srflx_acceptance_min_wait(Some(Duration::ZERO))
        .with_prflx_acceptance_min_wait(Some(Duration::ZERO))
        .with_ice_timeouts(Some(ICE_DISCONNECTED), Some(ICE_FAILED), Some(ICE_KEEPALIVE))
        // D7: the TURN client repeats nothing after "stale nonce"; a refresh a minute picks up the new one in time.
        .with_turn_allocation_refresh_interval_cap(Duration::from_secs(60))
        // A restart gets new sockets: the network may be another one.
        .with_discard_local_candidates_during_ice_restart(true)
        .with_srtp_replay_protection_window(1024)
        .with_srtcp_replay_protection_window(1024)
        .with_dtls_replay_protection_window(1024)
        .with_sctp_max_message_size(SctpMaxMessageSize::Bounded(MAX_MESSAGE as u32))
        .build()
}

/// A fresh ECDSA P-256 certificate. It says nothing: no name, and a validity that doesn't tell the hour.
pub(crate) fn certificate(crypto: &dyn RTCCrypto) -> Result<RTCCertificate, Error> {
    const DAY: u64 = 86_400;
    let mut params = CertificateParams::new(Vec::<String>::new()).map_err(|error| Error::Other(error.to_string()))?;
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
    let today = SystemTime::UNIX_EPOCH + Duration::from_secs(unix - unix % DAY);
    params.not_before = (today - Duration::from_secs(DAY)).into();
    params.not_after = (today + Duration::from_secs(30 * DAY)).into();
    RTCCertificate::generate(crypto, SignatureScheme::EcdsaP256Sha256, params)
}

/// A local track of one m-line (0 audio, 1 camera, 2 screen).
pub(crate) fn local_track(index: usize, (ssrc, rtx): (u32, u32), knobs: &Knobs) -> MediaStreamTrack {
    let (kind, codec) = if index == 0 { (RtpCodecKind::Audio, opus()) } else { (RtpCodecKind::Video, h264()) };
    let coding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(ssrc),
            rtx: (rtx != 0 && knobs.rtx).then_some(RTCRtpRtxParameters { ssrc: rtx }),
            ..Default::default()
        },
        active: true,
        codec,
        ..Default::default()
    };
    MediaStreamTrack::new("s".to_owned(), format!("t{index}"), format!("t{index}"), kind, vec![coding])
}
