//! The part of an e-mail address after the `@`.

/// The longest label of a domain (RFC 1035, section 2.3.4), in bytes.
const MAX_LABEL_BYTES: usize = 63;
/// The longest domain, in bytes.
const MAX_BYTES: usize = 253;

/// Why a text is not the domain of an e-mail address: the first rule that it breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDomain {
    /// Nothing is there.
    #[error("must have a domain after the @")]
    Missing,
    /// A blank or a control character.
    #[error("must not contain spaces or line breaks")]
    Space,
    /// An address literal (RFC 5321, section 4.1.3).
    #[error("must have a domain after the @, not an address in brackets")]
    Literal,
    /// The address of a host.
    #[error("must have a domain after the @, not an IP address")]
    IpAddress,
    /// An underscore, which no host name has.
    #[error("must not have an underscore after the @")]
    Underscore,
    /// A dot that nothing stands before or behind.
    #[error("must not begin or end with a dot after the @, nor have two in a row there")]
    Dots,
    /// No dot: a name such as `localhost`.
    #[error("must have a dot in the domain after the @")]
    OneLabel,
    /// A hyphen at an end of a label.
    #[error("must not have a hyphen at the beginning or end of a part of the domain")]
    Hyphen,
    /// A label of more than 63 bytes, or more than 253 in all.
    #[error("must have at most 63 bytes in each part of the domain and 253 in all, as A-labels")]
    Length,
    /// A character that no domain has, or an international label that no registry takes.
    #[error("must have a valid domain after the @")]
    Character,
}

/// The domain as lower-case A-labels (RFC 5890), as UTS #46 maps it.
pub fn canonical(domain: &str) -> Result<String, InvalidDomain> {
    let ascii = idna::domain_to_ascii_strict(domain).map_err(|_| why(domain))?;
    let labels: Vec<&str> = ascii.split('.').collect();
    let all_digits = labels.last().is_none_or(|top| top.bytes().all(|b| b.is_ascii_digit()));
    // Empty labels and what is too long are refused with the conversion.
    if labels.len() < 2 || all_digits {
        return Err(why(domain));
    }
    Ok(ascii)
}

/// The beginning of canonical domains that this beginning of a domain stands for.
pub(super) fn canonical_prefix(domain: &str) -> Result<String, InvalidDomain> {
    let is_host_name = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
    if is_host_name(domain) {
        return Ok(domain.to_ascii_lowercase());
    }
    match domain.rsplit_once('.') {
        Some((whole, rest)) if is_host_name(rest) => {
            let whole = idna::domain_to_ascii_strict(whole).map_err(|_| InvalidDomain::Character)?;
            Ok(format!("{whole}.{}", rest.to_ascii_lowercase()))
        }
        _ => Err(InvalidDomain::Character),
    }
}

/// The rule that a domain breaks. It is looked for in what UTS #46 makes of the domain, where there are no other dots.
fn why(domain: &str) -> InvalidDomain {
    if domain.starts_with('[') {
        return InvalidDomain::Literal;
    }
    if domain.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return InvalidDomain::Space;
    }
    let (mapped, _) = idna::domain_to_unicode(domain);
    let labels: Vec<&str> = mapped.split('.').collect();
    let is_number = |label: &&str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_digit());
    if mapped.is_empty() {
        InvalidDomain::Missing
    } else if mapped.contains('_') {
        InvalidDomain::Underscore
    } else if labels.iter().any(|label| label.is_empty()) {
        InvalidDomain::Dots
    } else if labels.last().is_some_and(is_number) {
        InvalidDomain::IpAddress
    } else if labels.len() < 2 {
        InvalidDomain::OneLabel
    } else if labels.iter().any(|label| label.starts_with('-') || label.ends_with('-')) {
        InvalidDomain::Hyphen
    } else if domain.len() > MAX_BYTES || labels.iter().any(|label| label.len() > MAX_LABEL_BYTES) {
        InvalidDomain::Length
    } else {
        InvalidDomain::Character
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_refused_by_the_rule_that_it_breaks() {
        use InvalidDomain::*;
        let label = ["d"; 63].concat();
        for (text, why) in [
            ("", Missing),
            ("\u{200b}", Missing),
            ("example.com ", Space),
            (" example.com", Space),
            ("exam\tple.com", Space),
            ("exam\u{a0}ple.com", Space),
            ("[192.0.2.1]", Literal),
            ("[IPv6:2001:db8::1]", Literal),
            ("192.0.2.1", IpAddress),
            ("１９２.0.2.1", IpAddress),
            ("example.42", IpAddress),
            ("foo_bar.com", Underscore),
            ("_dmarc.example.com", Underscore),
            ("foo＿bar.com", Underscore),
            ("example..com", Dots),
            (".example.com", Dots),
            ("example.com.", Dots),
            ("example.com\u{3002}", Dots),
            ("localhost", OneLabel),
            ("münchen", OneLabel),
            ("-b.de", Hyphen),
            ("b-.de", Hyphen),
            ("exam!ple.com", Character),
            ("exam/ple.com", Character),
            ("xn--a.com", Character),
            ("b.de>", Character),
            (&format!("{label}.d!"), Character),
            (&format!("{label}.{label}.{label}.{}.!", &label[4..]), Character),
        ] {
            assert_eq!(canonical(text), Err(why), "{text:?}");
        }
    }

    #[test]
    fn lengths_hold_at_the_boundary() {
        let label = ["d"; 63].concat();
        let longest = format!("{label}.{label}.{label}.{}", &label[2..]);
        assert_eq!(longest.len(), 253);
        assert_eq!(canonical(&longest), Ok(longest.clone()));
        assert_eq!(canonical(&format!("{longest}d")), Err(InvalidDomain::Length));
        assert_eq!(canonical(&format!("d{label}.de")), Err(InvalidDomain::Length));
    }
}
