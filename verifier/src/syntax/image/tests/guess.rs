use super::writers::{ElfShape, hex_file, measured, srec_file};
use crate::{
    syntax::image::{Form, Peek, Plan, guess, measure},
    values::{limits::Limits, reason::Reason},
};
use std::collections::BTreeMap;

#[track_caller]
fn unguessed(bytes: &[u8], reason: Reason) {
    assert_eq!(guess(bytes).map_err(|fault| fault.reason), Err(reason));
}

#[test]
fn each_form_is_guessed_and_then_measured_in_one_pass() {
    let contents = BTreeMap::from([(0x100, vec![0xa5; 10_000])]);
    let files = [
        (Form::Raw, vec![0xff; 10_000]),
        (Form::IntelHex, hex_file(&contents, 16).into_bytes()),
        (Form::SRecord, srec_file(&contents, 16).into_bytes()),
        (Form::Elf, ElfShape::of(&contents, true, false).file()),
    ];
    for (form, file) in files {
        let mut once = file.as_slice();
        let mut peek = Peek::new(&mut once).unwrap();
        assert_eq!(guess(peek.first_bytes()), Ok(form));
        let found = measure(&mut peek, &Plan::of(form), &Limits::STANDARD);
        assert_eq!(found, measured(form, &file));
        assert!(found.is_ok());
    }
}

#[test]
fn text_is_never_guessed_to_be_raw() {
    unguessed(b"", Reason::ImageEmpty);
    unguessed(b"hello\n", Reason::ImageFormUnknown);
    unguessed(b"\n\n", Reason::ImageFormUnknown);
    unguessed(b"0400000001020304F2\n", Reason::ImageFormUnknown);
    unguessed(b":G400000001020304F2\n", Reason::ImageFormUnknown);
}

#[test]
fn records_behind_something_else_are_refused_as_mixed() {
    unguessed(b"; made by hand\n:0400000001020304F2\n:00000001FF\n", Reason::ImageFormMixed);
    unguessed(b"\r\n:0400000001020304F2\r\n", Reason::ImageFormMixed);
    unguessed(b"\x00\x01\n:0400000001020304F2\n", Reason::ImageFormMixed);
    unguessed(b":0400000001020304F2\nS9030000FC\n", Reason::ImageFormMixed);
}

#[test]
fn a_byte_order_mark_before_text_is_refused() {
    unguessed(b"\xEF\xBB\xBF:0400000001020304F2\n", Reason::ImageByteOrderMark);
    unguessed(b"\xFF\xFE:\x000\x004\x00", Reason::ImageByteOrderMark);
    assert_eq!(guess(&[0xff, 0xfe, 0x00, 0x01, 0x80, 0x90]), Ok(Form::Raw));
}
