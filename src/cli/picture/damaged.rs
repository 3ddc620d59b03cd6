//! Tests of damaged pictures.

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};

use super::error::PictureError;
use super::read::tests::{decode_bytes, encode, from_pillow};
use super::{Invert, doubt, prepare};

const FORMATS: [ImageFormat; 5] =
    [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP, ImageFormat::Bmp];

#[test]
fn cut_pictures_are_rejected() {
    let picture = RgbaImage::from_fn(23, 17, |x, y| {
        Rgba([(x * x * 7 + y) as u8, (31 * y + x) as u8, (x * y) as u8, 255])
    });
    let picture = DynamicImage::ImageRgba8(picture);
    let encoded = |format| encode(&picture.to_rgb8().into(), format);
    let files = [
        "whole.jpg",
        "progressive.jpg",
        "colour.jpg",
        "lossy.webp",
        "alpha.webp",
        "interlaced.gif",
    ];
    let mut files: Vec<_> = files.iter().map(|name| (*name, from_pillow(name))).collect();
    for format in FORMATS {
        files.push((format.extensions_str()[0], encoded(format)));
    }
    for (name, file) in files {
        let whole = decode_bytes(&file).unwrap();
        for end in 0..file.len() {
            // A file may lack a part that holds no pixels.
            assert!(decode_bytes(&file[..end]).map_or(true, |cut| cut == whole), "{name}: {end}");
        }
        let mut zeros = file.clone();
        zeros[file.len() * 6 / 10..].fill(0);
        let is_jpeg = file.starts_with(&[0xff, 0xd8]);
        assert!(!is_jpeg || decode_bytes(&zeros).is_err(), "{name}");
    }
}

/// Decodes a file as far as possible, and prepares the picture.
fn decode_and_prepare(bytes: &[u8]) {
    if let Ok(picture) = decode_bytes(bytes) {
        let _ = doubt(&picture);
        let _ = prepare(picture, Invert::Auto);
    }
}

/// Corrects the checksums of all chunks of a PNG file.
fn with_checksums(mut png: Vec<u8>) -> Vec<u8> {
    let mut at = 8;
    while let Some(length) = png.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let end = at.saturating_add(8).saturating_add(length);
        let Some(chunk) = png.get(at + 4..end) else { break };
        let mut crc = flate2::Crc::new();
        crc.update(chunk);
        let Some(sum) = png.get_mut(end..end + 4) else { break };
        sum.copy_from_slice(&crc.sum().to_be_bytes());
        at = end + 4;
    }
    png
}

/// A PNG file of one pixel whose palette has this many bytes.
fn png_with_palette(bytes: usize) -> Vec<u8> {
    let chunk = |name: &[u8], data: &[u8]| {
        [&(data.len() as u32).to_be_bytes(), name, data, &[0; 4]].concat()
    };
    let mut pixels = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut pixels, &[0, 0]).unwrap();
    with_checksums(
        [
            b"\x89PNG\r\n\x1a\n".to_vec(),
            chunk(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 3, 0, 0, 0]),
            chunk(b"PLTE", &vec![77; bytes]),
            chunk(b"IDAT", &pixels.finish().unwrap()),
            chunk(b"IEND", &[]),
        ]
        .concat(),
    )
}

#[test]
fn corrupt_pictures_never_panic() {
    let picture: DynamicImage =
        RgbaImage::from_fn(9, 7, |x, y| Rgba([x as u8 * 20, y as u8 * 30, 7, 255])).into();
    let mut files: Vec<_> = FORMATS
        .iter()
        .map(|format| match format {
            ImageFormat::Jpeg => encode(&picture.to_rgb8().into(), *format),
            _ => encode(&picture, *format),
        })
        .collect();
    files.push(png_with_palette(6));
    for bytes in files {
        for at in 0..bytes.len() {
            decode_and_prepare(&bytes[..at]);
            for value in [0, 1, 0x7f, 0xff, bytes[at] ^ 0xff, bytes[at] ^ 1] {
                let mut changed = bytes.clone();
                changed[at] = value;
                decode_and_prepare(&changed);
                decode_and_prepare(&with_checksums(changed));
            }
        }
        assert!(decode_bytes(&bytes[..bytes.len() / 4]).is_err());
    }
    assert!(matches!(decode_bytes(b"hello").unwrap_err(), PictureError::NotAnImage(..)));
}

