//! The wire format of protocol buffers, by hand: a message is a list of numbered fields.
//! <https://protobuf.dev/programming-guides/encoding/>

/// A message under construction.
#[derive(Default)]
pub(crate) struct Message {
    bytes: Vec<u8>,
}

/// Wire types: how the length of a field is told.
const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const LENGTH_DELIMITED: u64 = 2;
const FIXED_32: u64 = 5;

impl Message {
    /// Adds a whole number, as for `int32`, `int64` and enums; none that ONNX has here is negative.
    pub(crate) fn int(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3 | VARINT);
        self.varint(value);
        self
    }

    /// Adds a `double`.
    pub(crate) fn double(mut self, field: u64, value: f64) -> Self {
        self.varint(field << 3 | FIXED_64);
        self.bytes.extend(value.to_le_bytes());
        self
    }

    /// Adds a `float`.
    pub(crate) fn float(mut self, field: u64, value: f32) -> Self {
        self.varint(field << 3 | FIXED_32);
        self.bytes.extend(value.to_le_bytes());
        self
    }

    /// Adds a `string` or `bytes`.
    pub(crate) fn bytes(mut self, field: u64, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        self.varint(field << 3 | LENGTH_DELIMITED);
        self.varint(value.len() as u64);
        self.bytes.extend(value);
        self
    }

    /// Adds a message.
    pub(crate) fn message(self, field: u64, value: Message) -> Self {
        self.bytes(field, value.bytes)
    }

    /// Adds each of `values` under the same number: a `repeated` field.
    pub(crate) fn messages(self, field: u64, values: impl IntoIterator<Item = Message>) -> Self {
        values
            .into_iter()
            .fold(self, |message, value| message.message(field, value))
    }

    /// The message as bytes.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    /// Seven bits a byte, the lowest first; the top bit says that more follow.
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}

/// The value of a field that was read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    /// A whole number.
    Number(u64),
    /// The bytes of a `double`, `float`, `string`, `bytes` or message.
    Bytes(&'a [u8]),
}

/// The fields of the message in `bytes`, in order, each with its number; nothing if they are no message.
pub(crate) fn fields(mut bytes: &[u8]) -> Option<Vec<(u64, Value<'_>)>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = read_varint(&mut bytes)?;
        let length = match key & 7 {
            VARINT => None,
            FIXED_64 => Some(8),
            LENGTH_DELIMITED => Some(usize::try_from(read_varint(&mut bytes)?).ok()?),
            FIXED_32 => Some(4),
            _ => return None,
        };
        let value = match length {
            None => Value::Number(read_varint(&mut bytes)?),
            Some(length) => Value::Bytes(bytes.split_off(..length)?),
        };
        fields.push((key >> 3, value));
    }
    Some(fields)
}

/// Takes a number off the front of `bytes`.
fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_those_of_the_encoding_guide() {
        assert_eq!(Message::default().int(1, 150).finish(), [0x08, 0x96, 0x01]);
        let testing = Message::default().bytes(2, "testing").finish();
        assert_eq!(testing, *b"\x12\x07testing");
        let nested = Message::default().message(3, Message::default().int(1, 150));
        assert_eq!(nested.finish(), [0x1a, 0x03, 0x08, 0x96, 0x01]);
    }

    #[test]
    fn fields_come_back() {
        let message = Message::default()
            .int(1, u64::MAX)
            .bytes(2, "")
            .float(3, 1.0)
            .double(16, -2.0)
            .finish();
        let (float, double) = (1f32.to_le_bytes(), (-2f64).to_le_bytes());
        let expected = [
            (1, Value::Number(u64::MAX)),
            (2, Value::Bytes(&[])),
            (3, Value::Bytes(&float)),
            (16, Value::Bytes(&double)),
        ];
        assert_eq!(fields(&message).unwrap(), expected);
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let cases: [&[u8]; 6] = [
            b"\x08",                                             // a number that is not there
            b"\x08\xff",                                         // a number that does not end
            b"\x12\x07test",                                     // fewer bytes than told
            b"\x0d\0\0\0",                                       // three bytes of a float
            b"\x0b", // a group, which nobody writes any more
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", // longer than 64 bits
        ];
        for case in cases {
            assert_eq!(fields(case), None, "{case:?}");
        }
    }
}
