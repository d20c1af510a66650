use super::writers::{Contents, Dripping, ElfShape, ask, hex_file, span, srec_file};
use crate::{
    syntax::image::{Form, Measurement, Plan, guess, measure},
    values::{digest::Sha256, limits::Limits},
};
use proptest::prelude::*;

const FORMS: [Form; 4] = [Form::Raw, Form::IntelHex, Form::SRecord, Form::Elf];

/// Up to eight pieces in 32 bits, none touching the next.
fn contents() -> impl Strategy<Value = Contents> {
    prop::collection::vec((1_u64..0x1000_0000, prop::collection::vec(any::<u8>(), 1..600)), 1..8).prop_map(|pieces| {
        let mut next = 0;
        let mut contents = Contents::new();
        for (gap, bytes) in pieces {
            let start = next + gap;
            next = start + bytes.len() as u64;
            contents.insert(start, bytes);
        }
        contents
    })
}

fn files(contents: &Contents, width: usize) -> [(Form, Vec<u8>); 4] {
    [
        (Form::IntelHex, hex_file(contents, width).into_bytes()),
        (Form::SRecord, srec_file(contents, width).into_bytes()),
        (Form::Elf, ElfShape::of(contents, true, false).file()),
        (Form::Elf, ElfShape::of(contents, false, true).file()),
    ]
}

/// The digest, first gap and bytes of a range, worked out byte by byte.
fn by_hand(contents: &Contents, start: u64, end: u64, fill: Option<u8>) -> (Option<Sha256>, Option<u64>) {
    let at = |address: u64| {
        let (first, bytes) = contents.range(..=address).next_back()?;
        bytes.get(usize::try_from(address - first).unwrap()).copied()
    };
    let first_gap = (start..end).find(|address| at(*address).is_none());
    let bytes: Option<Vec<u8>> = (start..end).map(|address| at(address).or(fill)).collect();
    (bytes.map(|bytes| Sha256::of(&bytes)), first_gap)
}

