//! Facts in the headers of a picture that `image` does not report before it decodes: the memory that decoding takes, and
//! whether the file is complete.

use image::ImageFormat;

use super::jpeg;

/// Returns the number of bytes that decoding the picture in `file` needs at a time, including the file and the grey copy.
/// `pixels` and `decoded` are the size of the picture in pixels and in bytes.
pub(super) fn peak_bytes(format: ImageFormat, file: &[u8], pixels: u64, decoded: u64) -> u64 {
    let size = file.len() as u64;
    match format {
        // The decoder has its own copy of the file. If the picture is sent in several scans, it also holds all
        // coefficients, which are 16-bit numbers.
        ImageFormat::Jpeg => {
            let buffered = buffered_components(file).unwrap_or(0);
            2 * size + decoded + pixels + 2 * u64::from(buffered) * pixels
        }
        // The frame in other colours, its transparency, the canvas of an animation, and the decoded picture.
        ImageFormat::WebP => size + 16 * pixels.max(webp(file).0),
        _ => size + decoded + pixels,
    }
}

/// Maximum number of chunks of a PNG file that do not hold pixels. The decoder keeps each text, and a file of 64 MiB can have
/// five million.
const MAX_CHUNKS: usize = 10_000;

/// Returns whether a PNG file has too many chunks besides those with the pixels of the picture or of an animation.
pub(super) fn has_too_many_chunks(format: ImageFormat, file: &[u8]) -> bool {
    let (mut rest, mut count) = (file.get(8..).unwrap_or_default(), 0);
    while format == ImageFormat::Png
        && count <= MAX_CHUNKS
        && let Some(([a, b, c, d, name @ ..], data)) = rest.split_first_chunk::<8>()
    {
        count += usize::from(![b"IDAT", b"fdAT", b"fcTL"].contains(&name));
        // A checksum of four bytes follows the data.
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        rest = data.get(length.saturating_add(4)..).unwrap_or_default();
    }
    count > MAX_CHUNKS
}

/// Checks that the file has pixels in all parts of the picture. The decoders check the rest, but would fill up the picture.
pub(super) fn check_complete(format: ImageFormat, file: &[u8]) -> Result<(), &'static str> {
    match format {
        ImageFormat::Jpeg => jpeg::check(file),
        // A WebP file contains its size and those of its parts.
        ImageFormat::WebP if !webp(file).1 => Err(jpeg::TRUNCATED),
        ImageFormat::Gif if gif_frame_is_visible(file) == Some(false) => {
            Err("its first frame is empty or outside the picture")
        }
        ImageFormat::Bmp if bmp_runs_are_complete(file) == Some(false) => Err(jpeg::EARLY),
        _ => Ok(()),
    }
}

/// Returns the number of colour components of a JPEG file that are held until all scans are read; 0 for a single scan. The
/// segments before the first scan, which can contain a thumbnail, are skipped.
fn buffered_components(file: &[u8]) -> Option<u8> {
    let (mut rest, mut components, mut is_progressive) = (file, 0, false);
    loop {
        rest = &rest[rest.iter().position(|byte| *byte == 0xff)?..];
        let marker = *rest.get(1)?;
        if matches!(marker, 0 | 1 | 0xd0..=0xd9 | 0xff) {
            // Fill bytes and markers without a segment.
            rest = &rest[1..];
            continue;
        }
        let length = usize::from(u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?]));
        let segment = rest.get(4..2 + length)?;
        rest = &rest[2 + length..];
        match marker {
            0xda => {
                let is_buffered = is_progressive || *segment.first()? < components;
                return Some(if is_buffered { components } else { 0 });
            }
            0xc4 | 0xc8 | 0xcc => {}
            0xc0..=0xcf => (components, is_progressive) = (*segment.get(5)?, marker == 0xc2),
            _ => {}
        }
    }
}

/// Returns the number of pixels of the largest lossy frame in a WebP file, and whether all parts are complete. The decoder
/// compares the frame with the size of the picture only after it has decoded the frame, and it allocates memory for parts
/// that the file does not have.
fn webp(file: &[u8]) -> (u64, bool) {
    let size = |bytes: [u8; 4]| u32::from_le_bytes(bytes) as usize;
    let end = file.get(4..8).and_then(|bytes| bytes.try_into().ok()).map(|bytes| 8 + size(bytes));
    let Some(mut rest) = end.and_then(|end| file.get(12..end)) else { return (0, false) };
    let mut most = 0;
    while let Some((header, data)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, length @ ..] = *header;
        let (name, length) = ([a, b, c, d], size(length));
        if length > data.len() {
            return (most, false);
        }
        if name == *b"VP8 "
            && let Some([.., w0, w1, h0, h1]) = data.first_chunk::<10>()
        {
            let side = |low, high| u64::from(u16::from_le_bytes([low, high]) & 0x3fff);
            most = most.max(side(*w0, *w1) * side(*h0, *h1));
        }
        // The parts of a frame follow its position, size and duration, which take 16 bytes.
        let skipped = if name == *b"ANMF" { 16 } else { length + length % 2 };
        rest = data.get(skipped..).unwrap_or_default();
    }
    (most, true)
}

