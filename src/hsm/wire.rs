//! Frames on a stream between a gate and the process of its module: four bytes with a length, big-endian, then so many
//! bytes of JSON. One question, one answer.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, ErrorKind, Read, Write};
use zeroize::Zeroizing;

/// Longest frame in both directions: 16 MiB. Stops memory use; twelve thousand certificates of a kilobyte fit.
pub(super) const FRAME_BYTES: usize = 16 << 20;

/// Room that a new frame begins with: most never grow.
const FIRST_BYTES: usize = 4 << 10;

/// What the process of the module says first, if it could load the module.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Greeting {
    /// The version of the program. Another one than the gate's may mean other things by the same words.
    pub(super) version: String,
}

impl Greeting {
    pub(super) fn ours() -> Self {
        Self { version: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

/// Why a frame could not be read or made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FrameFault {
    /// More than [`FRAME_BYTES`].
    #[error("a frame of more than 16 MiB")]
    TooLong,
    /// The stream ended inside of a frame.
    #[error("a frame that is cut short")]
    CutShort,
    /// Not the JSON of what is due here. Nothing of it is quoted: it may hold a PIN.
    #[error("bytes that mean nothing here (column {column})")]
    Malformed {
        /// Where the reader gave up.
        column: usize,
    },
    /// The stream failed.
    #[error("an error of the stream ({0})")]
    Stream(ErrorKind),
}

impl From<io::Error> for FrameFault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::UnexpectedEof => Self::CutShort,
            kind => Self::Stream(kind),
        }
    }
}

/// A whole frame. Wiped when dropped.
pub(super) fn frame<T: Serialize>(value: &T) -> Result<Zeroizing<Vec<u8>>, FrameFault> {
    let mut growing = Growing { bytes: Zeroizing::new(Vec::with_capacity(FIRST_BYTES)) };
    growing.bytes.extend_from_slice(&[0; 4]);
    // Every value that crosses has a JSON: what fails is the cap.
    serde_json::to_writer(&mut growing, value).map_err(|_| FrameFault::TooLong)?;
    let mut bytes = growing.bytes;
    let length = u32::try_from(bytes.len().saturating_sub(4)).map_err(|_| FrameFault::TooLong)?;
    for (place, byte) in bytes.iter_mut().zip(length.to_be_bytes()) {
        *place = byte;
    }
    Ok(bytes)
}

/// Reads one frame; `None` where the stream ends before it.
pub(super) fn read<T: DeserializeOwned>(stream: &mut impl Read) -> Result<Option<T>, FrameFault> {
    let mut length = [0_u8; 4];
    let Some(begun) = first_bytes(stream, &mut length)? else { return Ok(None) };
    stream.read_exact(begun)?;
    let length = usize::try_from(u32::from_be_bytes(length)).map_err(|_| FrameFault::TooLong)?;
    if length > FRAME_BYTES {
        return Err(FrameFault::TooLong);
    }
    let mut body = Zeroizing::new(vec![0; length]);
    stream.read_exact(&mut body)?;
    serde_json::from_slice(&body).map(Some).map_err(|error| FrameFault::Malformed { column: error.column() })
}

