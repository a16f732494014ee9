//! Password hashes of other systems: what is taken in is taken in again as it is, and can be computed.
#![no_main]

use std::sync::{Arc, LazyLock};

use ipse::application::ports::{PasswordHasher as _, Verification};
use ipse::domain::credential::password::{MAX_HASH_BYTES, Password};
use ipse::infrastructure::argon2::argon2_hasher::{Argon2Hasher, HashingSettings};
use ipse::infrastructure::system::SystemEntropy;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

static HASHER: LazyLock<Argon2Hasher> = LazyLock::new(|| {
    let settings = HashingSettings { threads: 1, ..HashingSettings::default() };
    Argon2Hasher::start(settings, Arc::new(SystemEntropy)).unwrap()
});
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Builder::new_current_thread().build().unwrap());

fuzz_target!(|text: &str| {
    let Ok(hash) = HASHER.accept(text) else {
        assert!(HASHER.accept_alike(&[text]).is_err());
        return;
    };
    assert!(text.len() <= MAX_HASH_BYTES && text.ends_with(hash.as_str()), "{text}");
    assert_eq!(HASHER.accept(hash.as_str()).as_ref(), Ok(&hash));
    assert!(HASHER.accept_alike(&[text, text]).is_err(), "two secrets have the same hash");
    if let Ok(alike) = HASHER.accept_alike(&[text]) {
        assert!(alike == [hash.clone()] && text.starts_with("$argon2id$v=19$"));
    }
    if is_cheap(hash.as_str()) {
        let password = Password::presented("Correct Horse Battery Staple").unwrap();
        let verified = RUNTIME.block_on(HASHER.verify(&password, Some(&hash)));
        assert!(
            matches!(verified, Ok(Verification::Mismatch | Verification::Match | Verification::MatchOutdated)),
            "{text}"
        );
    }
});

/// Whether what stands before salt and tag asks for little: numbers of passes, or logarithms where work doubles with each.
fn is_cheap(hash: &str) -> bool {
    let is_doubled = ["$2", "$bcrypt", "bcrypt_", "$scrypt", "scrypt", "$fbscrypt", "$firescrypt"];
    let most = if is_doubled.iter().any(|begin| hash.starts_with(begin)) { 8 } else { 1024 };
    // bcrypt writes salt and tag as one.
    let is_one = ["$2a$", "$2b$", "$2y$"].iter().any(|name| hash.contains(name));
    let asked = hash.rsplitn(if is_one { 2 } else { 3 }, '$').last().unwrap_or_default();
    let asked =
        ["sha256", "sha512", "sha1", "v=19", "v=16"].iter().fold(asked.to_owned(), |text, name| text.replace(name, ""));
    let mut numbers = asked.split(|c: char| !c.is_ascii_digit()).filter(|number| !number.is_empty());
    hash.contains('$') && numbers.all(|number| number.parse::<u32>().is_ok_and(|number| number <= most))
}
