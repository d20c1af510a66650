//! The environment that a PKCS#11 module sees: exactly what the site states, and nothing of the caller's.
//!
//! Modules read variables when they are loaded (`SOFTHSM2_CONF`, `P11_KIT_…`), and the loader before that (`LD_…`).
//! So a module gets a process of its own ([`Guarded`](super::Guarded)), which is started with these variables alone.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

/// Variables by name.
pub type Environment = BTreeMap<OsString, OsString>;

/// A call of `program` that inherits no variable and no working folder.
pub(super) fn command(program: &Path, environment: &Environment) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(environment).current_dir("/");
    command
}

#[cfg(test)]
mod tests {
    use super::{Environment, command};
    use std::path::Path;

    /// Attack class 37. This test has variables of its own: cargo sets `LD_LIBRARY_PATH` and dozens of others.
    #[test]
    fn attack_37_a_desk_users_module_settings_and_preloaded_code_are_dropped() {
        assert!(std::env::vars_os().count() > 3, "there is nothing to drop");
        let wanted = Environment::from([("SOFTHSM2_CONF".into(), "/site/softhsm2.conf".into())]);
        let said = command(Path::new("/usr/bin/env"), &wanted).output().unwrap();
        assert_eq!(String::from_utf8(said.stdout).unwrap(), "SOFTHSM2_CONF=/site/softhsm2.conf\n");
        let said = command(Path::new("/usr/bin/env"), &Environment::new()).output().unwrap();
        assert_eq!(said.stdout, b"");
    }
}
