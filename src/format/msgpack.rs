//! A strict MessagePack reader for the few kinds of value that a Burn record has.
//!
//! It borrows from the file, never recurses and takes no memory: a length in the file is compared with the bytes
//! that are left before anything is done with it. <https://github.com/msgpack/msgpack/blob/master/spec.md>

use super::Fault;

/// Reads one value after the other from a byte slice.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The number of entries of a map; its keys and values follow.
    pub(super) fn map(&mut self) -> Result<usize, Fault> {
        match self.marker()? {
            marker @ 0x80..=0x8f => Ok(usize::from(marker & 0x0f)),
            0xde => self.length::<2>(),
            0xdf => self.length::<4>(),
            marker => Err(self.unexpected("a map", marker)),
        }
    }

    /// The number of elements of an array; they follow.
    pub(super) fn array(&mut self) -> Result<usize, Fault> {
        match self.marker()? {
            marker @ 0x90..=0x9f => Ok(usize::from(marker & 0x0f)),
            0xdc => self.length::<2>(),
            0xdd => self.length::<4>(),
            marker => Err(self.unexpected("an array", marker)),
        }
    }

    /// A string of UTF-8.
    pub(super) fn string(&mut self) -> Result<&'a str, Fault> {
        let start = self.at;
        let length = match self.marker()? {
            marker @ 0xa0..=0xbf => usize::from(marker & 0x1f),
            0xd9 => self.length::<1>()?,
            0xda => self.length::<2>()?,
            0xdb => self.length::<4>()?,
            marker => return Err(self.unexpected("a string", marker)),
        };
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes)
            .map_err(|_| Fault::Malformed(format!("the string at byte {start} is not UTF-8")))
    }

    /// A byte string.
    pub(super) fn binary(&mut self) -> Result<&'a [u8], Fault> {
        let length = match self.marker()? {
            0xc4 => self.length::<1>()?,
            0xc5 => self.length::<2>()?,
            0xc6 => self.length::<4>()?,
            marker => return Err(self.unexpected("a byte string", marker)),
        };
        self.take(length)
    }

    /// A number that is not negative.
    pub(super) fn unsigned(&mut self) -> Result<usize, Fault> {
        match self.marker()? {
            marker @ 0x00..=0x7f => Ok(usize::from(marker)),
            0xcc => self.length::<1>(),
            0xcd => self.length::<2>(),
            0xce => self.length::<4>(),
            0xcf => self.length::<8>(),
            marker => Err(self.unexpected("a whole number", marker)),
        }
    }

    /// The empty value.
    pub(super) fn nil(&mut self) -> Result<(), Fault> {
        match self.marker()? {
            0xc0 => Ok(()),
            marker => Err(self.unexpected("the empty value", marker)),
        }
    }

    /// Whether the next value is the empty one. Reads nothing.
    pub(super) fn at_nil(&self) -> bool {
        self.bytes.get(self.at) == Some(&0xc0)
    }

    /// Refuses bytes after the last value.
    pub(super) fn finish(self) -> Result<(), Fault> {
        let rest = self.bytes.len() - self.at;
        if rest == 0 {
            return Ok(());
        }
        Err(Fault::Malformed(format!(
            "{rest} bytes follow the end of the record at byte {}",
            self.at
        )))
    }

    fn marker(&mut self) -> Result<u8, Fault> {
        Ok(self.take(1)?[0])
    }

    /// A big-endian number of `WIDTH` bytes.
    fn length<const WIDTH: usize>(&mut self) -> Result<usize, Fault> {
        let number = self
            .take(WIDTH)?
            .iter()
            .fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
        // Too large for this machine's memory is too large for the file, too.
        Ok(usize::try_from(number).unwrap_or(usize::MAX))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let rest = &self.bytes[self.at..];
        let Some(taken) = rest.get(..length) else {
            return Err(Fault::Malformed(format!(
                "the file ends too early: {length} bytes expected at byte {}, {} left",
                self.at,
                rest.len()
            )));
        };
        self.at += length;
        Ok(taken)
    }

    fn unexpected(&self, expected: &str, marker: u8) -> Fault {
        let at = self.at - 1;
        Fault::Malformed(format!(
            "{expected} expected at byte {at}, found marker {marker:#04x}"
        ))
    }
}
