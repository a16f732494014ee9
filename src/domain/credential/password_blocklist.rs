//! Passwords that attackers try first. The words are those of zxcvbn: the most common leaked passwords, words of
//! English, and names of people. What anybody can guess without a list is looked for first, in time that grows with the
//! length alone: names of the account, keys side by side, letters and digits in order, years, repetitions.

use zxcvbn::matching::Match;
use zxcvbn::matching::patterns::MatchPattern;

/// What is left of a longer password is no list entry, and its analysis would cost far more than a hash.
const MAX_ANALYSED: usize = 24;
/// Words shorter than this say nothing about an account.
const MIN_CONTEXT: usize = 3;
/// So few characters beside what can be guessed are guessed too.
const MIN_LEFT: usize = 4;
/// The shortest run of keys, letters or digits in order.
const MIN_RUN: usize = 3;

/// What fingers find without looking, forwards and backwards: the rows of a keyboard, its columns, the alphabet. Digits in
/// order are a row.
const ORDERS: [&str; 14] = [
    "1234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1qaz",
    "2wsx",
    "3edc",
    "4rfv",
    "5tgb",
    "6yhn",
    "7ujm",
    "8ik",
    "abcdefghijklmnopqrstuvwxyz",
    "0123456789",
];

/// Whether the password is, but for a few characters, what can be guessed, or at the most two listed words.
///
/// Strength scores are deliberately not used: a long password of an odd kind may score low and still be on no list.
pub(in crate::domain) fn contains(password: &str, context: &[&str]) -> bool {
    let text: Vec<char> = password.to_lowercase().chars().collect();
    let mut guessed = vec![false; text.len()];
    mark_words(&text, &parts(context), &mut guessed);
    mark_runs(&text, &mut guessed);
    mark_years(&text, &mut guessed);
    let left = if guessed.contains(&true) {
        let left: Vec<char> = text
            .iter()
            .zip(&guessed)
            .filter(|(c, is_guessed)| !**is_guessed && (c.is_alphanumeric() || !c.is_ascii()))
            .map(|(c, _)| *c)
            .collect();
        if left.len() < MIN_LEFT {
            return true;
        }
        left
    } else {
        text
    };
    let unit = repeated_unit(&left);
    if unit.len() < left.len() && unit.len() < MIN_LEFT && unit.iter().all(char::is_ascii) {
        return true;
    }
    unit.len() <= MAX_ANALYSED && is_listed(&unit.iter().collect::<String>())
}

fn is_listed(text: &str) -> bool {
    let analysis = zxcvbn::zxcvbn(text, &[]);
    analysis.sequence().len() <= 2 && analysis.sequence().iter().all(is_word)
}

fn is_word(part: &Match) -> bool {
    match &part.pattern {
        MatchPattern::Dictionary(_) => true,
        MatchPattern::Sequence(sequence) => sequence.sequence_name == "digits",
        MatchPattern::Repeat(found) => {
            found.base_token.len() == 1 || found.base_matches.len() == 1 && found.base_matches.iter().all(is_word)
        }
        MatchPattern::Spatial(_) | MatchPattern::Regex(_) | MatchPattern::Date(_) | MatchPattern::BruteForce => false,
    }
}

/// The words of the context, and what they consist of.
fn parts(context: &[&str]) -> Vec<Vec<char>> {
    let lower: Vec<String> = context.iter().map(|text| text.to_lowercase()).collect();
    let parts = lower.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric()).chain([text.as_str()]));
    let mut parts: Vec<Vec<char>> =
        parts.map(|part| part.chars().collect::<Vec<_>>()).filter(|part| part.len() >= MIN_CONTEXT).collect();
    parts.sort_unstable();
    parts.dedup();
    parts
}

fn mark_words(text: &[char], words: &[Vec<char>], guessed: &mut [bool]) {
    for wanted in words {
        for (start, window) in text.windows(wanted.len()).enumerate() {
            if window == wanted {
                guessed[start..start + wanted.len()].fill(true);
            }
        }
    }
}

fn mark_runs(text: &[char], guessed: &mut [bool]) {
    let same = |pair: &[char]| pair[0] == pair[1] && pair[0].is_ascii_alphanumeric();
    mark_where(text, guessed, same);
    for order in ORDERS {
        let place = |c: char| order.find(c);
        mark_where(text, guessed, |pair| matches!((place(pair[0]), place(pair[1])), (Some(a), Some(b)) if b == a + 1));
        mark_where(text, guessed, |pair| matches!((place(pair[0]), place(pair[1])), (Some(a), Some(b)) if a == b + 1));
    }
}

/// Marks each run of characters of which every pair of neighbours follows.
fn mark_where(text: &[char], guessed: &mut [bool], follows: impl Fn(&[char]) -> bool) {
    let mut start = 0;
    for end in 1..=text.len() {
        if end == text.len() || !follows(&text[end - 1..=end]) {
            if end - start >= MIN_RUN {
                guessed[start..end].fill(true);
            }
            start = end;
        }
    }
}

/// Marks four digits that are a year of the last or this century.
fn mark_years(text: &[char], guessed: &mut [bool]) {
    for start in 0..text.len().saturating_sub(3) {
        let is_digit = |place: Option<&char>| place.is_some_and(char::is_ascii_digit);
        let stands_alone =
            !is_digit(start.checked_sub(1).and_then(|before| text.get(before))) && !is_digit(text.get(start + 4));
        if let ['1', '9', a, b] | ['2', '0', a, b] = &text[start..start + 4]
            && a.is_ascii_digit()
            && b.is_ascii_digit()
            && stands_alone
        {
            guessed[start..start + 4].fill(true);
        }
    }
}

/// The shortest beginning that the text repeats to its end, where the last one may be cut; the text itself if there is
/// none.
fn repeated_unit(text: &[char]) -> &[char] {
    let repeats = |length: usize| text.iter().skip(length).zip(text).all(|(later, earlier)| later == earlier);
    let shortest = (1..=text.len() / 2).find(|length| repeats(*length));
    &text[..shortest.unwrap_or(text.len())]
}
