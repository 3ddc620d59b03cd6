//! The Huffman codes in a JPEG file.

use std::ops::RangeInclusive;

use super::jpeg::{DAMAGED, EARLY, TRUNCATED};

/// Maximum number of bytes between the pixels and the next marker, apart from zeros.
const MAX_OTHER_BYTES: usize = 16;

/// A table of Huffman codes.
pub(super) struct Table {
    /// For each length of a code in bits, from 1: the first 16-bit number that does not start with a code of at most this length.
    ends: [u32; 16],
    /// For each length, the index of the value of its first code, minus that code.
    offsets: [i32; 16],
    values: Vec<u8>,
}

impl Table {
    /// Reads a table: the number of codes of each length, and their values. Returns the table and the rest of the bytes.
    pub(super) fn new(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (counts, rest) = bytes.split_first_chunk::<16>()?;
        let (mut code, mut count) = (0_u32, 0_usize);
        let (mut ends, mut offsets) = ([0; 16], [0; 16]);
        for (index, codes) in counts.iter().enumerate() {
            offsets[index] = count as i32 - code as i32;
            code += u32::from(*codes);
            count += usize::from(*codes);
            ends[index] = code << (15 - index);
            code *= 2;
        }
        let (values, rest) = rest.split_at_checked(count)?;
        let table = Self { ends, offsets, values: values.to_vec() };
        // There are 65,536 numbers of 16 bits.
        (ends[15] <= 1 << 16).then_some((table, rest))
    }
}

