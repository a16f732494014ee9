//! Passwords that attackers try first. The words are those of zxcvbn: the most common leaked passwords, words of
//! English, and names of people.

use zxcvbn::matching::Match;
use zxcvbn::matching::patterns::MatchPattern;

/// Beyond this length a password is no list entry, and analysing it would cost the caller little and the server much.
const MAX_ANALYSED: usize = 64;

/// Words shorter than this say nothing about an account.
const MIN_CONTEXT: usize = 3;

/// Whether the password as a whole is a listed or contextual word, two such words side by side, or repetitions of one.
///
/// Strength scores are deliberately not used: a long password of an odd kind may score low and still be on no list.
pub(in crate::domain) fn contains(password: &str, context: &[&str]) -> bool {
    if password.chars().nth(MAX_ANALYSED).is_some() {
        return false;
    }
    let context: Vec<String> =
        context.iter().filter(|word| word.chars().count() >= MIN_CONTEXT).map(|word| word.to_lowercase()).collect();
    let lower = password.to_lowercase();
    if context.contains(&lower) {
        return true;
    }
    let words: Vec<&str> = context.iter().map(String::as_str).collect();
    let analysis = zxcvbn::zxcvbn(&lower, &words);
    analysis.sequence().len() <= 2 && analysis.sequence().iter().all(is_known)
}

fn is_known(part: &Match) -> bool {
    match &part.pattern {
        MatchPattern::Dictionary(_) => true,
        MatchPattern::Sequence(sequence) => sequence.sequence_name == "digits",
        MatchPattern::Repeat(repeat) => {
            repeat.base_token.len() == 1 || repeat.base_matches.len() == 1 && repeat.base_matches.iter().all(is_known)
        }
        MatchPattern::Spatial(_) | MatchPattern::Regex(_) | MatchPattern::Date(_) | MatchPattern::BruteForce => false,
    }
}
