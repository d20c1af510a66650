//! What the index finds a document by: hashes cut short. Two values that share one cost a document read in vain.

use ecugate_verifier::values::digest::Hasher;
use ecugate_verifier::values::ident::{Name, Part, Serial};

/// Bytes of a key.
pub(super) const KEY: usize = 16;

/// Bytes of a unit's key that its serial alone gives: units of one serial stand together.
const SERIAL: usize = 10;

/// What the index finds a document by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(pub(super) [u8; KEY]);

impl Key {
    /// A unit of a shipment.
    pub(super) fn unit(serial: &Serial, part: &Part) -> Self {
        let part: [u8; KEY - SERIAL] = hashed(b'q', part.as_str().as_bytes());
        let mut key = [0; KEY];
        for (to, from) in key.iter_mut().zip(Self::of_serial(serial).into_iter().chain(part)) {
            *to = from;
        }
        Self(key)
    }

    /// What the keys of all units of this serial begin with.
    pub(super) fn of_serial(serial: &Serial) -> [u8; SERIAL] {
        hashed(b'u', serial.as_str().as_bytes())
    }

    /// A part number that a release is for.
    pub(super) fn part(part: &Part) -> Self {
        Self(hashed(b'p', part.as_str().as_bytes()))
    }

    /// Another number that labels give for a release's parts.
    pub(super) fn alias(part: &Part) -> Self {
        Self(hashed(b'a', part.as_str().as_bytes()))
    }

    /// The name of a release.
    pub(super) fn release(name: &Name) -> Self {
        Self(hashed(b'r', name.as_str().as_bytes()))
    }

    /// The subject of a certificate, in its form to compare.
    pub(super) fn subject(name: &[u8]) -> Self {
        Self(hashed(b'n', name))
    }

    /// The issuer of a CRL, in its form to compare.
    pub(super) fn crls_of(name: &[u8]) -> Self {
        Self(hashed(b'c', name))
    }
}

/// A number for the supplier by whose way a document came.
pub(super) fn source(name: &Name) -> u64 {
    u64::from_be_bytes(hashed(b's', name.as_str().as_bytes()))
}

fn hashed<const N: usize>(kind: u8, value: &[u8]) -> [u8; N] {
    let mut hasher = Hasher::default();
    hasher.update(&[kind]);
    hasher.update(value);
    let digest = hasher.finish();
    let mut cut = [0; N];
    for (to, from) in cut.iter_mut().zip(digest.as_bytes()) {
        *to = *from;
    }
    cut
}
