//! How large a picture may be.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::io;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};

/// What a picture takes beside its decoded pixels, while it is made smaller and searched.
const BESIDE_THE_PIXELS: u64 = 40 << 20;

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

/// Whether a code is found in it; what it takes is bounded.
fn is_found(file: &[u8]) -> bool {
    let mut found = false;
    let used = allocation_counter::measure(|| found = super::code_in(file).is_some());
    assert!(used.bytes_max <= super::LARGEST_PICTURE + BESIDE_THE_PIXELS, "{} bytes", used.bytes_max);
    found
}

fn is_read(width: u32, height: u32) -> bool {
    is_found(&photograph(width, height))
}

#[test]
fn a_photograph_of_24_megapixels_is_read_and_one_of_36_is_not_begun() {
    assert!(is_read(5_712, 4_284));
    assert!(!is_read(7_000, 5_200), "more than it may need");
    assert!(is_read(9_900, 800) && !is_read(10_100, 800), "longer than a side may be");
}

/// A file of some kilobytes that becomes as large as may be: eight bytes a pixel, also when it is made smaller.
#[test]
fn a_small_file_that_becomes_a_large_picture_takes_no_more_than_is_said() {
    let empty = image::ImageBuffer::<image::Rgba<u16>, _>::new(3_500, 3_500);
    let mut bytes = io::Cursor::new(Vec::new());
    let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Up);
    empty.write_with_encoder(encoder).unwrap();
    assert!(bytes.get_ref().len() < 1 << 20 && !is_found(bytes.get_ref()));
}
