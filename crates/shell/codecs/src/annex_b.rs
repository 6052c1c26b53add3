//! Splits an Annex B byte stream into NAL units (ITU-T H.264 annex B), strictly.

/// NAL units of one picture, without their start codes. `None` when the bytes don't begin with a start code.
pub(crate) fn nal_units(frame: &[u8]) -> Option<Vec<&[u8]>> {
    let mut starts = Vec::new();
    let mut at = 0;
    while let Some(found) = find_start_code(frame, at) {
        starts.push(found);
        at = found + 3;
    }
    let &first = starts.first()?;
    if frame[..first].iter().any(|&byte| byte != 0) {
        return None;
    }
    let ends = starts.iter().skip(1).copied().chain([frame.len()]);
    let units = starts.iter().zip(ends).map(|(&start, end)| {
        let unit = &frame[start + 3..end];
        // Zeros before the next start code belong to that.
        let trailing = unit.iter().rev().take_while(|&&byte| byte == 0).count();
        &unit[..unit.len() - trailing]
    });
    Some(units.collect())
}

/// Offset of the next `00 00 01`.
fn find_start_code(bytes: &[u8], from: usize) -> Option<usize> {
    bytes.get(from..)?.windows(3).position(|w| w == [0, 0, 1]).map(|offset| from + offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_long_and_short_start_codes() {
        let frame = [0, 0, 0, 1, 0x67, 5, 0, 0, 1, 0x68, 6, 0, 0, 0, 1, 0x65, 7];
        assert_eq!(nal_units(&frame), Some(vec![&[0x67, 5][..], &[0x68, 6], &[0x65, 7]]));
    }

    #[test]
    fn refuses_bytes_before_the_first_start_code() {
        assert_eq!(nal_units(&[]), None);
        assert_eq!(nal_units(&[1, 2, 3, 4]), None);
        assert_eq!(nal_units(&[9, 0, 0, 1, 0x65]), None);
        assert_eq!(nal_units(&[0, 0, 1]), Some(vec![&[][..]]));
    }
}
