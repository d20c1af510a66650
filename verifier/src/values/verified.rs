//! Good signatures that need not be computed again.
//!
//! Whether a signature is good depends on key, signature and signed bytes, and on nothing else: on no time, list or
//! revocation, all of which are asked anew for every unit. So a good one stays good, and is computed once. What a
//! verdict comes to is the same with and without: bad ones are not kept, and no cap of a search counts fewer checks.

use super::digest::{Hasher, Sha256};
use super::limits::Limits;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// What the name of a signature begins with, so that one of our documents and one of a certificate never share one.
const OF_A_DOCUMENT: &[u8] = b"ecugate signature of a document\0";
const OF_A_CERTIFICATE: &[u8] = b"ecugate signature of a certificate or list\0";

/// Signatures that were found good, each by a digest of everything that its verification depends on. Clones share them.
///
/// No more are kept than it was made for, twice over: whoever presents papers with many signatures of his own makes
/// others be forgotten, and computed again.
#[derive(Clone, Default)]
pub struct VerifiedSignatures {
    kept: Option<Arc<Mutex<Kept>>>,
}

#[derive(Default)]
struct Kept {
    most: usize,
    young: BTreeSet<Sha256>,
    old: BTreeSet<Sha256>,
}

impl VerifiedSignatures {
    /// Those of nobody who keeps any.
    pub const NONE: &'static Self = &Self::none();

    /// Keeps none: every signature is computed each time.
    #[must_use]
    pub const fn none() -> Self {
        Self { kept: None }
    }

    /// Keeps the last `most` at least, and twice as many at most: 100 bytes or so each.
    #[must_use]
    pub fn up_to(most: usize) -> Self {
        Self { kept: Some(Arc::new(Mutex::new(Kept { most, ..Kept::default() }))) }
    }

    /// Asks `verify`, unless this very signature of the key with this id over these bytes was found good before.
    pub(super) fn or_else<E>(
        &self,
        key: &Sha256,
        message: &[u8],
        signature: &[u8],
        verify: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.keeps() {
            return verify();
        }
        // The key names the algorithm. The length says where the signature ends and the message begins.
        let length = u64::try_from(signature.len()).unwrap_or(u64::MAX).to_be_bytes();
        let name = name(&[OF_A_DOCUMENT, key.as_bytes(), &length, signature, message]);
        if self.knows(name) {
            return Ok(());
        }
        verify()?;
        self.keep(name);
        Ok(())
    }

    /// Whether any are kept.
    pub(crate) const fn keeps(&self) -> bool {
        self.kept.is_some()
    }

    /// Whether the signature under a certificate or list was found good, by digests of the signed bytes with the
    /// signature and its algorithm, and of the issuer's key.
    pub(crate) fn knows_certified(&self, signed: &[u8], key: &[u8]) -> bool {
        certified(signed, key).is_some_and(|name| self.knows(name))
    }

    /// Keeps such a signature.
    pub(crate) fn keep_certified(&self, signed: &[u8], key: &[u8]) {
        if let Some(name) = certified(signed, key) {
            self.keep(name);
        }
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.with(|kept| kept.young.union(&kept.old).count()).unwrap_or(0)
    }

    fn knows(&self, name: Sha256) -> bool {
        self.with(|kept| {
            let known = kept.young.contains(&name) || kept.old.contains(&name);
            if known {
                kept.keep(name);
            }
            known
        })
        .unwrap_or(false)
    }

    fn keep(&self, name: Sha256) {
        let _ = self.with(|kept| kept.keep(name));
    }

    fn with<T>(&self, act: impl FnOnce(&mut Kept) -> T) -> Option<T> {
        // Whoever panicked in between left a set of good signatures.
        self.kept.as_ref().map(|kept| act(&mut kept.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Kept {
    /// The last used are young. Once there are too many of them, those that were not used since the last time go.
    fn keep(&mut self, name: Sha256) {
        if self.young.contains(&name) {
            return;
        }
        if self.young.len() >= self.most {
            self.old = std::mem::take(&mut self.young);
        }
        if self.most > 0 {
            self.young.insert(name);
        }
    }
}

/// Both are digests; of another length than theirs there is none.
fn certified(signed: &[u8], key: &[u8]) -> Option<Sha256> {
    (signed.len() == 32 && key.len() == 32).then(|| name(&[OF_A_CERTIFICATE, signed, key]))
}

fn name(parts: &[&[u8]]) -> Sha256 {
    let mut hasher = Hasher::default();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finish()
}

/// What is kept makes no difference to what follows from it.
impl PartialEq for VerifiedSignatures {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for VerifiedSignatures {}

impl fmt::Debug for VerifiedSignatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedSignatures").finish_non_exhaustive()
    }
}

/// What signed documents are read by: caps, and the signatures that were verified before. From caps alone, none were.
#[derive(Clone, Copy, Debug)]
pub struct Means<'a> {
    /// Caps.
    pub limits: &'a Limits,
    /// Good signatures.
    pub signatures: &'a VerifiedSignatures,
}

impl<'a> From<&'a Limits> for Means<'a> {
    fn from(limits: &'a Limits) -> Self {
        Self { limits, signatures: VerifiedSignatures::NONE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn a_signature_of_a_certificate_is_none_of_a_document() {
        let (signatures, key) = (VerifiedSignatures::up_to(8), [7; 32]);
        signatures.keep_certified(&[1; 32], &key);
        assert!(signatures.knows_certified(&[1; 32], &key));
        for (signed, key) in [(&[2; 32][..], &key[..]), (&[1; 32], &[8; 32]), (&[1; 31], &key), (&[1; 33], &key[1..])] {
            assert!(!signatures.knows_certified(signed, key));
        }
        signatures.keep_certified(&[1; 33], &key[1..]);
        assert!(!signatures.knows_certified(&[1; 33], &key[1..]), "of no known length");
        assert_eq!(signatures.count(), 1);
    }

    #[test]
    fn a_flood_of_good_signatures_takes_no_more_room_and_what_is_in_use_stays() {
        let signatures = VerifiedSignatures::up_to(16);
        let used = [255; 32];
        signatures.keep_certified(&used, &used);
        for n in 0..200 {
            signatures.keep_certified(&[n; 32], &[0; 32]);
            assert!(signatures.knows_certified(&used, &used), "{n}");
            assert!(signatures.count() <= 32);
        }
        assert!(!signatures.knows_certified(&[0; 32], &[0; 32]), "the first of the flood is forgotten");
        assert!(signatures.knows_certified(&[199; 32], &[0; 32]), "the last is not");
    }

    #[test]
    fn without_room_none_is_kept() {
        for signatures in [VerifiedSignatures::none(), VerifiedSignatures::up_to(0), VerifiedSignatures::default()] {
            signatures.keep_certified(&[1; 32], &[1; 32]);
            assert!(!signatures.knows_certified(&[1; 32], &[1; 32]));
            for _ in 0..2 {
                let mut asked = false;
                let verify = || {
                    asked = true;
                    Ok::<_, ()>(())
                };
                assert_eq!(signatures.or_else(&Sha256::of(b"key"), b"one", b"signature", verify), Ok(()));
                assert!(asked, "each time");
            }
            assert_eq!(signatures.count(), 0);
        }
    }
}
