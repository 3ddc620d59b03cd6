//! Images as PNG data URIs.

use base64::prelude::{BASE64_STANDARD, Engine};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use crate::data::{Image, SIDE};

/// `image` as a `data:` address of a grey PNG.
pub fn data_uri(image: &Image) -> String {
    encode(image, 1)
}

/// `images` below each other in one picture, as a `data:` address; nothing if there are none.
pub fn sprite(images: &[&Image]) -> String {
    match images.len() {
        0 => String::new(),
        number => encode(&images.iter().copied().copied().collect::<Vec<_>>().concat(), number),
    }
}

fn encode(pixels: &[u8], images: usize) -> String {
    let mut png = Vec::new();
    let encoder =
        PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive);
    let [width, height] = [SIDE as u32, (SIDE * images) as u32];
    encoder
        .write_image(pixels, width, height, ExtendedColorType::L8)
        .expect("memory takes every image");
    format!("data:image/png;base64,{}", BASE64_STANDARD.encode(&png))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_becomes_a_small_png() {
        let image = std::array::from_fn(|pixel| pixel as u8);
        let uri = data_uri(&image);
        assert!(uri.starts_with("data:image/png;base64,iVBORw0KGgo"));
        assert!(uri.len() < 2000);
        assert_eq!(sprite(&[&image]), uri);
        assert_eq!(sprite(&[]), "");
    }
}
