//! Filters and orders of lists: what is read can be written in another way and means the same.
#![no_main]

use ipse::domain::audit::filter::AuditFilter;
use ipse::domain::listing::filter::{self, InvalidFilter, MAX_BYTES, MAX_TERMS, Operator, Term, Value};
use ipse::domain::listing::user_filter::UserFilter;
use ipse::domain::listing::user_order::UserOrder;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match filter::parse(text) {
        Ok(terms) => check_terms(text, &terms),
        Err(why) => check_refusal(text, &why),
    }
    if let Err(why) = UserFilter::parse(text) {
        check_refusal(text, &why);
    }
    if let Err(why) = AuditFilter::parse(text) {
        check_refusal(text, &why);
    }
    if let Ok(order) = UserOrder::parse(text) {
        assert_eq!(UserOrder::parse(&text.split(' ').collect::<Vec<_>>().join(" ")), Ok(order));
    }
});

fn check_refusal(text: &str, why: &InvalidFilter) {
    assert!((1..=text.chars().count() + 1).contains(&why.position), "{why}");
    assert!(!why.problem.is_empty());
}

fn check_terms(text: &str, terms: &[Term]) {
    assert!(text.len() <= MAX_BYTES && terms.len() <= MAX_TERMS);
    for Term { field, operator, value } in terms {
        let places = [1, field.position, operator.position, value.position, text.chars().count()];
        assert!(places.is_sorted(), "{places:?}");
    }
    let written: Vec<String> = terms.iter().map(write).collect();
    for written in [written.join(" "), format!("({})", written.join(") AND ("))] {
        if terms.is_empty() || written.len() > MAX_BYTES {
            continue;
        }
        let again = filter::parse(&written).unwrap_or_else(|why| panic!("{written}: {why}"));
        assert!(again.len() == terms.len() && again.iter().zip(terms).all(is_same), "{written}");
        assert_eq!(UserFilter::parse(text).is_ok(), UserFilter::parse(&written).is_ok(), "{written}");
        if let (Ok(one), Ok(other)) = (UserFilter::parse(text), UserFilter::parse(&written)) {
            assert!(one.states == other.states && one.email == other.email && one.username == other.username);
            assert!(one.create_time == other.create_time && one.roles == other.roles);
        }
        if let (Ok(one), Ok(other)) = (AuditFilter::parse(text), AuditFilter::parse(&written)) {
            assert!(one.time == other.time && one.types == other.types && one.outcomes == other.outcomes);
            assert!(one.actors == other.actors && one.subjects == other.subjects);
        }
    }
}

fn write(term: &Term) -> String {
    let operator = match term.operator.part {
        Operator::Equal => "=",
        Operator::NotEqual => "!=",
        Operator::Less => "<",
        Operator::LessOrEqual => "<=",
        Operator::Greater => ">",
        Operator::GreaterOrEqual => ">=",
        Operator::Has => ":",
    };
    let Value { text, is_prefix } = &term.value.part;
    let text: String =
        text.chars().flat_map(|c| [Some('\\').filter(|_| "\"\\*".contains(c)), Some(c)]).flatten().collect();
    format!("{} {operator} \"{text}{}\"", term.field.part, if *is_prefix { "*" } else { "" })
}

fn is_same((one, other): (&Term, &Term)) -> bool {
    one.field.part == other.field.part && one.operator.part == other.operator.part && one.value.part == other.value.part
}
