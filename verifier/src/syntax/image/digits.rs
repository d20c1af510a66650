//! Pairs of hex digits into bytes, fast: this is where the time of a HEX file goes.

/// Bytes of the longest record, its length byte and checksum included.
pub(super) const RECORD: usize = 260;

/// Decodes `digits` into the front of `room` and answers the sum of the bytes modulo 256. `None` where a character
/// is no hex digit.
pub(super) fn decode(digits: &[u8], room: &mut [u8; RECORD]) -> Option<u8> {
    let (mut sum, mut seen) = (0_u8, 0_u8);
    for (pair, byte) in digits.chunks_exact(2).zip(room.iter_mut()) {
        let [high, low] = pair else { return None };
        let (high, low) = (value(*high), value(*low));
        seen |= high | low;
        *byte = high << 4 | (low & 0x0f);
        sum = sum.wrapping_add(*byte);
    }
    (seen < BAD).then_some(sum)
}

/// The byte of two hex digits.
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
