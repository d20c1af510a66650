//! What may be named where: one place for each vendor crate, and nothing of the outside world in the verifier.

use crate::source::{Crate, Sources};

/// A path prefix and the only folders or files, inside `src`, that may name it.
struct Fence {
    named: &'static str,
    only_in: &'static [&'static str],
}

const fn fence(named: &'static str, only_in: &'static [&'static str]) -> Fence {
    Fence { named, only_in }
}

/// In both crates.
const VENDORS: &[Fence] = &[
    fence("cryptoki", &["hsm/"]),
    fence("rusqlite", &["ledger/"]),
    fence("certval", &["inputs/trust/path"]),
    fence("clap", &["cli/"]),
    fence("getrandom", &["cli/"]),
];

/// In the verifier: nowhere. Its `clippy.toml` holds single functions and types; this holds whole modules.
const OUTSIDE: &[Fence] = &[
    fence("std::fs", &[]),
    fence("std::net", &[]),
    fence("std::os", &[]),
    fence("std::path", &[]),
    fence("std::process", &[]),
    fence("std::env", &[]),
    fence("std::thread", &[]),
    fence("std::time::SystemTime", &[]),
    fence("std::time::Instant", &[]),
    fence("std::io::stdin", &[]),
    fence("std::io::stdout", &[]),
    fence("std::io::stderr", &[]),
    fence("std::collections::HashMap", &[]),
    fence("std::collections::HashSet", &[]),
    fence("getrandom", &[]),
    fence("ecugate", &[]),
];

/// Every crossing, as `file: path`. An alias or a glob of `std` would hide one, so it is one.
fn crossings(one: &Crate, fences: &[Fence]) -> Vec<String> {
    let mut found = Vec::new();
    for module in &one.modules {
        for import in &module.imports {
            let path = import.segments.join("::");
            let hides_std = import.binding.is_some() && path == "std" || path == "std::*";
            let crossed = fences.iter().any(|fence| {
                let is_named =
                    path == fence.named || path.strip_prefix(fence.named).is_some_and(|rest| rest.starts_with("::"));
                is_named && !fence.only_in.iter().any(|place| module.file.starts_with(place))
            });
            if crossed || hides_std {
                found.push(format!("{}: {path}", module.file));
            }
        }
    }
    found
}

#[test]
fn the_verifier_names_nothing_of_the_outside_world() {
    let verifier = Sources::on_disk("verifier/src").read("lib.rs");
    assert_eq!(crossings(&verifier, OUTSIDE), Vec::<String>::new());
}

#[test]
fn each_vendor_crate_is_named_in_one_place() {
    for (folder, root) in [("verifier/src", "lib.rs"), ("src", "lib.rs"), ("src", "main.rs")] {
        let one = Sources::on_disk(folder).read(root);
        assert_eq!(crossings(&one, VENDORS), Vec::<String>::new(), "{folder}/{root}");
    }
}

#[cfg(test)]
mod tests {
    use super::{OUTSIDE, Sources, VENDORS, crossings};

    fn planted(text: &str) -> Sources {
        Sources::planted(&[("lib.rs", "pub mod hsm; pub mod a;"), ("hsm/mod.rs", "use cryptoki::x;"), ("a.rs", text)])
    }

    #[test]
    fn a_vendor_crate_named_elsewhere_is_found_also_in_tests_macros_and_under_another_name() {
        for text in [
            "use cryptoki::context::Pkcs11;",
            "use cryptoki as c;",
            "fn f() { cryptoki::g() }",
            "fn f() { vec![cryptoki::g()]; }",
            "extern crate cryptoki;",
            "#[cfg(test)] mod tests { use cryptoki::x; }",
            "mod b { fn f(x: cryptoki::T) {} }",
        ] {
            let found = crossings(&planted(text).read("lib.rs"), VENDORS);
            assert!(
                !found.is_empty() && found.iter().all(|one| one.starts_with("a.rs: cryptoki")),
                "{text}: {found:?}"
            );
        }
        assert_eq!(crossings(&planted("use cryptokit::x;").read("lib.rs"), VENDORS), Vec::<String>::new());
    }

    #[test]
    fn a_file_a_clock_or_an_alias_that_would_hide_one_is_found() {
        for text in [
            "use std::{fmt, fs};",
            "use std::fs::File as F;",
            "fn f() { std::time::SystemTime::now(); }",
            "use std as s;",
            "use std::*;",
            "extern crate std as s;",
        ] {
            assert_eq!(crossings(&planted(text).read("lib.rs"), OUTSIDE).len(), 1, "{text}");
        }
        let allowed = "use std::fmt; use std::time::Duration; use std::io::Read;";
        assert_eq!(crossings(&planted(allowed).read("lib.rs"), OUTSIDE), Vec::<String>::new());
    }
}
