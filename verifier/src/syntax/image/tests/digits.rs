use crate::{
    syntax::image::digits::{RECORD, decode},
    values::digest::hex,
};

#[test]
fn digits_of_either_case_and_any_length_are_decoded_and_summed() {
    for length in 0..=RECORD {
        let bytes: Vec<u8> = (0..length).map(|index| u8::try_from(index * 37 % 256).unwrap() ^ 0xa5).collect();
        let sum = bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        for digits in [hex::encode(&bytes), hex::encode(&bytes).to_uppercase()] {
            let mut room = [0; RECORD];
            assert_eq!(decode(digits.as_bytes(), &mut room), Some(sum), "{digits}");
            assert_eq!(room[..length], bytes);
        }
    }
    assert_eq!(decode(&[b'F'; RECORD * 2], &mut [0; RECORD]), Some(u8::try_from(RECORD * 255 % 256).unwrap()));
}

#[test]
fn every_character_that_is_no_digit_is_found_in_every_place() {
    // 42, 74 and 76 digits are compiled for themselves
    for (length, place) in [42, 44, 74, 76].into_iter().flat_map(|length| (0..length).map(move |place| (length, place)))
    {
        for character in 0..=255_u8 {
            let mut digits = vec![b'7'; length];
            digits[place] = character;
            let found = decode(&digits, &mut [0; RECORD]);
            assert_eq!(found.is_some(), character.is_ascii_hexdigit(), "{character:#x} in place {place} of {length}");
        }
    }
}
