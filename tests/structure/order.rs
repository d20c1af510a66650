//! Each module imports only modules that stand earlier in the one order, or its own descendants.
//!
//! A private part of a module (`mod x;`, not `pub mod x;`) may also name what the file of its parent itself defines:
//! to everyone else the two are one module.

use crate::imports::Import;
use crate::source::{Crate, Module, Sources};

/// Where a chain of re-exports is given up.
const HOPS: usize = 32;

/// Every import against the order, as `file: path -> module`.
fn back_arrows(one: &Crate) -> Vec<String> {
    let mut arrows = Vec::new();
    for (position, module) in one.modules.iter().enumerate().filter(|(_, module)| !module.is_test) {
        for import in module.imports.iter().filter(|import| !import.is_test) {
            if let Some((target, item)) = target(one, module, import, HOPS)
                && target > position
                && !(item.is_some() && is_part_of(one, module, &one.modules[target]))
            {
                let to = one.modules[target].path.join("::");
                arrows.push(format!("{}: {} -> crate::{to}", module.file, import.segments.join("::")));
            }
        }
    }
    arrows.dedup();
    arrows
}

/// Whether `module` and everything between it and `ancestor` are private parts.
fn is_part_of(one: &Crate, module: &Module, ancestor: &Module) -> bool {
    let between = ancestor.path.len() + 1..=module.path.len();
    !ancestor.path.is_empty()
        && module.path.starts_with(&ancestor.path)
        && between
            .into_iter()
            .all(|length| position(one, &module.path[..length]).is_some_and(|position| one.modules[position].is_part))
}

/// The position of the module that `import`, written in `from`, leads to, and the item that it names there; `None` if
/// it leads out of the crate or to something that `from` itself binds.
fn target(one: &Crate, from: &Module, import: &Import, hops: usize) -> Option<(usize, Option<String>)> {
    let path = absolute(one, &from.path, &import.segments)?;
    let known = |length: usize| position(one, &path[..length]);
    let depth = (0..=path.len()).rev().find(|length| known(*length).is_some())?;
    let found = known(depth)?;
    let module = &one.modules[found];
    let re_export = path
        .get(depth)
        .filter(|_| hops > 0 && module.path != from.path)
        .and_then(|name| module.imports.iter().find(|other| other.binding.as_ref() == Some(name) && !other.is_test));
    match re_export {
        // A re-export stands for the module that it comes from; one from another crate stands for nothing.
        Some(other) => target(one, module, other, hops - 1),
        None => Some((found, path.get(depth).filter(|name| *name != "*").cloned())),
    }
}

/// The path from the root of the crate that `segments` mean in the module `from`.
fn absolute(one: &Crate, from: &[String], segments: &[String]) -> Option<Vec<String>> {
    let mut base = from.to_vec();
    let mut rest = segments;
    match rest.first()?.as_str() {
        "crate" => {
            base.clear();
            rest = &rest[1..];
        }
        "self" => rest = &rest[1..],
        "super" => {
            while rest.first().is_some_and(|segment| segment == "super") {
                base.pop();
                rest = &rest[1..];
            }
        }
        // A child module; anything else is another crate, or a name that a `use` in this module answers for.
        child => {
            position(one, &[from, &[child.to_owned()]].concat())?;
        }
    }
    Some([&base, rest].concat())
}

fn position(one: &Crate, path: &[String]) -> Option<usize> {
    one.modules.iter().position(|module| module.path == path)
}

#[test]
fn every_module_of_the_verifier_imports_only_earlier_ones() {
    let sources = Sources::on_disk("verifier/src");
    let verifier = sources.read("lib.rs");
    assert_eq!(back_arrows(&verifier), Vec::<String>::new());
    assert_eq!(sources.unreached(&[&verifier]), Vec::<String>::new());
}

#[test]
fn every_module_of_ecugate_imports_only_earlier_ones() {
    let sources = Sources::on_disk("src");
    let (library, binary) = (sources.read("lib.rs"), sources.read("main.rs"));
    assert_eq!(back_arrows(&library), Vec::<String>::new());
    assert_eq!(back_arrows(&binary), Vec::<String>::new());
    assert_eq!(sources.unreached(&[&library, &binary]), Vec::<String>::new());
}

#[cfg(test)]
mod tests {
    use super::{Sources, back_arrows};

