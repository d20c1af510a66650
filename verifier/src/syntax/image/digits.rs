//! Pairs of hex digits into bytes, fast: this is where the time of a HEX file goes.

/// Bytes of the longest record, its length byte and checksum included.
pub(super) const RECORD: usize = 260;

/// Decodes `digits` into the front of `room` and answers the sum of the bytes modulo 256. `None` where a character
/// is no hex digit.
#[inline]
pub(super) fn decode(digits: &[u8], room: &mut [u8; RECORD]) -> Option<u8> {
    // the lengths of most records, known to the compiler: 16 and 32 bytes of contents in either form
    if let Ok(digits) = <&[u8; 42]>::try_from(digits) {
        decode_all(digits, room)
    } else if let Ok(digits) = <&[u8; 74]>::try_from(digits) {
        decode_all(digits, room)
    } else if let Ok(digits) = <&[u8; 76]>::try_from(digits) {
        decode_all(digits, room)
    } else {
        decode_all(digits, room)
    }
}

#[inline(always)] // so that each length is compiled for itself
fn decode_all(digits: &[u8], room: &mut [u8; RECORD]) -> Option<u8> {
    let (wide, rest) = digits.as_chunks::<32>();
    let (narrow, rest) = rest.as_chunks::<8>();
    let (rest, _) = rest.as_chunks::<2>();
    let (wide_room, room) = room.split_at_mut_checked(wide.len() * 16)?;
    let (narrow_room, room) = room.split_at_mut_checked(narrow.len() * 4)?;
    let (mut lane_sums, mut lane_wrong) = ([0; 16], [0; 32]);
    for (digits, bytes) in wide.iter().zip(wide_room.as_chunks_mut::<16>().0) {
        sixteen(digits, bytes, &mut lane_sums, &mut lane_wrong);
    }
    // from here on in lanes of 16 bits, which four bytes a word, and four more of lanes, cannot overflow
    let mut sums = words(&lane_sums).map(|word| (word & LOW_BYTES) + (word >> 8 & LOW_BYTES)).sum::<u64>();
    let mut wrong = words(&lane_wrong).fold(0, |all, word| all | word);
    for (digits, bytes) in narrow.iter().zip(narrow_room.as_chunks_mut::<4>().0) {
        let (lanes, strange) = eight(u64::from_le_bytes(*digits));
        sums += lanes;
        wrong |= strange;
        *bytes = four(lanes);
    }
    let [mut sum, ..] = (sums + (sums >> 16) + (sums >> 32) + (sums >> 48)).to_le_bytes();
    let mut seen = 0;
    for ([high, low], byte) in rest.iter().zip(room) {
        let (high, low) = (value(*high), value(*low));
        seen |= high | low;
        *byte = high << 4 | (low & 0x0f);
        sum = sum.wrapping_add(*byte);
    }
    (seen < BAD && wrong == 0).then_some(sum)
}

/// Adds the values of 32 digits to `room` and `sums`, lane by lane, which compilers turn into vector instructions; a
/// lane of `wrong` is no longer 0 where a character is no hex digit.
#[inline]
fn sixteen(digits: &[u8; 32], room: &mut [u8; 16], sums: &mut [u8; 16], wrong: &mut [u8; 32]) {
    let mut values = [0; 32];
    for ((value, digit), wrong) in values.iter_mut().zip(digits).zip(wrong) {
        // of 0 to 9 and A to F in either case, letters alone have bit 6
        let letter = digit >> 6 & 1;
        *value = (digit & 0x0f) + (letter << 3 | letter);
        // written back, the value must give the digit, in upper case
        let over_nine = (*value + 0x76) >> 7;
        let written = *value + 0x30 + ((over_nine << 3) - over_nine);
        *wrong |= (written ^ (digit & !(letter << 5))) | (*value & 0xf0);
    }
    for (([high, low], byte), sum) in values.as_chunks::<2>().0.iter().zip(room).zip(sums) {
        *byte = high << 4 | low;
        *sum = sum.wrapping_add(*byte);
    }
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word))
}

const LOW_BYTES: u64 = 0x00ff_00ff_00ff_00ff;

/// The four bytes of four lanes.
#[inline]
const fn four(lanes: u64) -> [u8; 4] {
    let pairs = lanes | lanes >> 8;
    let [first, second, _, _, third, fourth, ..] = pairs.to_le_bytes();
    [first, second, third, fourth]
}

/// The values of eight digits as four bytes, one in each 16 bits; and a number that is not 0 where a character is no
/// hex digit.
#[inline]
const fn eight(digits: u64) -> (u64, u64) {
    // of 0 to 9 and A to F in either case, letters alone have bit 6
    let letter = digits >> 6 & each(0x01);
    let values = (digits & each(0x0f)) + (letter << 3 | letter);
    // written back, the values must give the digits, in upper case
    let over_nine = (values + each(0x76)) >> 7 & each(0x01);
    let written = values + each(0x30) + ((over_nine << 3) - over_nine);
    let wrong = (written ^ (digits & !(letter << 5))) | (values & each(0xf0));
    ((values << 4 | values >> 8) & LOW_BYTES, wrong)
}

const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The byte of two hex digits.
#[inline]
pub(super) fn pair(high: u8, low: u8) -> Option<u8> {
    let (high, low) = (value(high), value(low));
    ((high | low) < BAD).then_some(high << 4 | low)
}

const BAD: u8 = 0x80;

fn value(digit: u8) -> u8 {
    VALUES.get(usize::from(digit)).copied().unwrap_or(BAD)
}

static VALUES: [u8; 256] = values();

#[allow(clippy::indexing_slicing)] // evaluated by the compiler, which would refuse an index out of range
const fn values() -> [u8; 256] {
    let mut table = [BAD; 256];
    let mut digit = 0_u8;
    while digit < 10 {
        table[(b'0' + digit) as usize] = digit;
        digit += 1;
    }
    while digit < 16 {
        table[(b'a' + digit - 10) as usize] = digit;
        table[(b'A' + digit - 10) as usize] = digit;
        digit += 1;
    }
    table
}
