//! Grey pictures: as PNG, and as text on a terminal.

use std::env;
use std::io::{self, IsTerminal};

/// A picture of bytes, 0 black to 255 white, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    pixels: Vec<u8>,
}

impl Picture {
    /// All of one grey.
    ///
    /// # Panics
    /// If it has no pixel.
    #[must_use]
    pub fn filled(width: usize, height: usize, grey: u8) -> Self {
        assert!(width > 0 && height > 0, "a picture has at least one pixel");
        Self {
            width,
            pixels: vec![grey; width * height],
        }
    }

    /// Puts `pixels`, rows of `width` each, with their upper left corner at (`x`, `y`).
    ///
    /// # Panics
    /// If a part of them lies outside.
    pub fn paste(&mut self, pixels: &[u8], width: usize, x: usize, y: usize) {
        assert!(x + width <= self.width, "it lies outside of the picture");
        for (row, pixels) in pixels.chunks(width).enumerate() {
            let start = (y + row) * self.width + x;
            self.pixels[start..start + pixels.len()].copy_from_slice(pixels);
        }
    }

    fn height(&self) -> usize {
        self.pixels.len() / self.width
    }

    /// Half as wide and as high: a pixel is the mean of four.
    #[must_use]
    pub fn halved(&self) -> Self {
        let (width, height) = (self.width / 2, self.height() / 2);
        let mut half = Self::filled(width.max(1), height.max(1), 0);
        let at = |x: usize, y: usize| u16::from(self.pixels[y * self.width + x]);
        for y in 0..height {
            for x in 0..width {
                let (left, top) = (2 * x, 2 * y);
                let sum =
                    at(left, top) + at(left + 1, top) + at(left, top + 1) + at(left + 1, top + 1);
                half.pixels[y * width + x] = (sum / 4) as u8;
            }
        }
        half
    }

    /// As a file: PNG, 8 bits of grey.
    ///
    /// # Errors
    /// If a side is too long for the format.
    pub fn to_png(&self) -> io::Result<Vec<u8>> {
        let side = |length: usize| u32::try_from(length).map_err(io::Error::other);
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, side(self.width)?, side(self.height())?);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.pixels)?;
        writer.finish()?;
        Ok(bytes)
    }

    /// As lines for a terminal with 256 colours, two rows of pixels a line: the upper half block in the colour of
    /// the upper pixel, on that of the lower one.
    #[must_use]
    pub fn to_lines(&self) -> Vec<String> {
        let rows: Vec<&[u8]> = self.pixels.chunks(self.width).collect();
        let lines = rows.chunks(2).map(|pair| {
            let lower = pair.get(1);
            let mut line = String::new();
            let mut last = None;
            for (x, upper) in pair[0].iter().enumerate() {
                let colours = (colour(*upper), lower.map(|row| colour(row[x])));
                if last != Some(colours) {
                    line += &match colours {
                        (upper, Some(lower)) => format!("\x1b[38;5;{upper};48;5;{lower}m"),
                        (upper, None) => format!("\x1b[38;5;{upper};49m"),
                    };
                    last = Some(colours);
                }
                line.push('\u{2580}');
            }
            line + "\x1b[0m"
        });
        lines.collect()
    }
}

/// The nearest of the palette's greys: 232 to 255 are 8, 18, .. 238; 16 is black and 231 white.
fn colour(grey: u8) -> u8 {
    match grey {
        0..=3 => 16,
        4..=246 => 232 + (grey.saturating_sub(3) / 10).min(23),
        247..=255 => 231,
    }
}

/// Whether standard output shows colours: it is a terminal and nobody has asked otherwise, or CLICOLOR_FORCE
/// asks for them.
#[must_use]
pub fn colours_wanted() -> bool {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    if set("NO_COLOR") {
        return false;
    }
    let forced =
        env::var_os("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0");
    let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
    forced || (io::stdout().is_terminal() && !dumb)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four pixels: black, grey above white, white.
    fn four() -> Picture {
        let mut picture = Picture::filled(2, 2, 0);
        picture.paste(&[128, 255], 1, 1, 0);
        picture.paste(&[255], 1, 0, 1);
        picture
    }

    #[test]
    fn a_png_comes_back_as_it_was() {
        let bytes = four().to_png().unwrap();
        let mut reader = png::Decoder::new(io::Cursor::new(bytes))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (2, 2));
        assert_eq!(info.color_type, png::ColorType::Grayscale);
        assert_eq!(pixels, [0, 128, 255, 255]);
    }

    #[test]
    fn two_rows_are_one_line_and_an_odd_last_row_is_half_of_one() {
        let lines = four().to_lines();
        assert_eq!(
            lines,
            ["\x1b[38;5;16;48;5;231m\u{2580}\x1b[38;5;244;48;5;231m\u{2580}\x1b[0m"]
        );
        let lines = Picture::filled(3, 3, 0).to_lines();
        assert_eq!(lines[1], "\x1b[38;5;16;49m\u{2580}\u{2580}\u{2580}\x1b[0m");
    }

    #[test]
    fn every_grey_is_shown_by_one_at_most_seven_away() {
        for grey in 0..=255_u8 {
            let shown = match colour(grey) {
                16 => 0,
                231 => 255,
                index => 8 + 10 * (u16::from(index) - 232),
            };
            assert!(shown.abs_diff(u16::from(grey)) <= 8, "{grey} as {shown}");
        }
    }

    #[test]
    fn half_a_picture_is_made_of_means() {
        assert_eq!(four().halved(), Picture::filled(1, 1, 159));
    }
}
