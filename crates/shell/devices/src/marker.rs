//! Frame number and capture time, drawn into a test picture so that they survive a video codec.

use sotto_session_api::Planes;

/// Blocks in a row, and rows.
const COLUMNS: usize = 40;
const ROWS: usize = 2;
const BLACK: u8 = 32;
const WHITE: u8 = 224;

/// What was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameMarker {
    /// Number of the picture, from 0.
    pub frame: u32,
    /// Capture time, microseconds of the sender's monotonic clock, modulo 2^40 (12 days).
    pub capture_us: u64,
}

fn block(planes: &Planes) -> usize {
    planes.width as usize / COLUMNS
}

/// Draws the marker into the two lowest rows of blocks.
pub(crate) fn draw(planes: &mut Planes, marker: FrameMarker) {
    let size = block(planes);
    if size < 4 || (planes.height as usize) < ROWS * size {
        return;
    }
    let mut bits = (u128::from(marker.frame) << 40) | u128::from(marker.capture_us & ((1 << 40) - 1));
    bits = (bits << 8) | u128::from(check(bits));
    let (stride, top) = (planes.strides[0], planes.height as usize - ROWS * size);
    for index in 0..COLUMNS * ROWS {
        let value = if bits >> (COLUMNS * ROWS - 1 - index) & 1 == 1 { WHITE } else { BLACK };
        let (x, y) = (index % COLUMNS * size, top + index / COLUMNS * size);
        for row in y..y + size {
            planes.data[0][row * stride + x..row * stride + x + size].fill(value);
        }
    }
    for plane in [1, 2] {
        let stride = planes.strides[plane];
        planes.data[plane][top / 2 * stride..].fill(128);
    }
}

/// Reads the marker of a picture; `None` where there is none, or it was damaged.
#[must_use]
pub fn read_frame_marker(planes: &Planes) -> Option<FrameMarker> {
    let size = block(planes);
    if size < 4 || (planes.height as usize) < ROWS * size {
        return None;
    }
    let (stride, top) = (planes.strides[0], planes.height as usize - ROWS * size);
    let mut bits = 0_u128;
    for index in 0..COLUMNS * ROWS {
        let (x, y) = (index % COLUMNS * size, top + index / COLUMNS * size);
        let (quarter, half) = (size / 4, size / 2);
        let mut sum = 0_usize;
        for row in y + quarter..y + quarter + half {
            let start = row * stride + x + quarter;
            sum += planes.data[0].get(start..start + half)?.iter().map(|v| usize::from(*v)).sum::<usize>();
        }
        bits = (bits << 1) | u128::from(sum / (half * half) > 128);
    }
    let (data, sum) = (bits >> 8, bits as u8);
    (check(data) == sum)
        .then_some(FrameMarker { frame: (data >> 40) as u32, capture_us: (data & ((1 << 40) - 1)) as u64 })
}

/// CRC-8 (polynomial 0x07) over the 72 bits, from 0xFF, so that an all-black picture has no marker.
fn check(bits: u128) -> u8 {
    let mut crc = 0xFF_u8;
    for byte in &bits.to_be_bytes()[7..] {
        crc ^= byte;
        for _ in 0..8 {
            crc = if crc & 0x80 != 0 { (crc << 1) ^ 0x07 } else { crc << 1 };
        }
    }
    crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_read_back_and_its_absence_noticed() {
        for (width, height) in [(640, 480), (1280, 720), (320, 240)] {
            let mut planes = Planes::black(width, height);
            assert_eq!(read_frame_marker(&planes), None);
            let marker = FrameMarker { frame: 123_456, capture_us: 987_654_321 };
            draw(&mut planes, marker);
            assert_eq!(read_frame_marker(&planes), Some(marker));
            // Noise as a codec leaves it behind.
            for (n, value) in planes.data[0].iter_mut().enumerate() {
                *value = value.saturating_add((n * 7 % 40) as u8).saturating_sub(20);
            }
            assert_eq!(read_frame_marker(&planes), Some(marker));
        }
    }
}
