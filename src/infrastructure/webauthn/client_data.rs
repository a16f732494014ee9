//! What the browser says about a ceremony: `clientDataJSON` (WebAuthn, section 5.8.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::json::{Json, Object};
use crate::application::ports::CeremonyRejected;

/// The `type` of registrations.
pub(super) const CREATE: &str = "webauthn.create";
/// The `type` of assertions.
pub(super) const GET: &str = "webauthn.get";

/// How long it may be, in bytes. Browsers write less than 400.
const LONGEST: usize = 4096;

/// The members that mean something. Browsers may add others, and do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClientData {
    pub ceremony: String,
    pub challenge: String,
    pub origin: String,
    /// Whether the page was in a frame within a page from elsewhere.
    pub cross_origin: bool,
}

impl ClientData {
    /// Reads a text that is an object.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let members = Object::read(text, LONGEST)?;
        let is_framed = match members.get("crossOrigin") {
            None => false,
            Some(Json::Bool(is_framed)) => *is_framed,
            Some(_) => return None,
        };
        Some(Self {
            ceremony: members.text("type")?.to_owned(),
            challenge: members.text("challenge")?.to_owned(),
            origin: members.text("origin")?.to_owned(),
            cross_origin: is_framed || members.get("topOrigin").is_some(),
        })
    }

    /// Checks that it tells of this ceremony at one of these places, in the order of WebAuthn. Places are compared as they
    /// are written: a browser writes each in one way.
    pub(super) fn check(&self, ceremony: &str, challenge: &[u8], origins: &[String]) -> Result<(), CeremonyRejected> {
        if self.ceremony != ceremony {
            return Err(CeremonyRejected::CeremonyType);
        }
        if self.challenge != URL_SAFE_NO_PAD.encode(challenge) {
            return Err(CeremonyRejected::Challenge);
        }
        if !origins.contains(&self.origin) {
            return Err(CeremonyRejected::Origin);
        }
        if self.cross_origin { Err(CeremonyRejected::CrossOrigin) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHALLENGE: [u8; 32] = [0xfb; 32];

    /// The verdict on client data of the origin `https://example.org` with a change.
    fn verdict(from: &str, to: &str) -> Result<(), CeremonyRejected> {
        let challenge = URL_SAFE_NO_PAD.encode(CHALLENGE);
        let text = format!(
            r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"https://example.org","crossOrigin":false}}"#
        );
        assert!(text.contains(from), "{from}");
        let origins = ["https://example.org", "android:apk-key-hash:x_y-Z"].map(str::to_owned);
        let client_data = ClientData::read(text.replace(from, to).as_bytes()).ok_or(CeremonyRejected::Malformed)?;
        client_data.check(GET, &CHALLENGE, &origins)
    }

    #[test]
    fn client_data_of_the_ceremony_is_accepted() {
        for (from, to) in [
            ("type", "type"),
            (r#","crossOrigin":false"#, ""),
            ("{", r#"{"other_keys_can_be_added_here":"…","nested":{"a":[1,null]},"#),
            ("https://example.org", "android:apk-key-hash:x_y-Z"),
            ("https://example.org", r"https:\/\/ex\u0061mple.org"),
        ] {
            assert_eq!(verdict(from, to), Ok(()), "{to}");
        }
    }

    #[test]
    fn an_origin_is_exactly_one_of_the_relying_party() {
        for origin in [
            "https://example.org/",
            "https://example.org:443",
            "https://example.org.",
            "https://EXAMPLE.org",
            "http://example.org",
            "https://www.example.org",
            "https://example.org.evil.example",
            "https://evil-example.org",
            "https://example.org@evil.example",
            " https://example.org",
            "https://example.org\\u0000",
            "android:apk-key-hash:x_y-z",
            "null",
            "",
        ] {
            assert_eq!(verdict("https://example.org", origin), Err(CeremonyRejected::Origin), "{origin}");
        }
    }

    #[test]
    fn each_step_has_its_name() {
        for (from, to, rejected) in [
            ("webauthn.get", "webauthn.create", CeremonyRejected::CeremonyType),
            ("webauthn.get", "payment.get", CeremonyRejected::CeremonyType),
            ("webauthn.get", "WebAuthn.get", CeremonyRejected::CeremonyType),
            ("-_v7", "-_v-", CeremonyRejected::Challenge),
            ("\",\"origin", "=\",\"origin", CeremonyRejected::Challenge),
            ("-_v7", "+/v7", CeremonyRejected::Challenge),
            ("crossOrigin\":false", "crossOrigin\":true", CeremonyRejected::CrossOrigin),
            ("crossOrigin\":false", "topOrigin\":\"https://example.org\"", CeremonyRejected::CrossOrigin),
            ("crossOrigin\":false", "topOrigin\":null", CeremonyRejected::CrossOrigin),
            ("false", "null", CeremonyRejected::Malformed),
            ("false", "\"false\"", CeremonyRejected::Malformed),
            ("false", "0", CeremonyRejected::Malformed),
            ("\"https://example.org\"", "[\"https://example.org\"]", CeremonyRejected::Malformed),
            ("}", ",\"type\":\"webauthn.get\"}", CeremonyRejected::Malformed),
            ("}", ",\"x\":1,\"x\":1}", CeremonyRejected::Malformed),
            ("}", "} x", CeremonyRejected::Malformed),
            ("{", "[{", CeremonyRejected::Malformed),
            ("type", "Type", CeremonyRejected::Malformed),
        ] {
            assert_eq!(verdict(from, to), Err(rejected), "{from} -> {to}");
        }
    }

    #[test]
    fn client_data_has_a_longest() {
        let padded = |length: usize| {
            let blanks: String = std::iter::repeat_n(' ', length - 132).collect();
            verdict("{", &format!("{{{blanks}"))
        };
        assert_eq!(padded(4096), Ok(()));
        assert_eq!(padded(4097), Err(CeremonyRejected::Malformed));
    }
}
