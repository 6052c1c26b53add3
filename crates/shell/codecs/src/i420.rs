//! Small helpers around [`Planes`] in I420.

use sotto_session_api::Planes;

/// True when the planes hold at least `stride × rows` bytes each, and strides cover the width.
#[must_use]
pub fn is_consistent(planes: &Planes) -> bool {
    let (w, h) = (planes.width as usize, planes.height as usize);
    let shapes = [(w, h), (w.div_ceil(2), h.div_ceil(2)), (w.div_ceil(2), h.div_ceil(2))];
    shapes.iter().enumerate().all(|(i, &(columns, rows))| {
        let stride = planes.strides[i];
        stride >= columns && stride.checked_mul(rows).is_some_and(|needed| planes.data[i].len() >= needed)
    })
}

/// Copies `rows` rows of `columns` bytes out of a plane with a stride into a plane without padding. `None` when the
/// source is too short.
#[must_use]
pub fn tight_plane(source: &[u8], stride: usize, columns: usize, rows: usize) -> Option<Vec<u8>> {
    if stride == columns {
        return Some(source.get(..columns.checked_mul(rows)?)?.to_vec());
    }
    let mut plane = Vec::with_capacity(columns.checked_mul(rows)?);
    for row in 0..rows {
        let start = row.checked_mul(stride)?;
        plane.extend_from_slice(source.get(start..start.checked_add(columns)?)?);
    }
    Some(plane)
}

/// Peak signal-to-noise ratio of the luma planes, dB; `None` when the sizes differ. 99 for equal pictures.
#[must_use]
pub fn luma_psnr(a: &Planes, b: &Planes) -> Option<f64> {
    if (a.width, a.height) != (b.width, b.height) || !is_consistent(a) || !is_consistent(b) {
        return None;
    }
    let (w, h) = (a.width as usize, a.height as usize);
    let mut squares = 0_u64;
    for row in 0..h {
        let (ra, rb) = (&a.data[0][row * a.strides[0]..], &b.data[0][row * b.strides[0]..]);
        squares += ra[..w].iter().zip(&rb[..w]).map(|(&x, &y)| u64::from(x.abs_diff(y)).pow(2)).sum::<u64>();
    }
    let mean = squares as f64 / (w * h).max(1) as f64;
    Some(if mean == 0.0 { 99.0 } else { (10.0 * (255.0 * 255.0 / mean).log10()).min(99.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_planes_are_noticed() {
        let mut planes = Planes::black(64, 48);
        assert!(is_consistent(&planes));
        planes.data[1].pop();
        assert!(!is_consistent(&planes));
        planes = Planes::black(64, 48);
        planes.strides[0] = usize::MAX;
        assert!(!is_consistent(&planes));
    }

    #[test]
    fn rows_are_copied_without_their_padding() {
        assert_eq!(tight_plane(&[1, 2, 9, 3, 4, 9], 3, 2, 2), Some(vec![1, 2, 3, 4]));
        assert_eq!(tight_plane(&[1, 2, 9, 3], 3, 2, 2), None);
    }
}
