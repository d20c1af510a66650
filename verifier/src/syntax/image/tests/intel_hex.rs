use super::writers::{assert_segments, hex_record as record, measured, refused};
use crate::{
    syntax::image::{Form, Plan, measure},
    values::{limits::Limits, reason::Reason},
};

const END: &str = ":00000001FF\n";

#[track_caller]
fn hex_refused(text: &str, reason: Reason, line: u64) {
    refused(Form::IntelHex, text, reason, line);
}

fn data(offset: u16) -> String {
    record(0, offset, &[1, 2, 3, 4])
}

#[test]
fn bases_of_both_types_place_the_contents() {
    let text =
        record(2, 0, &[0x12, 0x34]) + &data(0x10) + &record(2, 0, &[0, 0]) + &record(4, 0, &[0x80, 0]) + &data(0x20);
    let found = measured(Form::IntelHex, text + END).unwrap();
    assert_segments(&found, &[(0x12350, &[1, 2, 3, 4]), (0x8000_0020, &[1, 2, 3, 4])]);
}

#[test]
fn segments_that_touch_are_one_in_whatever_order_they_come() {
    let text = data(8) + &data(0) + &data(4) + &data(0x20) + END;
    let contents = [1, 2, 3, 4].repeat(3);
    assert_segments(&measured(Form::IntelHex, text).unwrap(), &[(0, &contents), (0x20, &[1, 2, 3, 4])]);
}

#[test]
fn lower_case_digits_mixed_line_ends_and_a_last_line_without_end_are_taken() {
    let text = ":04000000deadbeefc4\r\n:0400040001020304EE\n:00000001FF";
    assert_segments(&measured(Form::IntelHex, text).unwrap(), &[(0, b"\xde\xad\xbe\xef\x01\x02\x03\x04")]);
}

#[test]
fn entry_points_and_empty_data_records_are_no_contents() {
    let text = record(3, 0, &[0, 0, 1, 0]) + &record(0, 9, &[]) + &data(0) + &record(5, 0, &[8, 0, 0, 1]) + END;
    assert_segments(&measured(Form::IntelHex, text).unwrap(), &[(0, &[1, 2, 3, 4])]);
}

#[test]
fn an_empty_file_is_refused() {
    hex_refused("", Reason::ImageEmpty, 1);
}

#[test]
fn a_file_of_records_without_contents_is_refused() {
    hex_refused(END, Reason::ImageEmpty, 1);
    hex_refused(&(record(0, 0, &[]) + END), Reason::ImageEmpty, 2);
}

#[test]
fn a_byte_order_mark_is_refused() {
    for mark in [b"\xEF\xBB\xBF".as_slice(), b"\xFF\xFE", b"\xFE\xFF"] {
        let file = [mark, data(0).as_bytes(), END.as_bytes()].concat();
        refused(Form::IntelHex, file, Reason::ImageByteOrderMark, 1);
    }
}

#[test]
fn a_wrong_mark_is_refused() {
    hex_refused(&(data(0) + &data(4).replace(':', ";") + END), Reason::ImageRecordMalformed, 2);
    hex_refused(&(data(0) + " " + &data(4) + END), Reason::ImageRecordMalformed, 2);
    hex_refused(&(data(0) + "/* comment */\n" + END), Reason::ImageRecordMalformed, 2);
}

#[test]
fn an_s_record_line_is_refused_as_mixed() {
    hex_refused(&(data(0) + "S9030000FC\n" + END), Reason::ImageFormMixed, 2);
}

#[test]
fn a_blank_line_is_refused() {
    hex_refused(&(data(0) + "\n" + END), Reason::ImageRecordMalformed, 2);
    hex_refused(&(data(0) + "\r\n" + END), Reason::ImageRecordMalformed, 2);
}

#[test]
fn trailing_blanks_are_refused() {
    hex_refused(&(data(0).replace('\n', " \n") + END), Reason::ImageRecordMalformed, 1);
    hex_refused(&(data(0).replace('\n', "\t\n") + END), Reason::ImageRecordMalformed, 1);
}

