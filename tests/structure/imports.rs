//! Every path that a module names: `use` trees, paths in types and expressions, in macro calls and in attributes.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// One path that a module names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Import {
    /// Its segments; a glob ends in `*`.
    pub(crate) segments: Vec<String>,
    /// The name that a `use` gives it.
    pub(crate) binding: Option<String>,
    /// Whether it stands in code for tests alone.
    pub(crate) is_test: bool,
}

/// The paths named in `items`, those of modules inside left out (each module answers for itself).
pub(crate) fn of(items: &[syn::Item]) -> Vec<Import> {
    let mut reader = Reader { imports: Vec::new(), is_test: false };
    for item in items {
        reader.visit_item(item);
    }
    reader.imports
}

/// Whether one of `attributes` is `#[cfg(test)]`.
pub(crate) fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => attribute.path().is_ident("test"),
    })
}

struct Reader {
    imports: Vec<Import>,
    is_test: bool,
}

impl Reader {
    fn add(&mut self, segments: Vec<String>, binding: Option<String>) {
        self.imports.push(Import { segments, binding, is_test: self.is_test });
    }

    fn under(&mut self, attributes: &[syn::Attribute], read: impl FnOnce(&mut Self)) {
        let outer = self.is_test;
        self.is_test = outer || is_for_tests(attributes);
        read(self);
        self.is_test = outer;
    }

    fn tree(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: String| [before, &[name]].concat();
        match tree {
            syn::UseTree::Path(path) => self.tree(&with(path.ident.to_string()), &path.tree),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(before, item)),
            syn::UseTree::Glob(_) => self.add(with("*".to_owned()), None),
            syn::UseTree::Name(name) => self.named(before, &name.ident.to_string(), None),
            syn::UseTree::Rename(name) => {
                self.named(before, &name.ident.to_string(), Some(name.rename.to_string()));
            }
        }
    }

    fn named(&mut self, before: &[String], name: &str, rename: Option<String>) {
        // `use a::{self}` names `a`.
        let segments =
            if name == "self" && !before.is_empty() { before.to_vec() } else { [before, &[name.to_owned()]].concat() };
        let binding = rename.or_else(|| segments.last().cloned());
        self.add(segments, binding);
    }

    /// Paths of two segments and more in the tokens of a macro.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut segments: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.end_of_path(&mut segments);
                    }
                    segments.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                other => {
                    self.end_of_path(&mut segments);
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.end_of_path(&mut segments);
    }

    fn end_of_path(&mut self, segments: &mut Vec<String>) {
        let segments = std::mem::take(segments);
        if segments.len() > 1 {
            self.add(segments, None);
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        use syn::Item;
        let attributes: &[syn::Attribute] = match item {
            // Modules answer for themselves.
            Item::Mod(_) => return,
            Item::Const(item) => &item.attrs,
            Item::Enum(item) => &item.attrs,
            Item::ExternCrate(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Macro(item) => &item.attrs,
            Item::Static(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            Item::Trait(item) => &item.attrs,
            Item::Type(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => &[],
        };
        self.under(attributes, |reader| visit::visit_item(reader, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.under(&item.attrs, |reader| visit::visit_impl_item_fn(reader, item));
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&[], &item.tree);
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        self.named(&[], &item.ident.to_string(), item.rename.as_ref().map(|(_, name)| name.to_string()));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.add(path.segments.iter().map(|segment| segment.ident.to_string()).collect(), None);
        visit::visit_path(self, path);
    }

    // `pub(in crate::a)` opens a module and imports nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        visit::visit_path(self, &call.path);
        self.tokens(call.tokens.clone());
    }

    /// `#[serde(with = "crate::a")]` names a path in a text.
    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        let syn::Meta::List(list) = &attribute.meta else { return };
        self.tokens(list.tokens.clone());
        for token in list.tokens.clone() {
            if let TokenTree::Literal(literal) = token
                && let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string())
                && let Ok(path) = text.parse::<syn::Path>()
                && path.segments.len() > 1
            {
                self.visit_path(&path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    fn named(text: &str) -> Vec<String> {
        let mut paths: Vec<String> =
            super::of(&syn::parse_file(text).unwrap().items).into_iter().map(|i| i.segments.join("::")).collect();
        paths.retain(|path| path.contains("::"));
        paths
    }

    #[test]
    fn a_path_is_found_in_use_trees_types_expressions_macros_and_attributes() {
        assert_eq!(named("use crate::a::{self, b as c, d::*};"), ["crate::a", "crate::a::b", "crate::a::d::*"]);
        assert_eq!(named("fn f(x: &super::T) -> Vec<self::u::V> { todo() }"), ["super::T", "self::u::V"]);
        assert_eq!(named("fn f() { let x = crate::ledger::open(1); }"), ["crate::ledger::open"]);
        assert_eq!(named("fn f() { use crate::x::y; }"), ["crate::x::y"]);
        assert_eq!(named("fn f() { vec![g(crate::a::b), 1]; }"), ["crate::a::b"]);
        assert_eq!(named("struct S { #[serde(with = \"crate::hexes\")] a: u8 }"), ["crate::hexes"]);
        assert_eq!(named("impl crate::t::T for S {}"), ["crate::t::T"]);
        assert_eq!(named("pub(in crate::a) struct S;"), Vec::<String>::new());
        assert_eq!(named("/// see [`crate::later`]\nstruct S;"), Vec::<String>::new());
    }
}
