//! What a gate takes from outside: clock, chance, PINs, and the program that its modules run in. Fixed when it opens, so
//! that nothing below the faces reads them.

use crate::hsm::{Pin, PinSource, TokenName};
use ecugate_verifier::values::attempt::Nonce;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::time::Time;
use std::path::PathBuf;
use std::time::Duration;

/// Clock, chance, PINs, and the helper program.
pub trait Surroundings: Send + Sync {
    /// The time, or `None` where the clock shows none that a ledger can hold.
    fn now(&self) -> Option<Time>;

    /// Waits.
    fn pause(&self, duration: Duration);

    /// Fills `bytes` at random.
    ///
    /// # Errors
    /// A finding where the system gives none.
    fn random(&self, bytes: &mut [u8]) -> Result<(), Finding>;

    /// The program `ecugate`, which runs a PKCS#11 module in a process of its own.
    ///
    /// # Errors
    /// A finding where it is not known.
    fn helper(&self) -> Result<PathBuf, Finding>;

    /// The PIN of `token`. A face that reads variables or asks a person says so; without one, only files give a PIN.
    ///
    /// # Errors
    /// `pin-missing` or `pin-exposed`.
    fn pin(&self, source: &PinSource, token: &TokenName) -> Result<Pin, Finding> {
        source.read_file().map_err(|fault| fault.finding().within(&format!("the PIN of {token}")))
    }
}

/// Draws the random part of an attempt's number.
///
/// # Errors
/// As [`Surroundings::random`].
pub fn nonce(surroundings: &dyn Surroundings) -> Result<Nonce, Finding> {
    let mut bytes = [0_u8; 16];
    surroundings.random(&mut bytes)?;
    Ok(Nonce::from_bytes(bytes))
}
