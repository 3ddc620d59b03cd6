//! Recognises files by their content, so that an error about an unusable file can name its type.

use std::fmt;

/// A type of file that users pass to the program, on purpose or by mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the displayed text says what each variant is")]
pub enum FileKind {
    Empty,
    GitLfsPointer,
    /// A web page or a server's error message instead of the file, with a description of its type.
    Page(&'static str),
    Json,
    Text,
    /// An archive, with a description of its type and the command that unpacks it.
    Archive(&'static str, &'static str),
    /// A compressed file, with a description of its type, the program that decompresses it, and its usual extension.
    Compressed(&'static str, &'static str, &'static str),
    /// A picture or a document, with a description of its type.
    Picture(&'static str),
    IdxFile,
    BurnRecord,
    Burnpack,
    Safetensors,
    TorchStateDict,
    Onnx,
    /// A Burn record in one of the formats that Burn 0.21 offers besides MessagePack.
    OtherBurnRecord,
    LegacyTorch,
    LegacyTorchTar,
    TorchScript,
    TorchExport,
    Pickle,
    ShardIndex,
    Numpy,
    NumpyArchive,
    Keras,
    Hdf5,
    SavedModel,
    RunRecord,
    /// A model in another format, or a program, with a description of its type.
    OtherModel(&'static str),
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "an empty file",
            Self::GitLfsPointer => "a Git LFS pointer, not the file that it stands for",
            Self::Json => "a JSON file",
            Self::Text => "a text file",
            Self::IdxFile => "an IDX file of a data set",
            Self::BurnRecord => "a Burn record (.mpk)",
            Self::Burnpack => "a Burnpack file (.bpk)",
            Self::Safetensors => "a safetensors file",
            Self::TorchStateDict => "a PyTorch file",
            Self::Onnx => "an ONNX model",
            Self::OtherBurnRecord => "a Burn record that is not in Burn's named MessagePack format",
            Self::LegacyTorch => "a PyTorch file in the pre-1.6 format",
            Self::LegacyTorchTar => "a PyTorch file in the pre-0.2 format",
            Self::TorchScript => "a TorchScript program",
            Self::TorchExport => "an exported PyTorch program",
            Self::Pickle => "a Python pickle that is not from PyTorch",
            Self::ShardIndex => "the index of a sharded model, which has no weights",
            Self::Numpy => "a NumPy array",
            Self::NumpyArchive => "a NumPy archive (.npz)",
            Self::Keras => "a Keras model",
            Self::Hdf5 => "an HDF5 file (Keras .h5)",
            Self::SavedModel => "a TensorFlow SavedModel",
            Self::RunRecord => "a run record, which has no weights",
            Self::Page(name)
            | Self::Archive(name, _)
            | Self::Compressed(name, ..)
            | Self::Picture(name)
            | Self::OtherModel(name) => name,
        })
    }
}

/// Types that are recognised by their first bytes.
const MAGIC_AT_START: [(&[u8], FileKind); 34] = {
    use FileKind::*;
    [
        (b"version https://git-lfs.github.com/", GitLfsPointer),
        (b"\x89PNG\r\n\x1a\n", Picture("a PNG image")),
        (b"\xff\xd8\xff", Picture("a JPEG image")),
        (b"GIF8", Picture("a GIF image")),
        (b"II*\0", Picture("a TIFF image")),
        (b"MM\0*", Picture("a TIFF image")),
        (b"\0\0\x01\0", Picture("an icon")),
        (b"\xff\x0a", Picture("a JPEG XL image")),
        (b"\0\0\0\x0cJXL ", Picture("a JPEG XL image")),
        (b"<svg", Picture("an SVG image")),
        (b"%PDF", Picture("a PDF document")),
        (b"\0\0\x08\x01", IdxFile),
        (b"\0\0\x08\x03", IdxFile),
        (b"NRUB", Burnpack),
        (b"\x89HDF\r\n\x1a\n", Hdf5),
        (b"\x93NUMPY", Numpy),
        // The pickled magic number of PyTorch, 0x1950a86a20f9469cfc6c.
        (b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", LegacyTorch),
        (b"\x80\x02", Pickle),
        (b"\x80\x03", Pickle),
        (b"\x80\x04", Pickle),
        (b"\x80\x05", Pickle),
        // The version of the format, 1, and the graphs.
        (b"\x08\x01\x12", SavedModel),
        (b"GGUF", OtherModel("a GGUF model")),
        (b"\x12\x01\0\0\0\0\0\0", OtherModel("an MXNet parameter file")),
        (b"\x1f\x8b", Compressed("a gzip file", "gunzip", "gz")),
        (b"BZh", Compressed("a bzip2 file", "bunzip2", "bz2")),
        (b"\xfd7zXZ\0", Compressed("an xz file", "unxz", "xz")),
        (b"\x28\xb5\x2f\xfd", Compressed("a Zstandard file", "unzstd", "zst")),
        (b"7z\xbc\xaf\x27\x1c", Archive("a 7-Zip archive", "7z x")),
        (b"Rar!\x1a\x07", Archive("a RAR archive", "unrar x")),
        (b"\x7fELF", OtherModel("a program")),
        (b"MZ", OtherModel("a program")),
        (b"\xca\xfe\xba\xbe", OtherModel("a program")),
        (b"\xcf\xfa\xed\xfe", OtherModel("a program")),
    ]
};

/// Types that are recognised by bytes at an offset.
const MAGIC_AT_OFFSET: [(usize, &[u8], FileKind); 9] = {
    use FileKind::*;
    [
        (4, b"TFL3", OtherModel("a TensorFlow Lite model")),
        (4, b"ET12", OtherModel("an ExecuTorch program")),
        (4, b"ftypheic", Picture("a HEIC image")),
        (4, b"ftypheix", Picture("a HEIC image")),
        (4, b"ftypmif1", Picture("a HEIF image")),
        (4, b"ftypavif", Picture("an AVIF image")),
        (8, b"WEBP", Picture("a WebP image")),
        (6, b"\0\0\0\0", Picture("a BMP image")),
        (257, b"ustar", Archive("a tar archive", "tar -xf")),
    ]
};

/// Returns the type of a file from its content, or `None` if it is unknown. The start of a file suffices, except for zip files.
pub fn sniff(bytes: &[u8]) -> Option<FileKind> {
    let at = |at: usize, magic: &[u8]| bytes.get(at..).is_some_and(|rest| rest.starts_with(magic));
    if bytes.is_empty() {
        return Some(FileKind::Empty);
    }
    // The file starts with the length of its header in eight bytes, followed by a JSON object. Check this format first, because
    // the length could equal one of the magic numbers below.
    if at(6, b"\0\0{") {
        return Some(FileKind::Safetensors);
    }
    if at(0, b"PK\x03\x04") || at(0, b"PK\x05\x06") {
        return Some(zip(bytes));
    }
    if let Some((_, kind)) = MAGIC_AT_START.iter().find(|(magic, _)| at(0, magic)) {
        return Some(*kind);
    }
    let is_later = |(offset, magic, kind): &&(usize, &[u8], FileKind)| {
        at(*offset, magic) && (*kind != FileKind::Picture("a BMP image") || at(0, b"BM"))
    };
    if let Some((.., kind)) = MAGIC_AT_OFFSET.iter().find(is_later) {
        let is_torch = *kind == FileKind::Archive("a tar archive", "tar -xf") && at(0, b"sys_info");
        return Some(if is_torch { FileKind::LegacyTorchTar } else { *kind });
    }
    let head = &bytes[..bytes.len().min(4096)];
    match bytes {
        // A map whose first key is "metadata".
        [0x80..=0x8f, key @ ..] if key.starts_with(b"\xa8metadata") => Some(FileKind::BurnRecord),
        // The version of the format, then a string or the graph.
        [0x08, 3..=20, 0x12 | 0x1a | 0x3a | 0x42, ..] => Some(FileKind::Onnx),
        _ if contains(head, b"burn_core::record::") => Some(FileKind::OtherBurnRecord),
        _ => text(head),
    }
}

/// Returns the type of a zip file from the entries in its directory, which is at the end.
fn zip(bytes: &[u8]) -> FileKind {
    let directory = &bytes[bytes.len().saturating_sub(1 << 16)..];
    let head = &bytes[..bytes.len().min(1024)];
    let has = |name: &[u8]| contains(directory, name) || contains(head, name);
    if has(b"/constants.pkl") || has(b"/code/__torch__") {
        FileKind::TorchScript
    } else if has(b"/archive_format") || has(b"serialized_exported_program") {
        FileKind::TorchExport
    } else if contains(head, b"data.pkl") {
        // PyTorch writes the pickle as the first entry, in a directory whose name varies.
        FileKind::TorchStateDict
    } else if has(b"model.weights.h5") {
        FileKind::Keras
    } else if has(b"saved_model.pb") {
        FileKind::Archive("a zip archive of a TensorFlow SavedModel", "unzip")
    } else if has(b".npy") {
        FileKind::NumpyArchive
    } else if has(b"word/") || has(b"xl/workbook") || has(b"ppt/") {
        FileKind::Picture("an Office document")
    } else {
        FileKind::Archive("a zip archive", "unzip")
    }
}

/// Returns the type of a text file from its start, `head`.
fn text(head: &[u8]) -> Option<FileKind> {
    // The last character may be incomplete.
    let valid = match std::str::from_utf8(head) {
        Err(error) if error.error_len().is_some() => return None,
        Err(error) => &head[..error.valid_up_to()],
        Ok(text) => text.as_bytes(),
    };
    let is_text = |byte: &u8| *byte >= b' ' || byte.is_ascii_whitespace();
    if valid.is_empty() || !valid.iter().all(is_text) {
        return None;
    }
    let text = valid.strip_prefix(b"\xef\xbb\xbf").unwrap_or(valid).trim_ascii_start();
    let text = text.to_ascii_lowercase();
    Some(match &*text {
        _ if contains(&text, b"<!doctype html") || contains(&text, b"<html") => {
            FileKind::Page("an HTML page")
        }
        [b'<', ..] if contains(&text, b"<svg") => FileKind::Picture("an SVG image"),
        [b'<', b'?' | b'e', ..] => {
            FileKind::Page("an XML document, such as a server's error message")
        }
        [b'{' | b'[', ..] if contains(&text, b"\"weight_map\"") => FileKind::ShardIndex,
        [b'{', ..] if contains(&text, b"\"lenet\":") => FileKind::RunRecord,
        [b'{', ..] if contains(&text, b"\"error\"") || contains(&text, b"\"message\"") => {
            FileKind::Page("an error message in JSON")
        }
        [b'{' | b'[', ..] => FileKind::Json,
        text if text.len() < 300 => {
            FileKind::Page("a short text, such as a server's error message")
        }
        _ => FileKind::Text,
    })
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_types_are_recognised() {
        let cases: [(&[u8], &str); 15] = [
            (b"", "an empty file"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
            (b"<!DOCTYPE html><html>", "an HTML page"),
            (b"\n  <html lang=en>", "an HTML page"),
            (b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>", "a server's error"),
            (b"{\"error\":\"Repository not found\"}", "an error message in JSON"),
            (b"{\"metadata\":{},\"weight_map\":{}}", "the index of a sharded model"),
            (b"Invalid username or password.", "a short text"),
            (&[b'x'; 300], "a text file"),
            (b"\x93NUMPY\x01\0", "a NumPy array"),
            (b"PK\x03\x04....weights/conv1.npy", "a NumPy archive"),
            (b"PK\x03\x04....word/document.xml", "an Office document"),
            (b"PK\x03\x04....notes.txt", "a zip archive"),
            (b"\0\0\0\x20ftypheic", "a HEIC image"),
            (b"\0\0\x08\x03\0\0\0\x0a", "an IDX file"),
        ];
        for (content, expected) in cases {
            let found = sniff(content).unwrap().to_string();
            assert!(found.contains(expected), "{found}, expected {expected}");
        }
        assert_eq!(sniff(b"\x81\xa7unknown"), None);
        assert_eq!(sniff(b"\xff\xfe\0\x01"), None);
    }
}
