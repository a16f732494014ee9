//! The constants of the sources, as far as they are numbers or spans of time.

use std::collections::BTreeMap;
use std::fmt;

use syn::visit::{self, Visit};

use super::sources;

/// What a constant or a cell of a table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantity {
    /// A number without a unit, or of bytes.
    Number(i128),
    /// A span in microseconds.
    Span(i128),
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Span(micros) if micros % 1_000_000 == 0 => write!(f, "{} s", micros / 1_000_000),
            Self::Span(micros) => write!(f, "{} ms", micros / 1000),
        }
    }
}

const UNITS: [(&str, i128, bool); 17] = [
    ("", 1, false),
    ("KiB", 1024, false),
    ("MiB", 1024 * 1024, false),
    ("bytes", 1, false),
    ("ms", 1000, true),
    ("s", 1_000_000, true),
    ("second", 1_000_000, true),
    ("seconds", 1_000_000, true),
    ("m", 60_000_000, true),
    ("minute", 60_000_000, true),
    ("minutes", 60_000_000, true),
    ("h", 3_600_000_000, true),
    ("hour", 3_600_000_000, true),
    ("hours", 3_600_000_000, true),
    ("d", 86_400_000_000, true),
    ("day", 86_400_000_000, true),
    ("days", 86_400_000_000, true),
];

impl Quantity {
    /// Reads `64 KiB`, `10 s`, `1,024`, `90 days`, `30d`; what it counts may follow.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let end = text.find(|c: char| !c.is_ascii_digit() && c != ',').unwrap_or(text.len());
        let number: i128 = text[..end].replace(',', "").parse().ok()?;
        let unit = text[end..].split_whitespace().next().unwrap_or_default();
        let known = UNITS.iter().find(|(name, ..)| *name == unit);
        Some(match known {
            Some((_, factor, true)) => Self::Span(number * factor),
            Some((_, factor, false)) => Self::Number(number * factor),
            None => Self::Number(number),
        })
    }
}

/// All constants by their paths, such as `domain::throttle::Budget::MAIL`.
pub(super) struct Constants(BTreeMap<String, Constant>);

struct Constant {
    kind: String,
    value: syn::Expr,
}

impl Constants {
    /// Those of all sources, without those of tests.
    pub(super) fn read() -> Self {
        let mut constants = BTreeMap::new();
        let of_tests = |file: &String| file.contains("/tests/") || file.ends_with("/tests.rs");
        for (file, text) in sources::files().into_iter().filter(|(file, _)| !of_tests(file)) {
            let module = file.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
            let mut collector = Collector { place: module.replace('/', "::"), found: Vec::new() };
            collector.visit_file(&syn::parse_file(&text).unwrap());
            constants.extend(collector.found);
        }
        assert!(constants.len() > 50, "the constants were not found");
        Self(constants)
    }

    /// What a constant is, given by the end of its path and perhaps a field of it: `Budget::MAIL.gap`.
    pub(super) fn evaluate(&self, name: &str) -> Result<Quantity, String> {
        let (path, field) = name.split_once('.').map_or((name, None), |(path, field)| (path, Some(field)));
        let found = self.find(path);
        let [full] = found.as_slice() else { return Err(format!("`{path}` names {found:?}, not one constant")) };
        let constant = &self.0[*full];
        let value = match field {
            Some(field) => part(&constant.value, field).ok_or(format!("`{path}` has no part {field}"))?,
            None => &constant.value,
        };
        self.value_of(value, full).ok_or(format!("`{name}` is neither a number nor a span that can be read here"))
    }

    /// The full paths of the constants that a path is the end of.
    pub(super) fn find(&self, path: &str) -> Vec<&str> {
        let is_end = |full: &&str| *full == path || full.ends_with(&format!("::{path}"));
        self.0.keys().map(String::as_str).filter(is_end).collect()
    }

    /// The full paths of spans, and of numbers that are called a most or least of something.
    pub(super) fn limits(&self) -> impl Iterator<Item = &str> {
        const CALLED: [&str; 6] = ["MAX_", "MOST_", "LONGEST_", "HARD_", "DEFAULT_", "LEAST_"];
        let is_limit = |(full, constant): &(&String, &Constant)| {
            let name = full.rsplit("::").next().unwrap_or_default();
            let is_number = matches!(constant.kind.as_str(), "usize" | "u8" | "u16" | "u32" | "u64" | "i32" | "i64");
            constant.kind.ends_with("Duration") || is_number && CALLED.iter().any(|start| name.starts_with(start))
        };
        self.0.iter().filter(is_limit).map(|(full, _)| full.as_str())
    }

