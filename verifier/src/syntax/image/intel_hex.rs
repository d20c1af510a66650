//! Intel HEX (Intel, *Hexadecimal Object File Format Specification*, revision A, 1988).

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

/// `:LLAAAATT…CC`: LL counts the contents only.
struct HexLine;

impl Shape for HexLine {
    const MARK: u8 = b':';
    const OTHER: u8 = b'S';
    const PREFIX: usize = 1;
    const UNCOUNTED: usize = 5;
}

pub(super) fn measure(source: &mut Source<'_>, plan: &Plan, limits: &Limits) -> Result<Measurement, ImageFault> {
    let mut lines = Lines::<HexLine>::new(source, limits);
    let mut map = SparseMap::new(limits);
    let mut base = Base::default();
    let mut room = [0; RECORD];
    loop {
        let Some(record) = lines.next(&mut room)? else {
            let fault = if lines.line() == 0 {
                ImageFault::new(Reason::ImageEmpty, "at least one record", "an empty file")
            } else {
                ImageFault::new(Reason::ImageEndMissing, "a record of type 01", "the end of the file")
            };
            return Err(fault.at_line(lines.line() + 1));
        };
        let step = step(record, &room, &mut base, &mut map, plan).map_err(|fault| fault.at_line(record.line))?;
        if step == Step::End {
            break;
        }
    }
    lines.expect_end()?;
    if map.is_empty() {
        return Err(ImageFault::new(Reason::ImageEmpty, "at least one data record", "none").at_line(lines.line()));
    }
    map.measure(source, plan, limits)
}

#[derive(PartialEq, Eq)]
enum Step {
    More,
    End,
}

/// What the record means, by its type (section 2).
fn step(
    record: Record,
    room: &[u8; RECORD],
    base: &mut Base,
    map: &mut SparseMap,
    plan: &Plan,
) -> Result<Step, ImageFault> {
    let whole = room.get(..record.bytes).unwrap_or_default();
    let [_, high, low, kind, contents @ .., checksum] = whole else {
        return Err(ImageFault::new(Reason::ImageRecordLength, "at least 5 bytes", whole.len().to_string()));
    };
    if record.sum != 0 {
        let right = checksum.wrapping_sub(record.sum);
        let found = format!("{checksum:02X}");
        return Err(ImageFault::new(Reason::ImageChecksum, format!("{right:02X}"), found));
    }
    let offset = u16::from_be_bytes([*high, *low]);
    match kind {
        0x00 => {
            let address = base.address(offset, contents.len())?;
            map.put(address, contents)?;
        }
        0x01 => {
            sized(contents, 0, offset)?;
            return Ok(Step::End);
        }
        0x02 => base.set_segment(sized(contents, 2, offset)?)?,
        0x04 => base.set_linear(sized(contents, 2, offset)?)?,
        // entry points: CS:IP and EIP are no contents
        0x03 | 0x05 => {
            sized(contents, 4, offset)?;
        }
        other if plan.allowed_record_types.contains(other) => {}
        other => {
            let found = format!("{other:02X}");
            return Err(ImageFault::new(Reason::ImageRecordType, "a record type from 00 to 05", found));
        }
    }
    Ok(Step::More)
}

/// Contents of a record whose length and offset are fixed by its type, as a number.
fn sized(contents: &[u8], length: usize, offset: u16) -> Result<u64, ImageFault> {
    if contents.len() != length {
        let (expected, found) = (format!("{length} bytes"), format!("{} bytes", contents.len()));
        return Err(ImageFault::new(Reason::ImageRecordLength, expected, found));
    }
    if offset != 0 {
        return Err(ImageFault::new(Reason::ImageRecordMalformed, "offset 0000", format!("{offset:04X}")));
    }
    Ok(contents.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// The base in force. Some readers add the bases of types 02 and 04, some replace one by the other: where these
/// differ the file has two readings.
#[derive(Default)]
struct Base {
    segment: u64,
    linear: u64,
    is_linear: bool,
}

impl Base {
    fn set_segment(&mut self, paragraph: u64) -> Result<(), ImageFault> {
        if self.linear != 0 {
            return Err(mixed("a base of type 02 only where that of type 04 is zero", self.linear));
        }
        self.segment = paragraph << 4;
        self.is_linear = false;
        Ok(())
    }

    fn set_linear(&mut self, upper: u64) -> Result<(), ImageFault> {
        if self.segment != 0 {
            return Err(mixed("a base of type 04 only where that of type 02 is zero", self.segment));
        }
        self.linear = upper << 16;
        self.is_linear = true;
        Ok(())
    }

    /// The address of the contents, which may not wrap: at 4 GiB under a linear base, at 64 KiB otherwise.
    fn address(&self, offset: u16, length: usize) -> Result<u64, ImageFault> {
        let (start, room) = if self.is_linear {
            (self.linear.saturating_add(u64::from(offset)), 1 << 32)
        } else {
            (u64::from(offset), 1 << 16)
        };
        let address = self.segment.saturating_add(self.linear).saturating_add(u64::from(offset));
        let end = start.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        if end > room {
            let expected = if self.is_linear { "contents that end at or below 4 GiB" } else { WITHIN_SEGMENT };
            return Err(
                ImageFault::new(Reason::ImageAddressWrap, expected, format!("{length} bytes")).at_address(address)
            );
        }
        Ok(address)
    }
}

const WITHIN_SEGMENT: &str = "contents within 64 KiB of their base, or a base of type 04";

fn mixed(expected: &str, other: u64) -> ImageFault {
    ImageFault::new(Reason::ImageFormMixed, expected, format!("{other:#x}"))
}
