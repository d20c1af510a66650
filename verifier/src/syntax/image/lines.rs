//! Records of hex digits, one a line, for Intel HEX and S-record.
//!
//! A record says its own length, so a right line is taken without looking for its end. A line that does not fit is
//! looked at again, slowly, for the exact fault.

use super::{
    digits::{self, RECORD},
    fault::{ImageFault, quote},
    source::{BUFFER, Source},
};
use crate::values::{limits::Limits, reason::Reason};
use core::marker::PhantomData;

/// How a form writes a record: mark, length in two digits, bytes. Known to the compiler, for speed.
pub(super) trait Shape {
    /// What the line begins with.
    const MARK: u8;
    /// The mark of the other form.
    const OTHER: u8;
    /// Characters before the length.
    const PREFIX: usize;
    /// Bytes of a record that the length byte does not count, itself included.
    const UNCOUNTED: usize;
}

/// A record with its digits decoded into the room.
#[derive(Clone, Copy)]
pub(super) struct Record {
    /// Line number, from 1.
    pub(super) line: u64,
    /// The second character: the type of an S-record.
    pub(super) second: u8,
    /// Bytes in the room: from the length byte to the checksum.
    pub(super) bytes: usize,
    /// Sum of them all, modulo 256.
    pub(super) sum: u8,
}

pub(super) struct Lines<'s, 'a, S> {
    source: &'s mut Source<'a>,
    shape: PhantomData<S>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    ended: bool,
    line: u64,
    line_cap: usize,
    /// The longest line that may stand, and its end.
    needed: usize,
}

impl<'s, 'a, S: Shape> Lines<'s, 'a, S> {
    pub(super) fn new(source: &'s mut Source<'a>, limits: &Limits) -> Self {
        let line_cap = limits.image_line_bytes.min(BUFFER / 4);
        let needed = line_cap.max(RECORD * 2 + 2) + 2;
        let shape = PhantomData;
        Self { source, shape, buffer: vec![0; BUFFER], start: 0, end: 0, ended: false, line: 0, line_cap, needed }
    }

    /// Decodes the next record into `room`; `None` at the end of the file.
    pub(super) fn next(&mut self, room: &mut [u8; RECORD]) -> Result<Option<Record>, ImageFault> {
        self.refill()?;
        let window = self.buffer.get(self.start..self.end).unwrap_or_default();
        if window.is_empty() {
            return Ok(None);
        }
        self.line += 1;
        let Some((record, taken)) = take::<S>(window, self.ended, self.line, room) else {
            return Err(diagnose::<S>(window, self.line_cap, self.line).at_line(self.line));
        };
        self.start += taken;
        Ok(Some(record))
    }

    /// # Errors
    /// `image-data-after-end` unless the file ends here.
    pub(super) fn expect_end(&mut self) -> Result<(), ImageFault> {
        self.refill()?;
        let window = self.buffer.get(self.start..self.end).unwrap_or_default();
        if window.is_empty() {
            return Ok(());
        }
        let line = first_line(window);
        let expected = "the end of the file after the end record";
        Err(ImageFault::new(Reason::ImageDataAfterEnd, expected, quote(line)).at_line(self.line + 1))
    }

    /// The number of the last line taken.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Makes sure that the longest line and its end are in the window, or all that is left.
    #[inline]
    fn refill(&mut self) -> Result<(), ImageFault> {
        if self.ended || self.end - self.start >= self.needed { Ok(()) } else { self.read_on() }
    }

    #[cold]
    fn read_on(&mut self) -> Result<(), ImageFault> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        let asked = room.len();
        let count = self.source.fill(room)?;
        self.end += count;
        self.ended = count < asked;
        Ok(())
    }
}

/// Takes the record at the front of `window`: the record and the characters it took, line end included. `None` if
/// anything at all is wrong with the line.
#[inline]
fn take<S: Shape>(window: &[u8], ended: bool, line: u64, room: &mut [u8; RECORD]) -> Option<(Record, usize)> {
    let (mark, body) = window.split_at_checked(S::PREFIX)?;
    let [high, low, ..] = body else { return None };
    let bytes = usize::from(digits::pair(*high, *low)?) + S::UNCOUNTED;
    let (body, rest) = body.split_at_checked(bytes * 2)?;
    if mark.first() != Some(&S::MARK) {
        return None;
    }
    let end = match rest {
        [b'\n', ..] => 1,
        [b'\r', b'\n', ..] => 2,
        [] if ended => 0,
        _ => return None,
    };
    let sum = digits::decode(body, room)?;
    let second = window.get(1).copied()?;
    Some((Record { line, second, bytes, sum }, S::PREFIX + body.len() + end))
}

/// What is wrong with the line at the front of `window`.
#[cold]
fn diagnose<S: Shape>(window: &[u8], cap: usize, number: u64) -> ImageFault {
    let line = first_line(window);
    let malformed = |expected: &str, found: String| ImageFault::new(Reason::ImageRecordMalformed, expected, found);
    if number == 1 && starts_with_byte_order_mark(window) {
        let expected = "text without a byte order mark";
        return ImageFault::new(Reason::ImageByteOrderMark, expected, quote(line));
    }
    match line {
        [] => return malformed("a record", "an empty line".to_owned()),
        [first, second, ..] if *first == S::OTHER && (*first == b':' || second.is_ascii_digit()) => {
            let expected = format!("a line that begins with {}", quote(&[S::MARK]));
            return ImageFault::new(Reason::ImageFormMixed, expected, quote(line));
        }
        [first, ..] if *first != S::MARK => {
            return malformed(&format!("a line that begins with {}", quote(&[S::MARK])), quote(line));
        }
        _ => {}
    }
    if line.contains(&b'\r') {
        return malformed("lines that end with LF or CR LF", "a CR within the line".to_owned());
    }
    if line.len() > cap {
        let found = format!("more, beginning {}", quote(line));
        return ImageFault::new(Reason::ImageRecordLength, format!("a line of at most {cap} bytes"), found);
    }
    let body = line.get(S::PREFIX..).unwrap_or_default();
    if let Some(column) = body.iter().position(|digit| !digit.is_ascii_hexdigit()) {
        let found = body.get(column..=column).unwrap_or_default();
        return malformed("hex digits", format!("{} in column {}", quote(found), S::PREFIX + column + 1));
    }
    if !body.len().is_multiple_of(2) {
        return malformed("an even number of hex digits", body.len().to_string());
    }
    let expected = match body {
        [high, low, ..] => digits::pair(*high, *low).map(|counted| (usize::from(counted) + S::UNCOUNTED) * 2),
        _ => None,
    };
    let found = format!("{} digits", body.len());
    let expected = expected.map_or_else(|| "a length".to_owned(), |digits| format!("{digits} digits"));
    ImageFault::new(Reason::ImageRecordLength, expected, found)
}

/// The first line without its end.
fn first_line(window: &[u8]) -> &[u8] {
    let Some(end) = window.iter().position(|byte| *byte == b'\n') else { return window };
    let line = window.get(..end).unwrap_or_default();
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// UTF-8 and UTF-16, either order.
pub(super) fn starts_with_byte_order_mark(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xEF\xBB\xBF") || bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF")
}
