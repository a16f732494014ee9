//! Free attributes that an application keeps with a person.

/// The longest attributes as JSON text, in bytes.
pub const MAX_BYTES: usize = 8 * 1024;
/// The most objects and lists within each other, the outermost object being the first: far fewer than any decoder allows, as
/// one person's attributes would otherwise break what is read of many.
pub const MAX_LEVELS: usize = 8;
/// The most members of objects and elements of lists, on all levels together.
pub const MAX_VALUES: usize = 256;
/// The largest number on either side of zero: beyond it, not every whole number has a place of its own (RFC 7493, 2.2).
pub const MAX_NUMBER: i64 = 9_007_199_254_740_991;

/// What is wrong with attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnfitAttributes {
    /// The text is too long.
    #[error("must be at most 8192 bytes as JSON")]
    TooLarge,
    /// They are nested too deeply.
    #[error("must have at most 8 levels of objects and lists, of which the attributes themselves are the first")]
    TooDeep,
    /// They have too many values.
    #[error("must have at most 256 members and elements, those on all levels counted")]
    TooMany,
    /// A number would not be kept as it is.
    #[error("must not hold numbers beyond ±9007199254740991, which would be rounded: write them as texts")]
    TooFar,
}

/// A JSON object as text, whose meaning is the application's alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes(String);

impl Attributes {
    /// Takes a JSON object in its text form.
    pub fn new(json: String) -> Result<Self, UnfitAttributes> {
        if json.len() > MAX_BYTES {
            return Err(UnfitAttributes::TooLarge);
        }
        let mut shape = Shape::default();
        each_token(&json, |part| shape.add(part));
        shape.check()?;
        Ok(Self(json))
    }

    /// Takes what is stored, for which other limits may have held and other forms of numbers.
    #[must_use]
    pub fn stored(json: String) -> Self {
        if !json.contains(".0") {
            return Self(json);
        }
        let mut text = String::with_capacity(json.len());
        each_token(&json, |part| {
            text.push_str(part.strip_suffix(".0").filter(|_| is_number(part)).unwrap_or(part));
        });
        Self(text)
    }

    /// The JSON text.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

impl Default for Attributes {
    /// The empty object.
    fn default() -> Self {
        Self("{}".to_owned())
    }
}

/// What the limits are about.
#[derive(Default)]
struct Shape {
    level: usize,
    levels: usize,
    values: usize,
    is_opened: bool,
    has_far_number: bool,
}

impl Shape {
    fn add(&mut self, part: &str) {
        let closes = matches!(part, "}" | "]");
        // The first value of an object or list follows its bracket, the others a comma each.
        self.values += usize::from((self.is_opened && !closes) || part == ",");
        self.is_opened = matches!(part, "{" | "[");
        if self.is_opened {
            self.level += 1;
            self.levels = self.levels.max(self.level);
        } else if closes {
            self.level = self.level.saturating_sub(1);
        } else if is_number(part) {
            // From the next number on, those that are not whole are missing too, and what was rounded looks like any other.
            self.has_far_number |= part.parse().is_ok_and(|number: f64| number.abs() >= FIRST_ROUNDED);
        }
    }