/// Returns whether the first frame of a GIF file has a pixel inside the picture, or `None` if it is not found.
fn gif_frame_is_visible(file: &[u8]) -> Option<bool> {
    // The sizes of the picture and of its palette are in the header.
    let [.., w0, w1, h0, h1, flags, _, _] = *file.first_chunk::<13>()?;
    let palette = if flags & 0x80 > 0 { 6 << (flags & 7) } else { 0 };
    let mut rest = file.get(13 + palette..)?;
    // Skip the extensions, each of which has blocks that start with their lengths and end with an empty one.
    while let [0x21, _, blocks @ ..] = rest {
        rest = blocks;
        while let Some((length @ 1.., data)) = rest.split_first() {
            rest = data.get(usize::from(*length)..)?;
        }
        rest = rest.get(1..)?;
    }
    let [0x2c, frame @ ..] = rest.first_chunk::<9>()? else { return None };
    let (numbers, _) = frame.as_chunks();
    let [width, height] = [[w0, w1], [h0, h1]].map(u16::from_le_bytes);
    let [left, top, columns, rows] =
        [0, 1, 2, 3].map(|index: usize| u16::from_le_bytes(numbers[index]));
    Some(columns > 0 && rows > 0 && left < width && top < height)
}

/// Returns whether a BMP file with run-length encoding has all rows, or `None` for another encoding.
fn bmp_runs_are_complete(file: &[u8]) -> Option<bool> {
    let number = |at: usize| Some(u32::from_le_bytes(*file.get(at..)?.first_chunk()?) as usize);
    let (start, height, encoding) = (number(10)?, number(22)?, number(30)?);
    if !(1..=2).contains(&encoding) {
        return None;
    }
    let (mut rest, mut row) = (file.get(start..)?, 0);
    while row < height {
        let ([first, second], data) = rest.split_first_chunk()?;
        let skipped = match (first, second) {
            // The end of a row, the end of the picture, and a number of columns and rows without pixels.
            (0, 0) => {
                row += 1;
                0
            }
            (0, 1) => return Some(row + 1 >= height),
            (0, 2) => {
                row += usize::from(*data.get(1)?);
                2
            }
            // Pixels of one byte or, in the second encoding, of half a byte.
            (0, count) => usize::from(*count).div_ceil(encoding).next_multiple_of(2),
            _ => 0,
        };
        rest = data.get(skipped..)?;
    }
    Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the start of a JPEG file: a thumbnail, a frame header and the start of a scan, both with these components.
    fn jpeg(frame: u8, components: u8, in_scan: u8) -> Vec<u8> {
        let segment = |marker: u8, content: &[u8]| {
            let length = (content.len() as u16 + 2).to_be_bytes();
            [&[0xff, marker][..], &length, content].concat()
        };
        [
            vec![0xff, 0xd8],
            segment(0xe1, &[0xff, 0xd8, 0xff, 0xd9]),
            segment(frame, &[8, 0, 9, 0, 9, components]),
            segment(0xda, &[in_scan]),
        ]
        .concat()
    }

    #[test]
    fn several_scans_need_more_memory() {
        for (frame, components, in_scan, expected) in
            [(0xc0, 3, 3, 0), (0xc1, 1, 1, 0), (0xc0, 3, 1, 6), (0xc2, 3, 3, 6), (0xc2, 1, 1, 2)]
        {
            let file = jpeg(frame, components, in_scan);
            let found = peak_bytes(ImageFormat::Jpeg, &file, 100, 300) - 2 * file.len() as u64;
            assert_eq!(found, 400 + 100 * expected, "{frame:x} {components} {in_scan}");
        }
    }

    #[test]
    fn invisible_gif_frames_are_rejected() {
        let file = include_bytes!("../../../tests/fuzz/seeds/picture/dot.gif");
        // An extension before the frame, which is at byte 19.
        let with_comment = [&file[..19], b"\x21\xfe\x02ab\0", &file[19..]].concat();
        for (file, frame) in [(&file[..], 19), (&with_comment, 25)] {
            assert_eq!(check_complete(ImageFormat::Gif, file), Ok(()));
            for (at, value) in [(1, 1), (4, 1), (3, 1), (5, 0), (7, 0)] {
                let mut changed = file.to_vec();
                changed[frame + at] = value;
                assert!(check_complete(ImageFormat::Gif, &changed).is_err(), "{at}");
            }
        }
    }

    #[test]
    fn early_end_of_bmp_is_rejected() {
        let file = |encoding: u8, data: &[u8]| {
            let mut header = vec![0; 54];
            [header[10], header[22], header[30]] = [54, 3, encoding];
            [&header, data].concat()
        };
        for (data, expected) in [
            (&[4, 7, 0, 0, 4, 8, 0, 0, 4, 9, 0, 1][..], true),
            (&[4, 7, 0, 0, 0, 3, 1, 0, 1, 0, 0, 0, 4, 9, 0, 0], true),
            (&[4, 7, 0, 2, 0, 2, 0, 1], true),
            (&[4, 7, 0, 0, 4, 8, 0, 1], false),
            (&[0, 1], false),
        ] {
            let result = check_complete(ImageFormat::Bmp, &file(1, data));
            assert_eq!(result.is_ok(), expected, "{data:?}");
        }
        // Four pixels in two bytes, and no encoding.
        let half = [0, 4, 1, 2, 0, 0, 0, 1];
        assert_eq!(check_complete(ImageFormat::Bmp, &file(2, &half)), Err(jpeg::EARLY));
        assert_eq!(check_complete(ImageFormat::Bmp, &file(0, &half)), Ok(()));
    }
}
