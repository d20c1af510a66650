//! The few steps of DER (ITU-T X.690 section 8) that are walked by hand: lengths are checked, nothing is copied.

/// One element of DER: its tag byte, its contents, and what follows it.
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) contents: &'a [u8],
    pub(crate) rest: &'a [u8],
}

/// The first element of `bytes`. `None` where its length is not definite, not minimal or beyond the end, and for tags
/// of more than one byte, which RFC 5280 never uses.
pub(crate) fn element(bytes: &[u8]) -> Option<Element<'_>> {
    let (&tag, after) = bytes.split_first()?;
    let (&first, after) = after.split_first()?;
    let (length, after) = match first {
        0..=0x7f => (usize::from(first), after),
        0x81..=0x84 => {
            let (digits, after) = after.split_at_checked(usize::from(first & 0x7f))?;
            let length = digits.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
            let minimal = digits.first().is_some_and(|byte| *byte != 0) && length > 0x7f;
            (if minimal { Some(length) } else { None }?, after)
        }
        _ => return None,
    };
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (contents, rest) = after.split_at_checked(length)?;
    Some(Element { tag, contents, rest })
}

/// The contents of the first element if it has this tag.
pub(crate) fn contents_of(tag: u8, bytes: &[u8]) -> Option<Element<'_>> {
    element(bytes).filter(|element| element.tag == tag)
}

/// `SEQUENCE`.
pub(crate) const SEQUENCE: u8 = 0x30;
/// `INTEGER`.
pub(crate) const INTEGER: u8 = 0x02;
/// `UTCTime`.
pub(crate) const UTC_TIME: u8 = 0x17;
/// `GeneralizedTime`.
pub(crate) const GENERALIZED_TIME: u8 = 0x18;

/// The dotted form of an object identifier's contents, and whether an arc of it is 2^32 or larger.
pub(crate) fn object_identifier(contents: &[u8]) -> Option<(String, bool)> {
    use core::fmt::Write as _;
    let (mut text, mut oversized) = (String::new(), false);
    let (mut arc, mut first, mut open) = (0_u128, true, false);
    for byte in contents {
        arc = arc.checked_mul(128)?.checked_add(u128::from(byte & 0x7f))?;
        open = byte & 0x80 != 0;
        if open {
            continue;
        }
        if first {
            let root = (arc / 40).min(2);
            arc -= root * 40;
            let _ = write!(text, "{root}");
            first = false;
        }
        let _ = write!(text, ".{arc}");
        oversized |= arc > u128::from(u32::MAX);
        arc = 0;
    }
    (!first && !open).then_some((text, oversized))
}

#[cfg(test)]
mod tests {
    use super::{element, object_identifier};

    #[test]
    fn a_length_that_is_indefinite_not_minimal_or_beyond_the_end_is_refused() {
        for bytes in [&[0x30_u8, 0x80, 0, 0][..], &[0x30, 0x81, 1, 0], &[0x30, 0x82, 0, 0x80], &[0x30, 2, 0], &[0x30]] {
            assert!(element(bytes).is_none(), "{bytes:02x?}");
        }
        let element = element(&[0x30, 1, 7, 9]).unwrap();
        assert_eq!((element.tag, element.contents, element.rest), (0x30, &[7_u8][..], &[9_u8][..]));
    }

    #[test]
    fn an_arc_of_two_to_the_thirty_two_is_seen_and_the_one_below_is_not() {
        assert_eq!(
            object_identifier(&[0x2a, 0x8f, 0xff, 0xff, 0xff, 0x7f]),
            Some(("1.2.4294967295".to_owned(), false))
        );
        assert_eq!(object_identifier(&[0x2a, 0x90, 0x80, 0x80, 0x80, 0]), Some(("1.2.4294967296".to_owned(), true)));
        assert_eq!(object_identifier(&[0x2a, 0x80]), None);
        assert_eq!(object_identifier(&[]), None);
        assert_eq!(object_identifier(&[0xff; 40]), None);
    }
}
