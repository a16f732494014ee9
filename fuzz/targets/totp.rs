//! otpauth URIs of other systems, and one-time codes: what is taken is written again with the same seed.
#![no_main]

use ipse::application::ports::OneTimeCodes as _;
use ipse::domain::Timestamp;
use ipse::domain::secret::Secret;
use ipse::infrastructure::totp::{MAX_URI_BYTES, TotpCodes};
use ipse_fuzz::Input;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let codes = TotpCodes::new("id.example");
    if let Ok(text) = std::str::from_utf8(bytes) {
        check_uri(&codes, text);
    }
    let mut input = Input(bytes);
    let seconds = i64::from(u32::from_be_bytes([input.byte(), input.byte(), input.byte(), input.byte()]));
    let now = Timestamp::from_unix_timestamp(seconds).expect("a time of 32 bits");
    let (Some(account), Some(code)) = (input.text(), input.text()) else { return };
    let seed = input.part();
    if let Some(step) = codes.matched_step(seed, code, now) {
        assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
        assert!((step - seconds / 30).abs() <= 1, "{step}");
    }
    if let Ok(uri) = codes.uri(seed, account)
        && (16..=64).contains(&seed.len())
        && uri.expose().len() <= MAX_URI_BYTES
    {
        assert_eq!(codes.accept(&uri).as_ref().map(|read| read.as_slice()), Ok(seed), "{}", uri.expose());
    }
});

fn check_uri(codes: &TotpCodes, text: &str) {
    let Ok(seed) = codes.accept(&Secret::new(text)) else { return };
    assert!((16..=64).contains(&seed.len()) && text.len() <= MAX_URI_BYTES);
    let written = codes.uri(&seed, "alice@example.com").expect("a URI of a seed that was taken");
    assert_eq!(codes.accept(&written).as_ref(), Ok(&seed), "{}", written.expose());
    let enrolment = codes.enrolment(&seed, "alice@example.com").expect("the same with a picture");
    assert_eq!(enrolment.otpauth_uri.expose(), written.expose());
    assert!(written.expose().contains(enrolment.secret_base32.expose()));
}
