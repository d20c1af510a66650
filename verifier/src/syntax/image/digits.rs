//! Pairs of hex digits into bytes, fast: this is where the time of a HEX file goes.

/// Bytes of the longest record, its length byte and checksum included.
pub(super) const RECORD: usize = 260;

/// Decodes `digits` into the front of `room` and answers the sum of the bytes modulo 256. `None` where a character
/// is no hex digit.
#[inline]
pub(super) fn decode(digits: &[u8], room: &mut [u8; RECORD]) -> Option<u8> {
    let (wide, rest) = digits.as_chunks::<32>();
    let (narrow, rest) = rest.as_chunks::<8>();
    let (rest, _) = rest.as_chunks::<2>();
    let (wide_room, room) = room.split_at_mut_checked(wide.len() * 16)?;
    let (narrow_room, room) = room.split_at_mut_checked(narrow.len() * 4)?;
    // sums in lanes of 16 bits, which 65 times four bytes cannot overflow
    let (mut sums, mut wrong) = ([0; 4], [0; 4]);
    for (digits, bytes) in wide.iter().zip(wide_room.as_chunks_mut::<16>().0) {
        let (words, _) = digits.as_chunks::<8>();
        // four at a time, which compilers turn into vector instructions
        let decoded = <[[u8; 8]; 4]>::try_from(words).ok()?.map(u64::from_le_bytes).map(eight);
        let totals = sums.iter_mut().zip(&mut wrong);
        for (((sum, wrong), (lanes, strange)), bytes) in totals.zip(decoded).zip(bytes.as_chunks_mut::<4>().0) {
            *sum += lanes;
            *wrong |= strange;
            *bytes = four(lanes);
        }
    }
    let mut sums: u64 = sums.iter().sum();
    let mut wrong = wrong.iter().fold(0, |all, one| all | one);
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
    ((values << 4 | values >> 8) & 0x00ff_00ff_00ff_00ff, wrong)
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
