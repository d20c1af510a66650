//! The plainest writers of the four forms, and readers that behave as readers may.

use crate::{
    syntax::image::{Form, ImageFault, Measurement, Plan, RangeAsk, Span, measure},
    values::{digest::Sha256, limits::Limits, reason::Reason},
};
use std::{collections::BTreeMap, io::Read};

/// Contents by first address, none of them touching.
pub(super) type Contents = BTreeMap<u64, Vec<u8>>;

pub(super) fn hex_record(kind: u8, offset: u16, contents: &[u8]) -> String {
    let mut bytes = vec![u8::try_from(contents.len()).unwrap()];
    bytes.extend(offset.to_be_bytes());
    bytes.push(kind);
    bytes.extend(contents);
    let sum = bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    bytes.push(sum.wrapping_neg());
    format!(":{}\n", digits(&bytes))
}

pub(super) fn s_record(kind: char, address: u32, contents: &[u8]) -> String {
    let width = match kind {
        '2' | '6' | '8' => 3,
        '3' | '7' => 4,
        _ => 2,
    };
    let mut bytes = vec![u8::try_from(contents.len() + width + 1).unwrap()];
    bytes.extend(&address.to_be_bytes()[4 - width..]);
    bytes.extend(contents);
    let sum = bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    bytes.push(!sum);
    format!("S{kind}{}\n", digits(&bytes))
}

/// Intel HEX with a base record before every chunk.
pub(super) fn hex_file(contents: &Contents, width: usize) -> String {
    let mut text = String::new();
    for (start, bytes) in contents {
        for (index, chunk) in bytes.chunks(width).enumerate() {
            let address = u32::try_from(start + (index * width) as u64).unwrap();
            text += &hex_record(4, 0, &((address >> 16) as u16).to_be_bytes());
            text += &hex_record(0, (address & 0xffff) as u16, chunk);
        }
    }
    text + &hex_record(1, 0, &[])
}

/// S-record with the widest addresses, a header, a count and an end.
pub(super) fn srec_file(contents: &Contents, width: usize) -> String {
    let mut text = s_record('0', 0, b"test");
    let mut count = 0;
    for (start, bytes) in contents {
        for (index, chunk) in bytes.chunks(width).enumerate() {
            text += &s_record('3', u32::try_from(start + (index * width) as u64).unwrap(), chunk);
            count += 1;
        }
    }
    text + &s_record(if count < 0x10000 { '5' } else { '6' }, count, &[]) + &s_record('7', 0, &[])
}

/// What an ELF writer is told.
#[derive(Clone)]
pub(super) struct ElfShape {
    pub(super) wide: bool,
    pub(super) big_endian: bool,
    pub(super) kind: u16,
    /// Type, physical address, file bytes, bytes in memory.
    pub(super) programs: Vec<(u32, u64, Vec<u8>, u64)>,
}

impl ElfShape {
    pub(super) fn of(contents: &Contents, wide: bool, big_endian: bool) -> Self {
        let programs =
            contents.iter().map(|(start, bytes)| (1, *start, bytes.clone(), bytes.len() as u64 + 16)).collect();
        Self { wide, big_endian, kind: 2, programs }
    }

    pub(super) fn file(&self) -> Vec<u8> {
        let (header, entry) = if self.wide { (64, 56) } else { (52, 32) };
        let mut file = b"\x7FELF".to_vec();
        file.extend([if self.wide { 2 } else { 1 }, if self.big_endian { 2 } else { 1 }, 1]);
        file.resize(16, 0);
        self.number(&mut file, u64::from(self.kind), 2);
        self.number(&mut file, 8, 2); // e_machine
        self.number(&mut file, 1, 4); // e_version
        for word in [0, header, 0] {
            self.number(&mut file, word, self.word()); // e_entry, e_phoff, e_shoff
        }
        self.number(&mut file, 0, 4); // e_flags
        for half in [header, entry, self.programs.len() as u64, 0, 0, 0] {
            self.number(&mut file, half, 2);
        }
        let mut offset = header + entry * self.programs.len() as u64;
        for (kind, address, bytes, memory) in &self.programs {
            let (size, word) = (bytes.len() as u64, self.word());
            self.number(&mut file, u64::from(*kind), 4);
            if self.wide {
                self.number(&mut file, 5, 4);
            }
            for value in [offset, address + 0x1000, *address, size, *memory] {
                self.number(&mut file, value, word); // offset, virtual, physical, in file, in memory
            }
            if !self.wide {
                self.number(&mut file, 5, 4);
            }
            self.number(&mut file, 1, word);
            offset += size;
        }
        self.programs.iter().for_each(|(_, _, bytes, _)| file.extend(bytes));
        file
    }

    fn word(&self) -> usize {
        if self.wide { 8 } else { 4 }
    }

    fn number(&self, file: &mut Vec<u8>, value: u64, width: usize) {
        let bytes = value.to_be_bytes();
        let mut bytes = bytes[8 - width..].to_vec();
        if !self.big_endian {
            bytes.reverse();
        }
        file.extend(bytes);
    }
}

/// Gives `chunk` bytes a read, and says `Interrupted` before each.
pub(super) struct Dripping<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) chunk: usize,
    pub(super) interrupted: bool,
}

impl Read for Dripping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        let count = self.chunk.min(buffer.len());
        (&mut self.bytes).take(count as u64).read(buffer)
    }
}

pub(super) fn span(start: u64, end: u64) -> Span {
    Span { start, end }
}

pub(super) fn ask(start: u64, end: u64, fill: Option<u8>) -> RangeAsk {
    RangeAsk { span: span(start, end), fill }
}

pub(super) fn measured(form: Form, file: impl AsRef<[u8]>) -> Result<Measurement, ImageFault> {
    measure(&mut file.as_ref(), &Plan::of(form), &Limits::STANDARD)
}

/// Asserts the reason and line, and that the fault carries the digest of the whole file.
#[track_caller]
pub(super) fn refused(form: Form, file: impl AsRef<[u8]>, reason: Reason, line: impl Into<Option<u64>>) -> ImageFault {
    let fault = measured(form, &file).unwrap_err();
    assert_eq!((fault.reason, fault.line), (reason, line.into()), "{fault}");
    assert_eq!(fault.file_sha256, Some(Sha256::of(file.as_ref())), "{fault}");
    assert_eq!(fault.file_length, file.as_ref().len() as u64);
    fault
}

/// Start and contents digest of each segment, as they should be.
#[track_caller]
pub(super) fn assert_segments(found: &Measurement, expected: &[(u64, &[u8])]) {
    let found: Vec<_> = found.segments.iter().map(|segment| (segment.start, segment.length, segment.sha256)).collect();
    let expected: Vec<_> =
        expected.iter().map(|(start, bytes)| (*start, bytes.len() as u64, Sha256::of(bytes))).collect();
    assert_eq!(found, expected);
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
