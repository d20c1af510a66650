use super::writers::{Contents, ElfShape, assert_segments, measured, refused};
use crate::{
    syntax::image::{Form, Plan, measure},
    values::{limits::Limits, reason::Reason},
};

fn shape() -> ElfShape {
    let contents = Contents::from([(0x8000_0000, vec![1, 2, 3]), (0x8000_0100, vec![4, 5])]);
    ElfShape::of(&contents, false, false)
}

#[test]
fn segments_lie_at_their_physical_addresses_in_every_class_and_byte_order() {
    for (wide, big_endian) in [(false, false), (false, true), (true, false), (true, true)] {
        let file = ElfShape { wide, big_endian, ..shape() }.file();
        let found = measured(Form::Elf, file).unwrap();
        assert_segments(&found, &[(0x8000_0000, &[1, 2, 3]), (0x8000_0100, &[4, 5])]);
    }
}

#[test]
fn a_high_half_address_of_64_bits_survives_json() {
    let contents = Contents::from([(0xffff_ffff_8000_0000, vec![1])]);
    let found = measured(Form::Elf, ElfShape::of(&contents, true, true).file()).unwrap();
    let text = serde_json::to_string(&found).unwrap();
    assert!(text.contains(r#""start":"0xffffffff80000000""#), "{text}");
    assert_eq!(serde_json::from_str::<crate::syntax::image::Measurement>(&text).unwrap(), found);
}

#[test]
fn what_stands_behind_the_last_segment_counts_in_the_file_digest_alone() {
    let plain = shape().file();
    let longer = [plain.as_slice(), b"sections"].concat();
    let (plain, longer) = (measured(Form::Elf, plain).unwrap(), measured(Form::Elf, longer).unwrap());
    assert_eq!(plain.segments, longer.segments);
    assert_ne!(plain.file_sha256, longer.file_sha256);
}

#[test]
fn segments_that_are_not_loadable_or_have_no_file_bytes_are_passed_over() {
    let mut elf = shape();
    elf.programs.push((4, 0x8000_0000, vec![9; 3], 3));
    elf.programs.push((1, 0x8000_0000, vec![], 100));
    assert_segments(&measured(Form::Elf, elf.file()).unwrap(), &[(0x8000_0000, &[1, 2, 3]), (0x8000_0100, &[4, 5])]);
}

#[test]
fn a_file_without_loadable_file_bytes_is_refused() {
    let mut elf = shape();
    elf.programs = vec![(1, 0, vec![], 100), (4, 0, vec![1], 1)];
    refused(Form::Elf, elf.file(), Reason::ImageEmpty, None);
    elf.programs.clear();
    refused(Form::Elf, elf.file(), Reason::ImageElfMalformed, None);
    refused(Form::Elf, b"", Reason::ImageEmpty, None);
}

#[test]
fn segments_that_overlap_are_refused() {
    let mut elf = shape();
    elf.programs.push((1, 0x8000_0002, vec![3], 1));
    let fault = refused(Form::Elf, elf.file(), Reason::ImageOverlap, None);
    assert_eq!(fault.address, Some(0x8000_0002));
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let file = shape().file();
    for length in 1..file.len() {
        refused(Form::Elf, &file[..length], Reason::ImageElfMalformed, None);
    }
}

#[test]
fn headers_that_lie_are_refused() {
    let file = shape().file();
    let lies: &[(&str, usize, &[u8])] = &[
        ("magic", 0, b"\x7FELG"),
        ("class", 4, &[3]),
        ("byte order", 5, &[0]),
        ("version of the identification", 6, &[2]),
        ("a relocatable object", 16, &[1, 0]),
        ("a core dump", 16, &[4, 0]),
        ("version", 20, &[2]),
        ("program headers within the file header", 28, &[51, 0, 0, 0]),
        ("program headers behind the file", 28, &[0, 0, 0, 1]),
        ("program headers beyond memory", 28, &[0xff, 0xff, 0xff, 0xff]),
        ("file header size", 40, &[64, 0]),
        ("program header size", 42, &[56, 0]),
        ("program headers more than there are", 44, &[0xfe, 0xff]),
        ("program headers counted elsewhere", 44, &[0xff, 0xff]),
        ("a segment beyond the file", 52 + 4, &[0, 0, 0, 0x10]),
        ("more file bytes than memory", 52 + 20, &[2, 0, 0, 0]),
    ];
    for (lie, at, bytes) in lies {
        let mut lying = file.clone();
        lying[*at..*at + bytes.len()].copy_from_slice(bytes);
        let fault = measured(Form::Elf, lying).unwrap_err();
        assert_eq!(fault.reason, Reason::ImageElfMalformed, "{lie}: {fault}");
    }
}

#[test]
fn a_segment_that_wraps_at_the_end_of_memory_is_refused() {
    for (wide, last) in [(false, 0xffff_fffe), (true, u64::MAX - 0x1000)] {
        let mut elf = shape();
        elf.wide = wide;
        elf.programs.push((1, last, vec![0; 0x1001], 0x1001));
        refused(Form::Elf, elf.file(), Reason::ImageAddressWrap, None);
    }
}

#[test]
fn contents_over_the_cap_are_refused_before_they_are_read() {
    let limits = Limits { image_memory: 200, ..Limits::STANDARD };
    let contents = Contents::from([(0, vec![0; 201])]);
    let file = ElfShape::of(&contents, false, false).file();
    let fault = measure(&mut file.as_slice(), &Plan::of(Form::Elf), &limits).unwrap_err();
    assert_eq!(fault.reason, Reason::ImageTooLarge);
}

#[test]
fn two_segments_may_share_file_bytes() {
    let file = shape().file();
    let mut sharing = file.clone();
    let first_offset = file[52 + 4..52 + 8].to_vec();
    sharing[52 + 32 + 4..52 + 32 + 8].copy_from_slice(&first_offset);
    let found = measured(Form::Elf, sharing).unwrap();
    assert_segments(&found, &[(0x8000_0000, &[1, 2, 3]), (0x8000_0100, &[1, 2])]);
}
