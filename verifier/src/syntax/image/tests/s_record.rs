use super::writers::{assert_segments, measured, refused, s_record as record};
use crate::{
    syntax::image::{Form, Plan, measure},
    values::{limits::Limits, reason::Reason},
};

const END: &str = "S9030000FC\n";

#[track_caller]
fn srec_refused(text: &str, reason: Reason, line: u64) {
    refused(Form::SRecord, text, reason, line);
}

fn data(address: u32) -> String {
    record('1', address, &[1, 2, 3, 4])
}

#[test]
fn addresses_of_all_widths_place_the_contents() {
    let bytes = [1, 2, 3, 4];
    let text =
        record('0', 0, b"head") + &data(0x10) + &record('2', 0x12_3456, &bytes) + &record('3', 0x8000_0000, &bytes);
    let found = measured(Form::SRecord, text + &record('5', 3, &[]) + END).unwrap();
    assert_segments(&found, &[(0x10, &bytes), (0x12_3456, &bytes), (0x8000_0000, &bytes)]);
}

#[test]
fn an_end_record_of_any_width_ends_the_file() {
    for end in ['7', '8', '9'] {
        assert_segments(&measured(Form::SRecord, data(0) + &record(end, 0x10, &[])).unwrap(), &[(0, &[1, 2, 3, 4])]);
    }
}

#[test]
fn a_right_count_ends_the_file_too() {
    assert_segments(&measured(Form::SRecord, data(0) + &record('5', 1, &[])).unwrap(), &[(0, &[1, 2, 3, 4])]);
    assert_segments(&measured(Form::SRecord, data(0) + &record('6', 1, &[])).unwrap(), &[(0, &[1, 2, 3, 4])]);
}

#[test]
fn a_file_without_end_record_or_count_is_refused() {
    srec_refused(&data(0), Reason::ImageEndMissing, 2);
}

#[test]
fn a_wrong_count_is_refused() {
    srec_refused(&(data(0) + &record('5', 2, &[]) + END), Reason::ImageRecordCount, 2);
    srec_refused(&(data(0) + &record('6', 0, &[]) + END), Reason::ImageRecordCount, 2);
    srec_refused(&(data(0) + &record('5', 0x0101, &[])), Reason::ImageRecordCount, 2);
}

#[test]
fn a_record_after_the_count_that_is_not_the_end_is_refused() {
    for after in [data(4), record('0', 0, b"head"), record('5', 1, &[])] {
        srec_refused(&(data(0) + &record('5', 1, &[]) + &after + END), Reason::ImageRecordCount, 3);
    }
}

#[test]
fn the_reserved_and_unknown_types_are_refused_unless_the_plan_names_them() {
    let text = record('4', 0, &[]) + &data(0) + END;
    srec_refused(&text, Reason::ImageRecordType, 1);
    srec_refused(&(record('X', 0, &[]) + &data(0) + END), Reason::ImageRecordType, 1);
    let plan = Plan { allowed_record_types: vec![4], ..Plan::of(Form::SRecord) };
    let found = measure(&mut text.as_bytes(), &plan, &Limits::STANDARD).unwrap();
    assert_segments(&found, &[(0, &[1, 2, 3, 4])]);
}

#[test]
fn a_wrong_checksum_is_refused_with_the_right_one() {
    let fault = refused(Form::SRecord, data(0) + "S107000401020304EB\n" + END, Reason::ImageChecksum, 2);
    assert_eq!((fault.expected.as_str(), fault.found.as_str()), ("EA", "EB"));
}

#[test]
fn a_length_that_does_not_fit_is_refused() {
    srec_refused("S10800000102030400\n", Reason::ImageRecordLength, 1);
    srec_refused("S10600000102030400\n", Reason::ImageRecordLength, 1);
    srec_refused("S1\n", Reason::ImageRecordLength, 1);
    srec_refused("S100FF\n", Reason::ImageRecordLength, 1);
    // a count that fits the line and not the type
    srec_refused("S10200FD\n", Reason::ImageRecordLength, 1);
    srec_refused(&(data(0) + &record('9', 0, &[1])), Reason::ImageRecordLength, 2);
    srec_refused(&(data(0) + &record('5', 1, &[1])), Reason::ImageRecordLength, 2);
}

#[test]
fn odd_digits_other_characters_and_lower_case_marks_are_refused() {
    srec_refused("S107000001020304E\n", Reason::ImageRecordMalformed, 1);
    srec_refused("S1070000010203O4EE\n", Reason::ImageRecordMalformed, 1);
    srec_refused("s107000001020304EE\n", Reason::ImageRecordMalformed, 1);
}

#[test]
fn blank_lines_trailing_blanks_cr_alone_and_byte_order_marks_are_refused() {
    srec_refused(&(data(0) + "\n" + END), Reason::ImageRecordMalformed, 2);
    srec_refused(&(data(0).replace('\n', " \n") + END), Reason::ImageRecordMalformed, 1);
    srec_refused(&(data(0) + END).replace('\n', "\r"), Reason::ImageRecordMalformed, 1);
    srec_refused(&("\u{feff}".to_owned() + &data(0) + END), Reason::ImageByteOrderMark, 1);
}

#[test]
fn a_hex_line_is_refused_as_mixed() {
    srec_refused(&(data(0) + ":00000001FF\n" + END), Reason::ImageFormMixed, 2);
    srec_refused(":00000001FF\n", Reason::ImageFormMixed, 1);
}

#[test]
fn contents_that_wrap_at_the_width_of_their_address_are_refused() {
    let bytes = [1, 2, 3, 4];
    for (kind, last) in [('1', 0xfffd), ('2', 0xff_fffd), ('3', 0xffff_fffd)] {
        srec_refused(&(record(kind, last, &bytes) + END), Reason::ImageAddressWrap, 1);
        let found = measured(Form::SRecord, record(kind, last - 1, &bytes) + END).unwrap();
        assert_segments(&found, &[(u64::from(last - 1), &bytes)]);
    }
}

#[test]
fn two_records_for_one_address_are_refused() {
    srec_refused(&(data(0) + &record('3', 2, &[3, 4]) + END), Reason::ImageOverlap, 2);
}

#[test]
fn word_addresses_for_byte_contents_are_refused_as_overlap() {
    // srec_cat -motorola 4 writes these: addresses 8 apart for records of 32 bytes
    let text = record('3', 0, &[0; 32]) + &record('3', 8, &[0; 32]) + END;
    srec_refused(&text, Reason::ImageOverlap, 2);
}

#[test]
fn anything_after_the_end_record_is_refused() {
    for after in [data(4), END.to_owned(), "\n".to_owned(), record('0', 0, b"again"), record('5', 1, &[])] {
        srec_refused(&(data(0) + END + &after), Reason::ImageDataAfterEnd, 3);
    }
}

#[test]
fn an_empty_file_and_a_file_without_contents_are_refused() {
    srec_refused("", Reason::ImageEmpty, 1);
    srec_refused(&(record('0', 0, b"head") + END), Reason::ImageEmpty, 2);
}
