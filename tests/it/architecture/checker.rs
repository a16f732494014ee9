//! Finds the names in a source that its layer must not name.

use std::fmt;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::rules::RULES;

/// A name that a layer must not know.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Violation {
    file: PathBuf,
    line: usize,
    layer: &'static str,
    name: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, layer, name } = self;
        write!(f, "{}:{line}: `{layer}` must not name `{name}`", file.display())
    }
}

/// Looks at every path of one file: in `use`, in code and types, and in the tokens of macros and attributes.
struct Checker<'a> {
    file: &'a Path,
    layer: &'static str,
    forbidden: &'static [&'static str],
    module: Vec<String>,
    violations: Vec<Violation>,
}

impl Checker<'_> {
    /// Notes a path that leads to something forbidden, however it is spelled.
    fn judge(&mut self, path: &[String], line: usize) {
        let absolute = self.absolute(path);
        if self.forbidden.iter().any(|name| is_within(&absolute, name)) {
            let (file, name) = (self.file.to_owned(), absolute.join("::"));
            self.violations.push(Violation { file, line, layer: self.layer, name });
        }
    }

    /// The path from the root: `super::x` in `crate::a::b` is `crate::a::x`, and `ipse::x` is `crate::x`.
    fn absolute(&self, path: &[String]) -> Vec<String> {
        let mut module = self.module.clone();
        let mut rest = path;
        match path.first().map(String::as_str) {
            Some("self") => rest = &path[1..],
            Some("super") => {
                while let Some(("super", after)) = rest.split_first().map(|(first, after)| (first.as_str(), after)) {
                    module.pop();
                    rest = after;
                }
            }
            Some("crate" | "ipse") => {
                module.truncate(1);
                rest = &path[1..];
            }
            _ => return path.to_vec(),
        }
        module.extend_from_slice(rest);
        module
    }

    fn judge_use(&mut self, prefix: &[String], tree: &syn::UseTree) {
        let line = tree.span().start().line;
        let with = |ident: &syn::Ident| [prefix, &[name_of(ident)]].concat();
        match tree {
            syn::UseTree::Path(path) => self.judge_use(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) => self.judge(&with(&name.ident), line),
            syn::UseTree::Rename(rename) => self.judge(&with(&rename.ident), line),
            syn::UseTree::Glob(_) => self.judge(prefix, line),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.judge_use(prefix, tree)),
        }
    }

    /// Scans tokens that no parser of ours understands for `a::b::c`.
    fn judge_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let (mut line, mut colons) = (0, 0);
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.judge_inline(&path, line);
                        path.clear();
                        line = ident.span().start().line;
                    }
                    path.push(name_of(&ident));
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.judge_inline(&path, line);
                    path.clear();
                    self.judge_tokens(group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => colons = 0,
            }
        }
        self.judge_inline(&path, line);
    }

    /// A single name in code is a variable or something local.
    fn judge_inline(&mut self, path: &[String], line: usize) {
        if path.len() > 1 {
            self.judge(path, line);
        }
    }
}

impl<'ast> Visit<'ast> for Checker<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(name_of(&item.ident));
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.judge_use(&[], &item.tree);
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        self.judge(&[name_of(&item.ident)], item.span().start().line);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| name_of(&segment.ident)).collect();
        self.judge_inline(&names, path.span().start().line);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.judge_tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_meta_list(&mut self, list: &'ast syn::MetaList) {
        self.judge_tokens(list.tokens.clone());
        visit::visit_meta_list(self, list);
    }
}

/// Whether a path is that of a module or of something in it.
fn is_within(path: &[String], module: &str) -> bool {
    let parts: Vec<&str> = module.split("::").collect();
    path.iter().map(String::as_str).take(parts.len()).eq(parts)
}

fn name_of(ident: &syn::Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").unwrap_or(&name).to_owned()
}

/// The violations in one file, given by its path below `src` and its text.
pub(super) fn check(file: &Path, text: &str) -> Vec<Violation> {
    let module = file.with_extension("");
    let parts = module.iter().map(|part| part.to_str().unwrap().to_owned()).filter(|part| part != "mod");
    let module: Vec<String> = ["crate".to_owned()].into_iter().chain(parts).collect();
    let rules: Vec<_> = RULES.iter().copied().filter(|(layer, _)| is_within(&module[1..], layer)).collect();
    if rules.is_empty() {
        return Vec::new();
    }
    let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let violations = rules.into_iter().flat_map(|(layer, forbidden)| {
        let mut checker = Checker { file, layer, forbidden, module: module.clone(), violations: Vec::new() };
        checker.visit_file(&parsed);
        checker.violations
    });
    violations.collect()
}