#[test]
fn lines_that_end_with_cr_alone_are_refused() {
    hex_refused(&(data(0) + END).replace('\n', "\r"), Reason::ImageRecordMalformed, 1);
    hex_refused(&(data(0) + END.trim_end() + "\r"), Reason::ImageRecordMalformed, 2);
}

#[test]
fn a_character_that_is_no_hex_digit_is_refused_with_its_column() {
    let fault = refused(Form::IntelHex, ":0400000001G203045B\n", Reason::ImageRecordMalformed, 1);
    assert_eq!(fault.found, "\"G\" in column 12");
}

#[test]
fn an_odd_number_of_digits_is_refused() {
    hex_refused(":040000000102030F2\n", Reason::ImageRecordMalformed, 1);
}

#[test]
fn a_length_that_does_not_fit_the_line_is_refused() {
    hex_refused(":0500000001020304F2\n", Reason::ImageRecordLength, 1);
    hex_refused(":0300000001020304F2\n", Reason::ImageRecordLength, 1);
    hex_refused(":\n", Reason::ImageRecordLength, 1);
    hex_refused(":00\n", Reason::ImageRecordLength, 1);
}

#[test]
fn a_line_over_the_cap_is_refused() {
    hex_refused(&(data(0) + ":" + &"0".repeat(2000) + "\n"), Reason::ImageRecordLength, 2);
    hex_refused(&(data(0) + ":" + &"0".repeat(300_000)), Reason::ImageRecordLength, 2);
}

#[test]
fn a_wrong_checksum_is_refused_with_the_right_one() {
    let fault = refused(Form::IntelHex, data(0) + ":0400040001020304EF\n" + END, Reason::ImageChecksum, 2);
    assert_eq!((fault.expected.as_str(), fault.found.as_str()), ("EE", "EF"));
}

#[test]
fn an_unknown_record_type_is_refused_unless_the_plan_names_it() {
    let text = record(0x0a, 0x9900, &[0xc0, 0xde]) + &data(0) + END;
    hex_refused(&text, Reason::ImageRecordType, 1);
    let plan = Plan { allowed_record_types: vec![0x0a], ..Plan::of(Form::IntelHex) };
    let found = measure(&mut text.as_bytes(), &plan, &Limits::STANDARD).unwrap();
    assert_segments(&found, &[(0, &[1, 2, 3, 4])]);
    let broken = text.replace("C0DE", "C1DE");
    let fault = measure(&mut broken.as_bytes(), &plan, &Limits::STANDARD).unwrap_err();
    assert_eq!((fault.reason, fault.line), (Reason::ImageChecksum, Some(1)));
}

#[test]
fn an_allowed_record_type_does_not_change_what_a_defined_type_means() {
    let plan = Plan { allowed_record_types: vec![0, 1, 2, 3, 4, 5], ..Plan::of(Form::IntelHex) };
    let text = record(4, 0, &[0x80]) + &data(0) + END;
    let fault = measure(&mut text.as_bytes(), &plan, &Limits::STANDARD).unwrap_err();
    assert_eq!((fault.reason, fault.line), (Reason::ImageRecordLength, Some(1)));
}

#[test]
fn a_record_of_fixed_length_with_another_length_is_refused() {
    for (kind, contents) in [(1, &[1][..]), (2, &[1]), (2, &[1, 2, 3]), (3, &[1, 2]), (4, &[0x80]), (5, &[1, 2, 3])] {
        hex_refused(&(data(0) + &record(kind, 0, contents) + END), Reason::ImageRecordLength, 2);
    }
}

#[test]
fn a_record_of_fixed_offset_with_another_offset_is_refused() {
    for (kind, contents) in [(1, &[][..]), (2, &[0, 0]), (3, &[0; 4]), (4, &[0, 0]), (5, &[0; 4])] {
        hex_refused(&(data(0) + &record(kind, 1, contents) + END), Reason::ImageRecordMalformed, 2);
    }
}