/// What of `length` is still to be read after the first bytes came; `None` if none ever do.
fn first_bytes<'a>(stream: &mut impl Read, length: &'a mut [u8; 4]) -> io::Result<Option<&'a mut [u8]>> {
    loop {
        match stream.read(length) {
            Ok(0) => return Ok(None),
            Ok(count) => return Ok(length.get_mut(count..)),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A buffer that leaves no copy of its contents behind when it grows, and that does not grow beyond the cap.
struct Growing {
    bytes: Zeroizing<Vec<u8>>,
}

impl Write for Growing {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        let needed = self.bytes.len().saturating_add(more.len());
        if needed > FRAME_BYTES.saturating_add(4) {
            return Err(io::Error::other("a frame of more than 16 MiB"));
        }
        if needed > self.bytes.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.saturating_mul(2)));
            larger.extend_from_slice(&self.bytes);
            self.bytes = larger; // the old one is wiped
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{FRAME_BYTES, FrameFault, frame, read};
    use crate::hsm::exchange::{Answer, CertificateToWrite, KeyKind, Permanence, Request, Role};
    use crate::hsm::fault::TokenFault;
    use crate::hsm::name::TokenName;
    use crate::hsm::pin::Pin;
    use ecugate_verifier::values::digest::Sha256;
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    type Answered = Result<Answer, TokenFault>;

    fn requests() -> impl Strategy<Value = Request> {
        let token = || (".{0,9}", ".{0,9}").prop_map(|(label, serial)| TokenName::new(label, serial));
        let pin = || "[ -~äß€]{1,40}".prop_map(|text| Pin::new(Zeroizing::new(text), "a test").unwrap());
        let bytes = || proptest::collection::vec(any::<u8>(), 0..300);
        prop_oneof![
            Just(Request::Describe),
            token().prop_map(|token| Request::ReadCertificates { token }),
            (token(), pin()).prop_map(|(token, pin)| Request::LogIn { token, pin }),
            (token(), ".*", bytes()).prop_map(|(token, key, message)| Request::Sign { token, key, message }),
            (token(), ".*", any::<[u8; 16]>()).prop_map(|(token, key, id)| Request::GenerateKey {
                token,
                key,
                kind: KeyKind::Ed25519,
                id
            }),
            (token(), pin(), ".*", bytes()).prop_map(|(token, pin, label, der)| Request::WriteCertificates {
                token,
                role: Role::Officer,
                pin,
                certificates: vec![CertificateToWrite { label, der }],
                permanence: Permanence::Removable,
            }),
            (token(), pin(), bytes()).prop_map(|(token, pin, der)| Request::RemoveCertificates {
                token,
                role: Role::Officer,
                pin,
                certificates: vec![Sha256::of(&der)],
            }),
        ]
    }

    proptest! {
        #[test]
        fn requests_come_back_one_after_the_other_and_then_the_stream_ends(
            requests in proptest::collection::vec(requests(), 0..5),
        ) {
            let mut stream = Vec::new();
            for request in &requests {
                stream.extend_from_slice(&frame(request).unwrap());
            }
            let mut rest = stream.as_slice();
            for request in &requests {
                prop_assert_eq!(read::<Request>(&mut rest), Ok(Some(request.clone())));
            }
            prop_assert_eq!(read::<Request>(&mut rest), Ok(None));
        }

        #[test]
        fn a_frame_that_is_cut_anywhere_is_no_frame(request in requests(), at in any::<prop::sample::Index>()) {
            let whole = frame(&request).unwrap();
            let cut = at.index(whole.len() - 1) + 1;
            prop_assert_eq!(read::<Request>(&mut &whole[..cut]), Err(FrameFault::CutShort));
        }

        #[test]
        fn attack_39_arbitrary_bytes_are_never_a_panic_nor_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut framed = u32::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
            framed.extend_from_slice(&bytes);
            let malformed = matches!(read::<Answered>(&mut framed.as_slice()), Err(FrameFault::Malformed { .. }));
            prop_assert!(malformed);
            prop_assert!(!matches!(read::<Answered>(&mut bytes.as_slice()), Ok(Some(_))));
        }
    }

    /// Attack class 47: a length without bytes behind it, and one beyond every answer.
    #[test]
    fn a_frame_beyond_the_cap_is_neither_made_nor_read() {
        let message = vec![0; FRAME_BYTES];
        let request = Request::Sign { token: TokenName::new("t", "1"), key: "k".to_owned(), message };
        assert_eq!(frame(&request).unwrap_err(), FrameFault::TooLong);
        for length in [u32::try_from(FRAME_BYTES).unwrap() + 1, u32::MAX] {
            assert_eq!(read::<Answered>(&mut &length.to_be_bytes()[..]), Err(FrameFault::TooLong));
        }
        let most = u32::try_from(FRAME_BYTES).unwrap().to_be_bytes();
        assert_eq!(read::<Answered>(&mut &most[..]), Err(FrameFault::CutShort));
        assert_eq!(read::<Answered>(&mut &[0, 0, 0, 0][..]), Err(FrameFault::Malformed { column: 0 }));
    }

    #[test]
    fn what_is_json_and_no_answer_or_an_answer_with_something_behind_it_is_malformed() {
        for text in [
            "null",
            "{}",
            r#"{"Ok":"logged-out"}"#,
            r#"{"Ok":"logged-in","Err":"x"}"#,
            r#"{"Ok":"logged-in"}{}"#,
            r#"{"Ok":{"unverified-signature":"?"}}"#,
            r#"{"Ok":{"unverified-signature":[1,2]}}"#,
            r#"{"Ok":{"described":{"path":""}}}"#,
        ] {
            let mut framed = u32::try_from(text.len()).unwrap().to_be_bytes().to_vec();
            framed.extend_from_slice(text.as_bytes());
            let read = read::<Answered>(&mut framed.as_slice());
            assert!(matches!(read, Err(FrameFault::Malformed { .. })), "{text}: {read:?}");
        }
    }

    #[test]
    fn a_pin_is_in_no_fault_of_a_frame() {
        let text = r#"{"log-in":{"token":{"label":"t","serial":"1"},"pin":["s3cr3t"]}}"#;
        let mut framed = u32::try_from(text.len()).unwrap().to_be_bytes().to_vec();
        framed.extend_from_slice(text.as_bytes());
        let fault = read::<Request>(&mut framed.as_slice()).unwrap_err();
        assert!(!format!("{fault} {fault:?}").contains("s3cr3t"));
    }
}
