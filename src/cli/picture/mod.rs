//! Pictures from outside the data set: file -> grey pixels -> 28x28 image as the network knows them.
//!
//! Fashion-MNIST was made from shop photographs (Xiao, Rasul, Vollgraf 2017, section 2): edges of the colour of
//! the corners are trimmed, the longest side is shrunk to 28 pixels, the shorter is padded, and the grey values
//! are negated, which leaves a bright object on black. [`read()`] and [`prepare()`] do the same, but for two steps:
//! the picture is shrunk by averaging, where theirs drops rows and columns and then sharpens; and only what has a
//! light background is negated. [`warnings`] tells what of the result the training images never show.

mod draw;
mod fit;
mod read;
mod statistics;

pub use draw::{ascii, half_blocks};
pub use fit::{Invert, Prepared, is_light, prepare};
pub use read::{MAX_BYTES, MAX_FILE_BYTES, MAX_SIDE, PictureError, read};
pub use statistics::{RANGES, Range, statistics, warnings};
