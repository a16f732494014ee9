//! E-mail addresses.

use std::fmt;

use super::email_domain::{self, InvalidDomain};
use crate::domain::text;
use crate::domain::text::InvalidText;

/// The longest address that SMTP carries (RFC 5321, section 4.5.3.1.3), in bytes.
pub const MAX_BYTES: usize = 254;
const MAX_LOCAL_BYTES: usize = 64;

/// Why a text is not an e-mail address: the first rule that it breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEmail {
    /// Missing, too long, or with U+0000.
    #[error(transparent)]
    Text(#[from] InvalidText),
    /// A blank, a control character or one that nobody sees before the `@`, or a blank in the domain.
    #[error("must not contain spaces, line breaks or invisible characters")]
    Space,
    /// The form is not `name@domain`.
    #[error("must be an address such as name@example.com, with one @")]
    Form,
    /// The part before the `@` is empty or longer than 64 bytes.
    #[error("must have 1 to 64 bytes before the @")]
    LocalLength,
    /// The part before the `@` is in quotes (RFC 5321, section 4.1.2), which hardly any mail server takes.
    #[error("must not have quotation marks before the @")]
    Quoted,
    /// The part before the `@` is international (RFC 6531), which many mail servers refuse.
    #[error("must have nothing but ASCII before the @; the domain may be international")]
    NotAscii,
    /// A dot that nothing stands before or behind.
    #[error("must not begin or end with a dot before the @, nor have two in a row there")]
    Dots,
    /// A character that has no place before the `@`.
    #[error("must have nothing before the @ but letters, digits, dots and !#$%&'*+-/=?^_`{{|}}~")]
    Local,
    /// The part after the `@`.
    #[error(transparent)]
    Domain(#[from] InvalidDomain),
}

/// An e-mail address: as written, for sending, and in its canonical form, for comparing.
///
/// Both have the domain as lower-case A-labels (RFC 5890): other services compare what they are told, and no character of
/// it is one that nobody sees or that stands for another. The canonical form has the local part in lower case, too. In
/// practice no provider tells `A@` from `a@`, and two accounts that differ in case alone would be a trap.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress {
    written: String,
    canonical: String,
}

impl EmailAddress {
    /// Reads an address: a dot-atom of ASCII (RFC 5321), `@`, and a domain that may be international (RFC 5890).
    pub fn parse(input: &str) -> Result<Self, InvalidEmail> {
        text::required(input, MAX_BYTES)?;
        let (local, domain) = input.rsplit_once('@').ok_or_else(|| without_at(input))?;
        check_local(local)?;
        let domain = email_domain::canonical(domain)?;
        let canonical = format!("{}@{domain}", local.to_ascii_lowercase());
        text::optional(&canonical, MAX_BYTES)?;
        Ok(Self { written: format!("{local}@{domain}"), canonical })
    }

    /// The beginning of canonical forms that this beginning of an address stands for, perhaps empty. International
    /// labels of a domain have to be whole, as no part of an A-label stands for a part of a label.
    pub fn canonical_prefix(input: &str) -> Result<String, InvalidEmail> {
        text::optional(input, MAX_BYTES)?;
        let (local, domain) = match input.split_once('@') {
            Some((local, domain)) => (local, Some(domain)),
            None => (input, None),
        };
        check_characters(local)?;
        let local = local.to_ascii_lowercase();
        Ok(match domain {
            Some(domain) => format!("{local}@{}", email_domain::canonical_prefix(domain)?),
            None => local,
        })
    }

