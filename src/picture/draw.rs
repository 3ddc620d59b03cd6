//! A 28x28 image as 14 lines of a terminal.

use std::fmt::Write;

use crate::data::{Image, SIDE};

/// Lines of a drawing: a character stands for two pixels, one above the other.
const LINES: usize = SIDE / 2;

/// In the 24 greys, black and white of a 256-colour terminal: upper half blocks, the upper pixel their
/// foreground, the lower their background.
#[must_use]
pub fn half_blocks(image: &Image) -> [String; LINES] {
    lines(image, |pairs| {
        let mut line = String::new();
        let mut colours = None;
        for pair in pairs {
            let wanted = pair.map(colour);
            if colours != Some(wanted) {
                let [upper, lower] = wanted;
                let _ = write!(line, "\x1b[38;5;{upper};48;5;{lower}m");
                colours = Some(wanted);
            }
            line.push('\u{2580}');
        }
        line + "\x1b[0m"
    })
}

/// In ten characters from blank to dense, for where there is no colour.
#[must_use]
pub fn ascii(image: &Image) -> [String; LINES] {
    const RAMP: &[u8; 10] = b" .:-=+*#%@";
    lines(image, |pairs| {
        let character = |[upper, lower]: [u8; 2]| {
            let grey = (usize::from(upper) + usize::from(lower)).div_ceil(2);
            char::from(RAMP[grey * RAMP.len() / 256])
        };
        pairs.map(character).collect()
    })
}

fn lines(
    image: &Image,
    line: impl Fn(&mut dyn Iterator<Item = [u8; 2]>) -> String,
) -> [String; LINES] {
    let (rows, _) = image.as_chunks::<SIDE>();
    std::array::from_fn(|index| {
        let (upper, lower) = (rows[2 * index], rows[2 * index + 1]);
        line(&mut (0..SIDE).map(|column| [upper[column], lower[column]]))
    })
}

/// The nearest of xterm's colours: 16 is black, 232 to 255 are 8, 18, .. 238, 231 is white.
fn colour(grey: u8) -> u8 {
    match grey {
        0..4 => 16,
        4..247 => 232 + (grey - 4).min(234) / 10,
        247.. => 231,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_the_nearest_ones() {
        let pairs = [
            (0, 16),
            (3, 16),
            (4, 232),
            (8, 232),
            (13, 232),
            (14, 233),
            (238, 255),
        ];
        for (grey, expected) in pairs {
            assert_eq!(colour(grey), expected, "{grey}");
        }
        assert_eq!((colour(246), colour(247), colour(255)), (255, 231, 231));
    }

    #[test]
    fn a_line_holds_two_rows_of_pixels() {
        let mut image = [0; 784];
        image[..28].fill(255);
        let blocks = half_blocks(&image);
        assert_eq!(
            blocks[0],
            format!("\x1b[38;5;231;48;5;16m{}\x1b[0m", "▀".repeat(28))
        );
        assert_eq!(
            blocks[13],
            format!("\x1b[38;5;16;48;5;16m{}\x1b[0m", "▀".repeat(28))
        );
        let lines = ascii(&image);
        assert_eq!(lines[0], "+".repeat(28));
        assert_eq!(lines[1], " ".repeat(28));
        assert_eq!(ascii(&[255; 784])[7], "@".repeat(28));
    }
}