#[test]
fn two_records_for_one_address_are_refused_even_if_they_agree() {
    hex_refused(&(data(0) + &data(0) + END), Reason::ImageOverlap, 2);
    hex_refused(&(data(0) + &data(3) + END), Reason::ImageOverlap, 2);
    hex_refused(&(data(8) + &data(0) + &data(4) + &data(8) + END), Reason::ImageOverlap, 4);
    hex_refused(&(data(4) + &data(1) + END), Reason::ImageOverlap, 2);
    let fault = refused(Form::IntelHex, data(8) + &data(0x20) + &data(6) + END, Reason::ImageOverlap, 3);
    assert_eq!(fault.address, Some(8));
}

#[test]
fn contents_that_wrap_at_64_kib_are_refused_without_a_linear_base() {
    hex_refused(&(data(0xfffd) + END), Reason::ImageAddressWrap, 1);
    hex_refused(&(record(2, 0, &[0x10, 0]) + &data(0xfffd) + END), Reason::ImageAddressWrap, 2);
    let found = measured(Form::IntelHex, data(0xfffc) + END).unwrap();
    assert_segments(&found, &[(0xfffc, &[1, 2, 3, 4])]);
}

#[test]
fn contents_run_over_64_kib_under_a_linear_base() {
    let found = measured(Form::IntelHex, record(4, 0, &[0, 1]) + &data(0xfffe) + END).unwrap();
    assert_segments(&found, &[(0x1_fffe, &[1, 2, 3, 4])]);
}

#[test]
fn contents_that_wrap_at_4_gib_are_refused() {
    let base = record(4, 0, &[0xff, 0xff]);
    hex_refused(&(base.clone() + &data(0xfffd) + END), Reason::ImageAddressWrap, 2);
    let found = measured(Form::IntelHex, base + &data(0xfffc) + END).unwrap();
    assert_segments(&found, &[(0xffff_fffc, &[1, 2, 3, 4])]);
}

#[test]
fn bases_that_readers_would_add_or_replace_are_refused_as_mixed() {
    let (segment, linear) = (record(2, 0, &[0x10, 0]), record(4, 0, &[0, 1]));
    hex_refused(&(segment.clone() + &linear + &data(0) + END), Reason::ImageFormMixed, 2);
    hex_refused(&(linear + &data(0) + &segment + &data(0) + END), Reason::ImageFormMixed, 3);
}

#[test]
fn anything_after_the_end_record_is_refused() {
    for after in [data(4), END.to_owned(), "\n".to_owned(), " ".to_owned(), "\u{1a}".to_owned(), record(4, 0, &[0, 0])]
    {
        hex_refused(&(data(0) + END + &after), Reason::ImageDataAfterEnd, 3);
    }
}

#[test]
fn a_file_without_end_record_is_refused() {
    hex_refused(&data(0), Reason::ImageEndMissing, 2);
}

#[test]
fn contents_and_map_over_the_cap_are_refused() {
    let limits = Limits { image_memory: 200, ..Limits::STANDARD };
    let dense: String = (0..50).map(|index| data(index * 4)).collect();
    let fault = measure(&mut (dense + END).as_bytes(), &Plan::of(Form::IntelHex), &limits).unwrap_err();
    assert_eq!((fault.reason, fault.line), (Reason::ImageTooLarge, Some(35)));
    let sparse: String = (0..50).map(|index| data(index * 8)).collect();
    let fault = measure(&mut (sparse + END).as_bytes(), &Plan::of(Form::IntelHex), &limits).unwrap_err();
    assert_eq!((fault.reason, fault.line), (Reason::ImageTooLarge, Some(3)));
}

#[test]
fn more_segments_than_the_cap_are_refused() {
    let limits = Limits { image_segments: 2, ..Limits::STANDARD };
    let text = data(0) + &data(8) + &data(16) + END;
    let fault = measure(&mut text.as_bytes(), &Plan::of(Form::IntelHex), &limits).unwrap_err();
    assert_eq!((fault.reason, fault.address), (Reason::ImageTooManySegments, Some(16)));
}
