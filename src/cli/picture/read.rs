//! Decoding of picture files (PNG, JPEG, GIF, WebP, BMP) to grey pixels, with limits that are checked before decoding.

use std::io::{self, Cursor};
use std::path::Path;

use image::metadata::Orientation;
use image::{
    DynamicImage, GenericImageView, GrayImage, ImageDecoder, ImageError, ImageReader, Limits, Luma,
    Rgba,
};

use super::error::PictureError;
use super::headers::{check_complete, has_too_many_chunks, peak_bytes};
use crate::io::kind::sniff;
use crate::io::{FileError, limits, panics, read_any, read_from};

/// Maximum size of a picture file in bytes.
pub const MAX_FILE_BYTES: u64 = 64 << 20;
/// Maximum width and height in pixels.
pub const MAX_SIDE: u32 = 16_384;
/// Maximum size in bytes of everything that is held to decode a picture, enough for a JPEG file of 50 million pixels.
pub const MAX_BYTES: u64 = 224 << 20;
/// Maximum size in bytes of the texts and the colour profile of a PNG file.
const MAX_METADATA_BYTES: u64 = 16 << 20;

/// Reads a picture file as grey values (luma by ITU-R BT.709). The path `-` stands for standard input.
///
/// The orientation in the metadata is applied, and transparent pixels are composited over white. Only the first frame of
/// an animation is read.
///
/// # Errors
/// Returns an error if `path` is not a file or pipe, cannot be read or decoded, is cut off, or exceeds the limits.
pub fn read(path: &Path) -> Result<GrayImage, PictureError> {
    let is_stdin = ["-", "/dev/stdin"].iter().any(|name| path == Path::new(name));
    let bytes = match is_stdin {
        true => read_from(io::stdin().lock(), MAX_FILE_BYTES),
        false => read_any(path, MAX_FILE_BYTES),
    };
    let path = if is_stdin { Path::new("standard input") } else { path };
    decode(path, &bytes.map_err(FileError::of("cannot read", path))?)
}

/// Decodes the bytes of a picture file, as [`read`] does. `path` is for messages.
///
/// # Errors
/// Returns an error if the bytes cannot be decoded, are cut off, or exceed the limits.
pub fn decode(path: &Path, bytes: &[u8]) -> Result<GrayImage, PictureError> {
    decode_within(path, bytes, MAX_BYTES)
}

/// Decodes the bytes of a picture file, as [`decode`] does, with `max_bytes` instead of [`MAX_BYTES`].
///
/// # Errors
/// Returns the errors of [`decode`].
pub fn decode_within(path: &Path, bytes: &[u8], max_bytes: u64) -> Result<GrayImage, PictureError> {
    let too_large = || PictureError::TooLarge(path.to_owned());
    let corrupt = |cause: String| PictureError::Corrupt { path: path.to_owned(), cause };
    let failed = |error| match error {
        ImageError::Limits(_) => too_large(),
        ImageError::IoError(error) if limits::is_exhausted(&error) => {
            FileError::new("cannot read", path, error).into()
        }
        ImageError::Unsupported(_) => PictureError::NotAnImage(path.to_owned(), sniff(bytes)),
        error => corrupt(error.to_string()),
    };
    let bounds = |max_bytes| {
        let mut bounds = Limits::no_limits();
        (bounds.max_image_width, bounds.max_image_height) = (Some(MAX_SIDE), Some(MAX_SIDE));
        bounds.max_alloc = Some(max_bytes);
        bounds
    };
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| failed(ImageError::IoError(error)))?;
    let Some(format) = reader.format() else {
        return Err(PictureError::NotAnImage(path.to_owned(), sniff(bytes)));
    };
    if has_too_many_chunks(format, bytes) {
        return Err(corrupt("it has more than 10,000 parts besides the pixels".to_owned()));
    }
    // The PNG decoder reads texts and the colour profile first. It skips a larger profile.
    reader.limits(bounds(MAX_METADATA_BYTES));
    // Some decoders panic on corrupt files. Only their code is run here, because a panic in ours is a bug.
    let panicked = || corrupt("the decoder failed".to_owned());
    let mut decoder =
        panics::catch(|| reader.into_decoder()).ok_or_else(panicked)?.map_err(failed)?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(corrupt(format!("it has {width}x{height} pixels")));
    }
    let pixels = u64::from(width) * u64::from(height);
    let peak = peak_bytes(format, bytes, pixels, decoder.total_bytes());
    let left = max_bytes.checked_sub(peak).ok_or_else(too_large)?;
    limits::check_address_space(peak as usize).map_err(FileError::of("cannot read", path))?;
    // A frame of a GIF file may be larger than the picture.
    decoder.set_limits(bounds(left)).map_err(failed)?;
    check_complete(format, bytes).map_err(|cause| corrupt(cause.to_owned()))?;
    let decoded = panics::catch(|| {
        // Ignore invalid orientation metadata.
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        DynamicImage::from_decoder(decoder).map(|picture| (picture, orientation))
    });
    let (picture, orientation) = decoded.ok_or_else(panicked)?.map_err(failed)?;
    let mut grey = DynamicImage::ImageLuma8(to_grey(picture));
    grey.apply_orientation(orientation);
    Ok(grey.into_luma8())
}

