//! OpenH264 as a decoder behind a guard.

use openh264::OpenH264API;
use openh264::decoder::{Decoder, DecoderConfig, Flush};
use openh264::formats::YUVSource;
use sotto_media::VideoDecoder;
use sotto_session_api::Planes;

use crate::{SetupError, annex_b, i420, size_is_possible, sps};

/// Largest encoded picture taken: what 256 packets hold, with room (PROTOCOL §7.3).
const MAX_FRAME_BYTES: usize = 300_000;
/// NAL units of one picture: parameter sets, and a slice for each of a few threads.
const MAX_UNITS: usize = 64;
/// Memory that the reference pictures may take, pixels: four of the largest picture, as level 5.1 allows.
const MAX_REFERENCE_PIXELS: u64 = 4 * 3840 * 2160;

/// Decodes H.264 pictures that a peer of ours may send; refuses everything else before C code sees it.
///
/// After an error the decoder starts afresh, so that nothing of a broken picture is left in it: the caller asks for a
/// key frame.
pub struct H264Decoder {
    decoder: Decoder,
    /// A key frame has been decoded since the start or the last error.
    in_sync: bool,
}

impl H264Decoder {
    /// A decoder that waits for a key frame.
    ///
    /// # Errors
    /// [`SetupError`] when the library can't be set up.
    pub fn new() -> Result<Self, SetupError> {
        Ok(Self { decoder: start()?, in_sync: false })
    }

    fn decode_checked(&mut self, frame: &[u8]) -> Result<Option<Planes>, String> {
        let key = check(frame)?;
        if !key && !self.in_sync {
            return Err("a key frame is needed first".into());
        }
        let picture = self.decoder.decode(frame).map_err(|e| format!("openh264: {e}"))?;
        let Some(picture) = picture else { return Ok(None) };
        self.in_sync = true;
        let (width, height) = picture.dimensions();
        let (w32, h32) = (u32::try_from(width).unwrap_or(0), u32::try_from(height).unwrap_or(0));
        if !size_is_possible(w32, h32) {
            return Err(format!("a picture of {width}x{height} is refused"));
        }
        let (ys, us, vs) = picture.strides();
        let plane = |data: &[u8], stride, columns, rows| {
            i420::tight_plane(data, stride, columns, rows).ok_or("decoded planes are too short")
        };
        let (cw, ch) = (width / 2, height / 2);
        Ok(Some(Planes {
            width: w32,
            height: h32,
            strides: [width, cw, cw],
            data: [
                plane(picture.y(), ys, width, height)?,
                plane(picture.u(), us, cw, ch)?,
                plane(picture.v(), vs, cw, ch)?,
            ],
            capture_us: 0,
        }))
    }
}

fn start() -> Result<Decoder, SetupError> {
    // No flush: pictures come out in decoding order, one for each frame.
    let config = DecoderConfig::new().flush_after_decode(Flush::NoFlush);
    Decoder::with_api_config(OpenH264API::from_source(), config).map_err(|e| SetupError(e.to_string()))
}

/// Whether these are the NAL units of a picture of ours; true for a key frame.
fn check(frame: &[u8]) -> Result<bool, String> {
    if frame.len() > MAX_FRAME_BYTES {
        return Err(format!("a picture of {} bytes is refused", frame.len()));
    }
    let units = annex_b::nal_units(frame).ok_or("no Annex B start code")?;
    if units.len() > MAX_UNITS {
        return Err(format!("{} NAL units in a picture", units.len()));
    }
    let (mut sets, mut idr, mut slices) = (0, false, 0);
    for unit in units {
        let &header = unit.first().ok_or("empty NAL unit")?;
        if header & 0x80 != 0 {
            return Err("forbidden_zero_bit is set".into());
        }
        match header & 0x1f {
            1 => slices += 1,
            5 => {
                slices += 1;
                idr = true;
            }
            7 => {
                let size = sps::parse(unit).ok_or("sequence parameter set is refused")?;
                let fits = size_is_possible(size.width, size.height)
                    && u64::from(size.width) * u64::from(size.height) * u64::from(size.references.max(1))
                        <= MAX_REFERENCE_PIXELS;
                if !fits {
                    return Err(format!("a picture of {}x{} is refused", size.width, size.height));
                }
                sets += 1;
            }
            6 | 8 | 9 | 12 => {}
            other => return Err(format!("NAL unit of type {other} is refused")),
        }
    }
    if slices == 0 {
        return Err("no slice in the picture".into());
    }
    Ok(idr && sets > 0)
}

impl VideoDecoder for H264Decoder {
    fn decode(&mut self, frame: &[u8]) -> Result<Option<Planes>, String> {
        let result = self.decode_checked(frame);
        if result.is_err() && self.in_sync {
            self.in_sync = false;
            self.decoder = start().map_err(|e| e.to_string())?;
        }
        result
    }
}
