//! A start with a cleaned environment: PKCS#11 modules and the loader read variables before any of our code can judge
//! them, so the program runs itself once more with only what the site states.

use ecugate::hsm::environment::{Environment, cleaned};
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Goes on if the environment is what `wanted` asks for; else replaces this process by one whose environment is.
pub(crate) fn with_environment(wanted: &Environment) -> Result<(), Finding> {
    let current: Environment = std::env::vars_os().collect();
    let Some(next) = cleaned(&current, wanted) else { return Ok(()) };
    let failed = |error: &std::io::Error| {
        Finding::new(Reason::ModuleFailed, "environment", "a start with a cleaned environment", error.to_string())
    };
    let program = std::env::current_exe().map_err(|error| failed(&error))?;
    let error = Command::new(program).args(std::env::args_os().skip(1)).env_clear().envs(next).exec();
    Err(failed(&error))
}
