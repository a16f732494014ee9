use super::{InvalidFilter, Located, MAX_BYTES, MAX_TERMS, Operator, Term, Value};

/// Longer operators stand before those that they begin with.
const OPERATORS: [(&str, Operator); 7] = [
    ("!=", Operator::NotEqual),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::Greater),
    (":", Operator::Has),
];

pub(super) fn parse(text: &str) -> Result<Vec<Term>, InvalidFilter> {
    let mut reader = Reader::new(text)?;
    let mut open = Vec::new();
    let mut terms = Vec::new();
    reader.skip_spaces();
    // Parentheses only have to match, as all comparisons must hold anyway. So depth costs no stack.
    while !reader.rest.is_empty() {
        while let Some(position) = reader.take("(") {
            open.push(position);
        }
        if terms.len() == MAX_TERMS {
            return Err(reader.refuse(format!("must have at most {MAX_TERMS} comparisons")));
        }
        terms.push(reader.term()?);
        while let Some(position) = reader.take(")") {
            open.pop().ok_or_else(|| InvalidFilter::new(position, "must open each parenthesis that it closes"))?;
        }
        if reader.take_and() && reader.rest.is_empty() {
            return Err(reader.refuse("must have a comparison after AND"));
        }
    }
    match open.pop() {
        Some(position) => Err(InvalidFilter::new(position, "must close each parenthesis that it opens")),
        None => Ok(terms),
    }
}

