//! Source texts, from the disk or made up by a test, and the module tree that their `mod` lines draw.

use crate::imports::{self, Import};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The `.rs` files under one `src` folder, by path inside it.
pub(crate) struct Sources(BTreeMap<String, String>);

/// One module, in its own file or inline.
pub(crate) struct Module {
    /// Its names from the root of the crate, without `crate`.
    pub(crate) path: Vec<String>,
    /// Its file inside the `src` folder.
    pub(crate) file: String,
    /// Everything that it names by a path.
    pub(crate) imports: Vec<Import>,
    /// Whether it is compiled for tests alone.
    pub(crate) is_test: bool,
    /// Whether it is a private part of its parent (`mod x;` or `pub(super) mod x;`, not `pub mod x;`).
    pub(crate) is_part: bool,
}

/// All modules of one crate in their one total order: a module stands after its own descendants and after everything
/// that is declared before it.
pub(crate) struct Crate {
    pub(crate) modules: Vec<Module>,
}

/// Where the items of a module stand, while the tree is read.
struct Place {
    path: Vec<String>,
    file: String,
    is_test: bool,
    is_part: bool,
}

impl Sources {
    /// All `.rs` files under `folder`, which is relative to the workspace.
    pub(crate) fn on_disk(folder: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut files = BTreeMap::new();
        let mut folders = vec![root.clone()];
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(&next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let inside = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                    files.insert(inside, std::fs::read_to_string(&path).unwrap());
                }
            }
        }
        Self(files)
    }

    /// A made-up tree.
    pub(crate) fn planted(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
    }

    /// Path and text of every file.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The module tree that starts in the file `root`.
    pub(crate) fn read(&self, root: &str) -> Crate {
        let mut modules = Vec::new();
        let text = self.0.get(root).unwrap_or_else(|| panic!("no file {root}"));
        let items = syn::parse_file(text).unwrap_or_else(|error| panic!("{root}: {error}")).items;
        let root = Place { path: Vec::new(), file: root.to_owned(), is_test: false, is_part: false };
        self.collect(root, &items, &mut modules);
        Crate { modules }
    }

    /// Files that no `mod` line of `crates` reaches: nothing would hold them to any rule.
    pub(crate) fn unreached(&self, crates: &[&Crate]) -> Vec<String> {
        let reached: BTreeSet<&str> =
            crates.iter().flat_map(|one| &one.modules).map(|module| module.file.as_str()).collect();
        self.0.keys().filter(|file| !reached.contains(file.as_str())).cloned().collect()
    }

    fn collect(&self, place: Place, items: &[syn::Item], into: &mut Vec<Module>) {
        for item in items {
            let syn::Item::Mod(child) = item else { continue };
            let name = child.ident.to_string();
            let mut inside = Place {
                path: [place.path.as_slice(), std::slice::from_ref(&name)].concat(),
                file: place.file.clone(),
                is_test: place.is_test || imports::is_for_tests(&child.attrs),
                is_part: is_private(&child.vis),
            };
            let has_path = child.attrs.iter().any(|attribute| attribute.path().is_ident("path"));
            if has_path && inside.is_test {
                // A file for tests that several crates share; it is not under `src`.
                continue;
            }
            assert!(!has_path, "{}: #[path] hides where {name} is", place.file);
            match &child.content {
                Some((_, items)) => self.collect(inside, items, into),
                None => {
                    inside.file = self.file_of(&place.file, &name);
                    let parsed = syn::parse_file(&self.0[&inside.file]);
                    let items = parsed.unwrap_or_else(|error| panic!("{}: {error}", inside.file)).items;
                    self.collect(inside, &items, into);
                }
            }
        }
        let Place { path, file, is_test, is_part } = place;
        into.push(Module { path, file, imports: imports::of(items), is_test, is_part });
    }

    /// The file of `mod name;` written in `file` (The Rust Reference, "Module source filenames").
    fn file_of(&self, file: &str, name: &str) -> String {
        let (folder, own) = file.rsplit_once('/').map_or(("", file), |(folder, own)| (folder, own));
        let folder = match own {
            "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
            _ => file.strip_suffix(".rs").unwrap().to_owned(),
        };
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        [format!("{prefix}{name}.rs"), format!("{prefix}{name}/mod.rs")]
            .into_iter()
            .find(|candidate| self.0.contains_key(candidate))
            .unwrap_or_else(|| panic!("{file}: no file for `mod {name};`"))
    }
}

/// Whether nobody but the parent can name it.
fn is_private(visibility: &syn::Visibility) -> bool {
    match visibility {
        syn::Visibility::Inherited => true,
        syn::Visibility::Restricted(within) => within.path.is_ident("super") || within.path.is_ident("self"),
        syn::Visibility::Public(_) => false,
    }
}

#[test]
fn a_file_that_tests_share_may_stand_elsewhere() {
    let sources = Sources::planted(&[("lib.rs", "#[cfg(test)] #[path = \"../../tests/pki.rs\"] mod pki;")]);
    assert_eq!(sources.read("lib.rs").modules.len(), 1);
}

#[test]
#[should_panic(expected = "lib.rs: #[path] hides where a is")]
fn a_module_whose_file_is_hidden_by_a_path_attribute_is_found() {
    Sources::planted(&[("lib.rs", "#[path = \"b.rs\"] mod a;"), ("b.rs", "")]).read("lib.rs");
}

#[test]
fn a_file_that_no_mod_line_reaches_is_found() {
    let sources = Sources::planted(&[("lib.rs", "mod a;"), ("a.rs", "mod b;"), ("a/b.rs", ""), ("a/lost.rs", "")]);
    assert_eq!(sources.unreached(&[&sources.read("lib.rs")]), ["a/lost.rs"]);
}
