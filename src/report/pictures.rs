//! Images as PNG data URIs.

use base64::prelude::{BASE64_STANDARD, Engine};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use crate::data::{Image, SIDE};

/// `image` as a `data:` address of a grey PNG.
pub fn data_uri(image: &Image) -> String {
    let mut png = Vec::new();
    let encoder =
        PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive);
    let side = SIDE as u32;
    encoder
        .write_image(image, side, side, ExtendedColorType::L8)
        .expect("memory takes every image");
    format!("data:image/png;base64,{}", BASE64_STANDARD.encode(&png))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_becomes_a_small_png() {
        let uri = data_uri(&std::array::from_fn(|pixel| pixel as u8));
        assert!(uri.starts_with("data:image/png;base64,iVBORw0KGgo"));
        assert!(uri.len() < 2000);
    }
}