/// What is left of a filter.
struct Reader<'a> {
    rest: &'a str,
    /// The number of the first character that is left, counted from 1.
    position: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Result<Self, InvalidFilter> {
        let mut end = 0;
        for (position, c) in (1..).zip(text.chars()) {
            end += c.len_utf8();
            if end > MAX_BYTES {
                return Err(InvalidFilter::new(position, format!("must be at most {MAX_BYTES} bytes")));
            }
            if c.is_control() {
                return Err(InvalidFilter::new(position, "must not contain control characters"));
            }
        }
        Ok(Self { rest: text, position: 1 })
    }

    fn refuse(&self, problem: impl Into<String>) -> InvalidFilter {
        InvalidFilter::new(self.position, problem)
    }

    fn skip_spaces(&mut self) {
        let rest = self.rest.trim_start_matches(' ');
        self.position += self.rest.len() - rest.len();
        self.rest = rest;
    }

    /// Takes this text, if it comes next, and the spaces after it: where it began.
    fn take(&mut self, text: &str) -> Option<usize> {
        let position = self.position;
        self.rest = self.rest.strip_prefix(text)?;
        self.position += text.chars().count();
        self.skip_spaces();
        Some(position)
    }

    /// Takes the operator AND, if it comes next.
    fn take_and(&mut self) -> bool {
        let is_next = self.rest.strip_prefix("AND").is_some_and(|rest| rest.starts_with([' ', '(']) || rest.is_empty());
        is_next && self.take("AND").is_some()
    }

    /// Takes the characters up to the first that `is_part` does not accept, perhaps none.
    fn take_word(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let (taken, rest) = self.rest.split_at(self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len()));
        self.position += taken.chars().count();
        self.rest = rest;
        taken
    }

    fn term(&mut self) -> Result<Term, InvalidFilter> {
        let field = self.field()?;
        self.skip_spaces();
        let operator = self.operator()?;
        self.skip_spaces();
        let position = self.position;
        let value = match self.rest.chars().next() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote)?,
            _ => self.bare()?,
        };
        self.skip_spaces();
        Ok(Term { field, operator, value: Located { part: value, position } })
    }

    fn field(&mut self) -> Result<Located<String>, InvalidFilter> {
        let position = self.position;
        let name = self.take_word(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
        let problem = match name {
            "" | "AND" => "must have the name of a field here",
            "OR" | "NOT" => "must not use OR or NOT",
            name if name.starts_with('-') => "must not use - for NOT",
            name => return Ok(Located { part: name.to_owned(), position }),
        };
        Err(InvalidFilter::new(position, problem))
    }

    fn operator(&mut self) -> Result<Located<Operator>, InvalidFilter> {
        let found = OPERATORS.iter().find_map(|(text, operator)| Some((self.take(text)?, *operator)));
        match found {
            Some((position, part)) => Ok(Located { part, position }),
            None => Err(self.refuse("must have one of = != < <= > >= : after a field")),
        }
    }

    fn bare(&mut self) -> Result<Value, InvalidFilter> {
        let start = self.position;
        let bare = self.take_word(|c| !" ()\"'\\=<>!,".contains(c));
        if bare.is_empty() {
            return Err(
                self.refuse("must have a value after an operator, in quotes if it has spaces or special characters")
            );
        }
        let text = bare.strip_suffix('*').unwrap_or(bare);
        match (start..).zip(text.chars()).find(|(_, c)| *c == '*') {
            Some((position, _)) => Err(misplaced_star(position)),
            None => Ok(Value { text: text.to_owned(), is_prefix: text.len() < bare.len() }),
        }
    }

    fn quoted(&mut self, quote: char) -> Result<Value, InvalidFilter> {
        let begin = self.position;
        let mut value = Value { text: String::new(), is_prefix: false };
        let mut chars = self.rest.char_indices().skip(1);
        let mut position = begin;
        while let Some((index, c)) = chars.next() {
            position += 1;
            match c {
                c if c == quote => {
                    self.rest = &self.rest[index + c.len_utf8()..];
                    self.position = position + 1;
                    return Ok(value);
                }
                _ if value.is_prefix => return Err(misplaced_star(position - 1)),
                '*' => value.is_prefix = true,
                '\\' => match chars.next() {
                    Some((_, escaped @ ('"' | '\'' | '\\' | '*'))) => {
                        value.text.push(escaped);
                        position += 1;
                    }
                    _ => return Err(InvalidFilter::new(position, r#"must have one of " ' \ * after a \"#)),
                },
                c => value.text.push(c),
            }
        }
        Err(InvalidFilter::new(begin, "must close each quote that it opens"))
    }
}

fn misplaced_star(position: usize) -> InvalidFilter {
    InvalidFilter::new(position, r"must have a * at the end of a value only, or in quotes as \*")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A filter as `field operator text` for each comparison.
    fn read(text: &str) -> Vec<String> {
        let terms = parse(text).unwrap_or_else(|why| panic!("{text:?}: {why}"));
        let star = |value: &Value| if value.is_prefix { "*" } else { "" };
        terms
            .iter()
            .map(|Term { field, operator, value }| {
                let (operator, value) = (operator.part, &value.part);
                format!("{} {operator:?} {}{}", field.part, value.text, star(value))
            })
            .collect()
    }

    #[test]
    fn comparisons_stand_side_by_side_with_and_or_in_parentheses() {
        for text in [
            "a = 1 AND b != 2",
            "a=1 b!=2",
            "  a = 1   b != 2  ",
            "(a = 1) (b != 2)",
            "((a = 1 AND (b != 2)))",
            "(a=1)AND(b!=2)",
            "(a=1)b!=2",
        ] {
            assert_eq!(read(text), ["a Equal 1", "b NotEqual 2"], "{text:?}");
        }
        assert_eq!(read(""), Vec::<String>::new());
        assert_eq!(read("   "), Vec::<String>::new());
    }

    #[test]
    fn every_operator_is_read() {
        let all = "a=1 a!=1 a<1 a<=1 a>1 a>=1 a:1";
        let names = ["Equal", "NotEqual", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Has"];
        assert_eq!(read(all), names.map(|name| format!("a {name} 1")));
    }

    #[test]
    fn values_are_words_or_quoted_text_perhaps_with_a_star_at_the_end() {
        for (text, value) in [
            ("a = ali*", "ali*"),
            ("a = \"ali*\"", "ali*"),
            ("a = *", "*"),
            ("a = ''", ""),
            ("a = AND", "AND"),
            ("a >= 2026-01-01T00:00:00+01:00", "2026-01-01T00:00:00+01:00"),
            ("a = o.b+c@example.com", "o.b+c@example.com"),
            ("a = \"it's ) AND ( b = 1\"", "it's ) AND ( b = 1"),
            (r#"a = 'the "name"'"#, "the \"name\""),
            (r#"a = "q\" s\' b\\ s\*""#, r#"q" s' b\ s*"#),
            (r#"a = "ends in a star\**""#, "ends in a star**"),
            ("a = 'ü€😀'", "ü€😀"),
        ] {
            let found = read(text);
            assert_eq!(found.len(), 1, "{text}");
            assert!(found[0].ends_with(&format!(" {value}")), "{text}: {found:?}");
        }
        assert_eq!(parse(r"a = '\*'").map(|terms| terms[0].value.part.is_prefix).ok(), Some(false));
    }

    #[test]
    fn parts_know_where_they_begin() {
        let Ok(terms) = parse("a = 'üü'  (bc>= d)") else { panic!("it is a filter") };
        let positions: Vec<[usize; 3]> =
            terms.iter().map(|term| [term.field.position, term.operator.position, term.value.position]).collect();
        assert_eq!(positions, [[1, 3, 5], [12, 14, 17]]);
    }

    #[test]
    fn what_is_not_a_filter_is_refused_at_its_place() {
        for (text, position) in [
            ("alice", 6),
            ("=", 1),
            ("a", 2),
            ("a =", 4),
            ("a = ", 5),
            ("a ~ 1", 3),
            ("a ! 1", 3),
            ("a = = 1", 5),
            ("a == 1", 4),
            ("()", 2),
            ("( )", 3),
            ("(a = 1", 1),
            ("((a = 1)", 1),
            ("a = 1)", 6),
            ("(a = 1))", 8),
            ("AND a = 1", 1),
            ("a = 1 AND", 10),
            ("a = 1 AND ", 11),
            ("a = 1 AND AND b = 2", 11),
            ("a = 1 and b = 2", 11),
            ("a = 1 OR b = 2", 7),
            ("NOT a = 1", 1),
            ("-a = 1", 1),
            ("a = 1, b = 2", 6),
            ("a = \"x", 5),
            ("a = 'x\"", 5),
            ("a = 'x\\", 7),
            ("a = '\\n'", 6),
            ("a = '\\'x\\n'", 9),
            ("a = x*y", 6),
            ("a = *x", 5),
            ("a = 'ü*y'", 7),
            ("a = '**'", 6),
            ("a = **", 5),
            ("a = x\\*", 6),
            ("ä = 1", 1),
            ("a = 'x\0'", 7),
            ("a = 1\nb = 2", 6),
        ] {
            match parse(text) {
                Ok(_) => panic!("{text:?} was read"),
                Err(why) => assert_eq!(why.position, position, "{text:?}: {why}"),
            }
        }
    }

    #[test]
    fn limits_hold_at_the_boundary() {
        let terms = |count| vec!["a=1"; count].join(" ");
        assert_eq!(read(&terms(32)).len(), 32);
        assert_eq!(parse(&terms(33)).err().map(|why| why.position), Some(32 * 4 + 1));
        let filter = |bytes: usize| format!("a='é{}'", vec!["x"; bytes - 6].concat());
        assert_eq!((filter(2048).len(), read(&filter(2048)).len()), (2048, 1));
        assert_eq!(parse(&filter(2049)).err().map(|why| why.position), Some(2048));
        let nested = format!("{}a=1{}", ["("; 1022].concat(), [")"; 1022].concat());
        assert_eq!(read(&nested), ["a Equal 1"]);
    }

    /// What filters are made of, so that random ones come far.
    const PARTS: &[&str] =
        &["a", "AND", "OR", "(", ")", " ", "=", "!=", "<", ">=", ":", "\"", "'", "\\", "*", "-", ",", "é"];

    fn part() -> impl Strategy<Value = String> {
        prop_oneof![prop::sample::select(PARTS).prop_map(str::to_owned), "\\PC{0,3}", ".{0,2}"]
    }

    proptest! {
        #[test]
        fn any_text_parses_or_is_refused_at_one_of_its_characters(parts in prop::collection::vec(part(), 0..40)) {
            let text = parts.concat();
            match parse(&text) {
                Ok(terms) => prop_assert!(terms.len() <= MAX_TERMS),
                Err(why) => prop_assert!((1..=text.chars().count() + 1).contains(&why.position), "{}", why),
            }
        }

        #[test]
        fn any_value_can_be_written_in_quotes(value in "\\PC{0,40}", is_prefix: bool) {
            let escaped = value.replace('\\', r"\\").replace('"', "\\\"").replace('*', r"\*");
            let Ok(terms) = parse(&format!("a = \"{escaped}{}\"", if is_prefix { "*" } else { "" })) else {
                return Err(TestCaseError::fail("refused"));
            };
            prop_assert_eq!(&terms[0].value.part, &Value { text: value, is_prefix });
        }
    }
}
