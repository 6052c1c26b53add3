//! Frame numbers in pictures that a peer wrote.

use std::path::Path;

use sotto_devices::read_frame_marker;
use sotto_session_api::Planes;

/// A PNG picture as luma, which is where the frame marker is drawn.
fn picture(file: &Path) -> Option<Planes> {
    let mut reader = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(file).ok()?)).read_info().ok()?;
    let mut pixels = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut pixels).ok()?;
    let mut planes = Planes::black(info.width, info.height);
    let channels = info.color_type.samples();
    for (luma, pixel) in planes.data[0].iter_mut().zip(pixels.chunks_exact(channels)) {
        // Black and white blocks: any luma of grey will do; limited range as in the codec.
        let grey: u32 =
            pixel[..channels.min(3)].iter().map(|&byte| u32::from(byte)).sum::<u32>() / channels.min(3) as u32;
        *luma = (16 + grey * 219 / 255) as u8;
    }
    Some(planes)
}

/// Frame numbers drawn into the pictures of a folder, in order of time.
pub fn frame_numbers(folder: &Path) -> (usize, Vec<u64>) {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let numbers = files.iter().filter_map(|file| picture(file)).filter_map(|picture| read_frame_marker(&picture));
    (files.len(), numbers.map(|marker| u64::from(marker.frame)).collect())
}
