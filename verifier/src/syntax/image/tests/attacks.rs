use super::writers::hex_record;
use crate::{
    syntax::image::{Form, Plan, measure},
    values::{digest::Sha256, limits::Limits, reason::Reason},
};
use std::io::Read;

const FORMS: [Form; 4] = [Form::Raw, Form::IntelHex, Form::SRecord, Form::Elf];

/// Counts what is read of an endless file, and refuses to be asked for a large buffer.
struct Endless<'a> {
    head: &'a [u8],
    body: &'a [u8],
    given: u64,
}

impl Read for Endless<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        assert!(buffer.len() <= 1 << 20, "read in bounded pieces");
        let from = usize::try_from(self.given).unwrap();
        let count = if let Some(head) = self.head.get(from..).filter(|head| !head.is_empty()) {
            { head }.read(buffer)?
        } else {
            let skip = (from - self.head.len()) % self.body.len();
            (&self.body[skip..]).read(buffer)?
        };
        self.given += count as u64;
        Ok(count)
    }
}

/// Class 47, endless data: `/dev/zero`, a FIFO that never ends, a sparse file of 100 GB.
#[test]
fn attack_47_an_endless_image_is_refused_at_the_cap_in_every_form() {
    let limits = Limits { image_file_bytes: 10 << 20, ..Limits::STANDARD };
    let fault = measure(&mut std::io::repeat(0), &Plan::of(Form::Raw), &limits).unwrap_err();
    assert_eq!((fault.reason, fault.file_sha256), (Reason::ImageTooLarge, None));
    for form in FORMS {
        let mut endless = Endless { head: b"", body: &[0], given: 0 };
        let fault = measure(&mut endless, &Plan::of(form), &limits).unwrap_err();
        let expected = match form {
            Form::Raw => Reason::ImageTooLarge,
            Form::IntelHex | Form::SRecord => Reason::ImageRecordMalformed,
            Form::Elf => Reason::ImageElfMalformed,
        };
        assert_eq!((fault.reason, fault.file_sha256), (expected, None), "{form}");
        assert!(endless.given <= limits.image_file_bytes + (1 << 20), "{form}");
    }
}

/// Class 47: records that are right and never end.
#[test]
fn attack_47_endless_records_are_refused_at_the_cap() {
    let limits = Limits { image_file_bytes: 1 << 20, ..Limits::STANDARD };
    let empty = hex_record(0, 0, &[]);
    let mut endless = Endless { head: b"", body: empty.as_bytes(), given: 0 };
    let fault = measure(&mut endless, &Plan::of(Form::IntelHex), &limits).unwrap_err();
    assert_eq!(fault.reason, Reason::ImageTooLarge);
    let mut endless = Endless { head: b"", body: b"S0030000FC\n", given: 0 };
    let fault = measure(&mut endless, &Plan::of(Form::SRecord), &limits).unwrap_err();
    assert_eq!(fault.reason, Reason::ImageTooLarge);
}

/// Class 47: an ELF header that claims program headers and contents of gigabytes costs no memory.
#[test]
fn attack_47_an_elf_header_that_claims_gigabytes_is_refused() {
    let contents = super::writers::Contents::from([(0, vec![1])]);
    let mut file = super::writers::ElfShape::of(&contents, false, false).file();
    file[52 + 16..52 + 24].copy_from_slice(&[0xff, 0xff, 0xff, 0xef, 0xff, 0xff, 0xff, 0xef]);
    let fault = measure(&mut file.as_slice(), &Plan::of(Form::Elf), &Limits::STANDARD).unwrap_err();
    assert_eq!((fault.reason, fault.file_sha256), (Reason::ImageTooLarge, Some(Sha256::of(&file))));
}

/// Class 49, the image changed between two reads: there is no second read. The reader gives other bytes as soon as
/// it has been read to its end, and is not asked again.
#[test]
fn attack_49_an_image_is_read_once_and_never_after_its_end() {
    struct Once<'a> {
        left: &'a [u8],
        ended: bool,
    }
    impl Read for Once<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            assert!(!self.ended, "read again after the end");
            let count = self.left.read(buffer)?;
            self.ended = count == 0;
            Ok(count)
        }
    }
    let contents = super::writers::Contents::from([(0x100, vec![0x5a; 300_000])]);
    let files = [
        (Form::Raw, vec![7; 300_000]),
        (Form::IntelHex, super::writers::hex_file(&contents, 32).into_bytes()),
        (Form::SRecord, super::writers::srec_file(&contents, 32).into_bytes()),
        (Form::Elf, super::writers::ElfShape::of(&contents, true, true).file()),
    ];
    for (form, file) in files {
        let mut once = Once { left: &file, ended: false };
        let found = measure(&mut once, &Plan::of(form), &Limits::STANDARD).unwrap();
        assert!(once.ended);
        assert_eq!((found.file_sha256, found.file_length), (Sha256::of(&file), file.len() as u64), "{form}");
        // nor after a fault
        let broken = [&file[..file.len() / 2], b"\n"].concat();
        let mut once = Once { left: &broken, ended: false };
        if let Err(fault) = measure(&mut once, &Plan::of(form), &Limits::STANDARD) {
            assert_eq!(fault.file_sha256, Some(Sha256::of(&broken)), "{form}");
        }
        assert!(once.ended);
    }
}

#[test]
fn a_file_that_fails_while_it_is_read_is_refused_with_the_offset() {
    struct Failing(usize);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.0 == 0 {
                return Err(std::io::Error::other("input/output error"));
            }
            let count = self.0.min(buffer.len());
            buffer[..count].fill(b':');
            self.0 -= count;
            Ok(count)
        }
    }
    for form in FORMS {
        let fault = measure(&mut Failing(10), &Plan::of(form), &Limits::STANDARD).unwrap_err();
        assert_eq!((fault.reason, fault.offset), (Reason::ImageReadFailed, Some(10)), "{form}");
        assert_eq!(fault.file_sha256, None);
    }
}

#[test]
fn a_reader_that_claims_more_bytes_than_it_was_asked_for_is_refused() {
    struct Boasting;
    impl Read for Boasting {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            Ok(buffer.len() + 1)
        }
    }
    for form in FORMS {
        let fault = measure(&mut Boasting, &Plan::of(form), &Limits::STANDARD).unwrap_err();
        assert_eq!(fault.reason, Reason::ImageReadFailed, "{form}");
    }
    let fault = crate::syntax::image::Peek::new(&mut Boasting).unwrap_err();
    assert_eq!(fault.reason, Reason::ImageReadFailed);
}

#[test]
fn a_file_of_exactly_the_cap_is_taken_and_one_byte_more_is_refused() {
    let limits = Limits { image_file_bytes: 1000, ..Limits::STANDARD };
    assert!(measure(&mut [1; 1000].as_slice(), &Plan::of(Form::Raw), &limits).is_ok());
    let fault = measure(&mut [1; 1001].as_slice(), &Plan::of(Form::Raw), &limits).unwrap_err();
    assert_eq!((fault.reason, fault.offset), (Reason::ImageTooLarge, Some(1000)));
}
