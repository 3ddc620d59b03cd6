//! Conversion of a greyscale picture of any size to a 28x28 image for the network.

use clap::ValueEnum;
use image::imageops::{self, FilterType};
use image::{GenericImageView, GrayImage, Luma};

use crate::data::{Image, SIDE};

/// When to invert the grey values. The training images are bright on black.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Invert {
    /// If the subject is darker than the background
    Auto,
    /// Always
    Yes,
    /// Never
    No,
}

/// A picture converted for the network.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// The 28x28 image.
    pub image: Image,
    /// Whether the grey values were inverted.
    pub inverted: bool,
}

/// Maximum difference from the background at which a pixel counts as background: 5 % of the range, as in the creation of
/// Fashion-MNIST.
const TOLERANCE: u8 = 12;

/// Difference from the background below which a picture counts as faint: a quarter of the range.
const FAINT: u8 = 64;

/// A part of a picture: left, top, width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crop(pub [u32; 4]);

impl Crop {
    /// Returns this part of `picture`, or `None` if it is not inside the picture.
    pub fn of(self, picture: &GrayImage) -> Option<GrayImage> {
        let [left, top, width, height] = self.0;
        let is_inside = |start: u32, length: u32, end: u32| {
            length > 0 && start.checked_add(length).is_some_and(|last| last <= end)
        };
        let is_inside =
            is_inside(left, width, picture.width()) && is_inside(top, height, picture.height());
        is_inside.then(|| picture.view(left, top, width, height).to_image())
    }
}

/// Converts `picture` to the form of the training images.
///
/// Margins in the background colour (the median of the border) are trimmed. The rest is scaled by averaging, keeping the
/// aspect ratio, until the longer side is 28 pixels, and centred on the background. A picture that already has 28x28
/// pixels is not trimmed or scaled.
pub fn prepare(mut picture: GrayImage, invert: Invert) -> Prepared {
    let inverted = match invert {
        Invert::Yes => true,
        Invert::No => false,
        Invert::Auto => is_dark_on_light(&picture),
    };
    if inverted {
        imageops::invert(&mut picture);
    }
    let side = SIDE as u32;
    if picture.dimensions() != (side, side) {
        picture = trim_and_scale(&picture);
    }
    let mut image = [0; SIDE * SIDE];
    image.copy_from_slice(picture.as_raw());
    Prepared { image, inverted }
}

/// Returns whether the subject is darker than the background, that is, whether the mean of the middle of the picture is below
/// the median of the border. If these hardly differ, the mean of the whole picture decides, and finally the border alone.
///
/// A test checks all training images of Fashion-MNIST and their negatives.
pub fn is_dark_on_light(picture: &GrayImage) -> bool {
    let background = background(picture);
    let (width, height) = picture.dimensions();
    // Returns by how much the part without these margins is brighter than the background, as a mean.
    let difference = |left: u32, top: u32| {
        let view = picture.view(left, top, width - 2 * left, height - 2 * top);
        let sum: i64 =
            view.pixels().map(|(.., Luma([grey]))| i64::from(grey) - i64::from(background)).sum();
        sum as f64 / (f64::from(view.width()) * f64::from(view.height()))
    };
    match (difference(width / 4, height / 4), difference(0, 0)) {
        (middle, _) if middle.abs() > 2.0 => middle < 0.0,
        (_, whole) if whole != 0.0 => whole < 0.0,
        _ => background > 127,
    }
}

/// Returns the grey values of the border, a frame as wide as one pixel of the 28x28 image.
fn border(picture: &GrayImage) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    let frame = (width.min(height) / SIDE as u32).max(1);
    let is_edge = |at: u32, length: u32| at < frame || at + frame >= length;
    let pixels = picture.enumerate_pixels();
    let pixels = pixels.filter(|(x, y, _)| is_edge(*x, width) || is_edge(*y, height));
    pixels.map(|(.., Luma([grey]))| *grey).collect()
}

/// Returns the background colour, which is the median of the border.
fn background(picture: &GrayImage) -> u8 {
    let mut border = border(picture);
    let half = border.len().div_ceil(2).saturating_sub(1);
    if border.is_empty() { 0 } else { *border.select_nth_unstable(half).1 }
}

/// Describes why hardly anything can be seen in `picture`, if so: it is blank, or it differs little from its background.
pub fn doubt(picture: &GrayImage) -> Option<String> {
    let background = background(picture);
    let contrast = picture.as_raw().iter().map(|grey| grey.abs_diff(background)).max();
    match contrast.unwrap_or_default() {
        ..=TOLERANCE => Some("blank: nothing differs from the background".to_owned()),
        contrast if contrast < FAINT => Some(format!(
            "faint: differs from the background by at most {contrast} of 255 grey levels"
        )),
        _ => None,
    }
}

fn trim_and_scale(picture: &GrayImage) -> GrayImage {
    let side = SIDE as u32;
    let background = background(picture);
    let [left, top, width, height] = object(picture, background);
    let longer = u64::from(width.max(height));
    // Round to the nearest size, but keep at least one pixel of a thin object.
    let scaled = |length: u32| {
        let doubled = 2 * u64::from(length) * u64::from(side);
        ((doubled + longer) / (2 * longer)).max(1) as u32
    };
    let (new_width, new_height) = (scaled(width), scaled(height));
    let view = picture.view(left, top, width, height);
    let scaled = imageops::resize(&*view, new_width, new_height, FilterType::Triangle);
    let mut canvas = GrayImage::from_pixel(side, side, Luma([background]));
    let middle = |length: u32| i64::from((side - length) / 2);
    imageops::replace(&mut canvas, &scaled, middle(new_width), middle(new_height));
    canvas
}

