//! Permissions, and the patterns by which roles grant them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

const MAX_BYTES: usize = 64;

/// The text is not a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a permission such as orders.read: two words of a-z, 0-9 and underscore, of at most 64 bytes in all")]
pub struct InvalidPermission;

/// The text is not a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be permissions such as orders.read, or patterns such as orders.* and *, of at most 64 bytes each")]
pub struct InvalidPattern;

/// Why texts are no set of patterns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPatterns {
    /// More than there may be.
    #[error("must be at most {0}")]
    TooMany(usize),
    /// One of them has the wrong form.
    #[error(transparent)]
    Pattern(#[from] InvalidPattern),
}

/// A right to do something, as `area.verb`: two words that begin with a letter. Those of Ipse itself stand in its
/// contract; applications make up their own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission(String);

impl Permission {
    /// Reads a permission.
    pub fn parse(text: &str) -> Result<Self, InvalidPermission> {
        let is_permission =
            text.len() <= MAX_BYTES && text.split_once('.').is_some_and(|(a, v)| is_word(a) && is_word(v));
        if is_permission { Ok(Self(text.to_owned())) } else { Err(InvalidPermission) }
    }

    /// The permission as `area.verb`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a role grants: one permission, all of an area as `area.*`, or everything as `*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(String);

impl Pattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let is_area = text.len() <= MAX_BYTES && text.strip_suffix(".*").is_some_and(is_word);
        let is_pattern = text == "*" || is_area || Permission::parse(text).is_ok();
        if is_pattern { Ok(Self(text.to_owned())) } else { Err(InvalidPattern) }
    }

    /// The pattern as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether whoever holds this also holds all that `other` grants, which is a permission or a pattern.
    fn covers(&self, other: &str) -> bool {
        self.0 == "*" || self.0 == other || self.0.strip_suffix('*').is_some_and(|area| other.starts_with(area))
    }
}

/// All that somebody may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights(BTreeSet<Pattern>);

impl Rights {
    /// Whether a permission is among them.
    #[must_use]
    pub fn allow(&self, permission: &Permission) -> bool {
        self.cover(permission.as_str())
    }

    /// The first of `wanted` that is not among them: nobody hands on what they lack.
    #[must_use]
    pub fn missing<'w>(&self, wanted: &'w Self) -> Option<&'w Pattern> {
        wanted.0.iter().find(|pattern| !self.cover(pattern.as_str()))
    }

    /// Those of these that `other` covers whole.
    #[must_use]
    pub fn covered_by(&self, other: &Self) -> Self {
        self.0.iter().filter(|pattern| other.cover(pattern.as_str())).cloned().collect()
    }

    /// Reads at most `most` patterns; those named twice count once.
    pub fn parse<T: AsRef<str>>(texts: &[T], most: usize) -> Result<Self, InvalidPatterns> {
        if texts.len() > most {
            return Err(InvalidPatterns::TooMany(most));
        }
        Ok(texts.iter().map(|text| Pattern::parse(text.as_ref())).collect::<Result<_, _>>()?)
    }

    /// Reads patterns with single spaces between them, as in the claim `scope` (RFC 6749, section 3.3).
    pub fn parse_scope(text: &str) -> Result<Self, InvalidPattern> {
        text.split(' ').map(Pattern::parse).collect::<Result<_, _>>().map(Self)
    }

    /// The patterns with single spaces between them.
    #[must_use]
    pub fn to_scope(&self) -> String {
        self.patterns().map(Pattern::as_str).collect::<Vec<_>>().join(" ")
    }

    /// The patterns in order.
    pub fn patterns(&self) -> impl ExactSizeIterator<Item = &Pattern> {
        self.0.iter()
    }

    fn cover(&self, wanted: &str) -> bool {
        self.0.iter().any(|pattern| pattern.covers(wanted))
    }
}

/// The permissions of Ipse itself, in the order of their names, with the RPCs that each opens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue(pub BTreeMap<Permission, Vec<String>>);

impl Catalogue {
    /// What somebody may do, spelled out: the patterns, and those of Ipse's own permissions that they cover.
    #[must_use]
    pub fn spell_out(&self, rights: &Rights) -> BTreeSet<String> {
        let patterns = rights.0.iter().map(Pattern::as_str);
        let covered = self.0.keys().filter(|permission| rights.allow(permission)).map(Permission::as_str);
        patterns.chain(covered).map(str::to_owned).collect()
    }
}

impl FromIterator<Pattern> for Rights {
    fn from_iter<I: IntoIterator<Item = Pattern>>(patterns: I) -> Self {
        Self(patterns.into_iter().collect())
    }
}