/// The bits of a scan. A zero follows each byte 0xff, and any other byte after 0xff is a marker, which ends the bits.
pub(super) struct Bits<'a> {
    rest: &'a [u8],
    /// The next bits, of which the last `count` are valid.
    buffer: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(file: &'a [u8]) -> Self {
        Self { rest: file, buffer: 0, count: 0 }
    }

    fn fill(&mut self) {
        while self.count <= 48 {
            let (byte, length) = match *self.rest {
                [0xff, 0, ..] => (0xff, 2),
                [0xff, ..] | [] => break,
                [byte, ..] => (byte, 1),
            };
            self.buffer = self.buffer << 8 | u64::from(byte);
            self.count += 8;
            self.rest = &self.rest[length..];
        }
    }

    /// Returns the error for missing bits.
    fn missing(&self) -> &'static str {
        if self.rest.len() < 2 { TRUNCATED } else { EARLY }
    }

    /// Reads `count` bits, at most 16.
    fn take(&mut self, count: u32) -> Result<u32, &'static str> {
        if self.count < count {
            self.fill();
        }
        self.count = self.count.checked_sub(count).ok_or_else(|| self.missing())?;
        Ok((self.buffer >> self.count) as u32 & ((1 << count) - 1))
    }

    pub(super) fn skip(&mut self, count: u32) -> Result<(), &'static str> {
        self.take(count).map(drop)
    }

    /// Reads a code and returns its value.
    fn read(&mut self, table: &Table) -> Result<u8, &'static str> {
        if self.count < 16 {
            self.fill();
        }
        let next = match self.count.checked_sub(16) {
            Some(after) => (self.buffer >> after) as u32 & 0xffff,
            None => ((self.buffer as u32) << (16 - self.count)) & 0xffff,
        };
        let length = table.ends.iter().position(|end| next < *end).ok_or(DAMAGED)?;
        let code = self.take(length as u32 + 1)? as i32;
        table.values.get((code + table.offsets[length]) as usize).copied().ok_or(DAMAGED)
    }

    /// Skips a number: the code of its length, and its bits.
    pub(super) fn skip_value(&mut self, table: &Table) -> Result<(), &'static str> {
        match self.read(table)? {
            length @ 0..=16 => self.skip(length.into()),
            _ => Err(DAMAGED),
        }
    }

    /// Reads the code of a coefficient: the number of zeros before it, and the length of its value.
    fn read_pair(&mut self, table: &Table) -> Result<(usize, u32), &'static str> {
        let pair = self.read(table)?;
        Ok((usize::from(pair >> 4), u32::from(pair & 15)))
    }

    /// Skips all coefficients of a block but the first.
    pub(super) fn skip_block(&mut self, table: &Table) -> Result<(), &'static str> {
        let mut at = 1;
        while at < 64 {
            match self.read_pair(table)? {
                (15, 0) => at += 16,
                (_, 0) => break,
                (zeros, length) if at + zeros < 64 => {
                    at += zeros + 1;
                    self.skip(length)?;
                }
                _ => return Err(DAMAGED),
            }
        }
        Ok(())
    }

    /// Reads the number of blocks without further coefficients: this one and `end_run` others.
    fn read_end_run(&mut self, bits: usize) -> Result<u32, &'static str> {
        Ok((1 << bits) - 1 + self.take(bits as u32)?)
    }

    /// Reads coefficients of a block for the first time. `end_run` blocks have no coefficients.
    pub(super) fn read_band(
        &mut self,
        table: &Table,
        band: RangeInclusive<usize>,
        nonzero: &mut u64,
        end_run: &mut u32,
    ) -> Result<(), &'static str> {
        if *end_run > 0 {
            *end_run -= 1;
            return Ok(());
        }
        let mut at = *band.start();
        while at <= *band.end() {
            match self.read_pair(table)? {
                (15, 0) => at += 16,
                (bits, 0) => {
                    *end_run = self.read_end_run(bits)?;
                    break;
                }
                (zeros, length) if at + zeros <= *band.end() => {
                    *nonzero |= 1 << (at + zeros);
                    at += zeros + 1;
                    self.skip(length)?;
                }
                _ => return Err(DAMAGED),
            }
        }
        Ok(())
    }

    /// Reads one more bit of each coefficient of a block that is not zero, and new coefficients of one bit.
    pub(super) fn refine_band(
        &mut self,
        table: &Table,
        band: RangeInclusive<usize>,
        nonzero: &mut u64,
        end_run: &mut u32,
    ) -> Result<(), &'static str> {
        let (mut at, end) = (*band.start(), *band.end());
        let is_nonzero = |nonzero: u64, at: usize| nonzero >> at & 1 == 1;
        while at <= end && *end_run == 0 {
            let (mut zeros, length) = self.read_pair(table)?;
            if length == 0 && zeros < 15 {
                // The run includes the rest of this block.
                *end_run = self.read_end_run(zeros)? + 1;
                break;
            }
            self.skip(length.min(1))?;
            while at <= end && (is_nonzero(*nonzero, at) || zeros > 0) {
                match is_nonzero(*nonzero, at) {
                    true => self.skip(1)?,
                    false => zeros -= 1,
                }
                at += 1;
            }
            if length > 0 {
                if at > end {
                    return Err(DAMAGED);
                }
                *nonzero |= 1 << at;
            }
            at += 1;
        }
        if *end_run > 0 {
            *end_run -= 1;
            for at in at..=end {
                self.skip(is_nonzero(*nonzero, at).into())?;
            }
        }
        Ok(())
    }

    /// Skips the bits up to the end of a byte, and the restart marker after it.
    pub(super) fn restart(&mut self) -> Result<(), &'static str> {
        let rest = self.end()?;
        let at = rest.iter().position(|byte| *byte != 0xff).ok_or(TRUNCATED)?;
        match rest[at] {
            0xd0..=0xd7 => {
                *self = Bits::new(&rest[at + 1..]);
                Ok(())
            }
            _ => Err(EARLY),
        }
    }

    /// Returns the rest of the file, which starts with a marker. Some programs write a few other bytes before a marker.
    pub(super) fn end(&mut self) -> Result<&'a [u8], &'static str> {
        self.fill();
        while self.count >= 8 && self.buffer & ((1 << (self.count - self.count % 8)) - 1) == 0 {
            self.count %= 8;
            self.fill();
        }
        let is_marker = |pair: &[u8]| pair[0] == 0xff && pair[1] != 0;
        let others = self.rest.windows(2).take(MAX_OTHER_BYTES).position(is_marker);
        match others {
            Some(others) => Ok(&self.rest[others..]),
            None if self.rest.len() < 2 => Err(TRUNCATED),
            None => Err(DAMAGED),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the table of the codes 00, 01, 10 and 11 for sixteen zeros, a coefficient of one bit, the end of a block, and the
    /// end of this block and of one or two others.
    fn table() -> Table {
        let mut bytes = [0; 20];
        bytes[1] = 4;
        bytes[16..].copy_from_slice(&[0xf0, 0x01, 0x00, 0x10]);
        Table::new(&bytes).unwrap().0
    }

    #[test]
    fn band_has_zeros_before_coefficients() {
        let table = table();
        // 00, 01 1, 00, 01 0, 10; 11 0; nothing for the next block; 01 1, 10.
        let mut bits = Bits::new(&[0b0001_1000, 0b1010_1100, 0b1110_0000, 0xff, 0xd9]);
        let mut end_run = 0;
        for expected in [1 << 17 | 1 << 34, 0, 0, 1 << 1] {
            let mut nonzero = 0_u64;
            bits.read_band(&table, 1..=63, &mut nonzero, &mut end_run).unwrap();
            assert_eq!(nonzero, expected);
        }
        assert_eq!(bits.end(), Ok(&[0xff, 0xd9][..]));
    }
}
