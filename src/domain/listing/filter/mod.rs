//! The language of list filters, a subset of AIP-160: comparisons such as `state = ACTIVE`, of which all must hold.
//!
//! Comparisons stand side by side or with `AND` between them, in parentheses or not. Values are words or quoted text, in
//! which `\` takes the meaning from a quote, a `\` or a `*`; a `*` at the end stands for whatever follows. There is no
//! `OR`, `NOT` or search for bare text: what no index can answer would read the whole table.

mod parser;
mod times;

/// The longest filter, in bytes.
pub const MAX_BYTES: usize = 2048;
/// The most comparisons in one filter.
pub const MAX_TERMS: usize = 32;

/// Why a text is not an acceptable filter. Nothing of the text is repeated, as filters hold personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}, at character {position}")]
pub struct InvalidFilter {
    /// What would have been acceptable, as a predicate of the filter.
    pub problem: String,
    /// Where: the number of the character (code point), counted from 1.
    pub position: usize,
}

impl InvalidFilter {
    /// A problem at the character of this number.
    pub fn new(position: usize, problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), position }
    }
}

/// How a field is compared with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `:`
    Has,
}

/// A part of a filter, and the number of its first character, counted from 1.
#[derive(Clone)]
pub struct Located<T> {
    /// The part.
    pub part: T,
    /// Where it begins.
    pub position: usize,
}

impl<T> Located<T> {
    /// The refusal of this part.
    pub fn refuse(&self, problem: impl Into<String>) -> InvalidFilter {
        InvalidFilter::new(self.position, problem)
    }
}

/// What a field is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// The text without quotes, escapes and the `*` at its end.
    pub text: String,
    /// Whether there was a `*` at its end: any text that begins like this is meant.
    pub is_prefix: bool,
}

/// One comparison.
#[derive(Clone)]
pub struct Term {
    /// The name of the field, as written.
    pub field: Located<String>,
    /// How it is compared.
    pub operator: Located<Operator>,
    /// With what.
    pub value: Located<Value>,
}

impl Term {
    /// The value as a whole, for fields of which no beginning can be searched.
    pub fn whole(&self) -> Result<&str, InvalidFilter> {
        if self.value.part.is_prefix {
            return Err(self.value.refuse("must have a whole value for this field, without a * at its end"));
        }
        Ok(&self.value.part.text)
    }

    /// Refuses an operator other than `=`, and `:` where `:` means the same.
    pub fn require_equality(&self, has: bool) -> Result<(), InvalidFilter> {
        match self.operator.part {
            Operator::Equal => Ok(()),
            Operator::Has if has => Ok(()),
            _ => Err(self.operator.refuse("must compare this field with =")),
        }
    }
}

/// Reads a filter: its comparisons in order, none if it is empty.
pub fn parse(text: &str) -> Result<Vec<Term>, InvalidFilter> {
    parser::parse(text)
}
