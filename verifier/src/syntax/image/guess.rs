//! Which form a file seems to have. For `inspect` alone: a release names the form of its components.

use super::{
    fault::{ImageFault, quote},
    form::Form,
    lines::starts_with_byte_order_mark,
};
use crate::values::reason::Reason;
use std::io::{ErrorKind, Read};

/// Bytes that a guess looks at.
const LOOKED_AT: usize = 4096;

/// The form of a file that begins with `first_bytes` (4096 are enough).
///
/// Text is never guessed to be raw: a HEX file that has lost its first character is refused, not hashed as it stands.
///
/// # Errors
/// `image-empty`, `image-byte-order-mark`, `image-form-mixed` for text that holds records of either form behind
/// something else, `image-form-unknown` for other text.
pub fn guess(first_bytes: &[u8]) -> Result<Form, ImageFault> {
    let looked_at = first_bytes.get(..LOOKED_AT).unwrap_or(first_bytes);
    if looked_at.is_empty() {
        return Err(ImageFault::new(Reason::ImageEmpty, "at least one byte", "an empty file"));
    }
    if looked_at.starts_with(b"\x7FELF") {
        return Ok(Form::Elf);
    }
    let is_text = !looked_at.iter().any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace() && *byte != 0x1a);
    let is_ascii = is_text && looked_at.is_ascii();
    let records = looked_at.split(|byte| matches!(byte, b'\n' | b'\r')).filter_map(record_of).collect::<Vec<_>>();
    if starts_with_byte_order_mark(looked_at) && (is_text || !records.is_empty() || utf16_text(looked_at)) {
        let expected = "text without a byte order mark";
        return Err(ImageFault::new(Reason::ImageByteOrderMark, expected, quote(looked_at)).at_line(1));
    }
    match (record_of(looked_at), records.iter().any(|form| Some(form) != records.first())) {
        (Some(form), false) => Ok(form),
        (None, false) if records.is_empty() && !is_ascii => Ok(Form::Raw),
        (None, false) if records.is_empty() => {
            let expected = "an ELF header, a first line of Intel HEX or S-record, or bytes that are no text";
            Err(ImageFault::new(Reason::ImageFormUnknown, expected, quote(looked_at)))
        }
        _ => {
            let expected = "one form from the first line on";
            Err(ImageFault::new(Reason::ImageFormMixed, expected, quote(looked_at)))
        }
    }
}

/// The form of a line that begins like a record: mark and eight digits, the fewest a record has.
fn record_of(line: &[u8]) -> Option<Form> {
    let (form, digits) = match line {
        [b':', digits @ ..] => (Form::IntelHex, digits),
        [b'S', b'0'..=b'9', digits @ ..] => (Form::SRecord, digits),
        _ => return None,
    };
    (digits.len() >= 8 && digits.iter().take(8).all(u8::is_ascii_hexdigit)).then_some(form)
}

/// Whether every second byte is zero, as in ASCII written in UTF-16.
fn utf16_text(bytes: &[u8]) -> bool {
    let pairs = bytes.get(2..).unwrap_or_default().chunks_exact(2);
    pairs.len() > 0 && pairs.clone().all(|pair| pair.contains(&0) && pair != [0, 0])
}

/// A reader whose first bytes were looked at and are still to be read: guess and measure in one pass.
pub struct Peek<'a> {
    head: Vec<u8>,
    taken: usize,
    rest: &'a mut dyn Read,
}

impl<'a> Peek<'a> {
    /// Reads the first bytes of `reader`.
    ///
    /// # Errors
    /// `image-read-failed`.
    pub fn new(reader: &'a mut dyn Read) -> Result<Self, ImageFault> {
        let mut head = vec![0; LOOKED_AT];
        let mut filled = 0;
        while filled < LOOKED_AT {
            let room = head.get_mut(filled..).unwrap_or_default();
            let found = match reader.read(room) {
                Ok(0) => break,
                Ok(count) if count <= room.len() => {
                    filled += count;
                    continue;
                }
                Ok(count) => format!("{count} bytes where {} were asked for", room.len()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => error.to_string(),
            };
            let fault = ImageFault::new(Reason::ImageReadFailed, "the first bytes of the file", found);
            return Err(fault.at_offset(u64::try_from(filled).unwrap_or(u64::MAX)));
        }
        head.truncate(filled);
        Ok(Self { head, taken: 0, rest: reader })
    }

    /// The first bytes of the file, all of it if it is short.
    #[must_use]
    pub fn first_bytes(&self) -> &[u8] {
        &self.head
    }
}

impl Read for Peek<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let waiting = self.head.get(self.taken..).unwrap_or_default();
        if waiting.is_empty() {
            return self.rest.read(buffer);
        }
        let count = waiting.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(waiting) {
            *to = *from;
        }
        self.taken += count;
        Ok(count)
    }
}

impl core::fmt::Debug for Peek<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Peek").field("first_bytes", &self.head.len()).finish_non_exhaustive()
    }
}
