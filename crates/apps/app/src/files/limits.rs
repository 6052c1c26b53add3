//! How large a picture may be.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::io;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};

/// A code in the middle of a large colour photograph, as PNG.
fn photograph(width: u32, height: u32) -> Vec<u8> {
    let code = qrcode::QrCode::new(b"tsp1:abc").unwrap();
    let (side, colors) = (code.width() as u32, code.to_colors());
    let module = height / 2 / side;
    let (left, top) = (width / 2 - side * module / 2, height / 4);
    let picture = image::RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (x.wrapping_sub(left) / module, y.wrapping_sub(top) / module);
        let is_dark = x < side && y < side && colors[(y * side + x) as usize] == qrcode::Color::Dark;
        image::Rgb(if is_dark { [40; 3] } else { [215; 3] })
    });
    let mut bytes = io::Cursor::new(Vec::new());
    let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Up);
    picture.write_with_encoder(encoder).unwrap();
    bytes.into_inner()
}

fn is_read(width: u32, height: u32) -> bool {
    super::code_in(&photograph(width, height)).is_some()
}

#[test]
fn a_photograph_of_24_megapixels_is_read_and_one_of_36_is_not_begun() {
    assert!(is_read(5_712, 4_284));
    assert!(!is_read(7_000, 5_200), "more than it may need");
    assert!(is_read(9_900, 800) && !is_read(10_100, 800), "longer than a side may be");
}