    fn value_of(&self, value: &syn::Expr, at: &str) -> Option<Quantity> {
        match value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Int(number), .. }) => {
                Some(Quantity::Number(number.base10_parse().ok()?))
            }
            syn::Expr::Paren(inner) => self.value_of(&inner.expr, at),
            syn::Expr::Binary(syn::ExprBinary { left, op: syn::BinOp::Mul(_), right, .. }) => {
                match (self.value_of(left, at)?, self.value_of(right, at)?) {
                    (Quantity::Number(left), Quantity::Number(right)) => Some(Quantity::Number(left * right)),
                    (Quantity::Span(span), Quantity::Number(number)) => Some(Quantity::Span(span * number)),
                    _ => None,
                }
            }
            syn::Expr::Binary(syn::ExprBinary { left, op: syn::BinOp::Shl(_), right, .. }) => {
                match (self.value_of(left, at)?, self.value_of(right, at)?) {
                    (Quantity::Number(left), Quantity::Number(right)) => {
                        Some(Quantity::Number(left.checked_shl(u32::try_from(right).ok()?)?))
                    }
                    _ => None,
                }
            }
            syn::Expr::Call(call) => {
                let syn::Expr::Path(function) = call.func.as_ref() else { return None };
                let Quantity::Number(count) = self.value_of(call.args.first()?, at)? else { return None };
                Some(Quantity::Span(count * span(&function.path.segments.last()?.ident.to_string())?))
            }
            syn::Expr::Path(path) => self.named(&path.path, at),
            _ => None,
        }
    }

    /// A constant of `Duration`, or another one of ours.
    fn named(&self, path: &syn::Path, at: &str) -> Option<Quantity> {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if let [.., kind, name] = names.as_slice()
            && kind == "Duration"
        {
            return Some(Quantity::Span(if name == "ZERO" { 0 } else { span(&name.to_lowercase())? }));
        }
        let beside =
            at.rsplit_once("::").map_or(String::new(), |(module, _)| format!("{module}::{}", names.join("::")));
        let found = [beside, names.join("::")].into_iter().find(|name| self.find(name).len() == 1)?;
        self.evaluate(&found).ok()
    }
}

/// How many microseconds the unit has that a function or constant of `Duration` is named for.
fn span(name: &str) -> Option<i128> {
    Some(match name {
        "from_millis" | "milliseconds" => 1000,
        "from_secs" | "seconds" | "second" => 1_000_000,
        "from_mins" | "minutes" | "minute" => 60_000_000,
        "from_hours" | "hours" | "hour" => 3_600_000_000,
        "days" | "day" => 86_400_000_000,
        _ => return None,
    })
}

fn part<'e>(value: &'e syn::Expr, name: &str) -> Option<&'e syn::Expr> {
    match value {
        syn::Expr::Struct(value) => {
            let is_it = |field: &&syn::FieldValue| matches!(&field.member, syn::Member::Named(ident) if ident == name);
            value.fields.iter().find(is_it).map(|field| &field.expr)
        }
        syn::Expr::Tuple(value) => value.elems.iter().nth(name.parse().ok()?),
        _ => None,
    }
}

struct Collector {
    place: String,
    found: Vec<(String, Constant)>,
}

impl Collector {
    fn add(&mut self, ident: &syn::Ident, kind: &syn::Type, value: &syn::Expr) {
        let last = match kind {
            syn::Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
            _ => None,
        };
        let constant = Constant { kind: last.unwrap_or_default(), value: value.clone() };
        self.found.push((format!("{}::{ident}", self.place), constant));
    }

    fn within(&mut self, name: &str, visit: impl FnOnce(&mut Self)) {
        let length = self.place.len();
        self.place = format!("{}::{name}", self.place);
        visit(self);
        self.place.truncate(length);
    }
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.add(&item.ident, &item.ty, &item.expr);
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.add(&item.ident, &item.ty, &item.expr);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let is_test = item.attrs.iter().any(|attribute| attribute.path().is_ident("cfg"));
        if !is_test {
            self.within(&item.ident.to_string(), |collector| visit::visit_item_mod(collector, item));
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let syn::Type::Path(of) = item.self_ty.as_ref() else { return };
        let name = of.path.segments.last().unwrap().ident.to_string();
        self.within(&name, |collector| visit::visit_item_impl(collector, item));
    }
}

#[test]
fn quantities_are_read() {
    for (text, quantity) in [
        ("1,024", Quantity::Number(1024)),
        ("64 KiB", Quantity::Number(65_536)),
        ("100 in an hour", Quantity::Number(100)),
        ("500 ms", Quantity::Span(500_000)),
        ("15 minutes", Quantity::Span(900_000_000)),
        ("30d", Quantity::Span(30 * 86_400_000_000)),
    ] {
        assert_eq!(Quantity::parse(text), Some(quantity), "{text}");
    }
    assert_eq!(Quantity::parse("ES256"), None);
}

#[test]
fn constants_are_evaluated() {
    let text = "const A: usize = 2 * 1024; const B: Duration = Duration::hours(2); const C: Duration = Duration::DAY;
        const D: (u8, Duration) = (3, std::time::Duration::from_secs(4)); const E: usize = A; struct F;
        impl F { const G: Self = Self { gap: Duration::ZERO }; } #[cfg(test)] mod t { const A: u8 = 9; }";
    let mut collector = Collector { place: "m".to_owned(), found: Vec::new() };
    collector.visit_file(&syn::parse_file(text).unwrap());
    let constants = Constants(collector.found.into_iter().collect());
    for (name, text) in [
        ("A", "2 KiB"),
        ("m::B", "2 h"),
        ("C", "1 day"),
        ("D.0", "3"),
        ("D.1", "4 s"),
        ("E", "2048"),
        ("F::G.gap", "0 s"),
    ] {
        assert_eq!(constants.evaluate(name), Ok(Quantity::parse(text).unwrap()), "{name}");
    }
    assert!(constants.evaluate("X").is_err() && constants.evaluate("D.2").is_err());
}
