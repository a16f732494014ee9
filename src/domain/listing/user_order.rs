//! The order of a list of people.

/// The longest order that is looked at, in bytes.
const MAX_BYTES: usize = 32;

/// The text does not name an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be create_time or email, perhaps with asc or desc after it")]
pub struct InvalidOrder;

/// By what people are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserOrderKey {
    /// By the time when the account was made, and by id where times are equal.
    CreateTime,
    /// By the canonical form of the address, which is unique, byte by byte.
    Email,
}

/// Which end comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The least.
    Ascending,
    /// The greatest.
    Descending,
}

/// The order of a list of people. No two people have the same place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserOrder {
    /// By what.
    pub key: UserOrderKey,
    /// Which end comes first.
    pub direction: Direction,
}

impl Default for UserOrder {
    /// Who came first comes first.
    fn default() -> Self {
        Self { key: UserOrderKey::CreateTime, direction: Direction::Ascending }
    }
}

impl UserOrder {
    /// Reads an order (AIP-132): a field, and `asc` or `desc`. Nothing stands for `create_time`.
    pub fn parse(text: &str) -> Result<Self, InvalidOrder> {
        if text.len() > MAX_BYTES {
            return Err(InvalidOrder);
        }
        let mut parts = text.split(' ').filter(|part| !part.is_empty());
        let key = match parts.next() {
            None => return Ok(Self::default()),
            Some("create_time") => UserOrderKey::CreateTime,
            Some("email") => UserOrderKey::Email,
            Some(_) => return Err(InvalidOrder),
        };
        let direction = match parts.next() {
            None | Some("asc") => Direction::Ascending,
            Some("desc") => Direction::Descending,
            Some(_) => return Err(InvalidOrder),
        };
        if parts.next().is_some() { Err(InvalidOrder) } else { Ok(Self { key, direction }) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_order_is_a_field_and_a_direction() {
        let order = |key, direction| Ok(UserOrder { key, direction });
        for (text, expected) in [
            ("", Ok(UserOrder::default())),
            ("create_time", order(UserOrderKey::CreateTime, Direction::Ascending)),
            ("create_time desc", order(UserOrderKey::CreateTime, Direction::Descending)),
            ("  email   asc ", order(UserOrderKey::Email, Direction::Ascending)),
            ("email desc", order(UserOrderKey::Email, Direction::Descending)),
            ("username", Err(InvalidOrder)),
            ("desc", Err(InvalidOrder)),
            ("email DESC", Err(InvalidOrder)),
            ("email desc asc", Err(InvalidOrder)),
            ("email, create_time", Err(InvalidOrder)),
            ("email\tdesc", Err(InvalidOrder)),
            ("email\0", Err(InvalidOrder)),
        ] {
            assert_eq!(UserOrder::parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_length_holds_at_the_boundary() {
        let order = |bytes: usize| UserOrder::parse(&format!("{:bytes$}", "email"));
        assert!(order(MAX_BYTES).is_ok() && order(MAX_BYTES + 1).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(create_time|email)?\\PC{0,20}") {
            let _ = UserOrder::parse(&text);
        }
    }
}
