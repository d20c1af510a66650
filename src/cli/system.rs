//! This system as the gate's surroundings.

use super::inputs::World;
use super::pin_prompt;
use ecugate::hsm::{Pin, PinSource, TokenName};
use ecugate::surroundings::Surroundings;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use std::path::PathBuf;
use std::time::Duration;

/// The clock that receipts are dated by, the random source, variables and the terminal for PINs, and this very program.
pub(crate) struct System;

impl Surroundings for System {
    fn now(&self) -> Option<Time> {
        World::here().system_time().ok()
    }

    fn pause(&self, duration: Duration) {
        std::thread::sleep(duration);
    }

    fn random(&self, bytes: &mut [u8]) -> Result<(), Finding> {
        getrandom::fill(bytes)
            .map_err(|error| Finding::new(Reason::SignerFailed, "random source", "random bytes", error.to_string()))
    }

    fn helper(&self) -> Result<PathBuf, Finding> {
        std::env::current_exe()
            .map_err(|error| Finding::new(Reason::ModuleFailed, "this program", "its own path", error.to_string()))
    }

    fn pin(&self, source: &PinSource, token: &TokenName) -> Result<Pin, Finding> {
        match source {
            PinSource::File(_) => source.read_file().map_err(|fault| fault.finding()),
            PinSource::Environment(name) => {
                Pin::from_variable(name, std::env::var_os(name)).map_err(|fault| fault.finding())
            }
            PinSource::Prompt => pin_prompt::ask(token),
        }
    }
}