    /// The address with the local part as the person wrote it.
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

fn without_at(input: &str) -> InvalidEmail {
    if input.chars().any(text::is_blank) { InvalidEmail::Space } else { InvalidEmail::Form }
}

fn check_local(local: &str) -> Result<(), InvalidEmail> {
    if local.is_empty() || local.len() > MAX_LOCAL_BYTES {
        return Err(InvalidEmail::LocalLength);
    }
    check_characters(local)?;
    if local.split('.').any(str::is_empty) { Err(InvalidEmail::Dots) } else { Ok(()) }
}

fn check_characters(local: &str) -> Result<(), InvalidEmail> {
    let is_atom = |b: u8| b == b'.' || b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b);
    if local.bytes().all(is_atom) {
        return Ok(());
    }
    Err(if local.contains('"') {
        InvalidEmail::Quoted
    } else if local.chars().any(text::is_blank) {
        InvalidEmail::Space
    } else if !local.is_ascii() {
        InvalidEmail::NotAscii
    } else if local.contains('@') {
        InvalidEmail::Form
    } else {
        InvalidEmail::Local
    })
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
            let (local, _) = written.rsplit_once('@').unwrap();
            let (_, domain) = canonical.rsplit_once('@').unwrap();
            assert_eq!(email.written(), format!("{local}@{domain}"));
        }
    }

    #[test]
    fn what_is_not_an_address_is_refused_by_the_rule_that_it_breaks() {
        use InvalidDomain as Host;
        use InvalidEmail::*;
        for (text, why) in [
            ("", Text(InvalidText::Missing)),
            ("a\0@b.de", Text(InvalidText::Nul)),
            ("a", Form),
            ("jörg", Form),
            ("a@@b.de", Form),
            ("a@b.de,c@d.de", Form),
            ("<a@b.de>", Local),
            ("a b@c.de", Space),
            (" a@b.de", Space),
            ("a\r\nb@c.de", Space),
            ("a\u{200b}@b.de", Space),
            ("\u{feff}a@b.de", Space),
            ("a\u{ad}b@c.de", Space),
            ("alice ", Space),
            ("a@b.de ", Domain(Host::Space)),
            ("a@b.de\n", Domain(Host::Space)),
            ("a@b c.de", Domain(Host::Space)),
            ("a@b.de\u{a0}", Domain(Host::Space)),
            ("@b.de", LocalLength),
            ("\"a\"@b.de", Quoted),
            ("\"a..b\"@b.de", Quoted),
            ("\"a b\"@b.de", Quoted),
            ("\"a@b\"@c.de", Quoted),
            ("ä@b.de", NotAscii),
            ("ａ@b.de", NotAscii),
            (".a@b.de", Dots),
            ("a.@b.de", Dots),
            ("a..b@c.de", Dots),
            ("a(b)@c.de", Local),
            ("a\\b@c.de", Local),
            ("a@", Domain(Host::Missing)),
            ("a@b", Domain(Host::OneLabel)),
        ] {
            assert_eq!(EmailAddress::parse(text), Err(why), "{text:?}");
        }
    }

    #[test]
    fn nothing_invisible_or_mapped_is_stored() {
        for (input, written) in [
            ("User@exam\u{ad}ple.org", "User@example.org"),
            ("User@example\u{3002}org", "User@example.org"),
            ("User@example.org\u{200b}", "User@example.org"),
            ("User@\u{2060}example.org", "User@example.org"),
            ("User@ｅｘａｍｐｌｅ．ｏｒｇ", "User@example.org"),
            ("User@EXAMPLE.org", "User@example.org"),
            ("User@Bu\u{308}cher.example", "User@xn--bcher-kva.example"),
            ("User@XN--BCHER-KVA.example", "User@xn--bcher-kva.example"),
        ] {
            assert_eq!(EmailAddress::parse(input).unwrap().written(), written, "{input:?}");
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
        fn no_text_panics_and_what_is_stored_is_plain_and_a_fixed_point(text in "\\PC{0,40}@?\\PC{0,40}") {
            let _ = EmailAddress::canonical_prefix(&text);
            if let Ok(email) = EmailAddress::parse(&text) {
                let again = EmailAddress::parse(email.canonical()).unwrap();
                prop_assert_eq!(again.canonical(), email.canonical());
                prop_assert_eq!(EmailAddress::parse(email.written()).unwrap(), email.clone());
                prop_assert!(email.written().bytes().all(|b| b.is_ascii_graphic()));
            }
        }

        #[test]
        fn what_nobody_sees_changes_no_domain(at in 0..12_usize, hidden in "[\u{ad}\u{200b}\u{2060}\u{feff}\u{fe0f}]") {
            let mut domain = "example.org".to_owned();
            domain.insert_str(at.min(domain.len()), &hidden);
            let email = EmailAddress::parse(&format!("a@{domain}")).unwrap();
            prop_assert_eq!(email.written(), "a@example.org");
        }
    }
}