proptest! {
    #[test]
    fn every_form_of_one_image_measures_the_same(contents in contents(), width in 1_usize..250) {
        let segments: Vec<_> = contents.iter().map(|(start, bytes)| (*start, bytes.len() as u64, Sha256::of(bytes))).collect();
        for (form, file) in files(&contents, width) {
            let found = measure(&mut file.as_slice(), &Plan::of(form), &Limits::STANDARD).unwrap();
            let found_segments: Vec<_> = found.segments.iter().map(|s| (s.start, s.length, s.sha256)).collect();
            prop_assert_eq!(&found_segments, &segments);
            prop_assert_eq!(found.file_sha256, Sha256::of(&file));
            let text = serde_json::to_string(&found).unwrap();
            prop_assert_eq!(serde_json::from_str::<Measurement>(&text).unwrap(), found);
        }
    }

    #[test]
    fn ranges_and_fields_are_those_worked_out_byte_by_byte(
        contents in contents(),
        asks in prop::collection::vec((any::<prop::sample::Index>(), -40_i64..700, 1_u64..700, any::<Option<u8>>()), 1..12),
    ) {
        let asks: Vec<_> = asks.into_iter().map(|(piece, before, length, fill)| {
            let start = contents.keys().nth(piece.index(contents.len())).unwrap().saturating_add_signed(before);
            (start, start + length, fill)
        }).collect();
        let plan = Plan {
            ranges: asks.iter().map(|(start, end, fill)| ask(*start, *end, *fill)).collect(),
            fields: asks.iter().map(|(start, end, _)| span(*start, (*end).min(start + 256))).collect(),
            ..Plan::of(Form::IntelHex)
        };
        let found = measure(&mut hex_file(&contents, 16).as_bytes(), &plan, &Limits::STANDARD).unwrap();
        for ((start, end, fill), range) in asks.iter().zip(&found.ranges) {
            prop_assert_eq!((range.sha256, range.first_gap), by_hand(&contents, *start, *end, *fill));
        }
        for field in &found.fields {
            let (sha256, _) = by_hand(&contents, field.span.start, field.span.end, None);
            prop_assert_eq!(field.bytes.as_deref().map(Sha256::of), sha256);
        }
    }

    #[test]
    fn a_reader_that_drips_and_is_interrupted_gives_the_same_measurement(contents in contents(), chunk in 1_usize..5) {
        for (form, file) in files(&contents, 16).into_iter().chain([(Form::Raw, vec![3; 1000])]) {
            let mut dripping = Dripping { bytes: &file, chunk, interrupted: false };
            let found = measure(&mut dripping, &Plan::of(form), &Limits::STANDARD);
            prop_assert!(found.is_ok());
            prop_assert_eq!(found, measure(&mut file.as_slice(), &Plan::of(form), &Limits::STANDARD));
        }
    }

    #[test]
    fn arbitrary_bytes_are_measured_or_refused_and_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        for form in FORMS {
            let plan = Plan { ranges: vec![ask(0, 300, Some(0)), ask(3, 9, None)], ..Plan::of(form) };
            let found = measure(&mut bytes.as_slice(), &plan, &Limits::STANDARD);
            prop_assert_eq!(found.is_ok(), form == Form::Raw && !bytes.is_empty());
        }
        let _ = guess(&bytes);
    }

    #[test]
    fn bytes_of_an_image_changed_at_random_never_panic(
        contents in contents(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        for (form, mut file) in files(&contents, 16) {
            for (at, to) in &changes {
                let at = at.index(file.len().min(400));
                file[at] = *to;
            }
            let plan = Plan { ranges: vec![ask(0, 300, Some(0)), ask(3, 9, None)], ..Plan::of(form) };
            match measure(&mut file.as_slice(), &plan, &Limits::STANDARD) {
                Ok(found) => prop_assert_eq!(found.file_sha256, Sha256::of(&file)),
                Err(fault) => prop_assert_eq!(fault.file_sha256, Some(Sha256::of(&file))),
            }
        }
    }

    #[test]
    fn text_of_the_right_characters_never_panics(text in "[S:][0-9A-F]{0,60}\n?([S:][0-9A-F]{0,60}\r?\n){0,4}") {
        for form in [Form::IntelHex, Form::SRecord] {
            if let Err(fault) = measure(&mut text.as_bytes(), &Plan::of(form), &Limits::STANDARD) {
                prop_assert!(fault.line.is_some(), "{}", fault);
            }
        }
    }
}

/// Every byte of a file set to every value. The checksum of eight bits lets no single digit through; outside it
/// stands the type of an S-record alone, and then the contents move or, for a count read as a record without contents, stay.
#[test]
fn one_changed_character_is_refused_or_is_seen_in_the_file_digest() {
    let contents = Contents::from([(0x1_0000, (0xa0..0xd0).collect())]);
    for (form, file) in files(&contents, 16).into_iter().take(2) {
        let was = measure(&mut file.as_slice(), &Plan::of(form), &Limits::STANDARD).unwrap();
        for (at, to) in
            (0..file.len()).flat_map(|at| (0..=255).map(move |to| (at, to))).filter(|(at, to)| file[*at] != *to)
        {
            let mut changed = file.clone();
            changed[at] = to;
            let found = match measure(&mut changed.as_slice(), &Plan::of(form), &Limits::STANDARD) {
                Err(fault) => {
                    assert!(fault.line.is_some(), "{fault}");
                    continue;
                }
                Ok(found) => found,
            };
            assert_ne!(found.file_sha256, was.file_sha256);
            let is_kind = form == Form::SRecord && at > 0 && file[at - 1] == b'S';
            match (file[at], to) {
                (from, to) if from.eq_ignore_ascii_case(&to) => assert_eq!(found.segments, was.segments),
                (b'3', b'1' | b'2') if is_kind => assert_ne!(found.segments, was.segments),
                (b'5', b'0' | b'1') if is_kind => assert_eq!(found.segments, was.segments),
                (from, to) => panic!("{form}: {:?} for {:?} at {at} was taken", char::from(to), char::from(from)),
            }
        }
    }
}
