//! The reason for a prediction as an occlusion map: how far the probability of the predicted class falls if a part of the
//! image is covered (Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks"). The report computes
//! the same map in `src/cli/report/script/network.js`.

use std::path::Path;

use image::{ExtendedColorType, ImageEncoder};
use serde::Serialize;

use crate::backend::LeNetBackend;
use crate::cli::commands::new_file;
use crate::cli::error::Error;
use crate::data::{Image, ImageDataset, PIXELS, SIDE};
use crate::eval::{self, outputs};
use crate::io::Origin;
use crate::model::{Weights, probabilities};

/// Side length of the square that is covered.
const PATCH: usize = 7;
/// Side length, in the PNG picture, of a pixel of the image.
const SCALE: usize = 10;

/// The occlusion map of an image.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Why {
    /// Side length of the square that is covered.
    patch: usize,
    /// For each pixel, row by row, how far the probability falls if the square centred on that pixel is black.
    falls: Vec<f64>,
}

impl Why {
    /// Computes the map of the class `label`, which has this `probability` for `image`.
    pub(super) fn new<B: LeNetBackend>(
        weights: &Weights,
        image: &Image,
        (label, probability): (usize, f64),
        device: &B::Device,
    ) -> Result<Self, Error> {
        let covered = (0..PIXELS).map(|centre| cover(image, centre)).collect();
        let covered = ImageDataset::new(covered, vec![0; PIXELS]);
        let outputs = outputs::<B>(weights, &covered, eval::BATCH_SIZE, device)?;
        let falls = outputs.iter().map(|row| probability - probabilities(row)[label]).collect();
        Ok(Self { patch: PATCH, falls })
    }

    /// Returns the largest absolute fall.
    fn largest(&self) -> f64 {
        self.falls.iter().fold(0.0, |largest, fall| largest.max(fall.abs()))
    }

    /// Draws the map as text: a digit per pixel, from 1 to 9 for the largest fall, `-` if the probability rises instead, and
    /// `.` if it hardly changes.
    pub(super) fn text(&self, class: &str) -> String {
        let largest = self.largest();
        let character = |fall: &f64| match (9.0 * fall / largest.max(1e-9)).round() {
            ninths if ninths >= 1.0 => char::from(b'0' + ninths as u8),
            ninths if ninths <= -1.0 => '-',
            _ => '.',
        };
        let mut text = format!(
            "  Drop in P({class}) if the {PATCH}x{PATCH} square there is black\n  \
             (9: by {largest:.4}; -: an increase):"
        );
        for row in self.falls.chunks(SIDE) {
            let row: Vec<String> = row.iter().map(|fall| character(fall).to_string()).collect();
            text += &format!("\n  {}", row.join(" "));
        }
        text
    }

    /// Writes the image with the map over it as a PNG picture: blue if the probability falls, orange if it rises.
    pub(super) fn write_png(&self, image: &Image, path: &Path, force: bool) -> Result<(), Error> {
        let side = SIDE * SCALE;
        let mut pixels = Vec::with_capacity(3 * side * side);
        for at in 0..side * side {
            let pixel = at / side / SCALE * SIDE + at % side / SCALE;
            pixels.extend(self.tint(image[pixel], self.falls[pixel]));
        }
        let mut png = Vec::new();
        image::codecs::png::PngEncoder::new(&mut png)
            .write_image(&pixels, side as u32, side as u32, ExtendedColorType::Rgb8)
            .expect("writing to memory never fails");
        Ok(new_file(path, Origin::User, force)?.write(&png, force)?)
    }

    /// Returns the colour of a pixel with this grey value and this fall.
    fn tint(&self, grey: u8, fall: f64) -> [u8; 3] {
        let colour = if fall < 0.0 { [240.0, 140.0, 58.0] } else { [70.0, 150.0, 235.0] };
        let opacity = 0.75 * fall.abs() / self.largest().max(1e-9);
        colour.map(|part| (opacity * part + (1.0 - opacity) * f64::from(grey)).round() as u8)
    }
}

/// Returns `image` with the square centred on a pixel in black.
fn cover(image: &Image, centre: usize) -> Image {
    let reach = PATCH / 2;
    let (y, x) = (centre / SIDE, centre % SIDE);
    let range = |at: usize| at.saturating_sub(reach)..(at + reach + 1).min(SIDE);
    let mut covered = *image;
    for row in range(y) {
        covered[row * SIDE..][range(x)].fill(0);
    }
    covered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn square_is_clipped_at_edges() {
        let image = [9; PIXELS];
        let count = |centre| cover(&image, centre).iter().filter(|pixel| **pixel == 0).count();
        assert_eq!(
            [count(0), count(14), count(14 * SIDE + 14), count(PIXELS - 1)],
            [16, 28, 49, 16]
        );
        let covered = cover(&image, 10 * SIDE + 20);
        assert_eq!(
            (covered[7 * SIDE + 17], covered[7 * SIDE + 16], covered[13 * SIDE + 23]),
            (0, 9, 0)
        );
    }

    #[test]
    fn map_is_relative_to_largest_fall() {
        let mut falls = vec![0.0; PIXELS];
        (falls[0], falls[1], falls[2], falls[3]) = (0.9, 0.1, -0.3, 0.01);
        let why = Why { patch: PATCH, falls };
        let text = why.text("Coat");
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with("  Drop in P(Coat) if the 7x7 square"), "{text}");
        assert_eq!(lines[1], "  (9: by 0.9000; -: an increase):");
        assert!(lines[2].starts_with("  9 1 - . . "), "{text}");
        assert_eq!((lines.len(), lines[29].len()), (30, 57));
        // A map without any change is blank.
        let blank = Why { patch: PATCH, falls: vec![0.0; PIXELS] };
        assert!(blank.text("Coat").ends_with(&format!("  {}.", ". ".repeat(27))));
        assert_eq!(blank.tint(100, 0.0), [100; 3]);
        assert_eq!(why.tint(100, 0.9), [78, 138, 201]);
    }
}