    /// A tree in order: `low { first, second { inner } }`, then `high`, with one file exchanged.
    fn arrows_with(file: &str, text: &str) -> Vec<String> {
        let mut files = vec![
            ("lib.rs", "pub mod low; pub mod high;"),
            ("low/mod.rs", "pub mod first; pub mod second; pub use first::One; pub use second::Two;"),
            ("low/first.rs", "pub struct One;"),
            ("low/second.rs", "mod inner; use super::first::One; pub struct Two;"),
            ("low/second/inner.rs", ""),
            ("high.rs", "use crate::low::{One, second::Two}; use std::fmt;"),
        ];
        files.retain(|(path, _)| *path != file);
        files.push((file, text));
        back_arrows(&Sources::planted(&files).read("lib.rs"))
    }

    #[test]
    fn a_tree_in_order_has_no_back_arrow() {
        assert_eq!(arrows_with("low/second/inner.rs", "use crate::low::first::One;"), Vec::<String>::new());
    }

    #[test]
    fn a_use_of_a_later_module_is_found() {
        let arrows = arrows_with("low/first.rs", "use crate::high::Three; pub struct One;");
        assert_eq!(arrows, ["low/first.rs: crate::high::Three -> crate::high"]);
    }

    #[test]
    fn a_later_sibling_reached_through_super_is_found() {
        let arrows = arrows_with("low/first.rs", "use super::second; pub struct One;");
        assert_eq!(arrows, ["low/first.rs: super::second -> crate::low::second"]);
    }

    #[test]
    fn a_later_sibling_reached_through_a_re_export_is_found_and_an_earlier_one_is_allowed() {
        let arrows = arrows_with("low/first.rs", "use super::Two; pub struct One;");
        assert_eq!(arrows, ["low/first.rs: super::Two -> crate::low::second"]);
        assert_eq!(arrows_with("low/second/inner.rs", "use crate::low::One;"), Vec::<String>::new());
    }

    #[test]
    fn a_full_path_in_an_expression_a_type_or_a_macro_is_found() {
        for text in [
            "pub struct One; fn f() { crate::high::g() }",
            "pub struct One(crate::high::T);",
            "pub struct One; fn f() { vec![crate::high::g()]; }",
            "pub struct One; fn f() { use crate::high::g; g() }",
            "pub struct One; impl crate::high::T for One {}",
        ] {
            let arrows = arrows_with("low/first.rs", text);
            assert!(arrows.len() == 1 && arrows[0].ends_with("-> crate::high"), "{text}: {arrows:?}");
        }
    }

    #[test]
    fn a_private_part_may_name_what_its_parent_defines_and_no_other_module_may() {
        assert_eq!(arrows_with("low/second/inner.rs", "use super::Two;"), Vec::<String>::new());
        let arrows = arrows_with("low/second/inner.rs", "use super::*;");
        assert_eq!(arrows, ["low/second/inner.rs: super::* -> crate::low::second"]);
        let arrows = arrows_with("low/first.rs", "use super::Defined; pub struct One;");
        assert_eq!(arrows, ["low/first.rs: super::Defined -> crate::low"]);
        let arrows = arrows_with("low/second/inner.rs", "use crate::low::Defined;");
        assert_eq!(arrows, ["low/second/inner.rs: crate::low::Defined -> crate::low"]);
        let arrows = arrows_with("low/first.rs", "use crate::Root; pub struct One;");
        assert_eq!(arrows, ["low/first.rs: crate::Root -> crate::"]);
    }

    #[test]
    fn a_part_cannot_reach_a_later_sibling_through_its_parent() {
        let files = [
            ("lib.rs", "pub mod low;"),
            ("low/mod.rs", "mod first; mod second; use second::Two;"),
            ("low/first.rs", "use super::Two;"),
            ("low/second.rs", "pub struct Two;"),
        ];
        let arrows = back_arrows(&Sources::planted(&files).read("lib.rs"));
        assert_eq!(arrows, ["low/first.rs: super::Two -> crate::low::second"]);
    }

    #[test]
    fn an_inline_module_is_held_to_the_order_too_and_tests_are_not() {
        let arrows = arrows_with("low/first.rs", "pub struct One; pub mod codes { use crate::high::g; }");
        assert_eq!(arrows, ["low/first.rs: crate::high::g -> crate::high"]);
        let tests = "pub struct One; #[cfg(test)] mod tests { use crate::high::g; }";
        assert_eq!(arrows_with("low/first.rs", tests), Vec::<String>::new());
    }
}