/// Returns left, top, width and height of the bounding box of everything that is not background, or of the whole picture
/// if it contains only background.
fn object(picture: &GrayImage, background: u8) -> [u32; 4] {
    let (width, height) = picture.dimensions();
    let [mut left, mut right, mut top, mut bottom] = [width, 0, height, 0];
    for (x, y, Luma([grey])) in picture.enumerate_pixels() {
        if grey.abs_diff(background) > TOLERANCE {
            (left, right) = (left.min(x), right.max(x));
            (top, bottom) = (top.min(y), bottom.max(y));
        }
    }
    if left > right {
        return [0, 0, width, height];
    }
    [left, top, right - left + 1, bottom - top + 1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{self, Options, Part};

    /// Draws a rectangle `rect` (left, top, width, height) in `grey` on `background`.
    fn rectangle(size: [u32; 2], rect: [u32; 4], grey: u8, background: u8) -> GrayImage {
        let [left, top, width, height] = rect;
        GrayImage::from_fn(size[0], size[1], |x, y| {
            let inside = (left..left + width).contains(&x) && (top..top + height).contains(&y);
            Luma([if inside { grey } else { background }])
        })
    }

    fn rows(image: &Image) -> &[[u8; SIDE]] {
        image.as_chunks().0
    }

    #[test]
    fn object_is_scaled_and_centred() {
        let picture = rectangle([300, 200], [200, 20, 60, 120], 210, 0);
        let image = prepare(picture, Invert::Auto).image;
        let expected: Vec<u8> =
            (0..28).map(|x| if (7..21).contains(&x) { 210 } else { 0 }).collect();
        for row in rows(&image) {
            assert_eq!(row.as_slice(), expected);
        }
    }

    #[test]
    fn small_and_thin_pictures_are_scaled() {
        let image = prepare(GrayImage::from_pixel(1, 1, Luma([90])), Invert::No).image;
        assert_eq!(image, [90; 784]);
        let image = prepare(rectangle([5000, 3], [0, 1, 5000, 1], 255, 0), Invert::No).image;
        assert_eq!(rows(&image)[13], [255; 28]);
        assert_eq!(image.iter().filter(|v| **v > 0).count(), 28);
    }

    #[test]
    fn polarity_compares_subject_with_background() {
        let (wide, corner) = ([40, 25, 120, 150], [3, 3, 12, 12]);
        for (rect, subject, background, expected) in [
            (wide, 235, 150, false), // a light shirt on wood
            (wide, 40, 110, true),   // a dark shirt on grey
            (wide, 240, 255, true),  // a white shirt on white
            (wide, 20, 0, false),
            (corner, 235, 150, false),
            (corner, 40, 110, true),
        ] {
            let picture = rectangle([200, 200], rect, subject, background);
            assert_eq!(is_dark_on_light(&picture), expected, "{subject} on {background}");
        }
        assert!(!is_dark_on_light(&GrayImage::from_pixel(9, 9, Luma([127]))));
        assert!(is_dark_on_light(&GrayImage::from_pixel(9, 9, Luma([128]))));
    }

    #[test]
    fn training_images_are_light_on_dark() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/data").into();
        let options = Options { dir: Some(dir), ..Options::default() };
        let (images, _) = data::load_part(Part::Train, &options).unwrap();
        for (index, image) in images.images().iter().enumerate() {
            let mut picture = GrayImage::from_vec(28, 28, image.to_vec()).unwrap();
            assert!(!is_dark_on_light(&picture), "{index}");
            imageops::invert(&mut picture);
            assert!(is_dark_on_light(&picture), "the negative of {index}");
        }
    }

    #[test]
    fn crop_is_part_of_picture() {
        let picture = rectangle([10, 8], [6, 5, 4, 3], 200, 0);
        let part = Crop([6, 5, 4, 3]).of(&picture).unwrap();
        assert_eq!((part.dimensions(), part.as_raw().as_slice()), ((4, 3), &[200; 12][..]));
        for outside in [[6, 5, 5, 3], [6, 5, 4, 4], [0, 0, 0, 8], [u32::MAX, 0, 2, 2]] {
            assert_eq!(Crop(outside).of(&picture), None, "{outside:?}");
        }
    }

    #[test]
    fn blank_and_faint_pictures_are_doubted() {
        let doubt = |grey| doubt(&rectangle([40, 40], [10, 10, 5, 5], grey, 200));
        assert!(doubt(200 - TOLERANCE).unwrap().starts_with("blank: "));
        assert!(doubt(201 - FAINT).unwrap().contains("at most 63 of 255"));
        assert_eq!(doubt(200 - FAINT), None);
    }

    #[test]
    fn blank_picture_stays_blank() {
        let image = prepare(GrayImage::from_pixel(640, 480, Luma([40])), Invert::Auto).image;
        assert_eq!(image, [40; 784]);
    }

    #[test]
    fn thin_frame_and_noise_are_ignored() {
        let mut picture = rectangle([280, 280], [50, 50, 180, 180], 30, 240);
        for (x, y, pixel) in picture.enumerate_pixels_mut() {
            if x == 0 || y == 0 || x == 279 || y == 279 {
                *pixel = Luma([0]);
            }
        }
        assert!(is_dark_on_light(&picture));
        let noisy = GrayImage::from_fn(90, 90, |x, y| {
            let inside = (30..60).contains(&x) && (30..60).contains(&y);
            Luma([if inside { 255 } else { ((x + y) % TOLERANCE as u32) as u8 }])
        });
        assert_eq!(prepare(noisy, Invert::Auto).image, [255; 784]);
    }
}
