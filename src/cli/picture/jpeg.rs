//! A check that a JPEG file has intact data for all its pixels.
//!
//! The decoder shows what it can of a damaged file and fills the rest with grey, so the data are read twice: here, the codes are
//! only counted. A marker before the last code, an invalid code, or data after the last code are errors. The names are those of
//! ITU-T T.81: a scan consists of minimum coded units (MCU), which consist of blocks of 64 coefficients.

use super::jpeg_bits::{Bits, Table};

/// Maximum number of scans, which is also that of the decoder. A small file could have many, each of which takes time.
const MAX_SCANS: usize = 100;

pub(super) const TRUNCATED: &str = "the file ends in the middle of the picture";
pub(super) const EARLY: &str = "the data of the pixels end early";
pub(super) const DAMAGED: &str = "the data of the pixels are damaged";

struct Component {
    id: u8,
    /// The horizontal and the vertical sampling factor.
    sampling: [usize; 2],
    has_pixels: bool,
    /// For each block of a progressive picture, a bit for each coefficient that is not zero.
    nonzero: Vec<u64>,
}

#[derive(Default)]
struct Frame {
    is_progressive: bool,
    /// Width and height.
    size: [usize; 2],
    components: Vec<Component>,
}

/// A component in a scan, with the numbers of its tables.
struct Part {
    component: usize,
    tables: [usize; 2],
}

/// A range of coefficients, and whether their first bits were in an earlier scan.
struct Band {
    first: usize,
    last: usize,
    is_refinement: bool,
}

#[derive(Default)]
struct Reader {
    frame: Option<Frame>,
    /// The tables of the first coefficient of a block, and those of the others.
    tables: [[Option<Table>; 4]; 2],
    /// Number of MCUs between two restart markers, or 0 without these markers.
    interval: usize,
}

/// Checks that the data of all pixels are complete. Only the decoder checks everything else.
pub(super) fn check(file: &[u8]) -> Result<(), &'static str> {
    let (mut reader, mut rest, mut scans) = (Reader::default(), file, 0);
    loop {
        let start =
            rest.windows(2).position(|pair| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff));
        let start = start.ok_or(TRUNCATED)?;
        let marker = rest[start + 1];
        rest = &rest[start + 2..];
        match marker {
            0xd8 if scans == 0 => continue,
            0xd9 if scans > 0 => return reader.check_complete(),
            0xd8 | 0xd9 => return Err(EARLY),
            // Markers without a segment.
            0x01 | 0xd0..=0xd7 => continue,
            _ => {}
        }
        let [high, low, ..] = *rest else { return Err(TRUNCATED) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let segment = rest.get(2..length).ok_or(TRUNCATED)?;
        rest = &rest[length..];
        match marker {
            0xc4 => reader.read_tables(segment).ok_or(DAMAGED)?,
            0xc0..=0xc2 => reader.read_frame(marker, segment).ok_or(DAMAGED)?,
            0xdd => {
                reader.interval = segment.first_chunk().map_or(0, |n| u16::from_be_bytes(*n).into())
            }
            0xda if scans == MAX_SCANS => return Err(DAMAGED),
            0xda => {
                scans += 1;
                rest = reader.read_scan(segment, rest)?;
            }
            _ => {}
        }
    }
}