    fn check(&self) -> Result<(), UnfitAttributes> {
        match self {
            Self { levels, .. } if *levels > MAX_LEVELS => Err(UnfitAttributes::TooDeep),
            Self { values, .. } if *values > MAX_VALUES => Err(UnfitAttributes::TooMany),
            Self { has_far_number: true, .. } => Err(UnfitAttributes::TooFar),
            _ => Ok(()),
        }
    }
}

/// The number after the largest one, which is what the next one is rounded to.
const FIRST_ROUNDED: f64 = 9_007_199_254_740_992.0;

fn is_number(part: &str) -> bool {
    part.starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

/// Tells the tokens of a JSON text one after another: brackets, colons and commas, and whole texts, numbers and words.
fn each_token<'j>(json: &'j str, mut tell: impl FnMut(&'j str)) {
    let mut rest = json;
    while let Some(first) = rest.bytes().next() {
        let length = match first {
            b'"' => text_length(rest),
            b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
            _ => rest.find(['{', '}', '[', ']', ',', ':', '"']).unwrap_or(rest.len()),
        };
        let (part, after) = rest.split_at(length);
        tell(part);
        rest = after;
    }
}

/// The length of a text with its quotes.
fn text_length(json: &str) -> usize {
    let mut is_escaped = false;
    let end = json.bytes().skip(1).position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(json.len(), |end| end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(json: &str) -> Result<(), UnfitAttributes> {
        Attributes::new(json.to_owned()).map(drop)
    }

    #[test]
    fn the_size_holds_at_the_boundary() {
        let of = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
        assert_eq!(judge(&of(8192)), Ok(()));
        assert_eq!(judge(&of(8193)), Err(UnfitAttributes::TooLarge));
    }

    #[test]
    fn the_levels_hold_at_the_boundary() {
        let lists = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        let objects = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        for of in [&lists as &dyn Fn(usize) -> String, &objects] {
            assert_eq!(judge(&of(8)), Ok(()));
            for levels in [9, 32, 1_000] {
                assert_eq!(judge(&of(levels)), Err(UnfitAttributes::TooDeep));
            }
        }
        // Levels are not added up, and brackets in texts are none.
        assert_eq!(judge(r#"{"a":[[[[[[[]]]]]]],"b":[[[[[[[]]]]]]]}"#), Ok(()));
        assert_eq!(judge(r#"{"a[[[[[[[[[[":"\"[[[[[[[[[[\\"}"#), Ok(()));
    }

    #[test]
    fn the_values_hold_at_the_boundary() {
        let list = |values: usize| format!("{{\"a\":[{}]}}", vec!["1"; values - 1].join(","));
        let object = |values: usize| {
            let members: Vec<String> = (0..values).map(|place| format!("\"{place}\":{{}}")).collect();
            format!("{{{}}}", members.join(","))
        };
        let mixed = |values: usize| format!("{{\"a\":{{\"b\":[[],{}]}}}}", vec!["\",,\""; values - 3].join(","));
        for of in [&list as &dyn Fn(usize) -> String, &object, &mixed] {
            assert_eq!(judge(&of(256)), Ok(()));
            assert_eq!(judge(&of(257)), Err(UnfitAttributes::TooMany));
        }
    }

    #[test]
    fn numbers_that_would_be_rounded_are_refused() {
        for number in
            ["9007199254740991", "-9007199254740991", "0", "-0", "7.5", "1e15", "9007199254740990.5", "1e-300"]
        {
            assert_eq!(judge(&format!("{{\"a\":[{number}]}}")), Ok(()), "{number}");
        }
        for number in
            ["9007199254740992", "9007199254740993", "-9007199254740992", "491700000000000001", "1e16", "1e300"]
        {
            assert_eq!(judge(&format!("{{\"a\":[{number}]}}")), Err(UnfitAttributes::TooFar), "{number}");
            assert_eq!(judge(&format!("{{\"{number}\":\"{number}\"}}")), Ok(()), "{number}");
        }
    }

    #[test]
    fn what_is_stored_is_taken_with_numbers_in_their_form_of_today() {
        let deep = format!("{}1.0{}", "{\"a\":".repeat(30), "}".repeat(30));
        assert_eq!(Attributes::stored(deep.clone()).as_json(), deep.replace(".0", ""));
        let old = r#"{"a":7.0,"b":[-2.0,1.05,"7.0","\"7.0"],"1.0":10.0}"#;
        assert_eq!(Attributes::stored(old.to_owned()).as_json(), r#"{"a":7,"b":[-2,1.05,"7.0","\"7.0"],"1.0":10}"#);
        assert_eq!(Attributes::stored("{}".to_owned()), Attributes::default());
    }
}