#[test]
fn partial_palette_colour_is_rejected() {
    for bytes in 3..12 {
        let result = decode_bytes(&png_with_palette(bytes));
        match bytes % 3 {
            0 => assert_eq!(result.unwrap().as_raw(), &[77]),
            _ => assert!(matches!(result.unwrap_err(), PictureError::Corrupt { .. }), "{bytes}"),
        }
    }
}

#[test]
fn picture_without_pixels_is_rejected() {
    let mut gif = encode(&RgbaImage::new(3, 3).into(), ImageFormat::Gif);
    for (sides, expected) in [([0, 3], "0x3"), ([3, 0], "3x0"), ([0, 0], "0x0")] {
        [gif[6], gif[8]] = sides;
        let error = decode_bytes(&gif).unwrap_err().to_string();
        assert_eq!(error, format!("x.png is corrupt: it has {expected} pixels"));
    }
}

#[test]
fn excess_png_chunks_are_rejected() {
    let png = png_with_palette(3);
    // The header of the file and its first chunk take 33 bytes.
    let with_texts = |name: &[u8], count: usize| {
        let text = [&[0, 0, 0, 2], name, b"a\0\0\0\0\0"].concat();
        with_checksums([&png[..33], &text.repeat(count), &png[33..]].concat())
    };
    assert!(decode_bytes(&with_texts(b"tEXt", 9_990)).is_ok());
    for name in [b"tEXt", b"zTXt", b"teSt"] {
        let error = decode_bytes(&with_texts(name, 10_000)).unwrap_err().to_string();
        assert!(error.ends_with("it has more than 10,000 parts besides the pixels"), "{error}");
    }
}

/// JPEG files in tests/pictures: one scan, restart markers, several scans, and several scans of four components.
const JPEG_FILES: [&str; 4] = ["whole.jpg", "restarts.jpg", "progressive.jpg", "cmyk.jpg"];

#[test]
fn jpeg_with_early_end_is_rejected() {
    for name in JPEG_FILES {
        let file = from_pillow(name);
        let whole = decode_bytes(&file).unwrap();
        let scan = file.windows(2).position(|marker| marker == [0xff, 0xda]).unwrap();
        for end in scan..file.len() - 2 {
            // The last scans of a progressive file only add details. A byte 0xff may precede a marker.
            let is_marker =
                |at: usize| file[at] == 0xff && [0xc4, 0xda].contains(&file[at + 1]) && at > scan;
            let is_between_scans = is_marker(end) || is_marker(end - 1);
            for rest in [&[0xff, 0xd9][..], &file] {
                let cut = [&file[..end], rest].concat();
                let result = decode_bytes(&cut);
                assert!(is_between_scans || result.is_err(), "{name}: {end}, {}", rest.len());
            }
        }
        // Some programs write a few bytes between the pixels and the marker of the end.
        let (pixels, end) = file.split_at(file.len() - 2);
        for extra in [&b"\x12\x34"[..], b"\xff\0", b"\0\0\0"] {
            let file = [pixels, extra, end].concat();
            assert_eq!(decode_bytes(&file).unwrap(), whole, "{name}: {extra:?}");
        }
        // Another picture and other data may follow.
        for rest in [&file[..], b"more"] {
            assert_eq!(decode_bytes(&[&file, rest].concat()).unwrap(), whole, "{name}");
        }
    }
}

#[test]
fn jpeg_with_damaged_data_is_rejected() {
    let file = from_pillow("whole.jpg");
    let scan = file.windows(2).position(|marker| marker == [0xff, 0xda]).unwrap() + 12;
    let mut random = 1_u32;
    for round in 0..200 {
        let mut damaged = file.clone();
        let start = scan + round * 7 % (file.len() - scan - 600);
        for byte in &mut damaged[start..start + 512] {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (random >> 24) as u8;
        }
        assert!(decode_bytes(&damaged).is_err(), "{round}");
    }
}