impl Reader {
    /// Checks that there are pixels of each component.
    fn check_complete(&self) -> Result<(), &'static str> {
        let frame = self.frame.as_ref().ok_or(DAMAGED)?;
        let is_complete = frame.components.iter().all(|component| component.has_pixels);
        if is_complete { Ok(()) } else { Err(EARLY) }
    }

    fn read_tables(&mut self, mut segment: &[u8]) -> Option<()> {
        while let Some((head, rest)) = segment.split_first() {
            let (table, rest) = Table::new(rest)?;
            *self.tables.get_mut(usize::from(head >> 4))?.get_mut(usize::from(head & 15))? =
                Some(table);
            segment = rest;
        }
        Some(())
    }

    fn read_frame(&mut self, marker: u8, segment: &[u8]) -> Option<()> {
        let [_, h1, h0, w1, w0, count, ref components @ ..] = *segment else { return None };
        let component = |part: &[u8; 3]| Component {
            id: part[0],
            sampling: [part[1] >> 4, part[1] & 15].map(usize::from),
            has_pixels: false,
            nonzero: Vec::new(),
        };
        let components = components.as_chunks().0.iter().take(count.into());
        let components: Vec<_> = components.map(component).collect();
        let is_valid =
            |component: &Component| component.sampling.iter().all(|n| (1..=4).contains(n));
        if self.frame.is_some() || components.is_empty() || !components.iter().all(is_valid) {
            return None;
        }
        let size = [[w1, w0], [h1, h0]].map(|side| usize::from(u16::from_be_bytes(side)));
        self.frame = Some(Frame { is_progressive: marker == 0xc2, size, components });
        Some(())
    }

    /// Reads a scan with the header `segment` and the data at the start of `file`. Returns the rest of the file.
    fn read_scan<'a>(&mut self, segment: &[u8], file: &'a [u8]) -> Result<&'a [u8], &'static str> {
        let frame = self.frame.as_mut().ok_or(DAMAGED)?;
        let (parts, band) = frame.scan(segment).ok_or(DAMAGED)?;
        let [columns, rows] = frame.mcus(&parts);
        let mut bits = Bits::new(file);
        let mut end_run = 0;
        for mcu in 0..columns * rows {
            if self.interval > 0 && mcu > 0 && mcu % self.interval == 0 {
                bits.restart()?;
                end_run = 0;
            }
            for part in &parts {
                let component = &mut frame.components[part.component];
                let [dc, ac] = [0, 1].map(|kind| self.tables[kind][part.tables[kind]].as_ref());
                let [h, v] = component.sampling;
                let blocks = if parts.len() == 1 { 1 } else { h * v };
                for _ in 0..blocks {
                    match band {
                        Band { first: 0, is_refinement: true, .. } => bits.skip(1)?,
                        Band { first: 0, last, .. } => {
                            bits.skip_value(dc.ok_or(DAMAGED)?)?;
                            if last > 0 {
                                bits.skip_block(ac.ok_or(DAMAGED)?)?;
                            }
                        }
                        Band { first, last, is_refinement } => {
                            let nonzero = component.nonzero.get_mut(mcu).ok_or(DAMAGED)?;
                            let band = first..=last;
                            let ac = ac.ok_or(DAMAGED)?;
                            match is_refinement {
                                false => bits.read_band(ac, band, nonzero, &mut end_run)?,
                                true => bits.refine_band(ac, band, nonzero, &mut end_run)?,
                            }
                        }
                    }
                }
            }
        }
        bits.end()
    }
}

impl Frame {
    /// Parses the header of a scan.
    fn scan(&mut self, segment: &[u8]) -> Option<(Vec<Part>, Band)> {
        let (count, rest) = segment.split_first()?;
        let (parts, rest) = rest.split_at_checked(2 * usize::from(*count))?;
        let part = |part: &[u8; 2]| {
            let component = self.components.iter().position(|other| other.id == part[0])?;
            let tables = [part[1] >> 4 & 3, part[1] & 3].map(usize::from);
            Some(Part { component, tables })
        };
        let parts: Vec<_> = parts.as_chunks().0.iter().map(part).collect::<Option<_>>()?;
        let [first, last, bits] = *rest.first_chunk()?;
        let band = match self.is_progressive {
            // The decoder ignores these numbers in other pictures.
            false => Band { first: 0, last: 63, is_refinement: false },
            true => Band { first: first.into(), last: last.into(), is_refinement: bits >> 4 > 0 },
        };
        let is_possible = match (self.is_progressive, band.first) {
            (false, _) => true,
            (true, 0) => band.last == 0,
            (true, _) => parts.len() == 1 && band.first <= band.last && band.last < 64,
        };
        if parts.is_empty() || parts.len() > 4 || !is_possible {
            return None;
        }
        let blocks = self.mcus(&parts).iter().product();
        for part in &parts {
            let component = &mut self.components[part.component];
            if band.first > 0 {
                component.nonzero.resize(blocks, 0);
            }
            component.has_pixels |= band.first == 0 && !band.is_refinement;
        }
        Some((parts, band))
    }

    /// Returns the number of columns and rows of MCUs in a scan.
    fn mcus(&self, parts: &[Part]) -> [usize; 2] {
        let most = |axis: usize| {
            let factors = self.components.iter().map(|component| component.sampling[axis]);
            factors.max().unwrap_or(1)
        };
        [0, 1].map(|axis| match parts {
            // The MCU of a single component is a block, without those that fill up the other components.
            [part] => {
                let factor = self.components[part.component].sampling[axis];
                (self.size[axis] * factor).div_ceil(most(axis)).div_ceil(8)
            }
            _ => self.size[axis].div_ceil(8 * most(axis)),
        })
    }
}
