//! Greyscale images drawn in a terminal. Each character represents two pixels, one above the other.

/// Draws with upper half blocks in the 24 greys, black and white of a 256-colour terminal. The foreground is the upper
/// pixel and the background the lower one.
pub fn half_blocks(pixels: &[u8], width: usize) -> Vec<String> {
    let line = |pairs: Vec<[u8; 2]>| {
        let mut line = String::new();
        for run in pairs.chunk_by(|a, b| a.map(colour) == b.map(colour)) {
            let [upper, lower] = run[0].map(colour);
            line += &format!("\x1b[38;5;{upper};48;5;{lower}m");
            line += &"\u{2580}".repeat(run.len());
        }
        line + "\x1b[0m"
    };
    pairs(pixels, width).map(line).collect()
}

/// Draws with ten ASCII characters from blank to dense, for output without colours.
pub fn ascii(pixels: &[u8], width: usize) -> Vec<String> {
    const RAMP: &[u8; 10] = b" .:-=+*#%@";
    let character = |[upper, lower]: [u8; 2]| {
        let grey = (usize::from(upper) + usize::from(lower)).div_ceil(2);
        char::from(RAMP[grey * RAMP.len() / 256])
    };
    pairs(pixels, width).map(|pairs| pairs.into_iter().map(character).collect()).collect()
}

/// Returns each output line's `[upper, lower]` pixel pairs.
fn pairs(pixels: &[u8], width: usize) -> impl Iterator<Item = Vec<[u8; 2]>> {
    assert_eq!(pixels.len() % (2 * width), 0, "rows come in pairs");
    pixels.chunks_exact(2 * width).map(move |rows| {
        let (upper, lower) = rows.split_at(width);
        upper.iter().zip(lower).map(|(upper, lower)| [*upper, *lower]).collect()
    })
}

/// Returns the nearest xterm colour: 16 is black, 231 is white, and 232 to 255 are the greys 8, 18, .. 238.
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
    fn grey_maps_to_nearest_terminal_colour() {
        let pairs = [(0, 16), (3, 16), (4, 232), (8, 232), (13, 232), (14, 233), (238, 255)];
        for (grey, expected) in pairs {
            assert_eq!(colour(grey), expected, "{grey}");
        }
        assert_eq!((colour(246), colour(247), colour(255)), (255, 231, 231));
    }

    #[test]
    fn text_line_covers_two_pixel_rows() {
        let mut image = [0; 784];
        image[..28].fill(255);
        let blocks = half_blocks(&image, 28);
        assert_eq!(blocks[0], format!("\x1b[38;5;231;48;5;16m{}\x1b[0m", "▀".repeat(28)));
        assert_eq!(blocks[13], format!("\x1b[38;5;16;48;5;16m{}\x1b[0m", "▀".repeat(28)));
        let lines = ascii(&image, 28);
        assert_eq!(lines[0], "+".repeat(28));
        assert_eq!(lines[1], " ".repeat(28));
        assert_eq!(ascii(&[255; 784], 28)[7], "@".repeat(28));
    }
}
