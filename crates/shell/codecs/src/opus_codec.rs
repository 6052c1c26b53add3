//! Opus at a constant packet size: nothing about the sound shows in the sizes on the wire (PROTOCOL §7.5).

use opus::{Application, Bitrate, Channels, Decoder, Encoder, Signal};
use sotto_media::{AUDIO_FRAME, AUDIO_RATE, AudioDecoder, AudioEncoder};

use crate::SetupError;

/// Bit rates of sound (PROTOCOL §7.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum AudioRung {
    /// 24 kbit/s: 60 bytes a packet.
    Low,
    /// 32 kbit/s: 80 bytes a packet.
    #[default]
    Standard,
    /// 48 kbit/s: 120 bytes a packet.
    High,
}

impl AudioRung {
    /// Bit rate, kbit/s.
    #[must_use]
    pub fn kbps(self) -> u32 {
        match self {
            Self::Low => 24,
            Self::Standard => 32,
            Self::High => 48,
        }
    }

    /// Bytes of each packet: 20 ms.
    #[must_use]
    pub fn packet_bytes(self) -> usize {
        self.kbps() as usize * 20 / 8
    }
}

/// Loss that the encoder prepares for, per cent: it decides how much of a packet repeats the one before.
const EXPECTED_LOSS: i32 = 10;

/// Encodes 48 kHz mono speech in 20 ms frames; each packet of a rung has the same size, speech or silence.
pub struct OpusEncoder {
    encoder: Encoder,
    rung: AudioRung,
}

impl OpusEncoder {
    /// An encoder of this rung: constant bit rate, no discontinuous transmission, in-band FEC.
    ///
    /// # Errors
    /// [`SetupError`] when the library refuses a setting.
    pub fn new(rung: AudioRung) -> Result<Self, SetupError> {
        let setup = || -> opus::Result<Encoder> {
            // Not `Voip`: its high-pass filter turns the phase of low voices (measured on speech at 32 kbit/s: the
            // waveform correlates 0.95 instead of 0.98), and `Voice` below chooses the speech modes anyhow.
            let mut encoder = Encoder::new(AUDIO_RATE, Channels::Mono, Application::Audio)?;
            encoder.set_vbr(false)?;
            encoder.set_dtx(false)?;
            encoder.set_signal(Signal::Voice)?;
            encoder.set_inband_fec(true)?;
            encoder.set_packet_loss_perc(EXPECTED_LOSS)?;
            encoder.set_complexity(9)?;
            encoder.set_bitrate(Bitrate::Bits(rung.kbps().cast_signed() * 1000))?;
            Ok(encoder)
        };
        Ok(Self { encoder: setup().map_err(|e| SetupError(e.to_string()))?, rung })
    }

    /// Changes the rung. PROTOCOL §7.5: at most every 10 s; the caller keeps that.
    ///
    /// # Errors
    /// [`SetupError`] when the library refuses; the old rung stays.
    pub fn set_rung(&mut self, rung: AudioRung) -> Result<(), SetupError> {
        let bits = rung.kbps().cast_signed() * 1000;
        self.encoder.set_bitrate(Bitrate::Bits(bits)).map_err(|e| SetupError(e.to_string()))?;
        self.rung = rung;
        Ok(())
    }

    /// The present rung.
    #[must_use]
    pub fn rung(&self) -> AudioRung {
        self.rung
    }
}

impl AudioEncoder for OpusEncoder {
    fn encode(&mut self, frame: &[i16; AUDIO_FRAME]) -> Result<Vec<u8>, String> {
        let mut packet = vec![0; self.rung.packet_bytes()];
        let length =
            self.encoder.encode(frame, &mut packet).map_err(|e| format!("opus encode: {}", e.description()))?;
        if length != packet.len() {
            return Err(format!("opus gave {length} bytes instead of {}", packet.len()));
        }
        Ok(packet)
    }
}

/// Decodes 20 ms packets to 48 kHz mono.
pub struct OpusDecoder {
    decoder: Decoder,
}

impl OpusDecoder {
    /// A decoder.
    ///
    /// # Errors
    /// [`SetupError`] when the library can't allocate.
    pub fn new() -> Result<Self, SetupError> {
        let decoder = Decoder::new(AUDIO_RATE, Channels::Mono).map_err(|e| SetupError(e.to_string()))?;
        Ok(Self { decoder })
    }

    fn run(&mut self, packet: &[u8], out: &mut [i16; AUDIO_FRAME], fec: bool) -> Result<(), String> {
        // An empty packet means loss to libopus, and other durations are none of ours.
        if packet.is_empty() {
            return Err("opus packet is empty".into());
        }
        let samples = opus::packet::get_nb_samples(packet, AUDIO_RATE).map_err(|_| "opus packet is malformed")?;
        if samples != AUDIO_FRAME {
            return Err(format!("opus packet holds {samples} samples instead of {AUDIO_FRAME}"));
        }
        let mut decoded = [0; AUDIO_FRAME];
        match self.decoder.decode(packet, &mut decoded, fec) {
            Ok(AUDIO_FRAME) => {
                *out = decoded;
                Ok(())
            }
            Ok(samples) => Err(format!("opus decoded {samples} samples instead of {AUDIO_FRAME}")),
            Err(e) => Err(format!("opus decode: {}", e.description())),
        }
    }
}

impl AudioDecoder for OpusDecoder {
    fn decode(&mut self, packet: &[u8], out: &mut [i16; AUDIO_FRAME]) -> Result<(), String> {
        self.run(packet, out, false)
    }

    fn recover(&mut self, next: &[u8], out: &mut [i16; AUDIO_FRAME]) -> Result<(), String> {
        self.run(next, out, true)
    }

    fn conceal(&mut self, out: &mut [i16; AUDIO_FRAME]) {
        let mut decoded = [0; AUDIO_FRAME];
        // Without a packet before, libopus makes silence; if it can't even do that, silence is right too.
        *out = match self.decoder.decode(&[], &mut decoded, false) {
            Ok(AUDIO_FRAME) => decoded,
            _ => [0; AUDIO_FRAME],
        };
    }
}
