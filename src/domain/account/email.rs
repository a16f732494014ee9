//! E-mail addresses.

use std::fmt;

use crate::domain::text;
use crate::domain::text::InvalidText;

/// The longest address that SMTP carries (RFC 5321, section 4.5.3.1.3), in bytes.
pub const MAX_BYTES: usize = 254;
const MAX_LOCAL_BYTES: usize = 64;

/// Why a text is not an e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEmail {
    /// Missing, too long, or with U+0000.
    #[error(transparent)]
    Text(#[from] InvalidText),
    /// The part before the `@` is empty or longer than 64 bytes.
    #[error("must have 1 to 64 bytes before the @")]
    LocalLength,
    /// The form is not `name@domain`.
    #[error("must be an address such as name@example.com")]
    Form,
    /// The domain is not a host name of two labels or more.
    #[error("must have a valid domain after the @")]
    Domain,
}

/// An e-mail address: as written, for sending, and in its canonical form, for comparing.
///
/// The canonical form has the local part in lower case and the domain as lower-case A-labels. In practice no
/// provider tells `A@` from `a@`, and two accounts that differ in case alone would be a trap.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress {
    written: String,
    canonical: String,
}

impl EmailAddress {
    /// Reads an address: a dot-atom of ASCII (RFC 5321), `@`, and a domain that may be international (RFC 5890).
    pub fn parse(input: &str) -> Result<Self, InvalidEmail> {
        text::required(input, MAX_BYTES)?;
        let (local, domain) = input.rsplit_once('@').ok_or(InvalidEmail::Form)?;
        if local.is_empty() || local.len() > MAX_LOCAL_BYTES {
            return Err(InvalidEmail::LocalLength);
        }
        if !local.split('.').all(is_atom) {
            return Err(InvalidEmail::Form);
        }
        let domain = canonical_domain(domain)?;
        let canonical = format!("{}@{domain}", local.to_ascii_lowercase());
        text::optional(&canonical, MAX_BYTES)?;
        Ok(Self { written: input.to_owned(), canonical })
    }

    /// The beginning of canonical forms that this beginning of an address stands for, perhaps empty. International
    /// labels of a domain have to be whole, as no part of an A-label stands for a part of a label.
    pub fn canonical_prefix(input: &str) -> Result<String, InvalidEmail> {
        text::optional(input, MAX_BYTES)?;
        let (local, domain) = match input.split_once('@') {
            Some((local, domain)) => (local, Some(domain)),
            None => (input, None),
        };
        if !local.bytes().all(|b| b == b'.' || is_atom_byte(b)) {
            return Err(InvalidEmail::Form);
        }
        let local = local.to_ascii_lowercase();
        Ok(match domain {
            Some(domain) => format!("{local}@{}", canonical_domain_prefix(domain)?),
            None => local,
        })
    }

    /// The address as the person wrote it.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
    }

    /// The form that is unique among accounts.
    #[must_use]
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// The part before the `@`, in lower case.
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.canonical.rsplit_once('@').map_or("", |(local, _)| local)
    }
}

impl fmt::Debug for EmailAddress {
    /// Masked, as addresses are personal data and find their way into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress")
    }
}

fn is_atom(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(is_atom_byte)
}

fn is_atom_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b)
}

fn canonical_domain(domain: &str) -> Result<String, InvalidEmail> {
    let ascii = idna::domain_to_ascii_strict(domain).map_err(|_| InvalidEmail::Domain)?;
    let labels: Vec<&str> = ascii.split('.').collect();
    let all_digits = labels.last().is_none_or(|top| top.bytes().all(|b| b.is_ascii_digit()));
    if labels.len() < 2 || all_digits || labels.iter().any(|label| label.is_empty() || label.len() > 63) {
        return Err(InvalidEmail::Domain);
    }
    Ok(ascii)
}

