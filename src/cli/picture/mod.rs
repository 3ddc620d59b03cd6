//! Picture files from outside the data set: decoding to grey pixels, and conversion to 28x28 images.
//!
//! Fashion-MNIST was made from shop photographs (Xiao, Rasul, Vollgraf 2017, section 2). Margins in the colour of the corners
//! were trimmed, the longer side was scaled to 28 pixels, the shorter side was padded, and the grey values were inverted, which
//! gives a bright object on black. [`read()`] and [`prepare()`] do the same, with two differences. They scale by averaging,
//! whereas the authors dropped rows and columns and then sharpened the image. And they invert a picture only if its subject is
//! darker than its background. [`warnings`] reports properties of the result that the training images do not have.

#[cfg(test)]
mod damaged;
mod draw;
mod error;
mod headers;
mod jpeg;
mod jpeg_bits;
mod prepare;
mod read;
mod statistics;

pub use draw::{ascii, half_blocks};
pub use error::PictureError;
pub use prepare::{Crop, Invert, Prepared, doubt, prepare};
pub use read::{MAX_BYTES, MAX_FILE_BYTES, MAX_SIDE, decode, decode_within, read};
pub use statistics::{RANGES, Range, statistics, warnings};
