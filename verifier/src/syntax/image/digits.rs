//! Pairs of hex digits into bytes, fast: this is where the time of a HEX file goes.

/// Bytes of the longest record, its length byte and checksum included.
pub(super) const RECORD: usize = 260;

/// Decodes `digits` into the front of `room` and answers the sum of the bytes modulo 256. `None` where a character
/// is no hex digit.
#[inline]
pub(super) fn decode(digits: &[u8], room: &mut [u8; RECORD]) -> Option<u8> {
    let (blocks, rest) = digits.as_chunks::<8>();
    let (room_blocks, _) = room.as_chunks_mut::<4>();
    // sums of the bytes in four lanes of 16 bits: 65 blocks cannot overflow them
    let (mut sums, mut wrong) = (0_u64, 0_u64);
    for (digits, bytes) in blocks.iter().zip(room_blocks) {
        let (lanes, strange) = eight(u64::from_le_bytes(*digits));
        sums += lanes;
        wrong |= strange;
        let pairs = lanes | lanes >> 8;
        let [first, second, _, _, third, fourth, ..] = pairs.to_le_bytes();
        *bytes = [first, second, third, fourth];
    }
    let [mut sum, ..] = (sums + (sums >> 16) + (sums >> 32) + (sums >> 48)).to_le_bytes();
    let mut seen = 0;
    for (digits, byte) in rest.chunks_exact(2).zip(room.iter_mut().skip(blocks.len() * 4)) {
        let [high, low] = digits else { return None };
        let (high, low) = (value(*high), value(*low));
        seen |= high | low;
        *byte = high << 4 | (low & 0x0f);
        sum = sum.wrapping_add(*byte);
    }
    (seen < BAD && wrong == 0).then_some(sum)
}

/// The values of eight digits as four bytes, one in each 16 bits; and a number that is not 0 where a character is no
/// hex digit.
#[inline]
const fn eight(digits: u64) -> (u64, u64) {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // of 0 to 9 and A to F in either case, letters alone have bit 6
    let letter = digits >> 6 & EACH;
    let values = (digits & 0x0f * EACH) + (letter << 3 | letter);
    // written back, the values must give the digits, in upper case
    let over_nine = (values + 0x76 * EACH) >> 7 & EACH;
    let written = values + 0x30 * EACH + ((over_nine << 3) - over_nine);
    let wrong = (written ^ (digits & !(letter << 5))) | (values & 0xf0 * EACH);
    ((values << 4 | values >> 8) & 0x00ff_00ff_00ff_00ff, wrong)
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
