//! Reads the picture size out of a sequence parameter set before the decoder allocates memory for it
//! (ITU-T H.264 §7.3.2.1.1).

/// What a parameter set asks the decoder to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpsSize {
    /// Coded width, pixels.
    pub(crate) width: u32,
    /// Coded height, pixels.
    pub(crate) height: u32,
    /// Reference pictures.
    pub(crate) references: u32,
}

/// Parses a set (NAL unit of type 7, header byte included). `None` when it is malformed, or of a kind that no sender
/// of ours writes: only 4:2:0 with 8 bits, frames not fields, no scaling matrices.
pub(crate) fn parse(unit: &[u8]) -> Option<SpsSize> {
    let mut bits = Bits::new(unit.get(1..)?);
    let profile = bits.read(8)?;
    bits.read(16)?; // constraint flags, level
    bits.exp_golomb()?; // seq_parameter_set_id
    match profile {
        66 | 77 => {}
        100 => {
            let chroma = bits.exp_golomb()?;
            let (luma_bits, chroma_bits) = (bits.exp_golomb()?, bits.exp_golomb()?);
            let (bypass, scaling) = (bits.read(1)?, bits.read(1)?);
            if (chroma, luma_bits, chroma_bits, bypass, scaling) != (1, 0, 0, 0, 0) {
                return None;
            }
        }
        _ => return None,
    }
    bits.exp_golomb()?; // log2_max_frame_num_minus4
    match bits.exp_golomb()? {
        0 => {
            bits.exp_golomb()?; // log2_max_pic_order_cnt_lsb_minus4
        }
        2 => {}
        _ => return None, // type 1 is written by no real-time encoder
    }
    let references = bits.exp_golomb()?;
    bits.read(1)?; // gaps_in_frame_num_value_allowed_flag
    let width = bits.exp_golomb()?.checked_add(1)?.checked_mul(16)?;
    let height = bits.exp_golomb()?.checked_add(1)?.checked_mul(16)?;
    let frames_only = bits.read(1)? == 1;
    (frames_only && references <= 16).then_some(SpsSize { width, height, references })
}

/// Bits of a NAL unit, most significant first, without emulation prevention bytes.
struct Bits {
    bytes: Vec<u8>,
    at: usize,
}

impl Bits {
    fn new(escaped: &[u8]) -> Self {
        // All that is read here lies in the first bytes.
        let mut bytes = Vec::with_capacity(64);
        let mut zeros = 0;
        for &byte in escaped.iter().take(64) {
            if zeros >= 2 && byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            bytes.push(byte);
        }
        Self { bytes, at: 0 }
    }

    fn read(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// ue(v), at most 2^20.
    fn exp_golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.read(1)? == 0 {
            zeros += 1;
            if zeros > 20 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.read(zeros)?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// A baseline set of level 3.1 with an emulation prevention byte, written by hand after §7.3.2.1.1.
    const BASELINE_720P: &[u8] =
        &[0x67, 0x42, 0xc0, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xec, 0x04, 0x40, 0, 0, 3, 0, 0x40, 0, 0, 0x0f, 3, 0xc6];

    #[test]
    fn reads_the_size_of_a_known_set() {
        let size = parse(BASELINE_720P).unwrap();
        assert_eq!((size.width, size.height), (1280, 720));
    }

    #[test]
    fn every_truncation_ends_without_a_size_or_with_the_same() {
        let whole = parse(BASELINE_720P);
        for cut in 0..BASELINE_720P.len() {
            let part = parse(&BASELINE_720P[..cut]);
            assert!(part.is_none() || part == whole);
        }
    }

    #[test]
    fn refuses_foreign_profiles_and_endless_numbers() {
        let mut high10 = BASELINE_720P.to_vec();
        high10[1] = 110;
        assert_eq!(parse(&high10), None);
        assert_eq!(parse(&[0x67, 66, 0, 30, 0, 0, 0, 0, 0, 0]), None);
    }
}
