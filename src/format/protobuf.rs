//! Writes the protocol buffer wire format. A message is a list of numbered fields; see
//! <https://protobuf.dev/programming-guides/encoding/>.

/// A message under construction.
#[derive(Default)]
pub struct Message {
    bytes: Vec<u8>,
}

/// Wire types, which determine the length of a field.
const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const LENGTH_DELIMITED: u64 = 2;
const FIXED_32: u64 = 5;

impl Message {
    /// Adds an `int32`, `int64` or enum. Negative numbers do not occur here.
    pub fn int(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3 | VARINT);
        self.varint(value);
        self
    }

    /// Adds a `double`.
    pub fn double(mut self, field: u64, value: f64) -> Self {
        self.varint(field << 3 | FIXED_64);
        self.bytes.extend(value.to_le_bytes());
        self
    }

    /// Adds a `float`.
    pub fn float(mut self, field: u64, value: f32) -> Self {
        self.varint(field << 3 | FIXED_32);
        self.bytes.extend(value.to_le_bytes());
        self
    }

    /// Adds a `string` or `bytes`.
    pub fn bytes(mut self, field: u64, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        self.varint(field << 3 | LENGTH_DELIMITED);
        self.varint(value.len() as u64);
        self.bytes.extend(value);
        self
    }

    /// Adds a nested message.
    pub fn message(self, field: u64, value: Message) -> Self {
        self.bytes(field, value.bytes)
    }

    /// Adds a `repeated` field of messages.
    pub fn messages(self, field: u64, values: impl IntoIterator<Item = Message>) -> Self {
        values.into_iter().fold(self, |message, value| message.message(field, value))
    }

    /// Returns the encoded message.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    /// Adds a number with seven bits per byte, lowest bits first. The top bit is set in all bytes but the last.
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_match_encoding_guide() {
        assert_eq!(Message::default().int(1, 150).finish(), [0x08, 0x96, 0x01]);
        let testing = Message::default().bytes(2, "testing").finish();
        assert_eq!(testing, *b"\x12\x07testing");
        let nested = Message::default().message(3, Message::default().int(1, 150));
        assert_eq!(nested.finish(), [0x1a, 0x03, 0x08, 0x96, 0x01]);
    }
}
