//! The name of the service in its tokens, and the services that tokens are for.

use crate::config::setting::Setting;
use crate::config::source::{InvalidSetting, Source};
use crate::config::{url, value};
use crate::domain::access::audience::Audiences;
use crate::domain::text;

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting::new(
        "issuer",
        "The https URL that names this service in its tokens (claim iss), without a slash at its end.",
    )
    .required()
    .or_in_dev("https://ipse.localhost"),
    Setting::new(
        "audiences",
        "The services that tokens may be for (claim aud), with commas between; each ≤ 255 bytes.",
    )
    .or(""),
];

const MAX_AUDIENCE_BYTES: usize = 255;

/// Reads the section. The issuer is the service's own audience.
pub(super) fn read(source: &Source) -> Result<Audiences, InvalidSetting> {
    Ok(Audiences::new(source.required("issuer", url::issuer)?, source.required("audiences", audiences)?))
}

/// The host of an issuer, with its port and path if it has them: what people know the service by.
pub(super) fn host(issuer: &str) -> &str {
    issuer.trim_start_matches("https://")
}

fn audiences(text: &str) -> Result<Vec<String>, &'static str> {
    value::list(text, |item| {
        let plain = text::required(item, MAX_AUDIENCE_BYTES).is_ok() && !item.chars().any(char::is_control);
        if plain { Ok(item.to_owned()) } else { Err("must be names of 1 to 255 bytes with commas between") }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::tests::{accepted, refused};

    #[test]
    fn audiences_are_names_of_at_most_255_bytes() {
        assert_eq!(audiences("").unwrap(), Vec::<String>::new());
        assert_eq!(audiences("orders, https://b.example").unwrap(), ["orders", "https://b.example"]);
        accepted(audiences, &[&["a"; 255].concat()]);
        refused(audiences, &[&["a"; 256].concat(), ",", "a,", "a,,b", " ", "a\nb", "a\0"]);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = audiences(&text);
        }
    }
}
