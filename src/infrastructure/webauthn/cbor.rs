//! CBOR (RFC 8949) in the subset that authenticators write (CTAP2 canonical form), read strictly: definite lengths, the
//! shortest form of each number, no tags and no floats, few levels, few items, and no key twice. Keys come in any order, as
//! not all browsers sort them.

/// How many arrays and maps may lie in each other (CTAP 2.1, section 8).
const DEPTH: usize = 4;
/// How many items an array or a map may have: no authenticator sends as many.
const ITEMS: u64 = 64;

/// A value. All bytes and text are those of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Integer(i128),
    Bytes(&'a [u8]),
    Text(&'a str),
    Array(Vec<Self>),
    Map(Map<'a>),
    Bool(bool),
    Null,
}

/// The entries of a map in the order of the input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Map<'a>(Vec<(Key<'a>, Value<'a>)>);

/// What names an entry of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key<'a> {
    Integer(i128),
    Text(&'a str),
}

impl<'a> Map<'a> {
    /// Its entries, if it has exactly those of these keys, in their order.
    pub(super) fn exactly<const N: usize>(&self, keys: [Key<'_>; N]) -> Option<[&Value<'a>; N]> {
        let mut values = [&Value::Null; N];
        for (value, key) in values.iter_mut().zip(keys) {
            *value = self.get(key)?;
        }
        (self.len() == N).then_some(values)
    }

    pub(super) fn get(&self, key: Key<'_>) -> Option<&Value<'a>> {
        self.0.iter().find_map(|(present, value)| (*present == key).then_some(value))
    }

    #[cfg(test)]
    pub(super) fn entries(&self) -> impl Iterator<Item = &(Key<'a>, Value<'a>)> {
        self.0.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl<'a> Value<'a> {
    /// Reads a value with nothing behind it.
    pub(super) fn read(input: &'a [u8]) -> Option<Self> {
        let (value, rest) = Self::read_first(input)?;
        rest.is_empty().then_some(value)
    }

    /// Reads the value that the input begins with. The second part is what comes behind it.
    pub(super) fn read_first(input: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut reader = Reader { rest: input };
        let value = reader.value(DEPTH)?;
        Some((value, reader.rest))
    }

    pub(super) fn bytes(&self) -> Option<&'a [u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    pub(super) fn map(&self) -> Option<&Map<'a>> {
        if let Self::Map(map) = self { Some(map) } else { None }
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// The next value, in which arrays and maps may lie in each other to this depth.
    fn value(&mut self, depth: usize) -> Option<Value<'a>> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        let (kind, short) = (first >> 5, first & 0b1_1111);
        if kind == 7 {
            return simple(short);
        }
        let argument = self.argument(short)?;
        Some(match kind {
            0 => Value::Integer(i128::from(argument)),
            1 => Value::Integer(-1 - i128::from(argument)),
            2 => Value::Bytes(self.take(argument)?),
            3 => Value::Text(str::from_utf8(self.take(argument)?).ok()?),
            4 => Value::Array(self.array(argument, depth.checked_sub(1)?)?),
            5 => Value::Map(self.map(argument, depth.checked_sub(1)?)?),
            _ => return None,
        })
    }

    /// The number that the first byte holds or announces, in its shortest form.
    fn argument(&mut self, short: u8) -> Option<u64> {
        let (length, least) = match short {
            0..24 => return Some(u64::from(short)),
            24 => (1, 24),
            25 => (2, 1 << 8),
            26 => (4, 1 << 16),
            27 => (8, 1 << 32),
            _ => return None,
        };
        let number = self.take(length)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        (number >= least).then_some(number)
    }

    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.rest = rest;
        Some(taken)
    }

    fn array(&mut self, items: u64, depth: usize) -> Option<Vec<Value<'a>>> {
        if items > ITEMS {
            return None;
        }
        (0..items).map(|_| self.value(depth)).collect()
    }

    fn map(&mut self, items: u64, depth: usize) -> Option<Map<'a>> {
        if items > ITEMS {
            return None;
        }
        let mut map = Map::default();
        for _ in 0..items {
            let key = match self.value(0)? {
                Value::Integer(number) => Key::Integer(number),
                Value::Text(text) => Key::Text(text),
                _ => return None,
            };
            if map.get(key).is_some() {
                return None;
            }
            map.0.push((key, self.value(depth)?));
        }
        Some(map)
    }
}

fn simple<'a>(number: u8) -> Option<Value<'a>> {
    match number {
        20 => Some(Value::Bool(false)),
        21 => Some(Value::Bool(true)),
        22 => Some(Value::Null),
        _ => None,
    }
}
