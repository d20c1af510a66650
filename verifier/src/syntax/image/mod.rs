//! Firmware images: raw, Intel HEX, Motorola S-record and ELF, measured while they are read.
//!
//! [`measure`] reads an image once, from front to back, and keeps digests, a map and small fields, never the image:
//! what was hashed is what was read, and an image cannot change between two reads. One file has one memory image
//! here, or it is refused with the line: tools disagree on overlaps, on data after the end and on mixed base records,
//! and where two readings are possible a signer and a verifier can be made to see different firmware.
//!
//! What the readers take, beyond the two specifications (Intel, *Hexadecimal Object File Format Specification*,
//! revision A, 1988; Motorola, *M68000 Family Programmer's Reference Manual*, appendix C):
//! - a line ends with LF or CR LF, each line for itself; the last line may lack its end; hex digits may be of either
//!   case, marks may not;
//! - Intel HEX: bases of type 02 and 04 may both stand in a file as long as adding them and replacing one by the
//!   other give the same address (GNU objcopy writes a zero 02 before its first 04); a record that runs over 64 KiB
//!   goes on under a base of type 04, and is refused under a base of type 02 or none;
//! - S-record: address widths may differ from record to record and from the end record (`srec_cat` writes the
//!   shortest); a file ends with S7, S8 or S9, or with a right count in S5 or S6, with which `srec_cat` ends a file
//!   that has no entry point; after a count only the end record may stand;
//! - ELF: file bytes of `PT_LOAD` at `p_paddr`; sections and whatever stands behind the last segment count in the
//!   digest of the file alone.
//!
//! Measuring establishes nothing about whose image it is: that is for the release manifest.

mod address;

mod fault;
pub use fault::{ImageFault, Refusal};

mod form;
pub use form::Form;

mod plan;
pub use plan::{Plan, RangeAsk, Span};

mod measurement;
pub use measurement::{MeasuredField, MeasuredRange, Measurement, Segment};

mod source;

mod sweep;

mod map;

mod digits;

mod lines;

mod raw;

mod intel_hex;

mod s_record;

mod elf;

mod guess;
pub use guess::{Peek, guess};

use crate::values::limits::Limits;
use source::Source;
use std::io::Read;

/// Reads an image of the form that `plan` names to its end, once, and measures it.
///
/// After a fault the rest is read too, within [`Limits::image_file_bytes`], so that the fault carries the digest of
/// the whole file wherever it could be read.
///
/// # Errors
/// One [`ImageFault`]: the first thing that is wrong, with its line or offset. `image-range-malformed` and
/// `image-range-limit` speak of the plan; nothing was read then.
pub fn measure(reader: &mut dyn Read, plan: &Plan, limits: &Limits) -> Result<Measurement, ImageFault> {
    plan.check(limits)?;
    let mut source = Source::new(reader, limits);
    let outcome = match plan.form {
        Form::Raw => raw::measure(&mut source, plan, limits),
        Form::IntelHex => intel_hex::measure(&mut source, plan, limits),
        Form::SRecord => s_record::measure(&mut source, plan, limits),
        Form::Elf => elf::measure(&mut source, plan, limits),
    };
    outcome.map_err(|fault| {
        source.drain();
        fault.with_file(source.digest(), source.length())
    })
}

#[cfg(test)]
mod tests;
