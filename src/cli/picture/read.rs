//! Decoding of picture files (PNG, JPEG, GIF, WebP, BMP) to grey pixels, with limits that are checked before decoding.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::metadata::Orientation;
use image::{
    DynamicImage, GenericImageView, GrayImage, ImageDecoder, ImageError, ImageReader, Limits, Luma,
    Rgba,
};

use crate::io::kind::{FileKind, sniff};
use crate::io::{FileError, limits};

/// Maximum size of a picture file in bytes.
pub const MAX_FILE_BYTES: u64 = 128 << 20;
/// Maximum width and height in pixels.
pub const MAX_SIDE: u32 = 16_384;
/// Maximum size of a decoded picture in bytes, enough for 170 million RGB pixels.
pub const MAX_BYTES: u64 = 512 << 20;

/// An error from reading a picture.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "its message says what each field is")]
pub enum PictureError {
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The content is not in a supported format, but is of this type, if known.
    #[error("{} is not a PNG, JPEG, GIF, WebP or BMP picture{}", .0.display(), found(.1))]
    NotAnImage(PathBuf, Option<FileKind>),
    /// The picture exceeds the limits.
    #[error("{} is too large", .0.display())]
    TooLarge(PathBuf),
    /// The file is in a supported format but cannot be decoded.
    #[error("{} is corrupt: {cause}", path.display())]
    Corrupt { path: PathBuf, cause: String },
}

fn found(kind: &Option<FileKind>) -> String {
    kind.map(|kind| format!(": found {kind}")).unwrap_or_default()
}

/// Reads a picture file as grey values (luma by ITU-R BT.709).
///
/// The orientation in the metadata is applied, and transparent pixels are composited over white. Only the first frame of
/// an animated GIF is read.
///
/// # Errors
/// Returns an error if `path` is not a regular file, cannot be read or decoded, or exceeds the limits.
pub fn read(path: &Path) -> Result<GrayImage, PictureError> {
    let bytes =
        crate::io::read(path, MAX_FILE_BYTES).map_err(FileError::of("cannot read", path))?;
    decode(path, &bytes)
}

fn decode(path: &Path, bytes: &[u8]) -> Result<GrayImage, PictureError> {
    let failed = |error| match error {
        ImageError::Limits(_) => PictureError::TooLarge(path.to_owned()),
        ImageError::Unsupported(_) => PictureError::NotAnImage(path.to_owned(), sniff(bytes)),
        error => PictureError::Corrupt { path: path.to_owned(), cause: error.to_string() },
    };
    let mut bounds = Limits::no_limits();
    bounds.max_image_width = Some(MAX_SIDE);
    bounds.max_image_height = Some(MAX_SIDE);
    bounds.max_alloc = Some(MAX_BYTES);
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| failed(ImageError::IoError(error)))?;
    reader.limits(bounds);
    let mut decoder = reader.into_decoder().map_err(failed)?;
    if decoder.total_bytes() > MAX_BYTES {
        return Err(PictureError::TooLarge(path.to_owned()));
    }
    // Three copies of the picture exist at a time: decoded, converted to grey, and rotated.
    limits::check_address_space(3 * decoder.total_bytes() as usize)
        .map_err(FileError::of("cannot read", path))?;
    // Ignore invalid orientation metadata.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder).map_err(failed)?;
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
mod tests {
    use super::*;
    use image::{ImageFormat, LumaA, RgbaImage};

    fn encode(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn decode_bytes(bytes: &[u8]) -> Result<GrayImage, PictureError> {
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

    #[test]
    fn corrupt_pictures_never_panic() {
        let picture: DynamicImage =
            RgbaImage::from_fn(9, 7, |x, y| Rgba([x as u8 * 20, y as u8 * 30, 7, 255])).into();
        let png = encode(&picture, ImageFormat::Png);
        let jpeg = encode(&picture.to_rgb8().into(), ImageFormat::Jpeg);
        for bytes in [png, jpeg] {
            for end in 0..bytes.len() {
                let _ = decode_bytes(&bytes[..end]);
                let mut changed = bytes.clone();
                changed[end] ^= 0xff;
                let _ = decode_bytes(&changed);
            }
            assert!(decode_bytes(&bytes[..bytes.len() / 4]).is_err());
            assert!(matches!(decode_bytes(b"hello").unwrap_err(), PictureError::NotAnImage(..)));
        }
    }
}
