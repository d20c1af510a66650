//! Places in a real file that hold contents, and the file with one of them changed.

use super::{RealImage, segments_by_readelf};
use ecugate_verifier::syntax::image::Form;
use libtest_mimic::Failed;

/// A byte of the memory image, and where the file holds it.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) address: u64,
    /// Of the byte; of the first of its two digits in a file of records.
    offset: usize,
    record: Option<Record>,
}

/// A data record, as offsets in the file.
#[derive(Clone, Copy)]
struct Record {
    /// From 1.
    line: u64,
    address: u64,
    /// The first digit of the contents.
    contents: usize,
    /// The first digit of the checksum.
    checksum: usize,
}

/// The first byte of the contents, one in the middle, and the last: of the file, or of each segment of an ELF file.
pub(super) fn places(image: &RealImage, bytes: &[u8]) -> Result<Vec<Place>, Failed> {
    let of = |offset: usize, length: usize, address: u64| {
        let at = |n: usize| Place { address: address + n as u64, offset: offset + n, record: None };
        [at(0), at(length / 2), at(length - 1)]
    };
    let records = match image.form {
        Form::Raw => return Ok(of(0, bytes.len(), image.base).to_vec()),
        Form::Elf => {
            let segments = segments_by_readelf(&image.path)?.into_iter().filter(|(_, _, size)| *size > 0);
            let mut places = Vec::new();
            for (offset, address, size) in segments {
                places.extend(of(usize::try_from(offset)?, usize::try_from(size)?, address));
            }
            return Ok(places);
        }
        Form::IntelHex => hex_records(bytes)?,
        Form::SRecord => s_records(bytes)?,
    };
    let (first, middle, last) = (records[0], records[records.len() / 2], records[records.len() - 1]);
    Ok(vec![first.place(0), middle.place(middle.length() / 2), last.place(last.length() - 1)])
}

impl Record {
    fn length(&self) -> usize {
        (self.checksum - self.contents) / 2
    }

    fn place(self, n: usize) -> Place {
        Place { address: self.address + n as u64, offset: self.contents + 2 * n, record: Some(self) }
    }
}

impl Place {
    pub(super) fn line(&self) -> Option<u64> {
        self.record.map(|record| record.line)
    }

    /// The file with the last bit of this byte turned round, and the record around it, if there is one, right again.
    pub(super) fn contents_changed(&self, bytes: &[u8]) -> Vec<u8> {
        let mut changed = bytes.to_vec();
        let Some(record) = self.record else {
            changed[self.offset] ^= 1;
            return changed;
        };
        let was = byte(bytes, self.offset);
        write(&mut changed, self.offset, was ^ 1);
        // either form adds up its bytes: what one gains the checksum loses
        let checksum = byte(bytes, record.checksum).wrapping_add(was).wrapping_sub(was ^ 1);
        write(&mut changed, record.checksum, checksum);
        changed
    }

    /// The file with the first digit of this byte changed, and nothing else.
    pub(super) fn digit_changed(&self, bytes: &[u8]) -> Vec<u8> {
        let mut changed = bytes.to_vec();
        changed[self.offset] = if bytes[self.offset] == b'0' { b'1' } else { b'0' };
        changed
    }
}

/// The data records with their addresses (Intel, revision A, 1988, section 2), for files that are right.
fn hex_records(bytes: &[u8]) -> Result<Vec<Record>, Failed> {
    let (mut records, mut base) = (Vec::new(), 0);
    for (line, start) in lines(bytes) {
        let number = |from: usize, digits: usize| number(bytes, start + from, digits);
        let (length, offset, kind) = (usize::try_from(number(1, 2))?, number(3, 4), number(7, 2));
        match kind {
            0 if length > 0 => records.push(Record {
                line,
                address: base + offset,
                contents: start + 9,
                checksum: start + 9 + 2 * length,
            }),
            2 => base = number(9, 4) << 4,
            4 => base = number(9, 4) << 16,
            _ => {}
        }
    }
    Ok(records)
}

/// The data records with their addresses (Motorola, M68000PRM appendix C), for files that are right.
fn s_records(bytes: &[u8]) -> Result<Vec<Record>, Failed> {
    let mut records = Vec::new();
    for (line, start) in lines(bytes) {
        let width = match bytes[start + 1] {
            kind @ b'1'..=b'3' => 2 * usize::from(kind - b'0' + 1),
            _ => continue,
        };
        let counted = usize::try_from(number(bytes, start + 2, 2))?;
        let record = Record {
            line,
            address: number(bytes, start + 4, width),
            contents: start + 4 + width,
            checksum: start + 4 + 2 * counted - 2,
        };
        if record.length() > 0 {
            records.push(record);
        }
    }
    Ok(records)
}

/// Number and offset of every line that is not empty.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (u64, usize)> {
    let begins = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(end, _)| end + 1);
    (1..).zip(std::iter::once(0).chain(begins)).filter(|(_, start)| *start < bytes.len())
}

fn number(bytes: &[u8], at: usize, digits: usize) -> u64 {
    u64::from_str_radix(str::from_utf8(&bytes[at..at + digits]).unwrap(), 16).unwrap()
}

fn byte(bytes: &[u8], at: usize) -> u8 {
    u8::try_from(number(bytes, at, 2)).unwrap()
}

fn write(bytes: &mut [u8], at: usize, value: u8) {
    bytes[at..at + 2].copy_from_slice(format!("{value:02X}").as_bytes());
}