#[test]
fn planted_violations_are_found() {
    for (file, text, name) in [
        ("domain/a.rs", "use tokio::sync::Mutex;", "tokio::sync::Mutex"),
        ("domain/a.rs", "use crate::{domain::b, application::{self, c}};", "crate::application::self"),
        ("domain/a.rs", "extern crate diesel;", "diesel"),
        ("domain/a.rs", "#[derive(Debug, serde::Serialize)] struct A;", "serde::Serialize"),
        ("domain/a.rs", "use super::super::infrastructure as i;", "crate::infrastructure"),
        ("domain/a/mod.rs", "mod b { use super::super::super::proto::*; }", "crate::proto"),
        ("application/a/b.rs", "fn f() -> tonic::Status { g() }", "tonic::Status"),
        ("application/a/b.rs", "fn f() { ::argon2::hash(1) }", "argon2::hash"),
        ("application/mod.rs", "fn f() { super::infrastructure::g::<u8>() }", "crate::infrastructure::g"),
        ("application/a.rs", "fn f() { println!(\"{}\", g(ipse::presentation::X)) }", "crate::presentation::X"),
        ("application/a.rs", "use jsonwebtoken as harmless;", "jsonwebtoken"),
        ("infrastructure/a.rs", "fn f(c: &prometheus_client::Counter) {}", "prometheus_client::Counter"),
        ("infrastructure/a.rs", "#[tonic::async_trait] impl A for B {}", "tonic::async_trait"),
        ("infrastructure/a.rs", "macro_rules! m { () => { crate::presentation::x() } }", "crate::presentation::x"),
        ("presentation/grpc/a.rs", "\n\nimpl A for diesel::B {}", "diesel::B"),
        (
            "presentation/cli/a.rs",
            "#[command(after_help = crate::config::reference())] struct A;",
            "crate::config::reference",
        ),
        ("application/a.rs", "use http::HeaderMap;", "http::HeaderMap"),
        ("application/a.rs", "fn f(e: lettre::error::Error) {}", "lettre::error::Error"),
        ("domain/a.rs", "use crate::config::Settings;", "crate::config::Settings"),
        ("infrastructure/a.rs", "use crate::config::Settings;", "crate::config::Settings"),
        ("config/sections/a.rs", "use crate::presentation::grpc::Server;", "crate::presentation::grpc::Server"),
        ("config/a.rs", "use tonic::transport::Uri;", "tonic::transport::Uri"),
        ("telemetry/log.rs", "use crate::config::LogSettings;", "crate::config::LogSettings"),
        ("composition/a.rs", "use diesel::Connection;", "diesel::Connection"),
        ("presentation/http/mod.rs", "use super::{grpc, net};", "crate::presentation::grpc"),
        ("presentation/cli/users/a.rs", "use crate::presentation::grpc::a;", "crate::presentation::grpc::a"),
        ("presentation/net/a.rs", "fn f() { crate::presentation::http::g() }", "crate::presentation::http::g"),
    ] {
        let line = text.lines().count();
        let names: Vec<(String, usize)> =
            check(Path::new(file), text).into_iter().map(|found| (found.name, found.line)).collect();
        assert!(names.contains(&(name.to_owned(), line)), "{file}: {text}: {names:?}");
    }
}

#[test]
fn harmless_names_are_not_reported() {
    for (file, text) in [
        ("domain/a.rs", "use super::super::domain::b; use time::Duration; use serde_json::Value;"),
        ("application/a.rs", "use crate::domain::tonic; fn f() { let diesel = 1; g(diesel); x.tonic.y() }"),
        ("infrastructure/store/a.rs", "use super::postgres; use diesel::prelude::*; use crate::application::ports;"),
        ("composition.rs", "use crate::{infrastructure, presentation};"),
        ("config/sections/a.rs", "use crate::presentation::net::settings::Limits; use tokio_rustls::rustls;"),
        ("main.rs", "use ipse::{composition, config};"),
        ("presentation/http/a.rs", "use super::super::{json, net}; use crate::presentation::http::b;"),
        ("presentation/grpc/a.rs", "use super::b; use http::Request; fn f() { http::g(); grpc::h() }"),
    ] {
        assert_eq!(check(Path::new(file), text), [], "{text}");
    }
}
