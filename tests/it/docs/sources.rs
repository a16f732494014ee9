//! What `src/` consists of: folders, files, functions and their sizes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use super::path;

/// All folders below and with `src`, as paths from the root, each with the number of its entries.
pub(super) fn folders() -> BTreeMap<String, usize> {
    let mut folders = BTreeMap::new();
    walk(Path::new("src"), &mut |folder, entries| {
        folders.insert(folder.to_owned(), entries.len());
    });
    folders
}

/// All Rust files with their texts.
pub(super) fn files() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    walk(Path::new("src"), &mut |_, entries| {
        for file in entries.iter().filter(|entry| Path::new(entry).extension().is_some_and(|end| end == "rs")) {
            files.insert(file.clone(), fs::read_to_string(path(file)).unwrap());
        }
    });
    assert!(files.contains_key("src/lib.rs"), "the sources were not found");
    files
}

fn walk(folder: &Path, see: &mut impl FnMut(&str, &[String])) {
    let name = folder.to_str().unwrap();
    let entries = path(name).read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let entries: Vec<String> = entries.map(|entry| format!("{name}/{entry}")).collect();
    see(name, &entries);
    for entry in entries.iter().filter(|entry| path(entry).is_dir()) {
        walk(Path::new(entry), see);
    }
}

/// The functions of a file with their lines, documentation left out.
pub(super) fn functions(text: &str) -> Vec<(String, usize)> {
    struct Functions(Vec<(String, usize)>);

    impl Functions {
        fn add(&mut self, signature: &syn::Signature, block: &syn::Block) {
            let lines = block.span().end().line - signature.span().start().line + 1;
            self.0.push((signature.ident.to_string(), lines));
        }
    }

    impl<'ast> Visit<'ast> for Functions {
        fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
            self.add(&item.sig, &item.block);
            visit::visit_item_fn(self, item);
        }

        fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
            self.add(&item.sig, &item.block);
            visit::visit_impl_item_fn(self, item);
        }

        fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
            if let Some(block) = &item.default {
                self.add(&item.sig, block);
            }
            visit::visit_trait_item_fn(self, item);
        }
    }

    let mut functions = Functions(Vec::new());
    functions.visit_file(&syn::parse_file(text).unwrap());
    functions.0
}

#[test]
fn the_lines_of_functions_are_counted() {
    let text =
        "/// Doc.\nfn a() {\n}\nimpl B {\n    fn c() -> u8 {\n        1\n    }\n}\ntrait D { fn e(); fn f() {} }\n";
    let named = |(name, lines): &(&str, usize)| ((*name).to_owned(), *lines);
    assert_eq!(functions(text), [("a", 2), ("c", 3), ("f", 1)].iter().map(named).collect::<Vec<_>>());
}
