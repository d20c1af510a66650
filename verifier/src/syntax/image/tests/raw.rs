use super::writers::{ask, assert_segments, refused, span};
use crate::{
    syntax::image::{Form, Plan, measure},
    values::{digest::Sha256, limits::Limits, reason::Reason},
};

#[test]
fn ranges_and_fields_are_measured_in_one_pass_over_the_file() {
    let file: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let base = 0x8000_0000;
    let at = |start: u64, end: u64, fill| ask(base + start, base + end, fill);
    let plan = Plan {
        base,
        ranges: vec![
            at(0, 4_000_000, None),
            at(0, 100, None),
            at(100, 200_001, None),
            at(100, 150_000, Some(0xff)),
            at(3_999_999, 4_100_000, Some(0xff)),
            at(3_999_999, 4_000_001, None),
            ask(base - 10, base + 10, Some(0)),
            ask(base - 10, base + 10, None),
            at(100, 200_001, None),
            at(5_000_000, 5_000_001, Some(7)),
        ],
        fields: vec![span(base + 131_070, base + 131_080), span(base + 3_999_999, base + 4_000_001), span(0, 1)],
        ..Plan::of(Form::Raw)
    };
    let found = measure(&mut file.as_slice(), &plan, &Limits::STANDARD).unwrap();
    assert_eq!((found.file_sha256, found.file_length), (Sha256::of(&file), 4_000_000));
    assert_segments(&found, &[(base, &file)]);
    let tail = [&file[3_999_999..], &[0xff; 100_000]].concat();
    let head = [&[0; 10], &file[..10]].concat();
    let expected = [
        (Some(Sha256::of(&file)), None),
        (Some(Sha256::of(&file[..100])), None),
        (Some(Sha256::of(&file[100..200_001])), None),
        (Some(Sha256::of(&file[100..150_000])), None),
        (Some(Sha256::of(&tail)), Some(base + 4_000_000)),
        (None, Some(base + 4_000_000)),
        (Some(Sha256::of(&head)), Some(base - 10)),
        (None, Some(base - 10)),
        (Some(Sha256::of(&file[100..200_001])), None),
        (Some(Sha256::of(&[7])), Some(base + 5_000_000)),
    ];
    let ranges: Vec<_> = found.ranges.iter().map(|range| (range.sha256, range.first_gap)).collect();
    assert_eq!(ranges, expected);
    let fields: Vec<_> = found.fields.iter().map(|field| field.bytes.as_deref()).collect();
    assert_eq!(fields, [Some(&file[131_070..131_080]), None, None]);
}

#[test]
fn an_empty_file_is_refused() {
    refused(Form::Raw, b"", Reason::ImageEmpty, None);
}

#[test]
fn contents_beyond_the_last_address_are_refused() {
    let plan = Plan { base: u64::MAX - 3, ..Plan::of(Form::Raw) };
    let fault = measure(&mut [0; 4].as_slice(), &plan, &Limits::STANDARD).unwrap_err();
    assert_eq!(fault.reason, Reason::ImageAddressWrap);
    let found = measure(&mut [0; 3].as_slice(), &plan, &Limits::STANDARD).unwrap();
    assert_segments(&found, &[(u64::MAX - 3, &[0; 3])]);
}

#[test]
fn text_is_bytes_to_a_plan_that_says_raw() {
    let file = b"\xEF\xBB\xBF:00000001FF\n";
    let found = measure(&mut file.as_slice(), &Plan::of(Form::Raw), &Limits::STANDARD).unwrap();
    assert_segments(&found, &[(0, file)]);
}
