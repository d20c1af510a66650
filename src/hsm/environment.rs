//! The environment that a PKCS#11 module may see: decided here, applied by whoever starts the process.
//!
//! Modules read variables when they are loaded (`SOFTHSM2_CONF`, `P11_KIT_…`), and the loader before that (`LD_…`).
//! A process cannot change its own environment safely, so the binary runs itself once more with the environment that
//! [`cleaned`] answers. Whoever links the library does the same before the first call, or accepts what is there.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// Variables by name.
pub type Environment = BTreeMap<OsString, OsString>;

/// Kept by name: where programs are, who runs this, how the terminal looks, what a test run measures. None of them is
/// read by a module or by the loader to find code.
const KEPT: [&str; 17] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "PWD",
    "TERM",
    "COLORTERM",
    "NO_COLOR",
    "COLUMNS",
    "LINES",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "RUST_BACKTRACE",
    "LLVM_PROFILE_FILE",
];

/// Kept by the beginning of their name.
const KEPT_PREFIXES: [&str; 2] = ["LC_", "ECUGATE_"];

/// The environment to start again with, or `None` where `current` is already right.
///
/// Only variables on a fixed list stay; then `wanted` (of the site's module settings) is set over them. The answer for
/// an environment that came from here is `None`, so that a process starts itself again at most once.
#[must_use]
pub fn cleaned(current: &Environment, wanted: &Environment) -> Option<Environment> {
    let mut next: Environment =
        current.iter().filter(|(name, _)| kept(name)).map(|(name, value)| (name.clone(), value.clone())).collect();
    next.extend(wanted.iter().map(|(name, value)| (name.clone(), value.clone())));
    if next == *current { None } else { Some(next) }
}

fn kept(name: &OsStr) -> bool {
    name.to_str()
        .is_some_and(|name| KEPT.contains(&name) || KEPT_PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
}

#[cfg(test)]
mod tests {
    use super::{Environment, cleaned};
    use proptest::prelude::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    /// Attack class 37: a module's configuration from where the desk user can write.
    #[test]
    fn attack_37_a_desk_users_module_settings_and_preloaded_code_are_dropped() {
        let wanted = environment(&[("SOFTHSM2_CONF", "/site/softhsm2.conf")]);
        let current = environment(&[
            ("PATH", "/usr/bin"),
            ("LC_ALL", "de_DE.UTF-8"),
            ("SOFTHSM2_CONF", "/home/desk/own.conf"),
            ("LD_PRELOAD", "/home/desk/lie.so"),
            ("LD_LIBRARY_PATH", "/home/desk"),
            ("P11_KIT_DEBUG", "all"),
            ("OPENSSL_CONF", "/home/desk/openssl.cnf"),
        ]);
        let next =
            environment(&[("PATH", "/usr/bin"), ("LC_ALL", "de_DE.UTF-8"), ("SOFTHSM2_CONF", "/site/softhsm2.conf")]);
        assert_eq!(cleaned(&current, &wanted), Some(next));
    }

    #[test]
    fn an_environment_that_is_right_is_left_alone() {
        let wanted = environment(&[("SOFTHSM2_CONF", "/site/softhsm2.conf")]);
        let current = environment(&[("HOME", "/root"), ("SOFTHSM2_CONF", "/site/softhsm2.conf")]);
        assert_eq!(cleaned(&current, &wanted), None);
        let elsewhere = environment(&[("HOME", "/root"), ("SOFTHSM2_CONF", "/elsewhere")]);
        assert!(cleaned(&elsewhere, &wanted).is_some());
        assert!(cleaned(&environment(&[("HOME", "/root")]), &wanted).is_some());
    }

    proptest! {
        #[test]
        fn a_process_starts_itself_again_at_most_once(
            current in prop::collection::btree_map("(LD_|LC_|SOFTHSM2_|ECUGATE_|PATH)?[A-Z]{0,4}", ".{0,4}", 0..8),
            wanted in prop::collection::btree_map("(LD_|SOFTHSM2_|PATH)?[A-Z]{1,4}", ".{0,4}", 0..4),
        ) {
            let text = |map: std::collections::BTreeMap<String, String>| -> Environment {
                map.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
            };
            let (current, wanted) = (text(current), text(wanted));
            if let Some(next) = cleaned(&current, &wanted) {
                prop_assert_eq!(cleaned(&next, &wanted), None);
                prop_assert!(wanted.iter().all(|(name, value)| next.get(name) == Some(value)));
            }
        }
    }
}
