//! Burn records with changed structure or oversized lengths are rejected, or read with the same weights.

use lenet::format::{self, Format, mpk};
use lenet::model::{TENSORS, Weights};

/// Returns the positions of all bytes of a record except the values of its tensors.
fn structural_bytes(record: &[u8]) -> Vec<usize> {
    let mut positions = Vec::new();
    let mut at = 0;
    let mut tensors = TENSORS.iter();
    while at < record.len() {
        positions.push(at);
        at += 1;
        if record[..at].ends_with(b"\xa5bytes") {
            // A byte string starts with a marker, followed by its length in one, two or four bytes.
            let marker = match record[at] {
                0xc4 => 2,
                0xc5 => 3,
                _ => 5,
            };
            positions.extend(at..at + marker);
            at += marker + 4 * tensors.next().expect("ten tensors").numel();
        }
    }
    positions
}

#[test]
fn changed_structure_is_rejected_or_equal() {
    let original = Weights::initial(3, 1.0);
    let record = format::encode(Format::Mpk, &original.clone().into()).unwrap();
    let positions = structural_bytes(&record);
    assert!((900..1300).contains(&positions.len()), "{}", positions.len());
    let mut changed = record.clone();
    let (mut rejected, mut equal) = (0, 0);
    // A MessagePack marker for each type of value.
    let markers = *b"\x00\x7f\x80\x9f\xa0\xc0\xc1\xc3\xc4\xc6\xcf\xd9\xdb\xdd\xdf\xff";
    for position in positions {
        let flips = (0..8).map(|bit| record[position] ^ (1 << bit));
        for value in flips.chain(markers) {
            changed[position] = value;
            match mpk::decode(&changed) {
                Err(_) => rejected += 1,
                Ok(file) => {
                    assert_eq!(file.weights, original, "byte {position} as {value:#04x}");
                    equal += 1;
                }
            }
        }
        changed[position] = record[position];
    }
    // Changes are accepted only in texts that do not matter: the ids of 13 characters each, about 140 characters of metadata, and
    // names, because the shapes identify the tensors.
    assert!(equal < rejected / 2, "{equal} of {rejected}");
}

#[test]
fn oversized_lengths_are_rejected() {
    let bombs: [&[u8]; 5] = [
        b"\xdf\xff\xff\xff\xff\xa4item\xdf\xff\xff\xff\xff",
        b"\x83\xdb\xff\xff\xff\xff",
        b"\x83\xa4item\x85\xa3fc1\x82\xa6weight\x82\xa5param\x83\xa5bytes\xc6\xff\xff\xff\xff",
        b"\x83\xa4item\x85\xa3fc1\x82\xa6weight\x82\xa5param\x83\xa5shape\xdd\x40\0\0\0",
        &[0x91; 100_000],
    ];
    for bomb in bombs {
        mpk::decode(bomb).unwrap_err();
    }
}
