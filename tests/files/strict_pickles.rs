//! Pickles that PyTorch rejects are rejected, also if only a part is damaged that does not belong to the weights.

use super::foreign_models::{decode, fault, pickle, torch_file_with};

/// Entries besides the weights: the version, and two storages.
const ENTRIES: [(&str, &[u8]); 3] =
    [("m/version", b"3\n"), ("m/data/77", &[0; 12]), ("m/data/88", &[0; 11])];

fn file(pickle: &[u8]) -> Vec<u8> {
    torch_file_with(pickle, f32::to_le_bytes, &ENTRIES)
}

/// Returns the opcodes that build a state dict.
fn state_dict() -> Vec<u8> {
    let pickle = pickle("dataparallel");
    pickle[2..pickle.len() - 1].to_vec()
}

/// Returns a checkpoint with the weights and these other keys and values.
fn checkpoint(others: &[u8]) -> Vec<u8> {
    file(&[b"\x80\x02}(", others, b"X\x05\0\0\0model", &state_dict(), b"u."].concat())
}

/// Returns the opcodes that build a storage of three values.
fn storage(kind: &str, key: &str) -> Vec<u8> {
    let start = format!("(X\x07\0\0\0storagectorch\n{kind}\nX\x02\0\0\0{key}X\x03\0\0\0cpu");
    [start.as_bytes(), b"K\x03tQ"].concat()
}

/// Returns the opcodes that build a tensor of `size` values in a storage of three values.
fn tensor(size: u8) -> Vec<u8> {
    let start = b"ctorch._utils\n_rebuild_tensor_v2\n(";
    let end = b"\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR";
    [start, &storage("FloatStorage", "77")[..], b"K\0K", &[size], end].concat()
}

#[test]
fn other_parts_of_checkpoint_are_checked() {
    // Each of these is a value `v`, used as `{"x": v}`.
    let valid: [&[u8]; 11] = [
        b"](NNe",
        b"]Na",
        b"\x8f(K\x01)\x90",
        b"(K\x01C\x01a\x91",
        b"}K\x01\x85Ns",
        b"cmy_net\nOptimizer\n)\x81}X\x01\0\0\0a]sb",
        b"ccollections\nOrderedDict\n)R}b",
        // A surrogate, which Python encodes like other characters.
        b"X\x04\0\0\0a\xed\xa0\x80",
        &storage("FloatStorage", "77"),
        &tensor(3),
        &tensor(0),
    ];
    for value in valid {
        let file = checkpoint(&[b"X\x01\0\0\0x", value].concat());
        assert_eq!(decode(&file).map(|_| ()).map_err(|e| e.to_string()), Ok(()), "{value:?}");
    }
    let hash = "Python cannot hash";
    // The end of a tensor: whether it has a gradient, hooks and, in newer files, metadata.
    let with_end = |end: &[u8]| {
        let plain = tensor(3);
        let start = plain.len() - b"\x89ccollections\nOrderedDict\n)RtR".len();
        [&plain[..start], end].concat()
    };
    for end in [b"\x89NNtR".as_slice(), b"\x88N}tR", b"\x89}}NNstR"] {
        assert!(decode(&checkpoint(&[b"X\x01\0\0\0x", &with_end(end)[..]].concat())).is_ok());
    }
    for end in [b"K\x01NtR".as_slice(), b"\x89NNNtR", b"\x89N)tR", b"\x89tR"] {
        let fault = fault(&checkpoint(&[b"X\x01\0\0\0x", &with_end(end)[..]].concat()));
        assert!(fault.to_string().starts_with("data.pkl builds a tensor from"), "{fault}");
    }
    let invalid: [(&[u8], &str); 20] = [
        (b"}]Ns", hash),
        (b"}}Ns", hash),
        (b"}]\x85\x85Ns", hash),
        (b"\x8f(]\x90", hash),
        (b"(}\x91", hash),
        (b"(\x96\x01\0\0\0\0\0\0\0a\x91", hash),
        (b"}Na", "appends to a value that is not a list"),
        (b"\x8f(Ne", "appends to a value that is not a list"),
        (b"C\x01aNa", "appends to a value that is not a list"),
        (b"G\0\0\0\0\0\0\0\0Na", "appends to a value that is not a list"),
        (b"](N\x90", "adds items to a value that is not a set"),
        (b"]K\x01Ns", "sets items on a value that is not a dictionary"),
        (b"}}b", "sets attributes of a value"),
        (b"]}b", "sets attributes of a value"),
        (b"ccollections\nOrderedDict\n)RNN\x86b", "sets attributes of a value"),
        (b"X\x02\0\0\0\xff\xfe", "text that is not valid UTF-8"),
        (&storage("FloatStorage", "99"), "\"data/99\" is missing"),
        (&storage("FloatStorage", "88"), "expected size 3 values of 4 bytes, found 11 bytes"),
        (&storage("NopeStorage", "77"), "\"data/77\" has the unknown type \"NopeStorage\""),
        (&tensor(4), "a tensor has values beyond the end of \"data/77\""),
    ];
    for (value, expected) in invalid {
        let fault = fault(&checkpoint(&[b"X\x01\0\0\0x", value].concat())).to_string();
        assert!(fault.contains(expected), "{value:?}: {fault}");
    }
}

#[test]
fn repeated_keys_are_rejected() {
    // In Python, the last value counts.
    let weights = [b"X\x05\0\0\0model", &state_dict()[..]].concat();
    for other in [b"}".as_slice(), b"N", b"K\x05"] {
        let fault = fault(&checkpoint(&[&weights, b"X\x05\0\0\0model".as_slice(), other].concat()));
        assert_eq!(fault.to_string(), "data.pkl sets \"model\" twice");
    }
    let body = state_dict();
    let at = body.windows(4).position(|window| window == b"fc1.").unwrap();
    let mut same_names = body.clone();
    same_names[at..at + 4].copy_from_slice(b"fc2.");
    let fault = fault(&file(&[b"\x80\x02", &same_names[..], b"."].concat())).to_string();
    assert!(fault.starts_with("data.pkl sets \"module.fc2."), "{fault}");
}

#[test]
fn values_below_mark_are_unreachable() {
    let body = state_dict();
    for (before, after) in [
        // Pops a value below the mark, and pops the mark.
        (b"N(0".as_slice(), b"1".as_slice()),
        (b"(0", b""),
        (b"N(\x85", b"1"),
        (b"N(2", b"1"),
        (b"N(q\x63", b"1"),
        (b"", b"("),
    ] {
        let pickle = [b"\x80\x02", before, &body, after, b"."].concat();
        let fault = fault(&file(&pickle)).to_string();
        assert!(fault.starts_with("data.pkl "), "{before:?}: {fault}");
    }
}

#[test]
fn frame_beyond_end_is_rejected() {
    let body = state_dict();
    let with_frame = |length: usize| {
        let length = (length as u64).to_le_bytes();
        file(&[b"\x80\x04\x95", &length[..], &body, b"."].concat())
    };
    assert!(decode(&with_frame(body.len() + 1)).is_ok());
    for length in [body.len() + 2, usize::MAX >> 1, usize::MAX] {
        assert!(fault(&with_frame(length)).to_string().starts_with("data.pkl is truncated"));
    }
}
