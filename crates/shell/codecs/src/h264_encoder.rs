//! OpenH264 as a real-time camera encoder.

use openh264::OpenH264API;
use openh264::Timestamp;
use openh264::encoder::{
    BitRate, Complexity, Encoder, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, Profile, QpRange,
    RateControlMode, SpsPpsStrategy, UsageType, VuiConfig,
};
use openh264::formats::YUVSlices;
use openh264_sys2::{
    ENCODER_OPTION_BITRATE, ENCODER_OPTION_MAX_BITRATE, SBitrateInfo, SPATIAL_LAYER_0, SPATIAL_LAYER_ALL,
};
use sotto_media::{EncodedFrame, VideoEncoder, VideoFrame};

use crate::{SetupError, i420, size_is_possible};

/// Bit rates that the rate control can keep, kbit/s.
const KBPS: core::ops::RangeInclusive<u32> = 50..=8_000;

/// H.264 constrained baseline, Annex B: no B-frames, key frames only on request and after a change of size.
pub struct H264Encoder {
    encoder: Option<Running>,
    kbps: u32,
    fps: f32,
    /// Capture time of the first picture: RTP time starts there, so that it does not tell how long the computer runs.
    epoch_us: Option<u64>,
}

struct Running {
    encoder: Encoder,
    size: (u32, u32),
}

impl H264Encoder {
    /// An encoder for `fps` pictures a second at `kbps` kbit/s; the size is that of the pictures.
    ///
    /// # Errors
    /// [`SetupError`] when the library can't be set up.
    pub fn new(kbps: u32, fps: f32) -> Result<Self, SetupError> {
        let mut this = Self { encoder: None, kbps: clamp(kbps), fps: fps.clamp(1.0, 60.0), epoch_us: None };
        this.start((640, 480)).map_err(SetupError)?;
        Ok(this)
    }

    /// Present target, kbit/s.
    #[must_use]
    pub fn kbps(&self) -> u32 {
        self.kbps
    }

    fn start(&mut self, size: (u32, u32)) -> Result<&mut Running, String> {
        let config = EncoderConfig::new()
            .bitrate(BitRate::from_bps(self.kbps * 1000))
            .max_frame_rate(FrameRate::from_hz(self.fps))
            .rate_control_mode(RateControlMode::Bitrate)
            .skip_frames(true) // without it the rate is not kept
            .usage_type(UsageType::CameraVideoRealTime)
            .profile(Profile::Baseline)
            .complexity(Complexity::Low)
            // A minimum of 0 makes OpenH264 use 12 to 42: too coarse a floor where the line is thin, so name both ends.
            .qp(QpRange::new(12, 51))
            .intra_frame_period(IntraFramePeriod::from_num_frames(0))
            .scene_change_detect(false)
            .background_detection(true)
            .adaptive_quantization(true)
            .sps_pps_strategy(SpsPpsStrategy::ConstantId)
            .num_threads(1)
            .vui(VuiConfig::bt601());
        let encoder =
            Encoder::with_api_config(OpenH264API::from_source(), config).map_err(|e| format!("openh264: {e}"))?;
        Ok(self.encoder.insert(Running { encoder, size }))
    }
}

impl Running {
    /// Changes the rate without a key frame. False when the library refuses, or before the first picture.
    #[expect(unsafe_code, reason = "openh264 does not wrap these options")]
    fn set_rate(&mut self, previous_kbps: u32, kbps: u32) -> bool {
        // The target may never exceed the maximum, not even between two calls.
        let order = if kbps > previous_kbps {
            [ENCODER_OPTION_MAX_BITRATE, ENCODER_OPTION_BITRATE]
        } else {
            [ENCODER_OPTION_BITRATE, ENCODER_OPTION_MAX_BITRATE]
        };
        // The sum of the layers may not exceed the whole either.
        let layers = if kbps > previous_kbps {
            [SPATIAL_LAYER_ALL, SPATIAL_LAYER_0]
        } else {
            [SPATIAL_LAYER_0, SPATIAL_LAYER_ALL]
        };
        let bits = i32::try_from(kbps * 1000).unwrap_or(i32::MAX);
        order.into_iter().flat_map(|option| layers.map(|layer| (option, layer))).all(|(option, layer)| {
            let mut info = SBitrateInfo { iLayer: layer, iBitrate: bits };
            // SAFETY: these two options read an SBitrateInfo during the call and keep no pointer to it; before the
            // first picture the library answers with an error code (it checks for its context).
            unsafe { self.encoder.raw_api().set_option(option, (&raw mut info).cast()) == 0 }
        })
    }
}

fn clamp(kbps: u32) -> u32 {
    kbps.clamp(*KBPS.start(), *KBPS.end())
}

impl VideoEncoder for H264Encoder {
    fn encode(&mut self, frame: &VideoFrame, force_key: bool) -> Result<Option<EncodedFrame>, String> {
        let planes = &*frame.planes;
        let size = (planes.width, planes.height);
        if !size_is_possible(size.0, size.1) || !i420::is_consistent(planes) {
            return Err(format!("a picture of {}x{} can't be encoded", size.0, size.1));
        }
        let epoch_us = *self.epoch_us.get_or_insert(planes.capture_us);
        let since_us = planes.capture_us.saturating_sub(epoch_us);
        let started = match &mut self.encoder {
            Some(running) if running.size == size => running,
            _ => self.start(size)?,
        };
        let (w, h) = (size.0 as usize, size.1 as usize);
        let plane = |i: usize, rows: usize| &planes.data[i][..planes.strides[i] * rows];
        let picture = YUVSlices::new(
            (plane(0, h), plane(1, h / 2), plane(2, h / 2)),
            (w, h),
            (planes.strides[0], planes.strides[1], planes.strides[2]),
        );
        if force_key {
            started.encoder.force_intra_frame();
        }
        let encoded = started
            .encoder
            .encode_at(&picture, Timestamp::from_millis(since_us / 1000))
            .map_err(|e| format!("openh264: {e}"))?;
        let key = match encoded.frame_type() {
            FrameType::IDR => true,
            FrameType::P | FrameType::I | FrameType::IPMixed => false,
            FrameType::Skip | FrameType::Invalid => return Ok(None),
        };
        let data = encoded.to_vec();
        // 90 kHz, wrapping as RTP time does.
        let rtp_timestamp = (u128::from(since_us) * 9 / 100) as u32;
        Ok((!data.is_empty()).then_some(EncodedFrame { data, key, rtp_timestamp }))
    }

    fn set_kbps(&mut self, kbps: u32) {
        let kbps = clamp(kbps);
        if kbps == self.kbps {
            return;
        }
        let previous = core::mem::replace(&mut self.kbps, kbps);
        if let Some(running) = &mut self.encoder
            && !running.set_rate(previous, kbps)
        {
            // The next picture starts a new encoder with the new rate, and with a key frame.
            self.encoder = None;
        }
    }

    fn codec(&self) -> &'static str {
        "H264"
    }
}