impl fmt::Display for Rights {
    /// The patterns with single spaces between them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let patterns: Vec<&str> = self.0.iter().map(Pattern::as_str).collect();
        f.write_str(&patterns.join(" "))
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rights(patterns: &[&str]) -> Rights {
        patterns.iter().map(|text| Pattern::parse(text).unwrap()).collect()
    }

    #[test]
    fn a_permission_is_an_area_and_a_verb() {
        for text in
            ["users.read", "service_accounts.write", "a.b2", &format!("{}.{}", ["a"; 31].concat(), ["b"; 32].concat())]
        {
            assert!(Permission::parse(text).is_ok(), "{text}");
            assert!(Pattern::parse(text).is_ok(), "{text}");
        }
        let long = format!("{}.{}", ["a"; 32].concat(), ["b"; 32].concat());
        for text in ["", ".", "a", "a.", ".b", "a.b.c", "A.b", "a.B", "2a.b", "a._b", "a b.c", "a.b\0", "ä.b", &long] {
            assert!(Permission::parse(text).is_err(), "{text}");
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
        for (text, is_pattern) in
            [("*", true), ("a.*", true), ("*.a", false), ("a*", false), ("**", false), (".*", false)]
        {
            assert!(Permission::parse(text).is_err(), "{text}");
            assert_eq!(Pattern::parse(text).is_ok(), is_pattern, "{text}");
        }
    }

    #[test]
    fn patterns_cover_permissions_and_narrower_patterns() {
        for (held, wanted, covered) in [
            (&["*"][..], &["*", "a.*", "a.b"][..], true),
            (&["a.*"], &["a.*", "a.b"], true),
            (&["a.b"], &["a.b"], true),
            (&["a.*", "b.c"], &["a.x", "b.c"], true),
            (&["a.*"], &["*"], false),
            (&["a.b", "a.c"], &["a.*"], false),
            (&["a.*"], &["ab.c"], false),
            (&["a.b"], &["a.bc"], false),
            (&[], &["a.b"], false),
            (&[], &[], true),
        ] {
            assert_eq!(rights(held).missing(&rights(wanted)).is_none(), covered, "{held:?} {wanted:?}");
        }
    }

    #[test]
    fn a_permission_is_allowed_where_a_pattern_covers_it() {
        for (held, allowed) in [
            (&["*"][..], true),
            (&["a.*"], true),
            (&["b.*", "a.b"], true),
            (&["a.c"], false),
            (&["a.bc"], false),
            (&["ab.*"], false),
            (&[], false),
        ] {
            let permission = Permission::parse("a.b").unwrap();
            assert_eq!(rights(held).allow(&permission), allowed, "{held:?}");
        }
    }

    #[test]
    fn what_is_spelled_out_names_the_patterns_and_what_they_cover() {
        let own = ["a.x", "a.y", "b.x"].map(|text| (Permission::parse(text).unwrap(), Vec::new()));
        let catalogue = Catalogue(own.into());
        let spelled = |held: &[&str]| catalogue.spell_out(&rights(held)).into_iter().collect::<Vec<_>>();
        assert_eq!(spelled(&["a.*", "c.x"]), ["a.*", "a.x", "a.y", "c.x"]);
        assert_eq!(spelled(&["b.x"]), ["b.x"]);
        assert!(spelled(&[]).is_empty());
    }

    #[test]
    fn a_set_has_a_maximum_and_a_form() {
        let many: Vec<String> = (0..101).map(|number| format!("a.b{number}")).collect();
        assert_eq!(Rights::parse(&many, 100), Err(InvalidPatterns::TooMany(100)));
        assert_eq!(Rights::parse(&many[1..], 100).unwrap().patterns().len(), 100);
        assert_eq!(Rights::parse(&["a.b", "a.b"], 2).unwrap().patterns().len(), 1);
        assert_eq!(Rights::parse(&["a.b", "a"], 2), Err(InvalidPatterns::Pattern(InvalidPattern)));
    }

    #[test]
    fn what_others_cover_in_part_is_left_out() {
        let covered = rights(&["a.*", "b.x", "c.x"]).covered_by(&rights(&["a.x", "b.*", "c.x"]));
        assert_eq!(covered, rights(&["b.x", "c.x"]));
    }

    proptest! {
        #[test]
        fn who_lacks_nothing_of_a_role_gains_nothing_by_it(
            held in prop::collection::vec("(\\*|[ab]\\.(\\*|[xy]))", 0..4),
            role in prop::collection::vec("(\\*|[ab]\\.(\\*|[xy]))", 0..4),
            permission in "[abc]\\.[xyz]",
        ) {
            let read = |texts: &[String]| texts.iter().map(|text| Pattern::parse(text).unwrap()).collect::<Rights>();
            let (held, role) = (read(&held), read(&role));
            let permission = Permission::parse(&permission).unwrap();
            prop_assert!(held.missing(&role).is_some() || !role.allow(&permission) || held.allow(&permission));
        }
    }
}
