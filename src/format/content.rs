//! Tells what a file is by its first bytes.

use super::Format;

/// What the first bytes of a file say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// A model file of this format, or one that begins like it.
    Model(Format),
    /// No model: what it is, with its article.
    Other(&'static str),
    /// Nothing known.
    Unknown,
}

/// Kinds of file that are taken for models by mistake, by the bytes with which they begin.
const OTHERS: [(&[u8], &str); 10] = [
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (Keras .h5)"),
    (b"\x93NUMPY", "a NumPy file"),
    (b"%PDF", "a PDF document"),
    (b"GGUF", "a GGUF model"),
    (b"<!DOCTYPE", "an HTML page"),
    (b"<html", "an HTML page"),
];

/// Recognises `bytes`, the content of a whole file.
pub(super) fn recognise(bytes: &[u8]) -> Content {
    if bytes.is_empty() {
        return Content::Other("empty");
    }
    if let Some((_, found)) = OTHERS.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Content::Other(found);
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return zip_content(bytes);
    }
    // A map whose first key is "metadata".
    if bytes.get(1..10) == Some(b"\xa8metadata") && bytes[0] & 0xf0 == 0x80 {
        return Content::Model(Format::Mpk);
    }
    // The length of the header in eight bytes, then its JSON object.
    if bytes.get(6..9) == Some(b"\0\0{") {
        return Content::Model(Format::Safetensors);
    }
    // A pickle of protocol 2 to 5, as PyTorch wrote before 1.6.
    if let [0x80, 2..=5, ..] = bytes {
        return Content::Model(Format::Torch);
    }
    Content::Unknown
}

/// Tells PyTorch's archives, which hold a `data.pkl`, from other zip files.
fn zip_content(bytes: &[u8]) -> Content {
    const PICKLE: &[u8] = b"data.pkl";
    // PyTorch writes it first; its name follows the header of 30 bytes and a folder of any name.
    let head = &bytes[..bytes.len().min(1024)];
    if head.windows(PICKLE.len()).any(|window| window == PICKLE) {
        Content::Model(Format::Torch)
    } else {
        Content::Other("a zip file (not one of PyTorch)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_kinds_are_told_by_their_first_bytes() {
        let cases: [(&[u8], Content); 7] = [
            (b"", Content::Other("empty")),
            (b"\x89PNG\r\n\x1a\n\0\0", Content::Other("a PNG image")),
            (b"\x83\xa8metadata\x85", Content::Model(Format::Mpk)),
            (b"\x50\x03\0\0\0\0\0\0{\"a\"", Content::Model(Format::Safetensors)),
            (b"PK\x03\x04....m/data.pkl", Content::Model(Format::Torch)),
            (b"PK\x03\x04....word/document.xml", Content::Other("a zip file (not one of PyTorch)")),
            (b"hello", Content::Unknown),
        ];
        for (bytes, expected) in cases {
            assert_eq!(recognise(bytes), expected, "{bytes:?}");
        }
    }
}
