//! Writes gzipped IDX files, in the format that [`idx`](super::idx) reads. Equal content gives equal bytes.

use std::io::{self, Write};

use flate2::{Compression, write::GzEncoder};

use super::idx::{IMAGES, Image, LABELS, SIDE};

/// Returns the file of `images`.
///
/// # Errors
/// Returns an error if the content cannot be compressed.
pub fn images(images: &[Image]) -> io::Result<Vec<u8>> {
    encode(&[IMAGES, images.len() as u32, SIDE as u32, SIDE as u32], images.as_flattened())
}

/// Returns the file of `labels`.
///
/// # Errors
/// Returns an error if the content cannot be compressed.
pub fn labels(labels: &[u8]) -> io::Result<Vec<u8>> {
    encode(&[LABELS, labels.len() as u32], labels)
}

/// Compresses a header of big-endian numbers and the values. The gzip header has no time and no file name.
fn encode(header: &[u32], values: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for number in header {
        encoder.write_all(&number.to_be_bytes())?;
    }
    encoder.write_all(values)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::super::gzip::Decoded;
    use super::super::idx::{PIXELS, read_images, read_labels};
    use super::*;

    #[test]
    fn written_files_can_be_read() {
        let pictures: Vec<Image> = (0..30).map(|index| [index; PIXELS]).collect();
        let file = images(&pictures).unwrap();
        assert_eq!(file, images(&pictures).unwrap());
        // No flags, no time, and an unknown operating system.
        assert_eq!((file[..8].to_vec(), file[9]), (vec![31, 139, 8, 0, 0, 0, 0, 0], 255));
        let decoded = Decoded::new(&file[..], file.len() as u64).unwrap();
        assert_eq!(read_images(decoded).unwrap().0, pictures);
        let classes: Vec<u8> = (0..30).map(|index| index % 3).collect();
        let file = labels(&classes).unwrap();
        let decoded = Decoded::new(&file[..], file.len() as u64).unwrap();
        assert_eq!(read_labels(decoded).unwrap().0, classes);
    }
}