/// Converts a picture to grey values, with transparent pixels composited over white.
fn to_grey(picture: DynamicImage) -> GrayImage {
    match picture {
        DynamicImage::ImageLuma8(grey) => grey,
        other => {
            let (width, height) = other.dimensions();
            GrayImage::from_fn(width, height, |x, y| Luma([luma(other.get_pixel(x, y))]))
        }
    }
}

fn luma(Rgba([r, g, b, alpha]): Rgba<u8>) -> u8 {
    let [r, g, b, alpha] = [r, g, b, alpha].map(u32::from);
    let luma = 2126 * r + 7152 * g + 722 * b; // in units of 1/10,000
    let over_white = alpha * luma + (255 - alpha) * 2_550_000;
    ((over_white + 1_275_000) / 2_550_000) as u8
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use image::{ImageFormat, LumaA, RgbaImage};

    pub(in crate::cli::picture) fn encode(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    pub(in crate::cli::picture) fn decode_bytes(bytes: &[u8]) -> Result<GrayImage, PictureError> {
        decode(Path::new("x.png"), bytes)
    }

    #[test]
    fn formats_decode_alike() {
        let picture =
            RgbaImage::from_fn(7, 5, |x, _| Rgba([40 * x as u8, 40 * x as u8, 40 * x as u8, 255]));
        let picture = DynamicImage::ImageRgba8(picture);
        let png = decode_bytes(&encode(&picture, ImageFormat::Png)).unwrap();
        assert_eq!(png.dimensions(), (7, 5));
        for format in [ImageFormat::Gif, ImageFormat::WebP, ImageFormat::Bmp] {
            assert_eq!(decode_bytes(&encode(&picture, format)).unwrap(), png, "{format:?}");
        }
        let grey = GrayImage::from_pixel(40, 30, Luma([200]));
        let jpeg = decode_bytes(&encode(&grey.into(), ImageFormat::Jpeg)).unwrap();
        assert_eq!(jpeg.dimensions(), (40, 30));
        assert!(jpeg.as_raw().iter().all(|v| v.abs_diff(200) <= 2));
    }

    #[test]
    fn colours_become_luma_over_white() {
        for (colour, expected) in [
            ([255, 255, 255, 255], 255),
            ([0, 0, 0, 255], 0),
            ([255, 0, 0, 255], 54),
            ([77, 77, 77, 255], 77),
            ([0, 0, 0, 0], 255),
            ([0, 0, 0, 51], 204),
        ] {
            assert_eq!(luma(Rgba(colour)), expected, "{colour:?}");
        }
        let grey = GrayImage::from_fn(5, 3, |x, y| Luma([(50 * x + y) as u8]));
        let bytes = encode(&grey.clone().into(), ImageFormat::Png);
        assert_eq!(decode_bytes(&bytes).unwrap(), grey);
        let clear: image::GrayAlphaImage = image::ImageBuffer::from_pixel(2, 2, LumaA([10u8, 0u8]));
        let bytes = encode(&clear.into(), ImageFormat::Png);
        assert_eq!(decode_bytes(&bytes).unwrap().as_raw(), &[255; 4]);
    }

    #[test]
    fn oversized_header_is_rejected_before_decoding() {
        let small: DynamicImage = RgbaImage::new(4, 4).into();
        let mut bytes = encode(&small, ImageFormat::Png);
        for (width, height) in [(MAX_SIDE + 1, 1), (u32::MAX >> 1, u32::MAX >> 1), (16_000, 16_000)]
        {
            bytes[16..20].copy_from_slice(&width.to_be_bytes());
            bytes[20..24].copy_from_slice(&height.to_be_bytes());
            // Correct the checksum of the chunk.
            let mut crc = flate2::Crc::new();
            crc.update(&bytes[12..29]);
            bytes[29..33].copy_from_slice(&crc.sum().to_be_bytes());
            let error = decode_bytes(&bytes).unwrap_err();
            assert!(matches!(error, PictureError::TooLarge(_)), "{width}: {error}");
        }
    }

    /// Reads a picture in tests/pictures, which Pillow wrote.
    pub(in crate::cli::picture) fn from_pillow(name: &str) -> Vec<u8> {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pictures");
        std::fs::read(Path::new(dir).join(name)).unwrap()
    }

    #[test]
    fn colour_profile_is_bounded() {
        let mut file = encode(&GrayImage::from_pixel(9, 9, Luma([77])).into(), ImageFormat::Png);
        let mut profile =
            flate2::write::ZlibEncoder::new(b"icc\0\0".to_vec(), flate2::Compression::fast());
        std::io::Write::write_all(&mut profile, &vec![0; 2 * MAX_METADATA_BYTES as usize]).unwrap();
        let data = [b"iCCP".to_vec(), profile.finish().unwrap()].concat();
        let mut crc = flate2::Crc::new();
        crc.update(&data);
        let length = data.len() as u32 - 4;
        let chunk = [&length.to_be_bytes()[..], &data, &crc.sum().to_be_bytes()].concat();
        // The header of the file and its first chunk take 33 bytes.
        file.splice(33..33, chunk);
        assert_eq!(decode_bytes(&file).unwrap().as_raw(), &[77; 81]);
    }

    #[test]
    fn lossy_frame_beyond_picture_is_rejected() {
        // A frame of 16,383 x 16,383 pixels in a picture of 10 x 10 pixels.
        let mut frame = from_pillow("lossy.webp").split_off(12);
        frame[14..18].copy_from_slice(&[0xff, 0x3f, 0xff, 0x3f]);
        let header = b"VP8X\x0a\0\0\0\0\0\0\0\x09\0\0\x09\0\0";
        let size = (4 + header.len() + frame.len()) as u32;
        let file = [b"RIFF", &size.to_le_bytes()[..], b"WEBP", header, &frame].concat();
        let error = decode_bytes(&file).unwrap_err();
        assert!(matches!(error, PictureError::TooLarge(_)), "{error}");
    }

    #[test]
    fn impossible_metadata_is_rejected() {
        // The picture has metadata of 4 GiB, for which the decoder would allocate memory.
        let frame = from_pillow("lossy.webp").split_off(12);
        let header = b"VP8X\x0a\0\0\0\x08\0\0\0\x1b\0\0\x17\0\0";
        let metadata = b"EXIF\xf0\xff\xff\xff12";
        let size = (4 + header.len() + frame.len() + metadata.len()) as u32;
        let file = [b"RIFF", &size.to_le_bytes()[..], b"WEBP", header, &frame, metadata].concat();
        let error = decode_bytes(&file).unwrap_err().to_string();
        assert!(error.contains("ends in the middle"), "{error}");
    }
}
