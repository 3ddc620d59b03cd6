//! A grey picture of any size to the 28x28 image that the network sees.

use clap::ValueEnum;
use image::imageops::{self, FilterType};
use image::{GenericImageView, GrayImage, Luma};

use crate::data::{Image, SIDE};

/// Whether to negate grey values: the training images are bright on black.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Invert {
    /// If the border of the picture is bright
    Auto,
    /// Always
    Yes,
    /// Never
    No,
}

/// What was made of a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// What the network sees.
    pub image: Image,
    /// Whether the grey values were negated.
    pub inverted: bool,
}

/// Grey values this near to the background's are background: 5 % of the range, as when Fashion-MNIST was made.
const TOLERANCE: u8 = 12;

/// Brings `picture` into the form of the training images.
///
/// Edges of the background's colour (the median of the border) are trimmed, the rest is scaled by averaging so
/// that its longer side is 28 pixels, its proportions kept, and put in the middle of the background. A picture
/// that is 28x28 already is taken as it stands.
pub fn prepare(mut picture: GrayImage, invert: Invert) -> Prepared {
    let inverted = match invert {
        Invert::Yes => true,
        Invert::No => false,
        Invert::Auto => is_light(&picture),
    };
    if inverted {
        imageops::invert(&mut picture);
    }
    let side = SIDE as u32;
    if picture.dimensions() != (side, side) {
        picture = fit(&picture);
    }
    let mut image = [0; SIDE * SIDE];
    image.copy_from_slice(picture.as_raw());
    Prepared { image, inverted }
}

/// Whether the background is light: the mean of the border is above the middle of the range. Of Fashion-MNIST's
/// 60,000 training images none is light by this measure: the brightest border among them has a mean of 108.
pub fn is_light(picture: &GrayImage) -> bool {
    let border = border(picture);
    let sum: u64 = border.iter().map(|grey| u64::from(*grey)).sum();
    2 * sum > 255 * border.len() as u64
}

/// The grey values of the outermost frame, which is as wide as a pixel of the 28x28 image.
fn border(picture: &GrayImage) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    let frame = (width.min(height) / SIDE as u32).max(1);
    let is_edge = |at: u32, length: u32| at < frame || at + frame >= length;
    let pixels = picture.enumerate_pixels();
    let pixels = pixels.filter(|(x, y, _)| is_edge(*x, width) || is_edge(*y, height));
    pixels.map(|(.., Luma([grey]))| *grey).collect()
}

/// The grey value below which half of the border lies.
fn background(picture: &GrayImage) -> u8 {
    let mut border = border(picture);
    let half = border.len().div_ceil(2).saturating_sub(1);
    if border.is_empty() { 0 } else { *border.select_nth_unstable(half).1 }
}

fn fit(picture: &GrayImage) -> GrayImage {
    let side = SIDE as u32;
    let background = background(picture);
    let [left, top, width, height] = object(picture, background);
    let longer = u64::from(width.max(height));
    // Rounded to the nearest; a thread keeps one pixel.
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

/// Left, top, width and height of the smallest rectangle that holds all that is not background; the whole
/// picture if there is nothing else.
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

    /// A rectangle of `grey` at (left, top) with these sides on `background`.
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
    fn a_picture_of_28x28_is_taken_as_it_stands() {
        let picture = GrayImage::from_fn(28, 28, |x, y| Luma([(x * y % 200) as u8]));
        let prepared = prepare(picture.clone(), Invert::No);
        assert_eq!(prepared.image.as_slice(), picture.as_raw().as_slice());
        let inverted = prepare(picture.clone(), Invert::Yes).image;
        assert!(inverted.iter().zip(picture.as_raw()).all(|(a, b)| *a == 255 - b));
    }

    #[test]
    fn the_object_fills_the_longer_side_keeps_its_proportions_and_stands_in_the_middle() {
        let picture = rectangle([300, 200], [200, 20, 60, 120], 210, 0);
        let image = prepare(picture, Invert::Auto).image;
        let expected: Vec<u8> =
            (0..28).map(|x| if (7..21).contains(&x) { 210 } else { 0 }).collect();
        for row in rows(&image) {
            assert_eq!(row.as_slice(), expected);
        }
    }

    #[test]
    fn small_pictures_are_enlarged_and_a_thread_keeps_a_pixel() {
        let image = prepare(GrayImage::from_pixel(1, 1, Luma([90])), Invert::No).image;
        assert_eq!(image, [90; 784]);
        let image = prepare(rectangle([5000, 3], [0, 1, 5000, 1], 255, 0), Invert::No).image;
        assert_eq!(rows(&image)[13], [255; 28]);
        assert_eq!(image.iter().filter(|v| **v > 0).count(), 28);
    }

    #[test]
    fn a_light_background_is_inverted_unless_told_otherwise() {
        let picture = rectangle([100, 100], [10, 10, 80, 80], 20, 250);
        let auto = prepare(picture.clone(), Invert::Auto);
        assert!(auto.inverted);
        assert_eq!(auto.image[14 * 28 + 14], 235);
        let kept = prepare(picture, Invert::No);
        assert!(!kept.inverted);
        assert_eq!(kept.image[14 * 28 + 14], 20);
        assert!(!is_light(&rectangle([100, 100], [0, 0, 50, 100], 255, 0)));
    }

    #[test]
    fn a_blank_picture_stays_blank() {
        let image = prepare(GrayImage::from_pixel(640, 480, Luma([40])), Invert::Auto).image;
        assert_eq!(image, [40; 784]);
    }

    #[test]
    fn a_faint_edge_is_background_and_a_thin_frame_does_not_decide() {
        let mut picture = rectangle([280, 280], [50, 50, 180, 180], 30, 240);
        for (x, y, pixel) in picture.enumerate_pixels_mut() {
            if x == 0 || y == 0 || x == 279 || y == 279 {
                *pixel = Luma([0]);
            }
        }
        assert!(is_light(&picture));
        let noisy = GrayImage::from_fn(90, 90, |x, y| {
            let inside = (30..60).contains(&x) && (30..60).contains(&y);
            Luma([if inside { 255 } else { ((x + y) % TOLERANCE as u32) as u8 }])
        });
        assert_eq!(prepare(noisy, Invert::Auto).image, [255; 784]);
    }
}
