//! Motorola S-record (Motorola, *M68000 Family Programmer's Reference Manual*, appendix C).

use super::{
    digits::RECORD,
    fault::ImageFault,
    lines::{Lines, Record, Shape},
    map::SparseMap,
    measurement::Measurement,
    plan::Plan,
    source::Source,
};
use crate::values::{limits::Limits, reason::Reason};

/// `StLL…CC`: LL counts address, contents and checksum.
struct SLine;

impl Shape for SLine {
    const MARK: u8 = b'S';
    const OTHER: u8 = b':';
    const PREFIX: usize = 2;
    const UNCOUNTED: usize = 1;
}

pub(super) fn measure(source: &mut Source<'_>, plan: &Plan, limits: &Limits) -> Result<Measurement, ImageFault> {
    let mut lines = Lines::<SLine>::new(source, limits);
    let mut file = File { map: SparseMap::new(limits), data_records: 0, counted: false };
    let mut room = [0; RECORD];
    loop {
        let Some(record) = lines.next(&mut room)? else {
            // srec_cat ends a file without entry point with its count: nothing can be missing before it
            if file.counted {
                break;
            }
            let fault = if lines.line() == 0 {
                ImageFault::new(Reason::ImageEmpty, "at least one record", "an empty file")
            } else {
                ImageFault::new(Reason::ImageEndMissing, "S7, S8, S9 or a count", "the end of the file")
            };
            return Err(fault.at_line(lines.line() + 1));
        };
        if file.step(record, &room, plan).map_err(|fault| fault.at_line(record.line))? == Step::End {
            break;
        }
    }
    lines.expect_end()?;
    if file.map.is_empty() {
        return Err(ImageFault::new(Reason::ImageEmpty, "at least one data record", "none").at_line(lines.line()));
    }
    file.map.measure(source, plan, limits)
}

#[derive(PartialEq, Eq)]
enum Step {
    More,
    End,
}

struct File {
    map: SparseMap,
    /// S1, S2 and S3 so far.
    data_records: u64,
    /// A count stood, and was right.
    counted: bool,
}

impl File {
    fn step(&mut self, record: Record, room: &[u8; RECORD], plan: &Plan) -> Result<Step, ImageFault> {
        let whole = room.get(..record.bytes).unwrap_or_default();
        let [_, counted @ .., checksum] = whole else {
            return Err(ImageFault::new(Reason::ImageRecordLength, "a count of at least 3", "0"));
        };
        if record.sum != 0xff {
            let right = checksum.wrapping_sub(record.sum).wrapping_sub(1);
            let found = format!("{checksum:02X}");
            return Err(ImageFault::new(Reason::ImageChecksum, format!("{right:02X}"), found));
        }
        if self.counted && !matches!(record.second, b'7'..=b'9') {
            let found = format!("S{}", core::ascii::escape_default(record.second));
            return Err(ImageFault::new(Reason::ImageRecordCount, "the end after the count of data records", found));
        }
        match record.second {
            b'0' => {
                addressed(counted, 2)?;
            }
            b'1' => self.put(addressed(counted, 2)?, 1 << 16)?,
            b'2' => self.put(addressed(counted, 3)?, 1 << 24)?,
            b'3' => self.put(addressed(counted, 4)?, 1 << 32)?,
            b'5' => self.count(bare(counted, 2)?)?,
            b'6' => self.count(bare(counted, 3)?)?,
            b'7' => return bare(counted, 4).map(|_| Step::End),
            b'8' => return bare(counted, 3).map(|_| Step::End),
            b'9' => return bare(counted, 2).map(|_| Step::End),
            other if other.is_ascii_digit() && plan.allowed_record_types.contains(&(other - b'0')) => {}
            other => {
                let found = format!("S{}", core::ascii::escape_default(other));
                return Err(ImageFault::new(Reason::ImageRecordType, "S0 to S9 without S4", found));
            }
        }
        Ok(Step::More)
    }

    /// Contents at an address of a width that reaches up to `room`.
    fn put(&mut self, (address, contents): (u64, &[u8]), room: u64) -> Result<(), ImageFault> {
        self.data_records += 1;
        let end = address.saturating_add(u64::try_from(contents.len()).unwrap_or(u64::MAX));
        if end > room {
            let expected = format!("contents that end at or below {room:#x}");
            let found = format!("{} bytes", contents.len());
            return Err(ImageFault::new(Reason::ImageAddressWrap, expected, found).at_address(address));
        }
        self.map.put(address, contents)
    }

    fn count(&mut self, count: u64) -> Result<(), ImageFault> {
        if count != self.data_records {
            let (expected, found) = (format!("a count of {}", self.data_records), count.to_string());
            return Err(ImageFault::new(Reason::ImageRecordCount, expected, found));
        }
        self.counted = true;
        Ok(())
    }
}

/// The address of `width` bytes, and what follows it.
fn addressed(counted: &[u8], width: usize) -> Result<(u64, &[u8]), ImageFault> {
    let Some((address, contents)) = counted.split_at_checked(width) else {
        return Err(length_differs(&format!("at least {} bytes", width + 1), counted));
    };
    Ok((address.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)), contents))
}

/// The address of a record that has nothing else.
fn bare(counted: &[u8], width: usize) -> Result<u64, ImageFault> {
    match addressed(counted, width)? {
        (address, []) => Ok(address),
        _ => Err(length_differs(&format!("{} bytes", width + 1), counted)),
    }
}

fn length_differs(expected: &str, counted: &[u8]) -> ImageFault {
    ImageFault::new(Reason::ImageRecordLength, expected, format!("{} bytes", counted.len() + 1))
}