fn canonical_domain_prefix(domain: &str) -> Result<String, InvalidEmail> {
    let is_host_name = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
    if is_host_name(domain) {
        return Ok(domain.to_ascii_lowercase());
    }
    match domain.rsplit_once('.') {
        Some((whole, rest)) if is_host_name(rest) => {
            let whole = idna::domain_to_ascii_strict(whole).map_err(|_| InvalidEmail::Domain)?;
            Ok(format!("{whole}.{}", rest.to_ascii_lowercase()))
        }
        _ => Err(InvalidEmail::Domain),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_and_international_domains_have_one_canonical_form() {
        for (written, canonical) in [
            ("A@EX.com", "a@ex.com"),
            ("o'neil+tag@Example.COM", "o'neil+tag@example.com"),
            ("post@bücher.example", "post@xn--bcher-kva.example"),
            ("post@BÜCHER.example", "post@xn--bcher-kva.example"),
            ("post@xn--bcher-kva.example", "post@xn--bcher-kva.example"),
        ] {
            let email = EmailAddress::parse(written).unwrap();
            assert_eq!(email.canonical(), canonical);
            assert_eq!(email.written(), written);
        }
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for text in [
            "",
            "a",
            "@b.de",
            "a@",
            "a@b",
            "a@b..de",
            "a b@c.de",
            "a@b c.de",
            "a@@b.de",
            ".a@b.de",
            "a.@b.de",
            "a..b@c.de",
            "\"a\"@b.de",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "a@-b.de",
            "a\r\nb@c.de",
            "a@b.de\n",
            "ä@b.de",
            "a\0@b.de",
            "<a@b.de>",
            "a@b.de,c@d.de",
            "a@b.de.",
        ] {
            assert!(EmailAddress::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn lengths_hold_at_the_boundary() {
        let local = ["l"; 64].concat();
        assert!(EmailAddress::parse(&format!("{local}@b.de")).is_ok());
        assert_eq!(EmailAddress::parse(&format!("{local}l@b.de")), Err(InvalidEmail::LocalLength));
        let label = ["d"; 61].concat();
        let longest = format!("{local}@{label}.{label}.{label}.de");
        assert_eq!(longest.len(), 253);
        assert!(EmailAddress::parse(&longest).is_ok());
        assert!(EmailAddress::parse(&format!("{longest}xx")).is_err());
    }

    #[test]
    fn beginnings_of_addresses_have_a_canonical_form() {
        for (written, canonical) in [
            ("", String::new()),
            ("Ali", "ali".to_owned()),
            ("a.", "a.".to_owned()),
            ("Alice@", "alice@".to_owned()),
            ("Alice@Ex", "alice@ex".to_owned()),
            ("alice@ex.", "alice@ex.".to_owned()),
            ("post@BÜCHER.Ex", "post@xn--bcher-kva.ex".to_owned()),
            ("post@mail.bücher.", "post@mail.xn--bcher-kva.".to_owned()),
            ("post@xn--bch", "post@xn--bch".to_owned()),
        ] {
            assert_eq!(EmailAddress::canonical_prefix(written), Ok(canonical), "{written}");
        }
        for text in ["ä", "a b", "\"a", "a@b@", "a@b c", "post@büch", "post@ex.büch", "a\0", &["a"; 255].concat()] {
            assert!(EmailAddress::canonical_prefix(text).is_err(), "{text:?}");
        }
    }

    fn address() -> impl Strategy<Value = String> {
        ("[a-zA-Z0-9+]{1,8}", prop::sample::select(&["Example", "bücher", "xn--bcher-kva", "Ü"][..]), "[a-zA-Z]{2,6}")
            .prop_map(|(local, label, top)| format!("{local}@{label}.{top}"))
    }

    proptest! {
        #[test]
        fn an_address_begins_with_each_of_its_beginnings(address in address(), cut in 0..40_usize) {
            let canonical = EmailAddress::parse(&address).unwrap().canonical().to_owned();
            let beginning: String = address.chars().take(cut).collect();
            let may_cut_a_label = beginning.contains('@') && !beginning.contains('.');
            if let (Ok(prefix), true) = (EmailAddress::canonical_prefix(&beginning), address.is_ascii() || !may_cut_a_label) {
                prop_assert!(canonical.starts_with(&prefix), "{prefix} {canonical}");
            }
            let beginning: String = canonical.chars().take(cut).collect();
            prop_assert_eq!(EmailAddress::canonical_prefix(&beginning), Ok(beginning));
        }

        #[test]
        fn no_text_panics_and_the_canonical_form_is_a_fixed_point(text in "\\PC{0,40}@?\\PC{0,40}") {
            let _ = EmailAddress::canonical_prefix(&text);
            if let Ok(email) = EmailAddress::parse(&text) {
                let again = EmailAddress::parse(email.canonical()).unwrap();
                prop_assert_eq!(again.canonical(), email.canonical());
            }
        }
    }
}
