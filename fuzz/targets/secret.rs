//! API keys, refresh tokens, recovery codes and scopes: each has one text, and with anything else in it is another or none.
#![no_main]

use ipse::domain::access::permission::{Permission, Rights};
use ipse::domain::credential::api_key_secret::ApiKeySecret;
use ipse::domain::credential::recovery_code::{self, RecoveryCode};
use ipse::domain::id::{ApiKeyId, SessionId};
use ipse::domain::secret::SecretKey;
use ipse::domain::session::refresh_token::RefreshToken;
use ipse_fuzz::Input;
use libfuzzer_sys::fuzz_target;
use uuid::Uuid;

fuzz_target!(|bytes: &[u8]| {
    let key = SecretKey::new([7; 32]);
    if let Ok(text) = std::str::from_utf8(bytes) {
        check_text(text, &key);
    }
    let mut input = Input(bytes);
    let mut random = [0; 48];
    input.take(48).iter().zip(&mut random).for_each(|(byte, place)| *place = *byte);
    let (id, secret) = random.split_first_chunk::<16>().expect("it is longer");
    let (id, secret) = (Uuid::from_bytes(*id), secret.try_into().expect("the rest has 32 bytes"));
    let made = ApiKeySecret::new(ApiKeyId::from_uuid(id), secret);
    let text = made.expose().expose().to_owned();
    assert!(ApiKeySecret::parse(&text).is_some_and(|read| read.id() == made.id() && read.digest() == made.digest()));
    let changed = change(&text, &mut input);
    assert!(changed == text || ApiKeySecret::parse(&changed).is_none(), "{changed}");
    let made = RefreshToken::first(SessionId::from_uuid(id), &secret).successor(&key);
    let text = made.expose(&key).expose().to_owned();
    assert!(
        RefreshToken::parse(&text, &key).is_some_and(|read| read.digest() == made.digest() && read.generation() == 2)
    );
    assert!(RefreshToken::parse(&text, &SecretKey::new([8; 32])).is_none());
    let changed = change(&text, &mut input);
    assert!(changed == text || RefreshToken::parse(&changed, &key).is_none(), "{changed}");
});

/// The text with one character more, one less, or another one.
fn change(text: &str, input: &mut Input) -> String {
    let (place, byte) = (usize::from(input.byte()) % text.len(), char::from(input.byte() % 128));
    let mut text = text.to_owned();
    match input.byte() % 3 {
        0 => text.insert(place, byte),
        1 => drop(text.remove(place)),
        _ => text.replace_range(place..=place, byte.encode_utf8(&mut [0; 4])),
    }
    text
}

fn check_text(text: &str, key: &SecretKey) {
    if let Some(secret) = ApiKeySecret::parse(text) {
        assert_eq!(secret.expose().expose(), text);
    }
    assert!(RefreshToken::parse(text, key).is_none(), "nobody guesses one");
    if let Some(code) = RecoveryCode::parse(text) {
        let shown = code.show();
        let again = RecoveryCode::parse(shown.expose()).expect("what is shown is a code");
        assert_eq!(again.show().expose(), shown.expose());
        assert!(text.len() <= recovery_code::MAX_BYTES && code.to_password().is_ok());
    }
    if let Ok(rights) = Rights::parse_scope(text) {
        assert_eq!(Rights::parse_scope(&rights.to_scope()).as_ref(), Ok(&rights));
        assert!(rights.missing(&rights).is_none() && rights.covered_by(&rights) == rights);
        let named = text.split(' ').filter_map(|word| Permission::parse(word).ok());
        named.for_each(|permission| assert!(rights.allow(&permission)));
    }
}
