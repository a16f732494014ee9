//! Intervals of an order: what an index finds in one go.

use std::ops::{Bound, RangeBounds};

/// All values between two bounds.
#[derive(Clone, PartialEq, Eq)]
pub struct Interval<T> {
    /// Where it begins.
    pub from: Bound<T>,
    /// Where it ends.
    pub to: Bound<T>,
}

impl<T> Default for Interval<T> {
    /// Everything.
    fn default() -> Self {
        Self { from: Bound::Unbounded, to: Bound::Unbounded }
    }
}

impl<T: Ord> Interval<T> {
    /// This value alone.
    pub fn point(value: T) -> Self
    where
        T: Clone,
    {
        Self { from: Bound::Included(value.clone()), to: Bound::Included(value) }
    }

    /// Whether the value lies in it.
    pub fn contains(&self, value: &T) -> bool {
        (self.from.as_ref(), self.to.as_ref()).contains(value)
    }

    /// What lies in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { from: tighter(self.from, other.from, T::gt), to: tighter(self.to, other.to, T::lt) }
    }
}

impl Interval<String> {
    /// All texts that begin like this, where texts are ordered by their bytes.
    pub fn of_prefix(prefix: &str) -> Self {
        Self { from: Bound::Included(prefix.to_owned()), to: after_all_with(prefix) }
    }
}

/// Of two bounds of one side the one that leaves less: the one that is `further`, and of equals the excluding one.
fn tighter<T: Ord>(one: Bound<T>, other: Bound<T>, further: impl Fn(&T, &T) -> bool) -> Bound<T> {
    let other_is_tighter = match (&one, &other) {
        (_, Bound::Unbounded) => false,
        (Bound::Unbounded, _) => true,
        (Bound::Included(a), Bound::Excluded(b)) => !further(a, b),
        (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => further(b, a),
    };
    if other_is_tighter { other } else { one }
}

/// The least text greater than all that begin like this. The order of UTF-8's bytes is that of the code points.
fn after_all_with(prefix: &str) -> Bound<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            text.push(next);
            return Bound::Excluded(text);
        }
    }
    Bound::Unbounded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bound() -> impl Strategy<Value = Bound<u8>> {
        prop_oneof![Just(Bound::Unbounded), (0..8_u8).prop_map(Bound::Included), (0..8_u8).prop_map(Bound::Excluded)]
    }

    proptest! {
        #[test]
        fn what_lies_in_both_lies_in_the_common_interval(a in bound(), b in bound(), c in bound(), d in bound()) {
            let (one, other) = (Interval { from: a, to: b }, Interval { from: c, to: d });
            let both = one.clone().and(other.clone());
            for value in 0..8 {
                prop_assert_eq!(both.contains(&value), one.contains(&value) && other.contains(&value));
            }
        }

        #[test]
        fn an_interval_of_a_prefix_holds_what_begins_like_it(prefix in "[ab\u{d7ff}\u{e000}\u{10ffff}]{0,3}",
                                                            text in "[ab\u{d7ff}\u{e000}\u{10ffff}]{0,5}") {
            let interval = Interval::of_prefix(&prefix);
            prop_assert_eq!(interval.contains(&text), text.starts_with(&prefix));
            prop_assert!(interval.contains(&(prefix + &text)));
        }
    }

    #[test]
    fn a_point_holds_itself_alone() {
        let point = Interval::point(3);
        assert_eq!((2..5).map(|value| point.contains(&value)).collect::<Vec<_>>(), [false, true, false]);
    }
}
