//! Signing in with a password whose hash another system made.

use ipse::proto::ErrorReason::CredentialsInvalid;

use crate::support::on_both_backends;
use crate::support::refusal::reason;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    a_hash_of_another_system_is_good_for_one_sign_in
    a_password_that_was_cut_counts_in_full_from_then_on
    a_password_that_another_system_hashed_as_it_was_typed_signs_in
}

const STAPLE: &str = "correct horse battery staple";

/// How other systems keep a password: argon2-cffi, the Python package bcrypt, passlib and Django made the hashes, with
/// little work; the last is the example of github.com/firebase/scrypt.
const HASHES: [(&str, &str); 23] = [
    (STAPLE, "$argon2id$v=16$m=512,t=3,p=2$c2l4dGVlbiBieXRlcyBvaw$+QDCeCnfjZPMJIajrDkbdH8+y2NTnTAW0PEEtTGMtkQ"),
    (STAPLE, "$argon2i$v=16$m=512,t=3,p=2$c2l4dGVlbiBieXRlcyBvaw$NlyPaEYnTapjkf9oZ+OL48yRgAxST91fr8O7F2xkCZU"),
    (STAPLE, "$argon2i$v=19$m=512,t=3,p=2$c2l4dGVlbiBieXRlcyBvaw$LBEiuVx0jITt1tshzrbcb2o6+eRX2NO5lUS7G5jLp/M"),
    (STAPLE, "$2a$04$6nLHcgF8l9pQyri8qkAxM.9m62Kn9YSX4KAzqnRv/Vh8cTpfNKelS"),
    (STAPLE, "$2b$04$ioTsaldKJflwuhh27ZmVPegB2rLQVtmxG1HtMERJ3IICHAGn2xnTq"),
    (STAPLE, "$2y$05$B3Y4kw.4XcdLmzq83I4Nf.17YohwMuOO1zOi516zgdIgW1PNzRfhW"),
    (STAPLE, "$scrypt$ln=10,r=8,p=2$FgJgjBEiRAhhrJWSMkbIuQ$IOEFiBtbSMcQj9C3nVrWuSkEJSKiCLiHGxFqNI19tcA"),
    (STAPLE, "$pbkdf2$1200$prR2zplTas2ZEyIEIGQMAQ$8PlZcJ3KUVrxPMUD4KWDSnEkpkw"),
    (STAPLE, "$pbkdf2-sha256$1200$8V4LoTQGYOz9X8u519q7Fw$lhxU5hm44aiCWp4yfIPjqLvc3wgwXaApkaHsTrj40Lo"),
    (
        STAPLE,
        "$pbkdf2-sha512$1200$rxViLIUwBkBoDQGgtJby3g\
         $sTPBRmZ.XJj6lhpDSDGZgcNvzJJEu4HnAG85l/hRrD6wQ1u5SPBBaIoePbQOD.3TQa194l8EPvH.u7qtDYcT1w",
    ),
    (STAPLE, "pbkdf2_sha1$1200$kL0Xw9pQ2mZr$PE0b3dKgmdyz2lH4Mi43HFoARtQ="),
    (STAPLE, "pbkdf2_sha256$1200$kL0Xw9pQ2mZr$YAgbhiqAieyK/N5uI3mhJy/tyCyd2Rmk/fkB5C3zP7c="),
    (STAPLE, "$5$f9JTd3sHW8XCZ0v1$1nykMUiwp3.I7kaqrVVYnQCl03MxTZXQjxvMuhA1vh2"),
    (
        STAPLE,
        "$6$rounds=1234$QrEJGJzYK7DsQleZ\
         $1Cz2NhPWIl4j3VP9tmirKiF0qdTV8jZhM7JQn1UQKUC5H3qa7C0mL.aHTbVbGpDaSAb2GLJWl3OZB5WZAr/CY.",
    ),
    (STAPLE, "$bcrypt-sha256$v=2,t=2b,r=4$7muIjors/S/AA9wUlMehnO$umnjexeT5Nzwa4KgKWlLJ2q23vqWSOW"),
    (STAPLE, "bcrypt_sha256$$2b$04$C8vYo5aJODUuzR2kAqXwAevWK8JcwR8kxzo5OqPF4SOUThEYr9hlq"),
    (STAPLE, "{CRYPT}$5$f9JTd3sHW8XCZ0v1$1nykMUiwp3.I7kaqrVVYnQCl03MxTZXQjxvMuhA1vh2"),
    (STAPLE, "argon2$argon2id$v=19$m=512,t=2,p=2$a0wwWHc5cFEybVpy$mjHlA0kpCqZXNjg6e/1+1NRUoNIEhcK+DzyEsC04uTg"),
    (
        STAPLE,
        "scrypt$1024$kL0Xw9pQ2mZr$8$2\
         $tXYpg3Bzxs82s+O4Fr/1/N2R+sfPNzOj8qSBLVQJ3GEUQ/Ksw6oxMwNY5gogdpM2nv96DZUF7FuxPZaYsa+Zxw==",
    ),
    // Keycloak's length of 64 bytes: twice as passlib spells it, once in the form of Auth0 and Kratos.
    (
        STAPLE,
        "$pbkdf2-sha256$1200$AAECAwQFBgcICQoLDA0ODw\
         $cLVC0OlPTMXgGyBMMbYG/8206mrFiQxMhfuNGhvDUsPmK0frqCDCiSabuEPjoLqEo0HkUMLkowr47XOGf7b5og",
    ),
    (
        STAPLE,
        "$pbkdf2$1200$AAECAwQFBgcICQoLDA0ODw==\
         $FxmMkPUq0K4928OfProrXxJxDoPvAO8PL3Tkz8LUn4Qq4uAQensX84VzDYMB9FNpCw9T4AJkXdSd8a6lZuPb6Q==",
    ),
    (
        STAPLE,
        "$pbkdf2-sha256$i=1200,l=64$AAECAwQFBgcICQoLDA0ODw\
         $cLVC0OlPTMXgGyBMMbYG/8206mrFiQxMhfuNGhvDUsPmK0frqCDCiSabuEPjoLqEo0HkUMLkowr47XOGf7b5og",
    ),
    (
        "user1password",
        "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,\
         sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==\
         $42xEC+ixf3L2lw==\
         $lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
    ),
];

/// Gives the only person another stored hash.
async fn store(world: &World, hash: &str) {
    world.database.outsider().await.execute(&format!("UPDATE passwords SET hash = '{hash}'")).await;
}

async fn stored(world: &World) -> String {
    world.database.outsider().await.values("SELECT hash AS value FROM passwords").await.remove(0)
}

async fn a_hash_of_another_system_is_good_for_one_sign_in(world: World) {
    let alice = world.person("alice").await;
    for (password, hash) in HASHES {
        let alice = alice.with_password(password);
        store(&world, hash).await;
        assert_eq!(reason(alice.guess().await), CredentialsInvalid, "{hash}");
        assert_eq!(stored(&world).await, hash);
        alice.log_in().await.unwrap_or_else(|status| panic!("{hash}: {status}"));
        let upgraded = stored(&world).await;
        assert!(upgraded.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}: {upgraded}");
        assert_eq!(reason(alice.guess().await), CredentialsInvalid, "{hash}");
        alice.log_in().await.unwrap();
        assert_eq!(stored(&world).await, upgraded);
    }
}

async fn a_password_that_was_cut_counts_in_full_from_then_on(world: World) {
    let password = format!("{} and more", "z".repeat(72));
    let alice = world.person("alice").await.with_password(&password);
    // libxcrypt: crypt("z" * 72 + whatever, "$2a$04$abcdefghijklmnopqrstuu").
    store(&world, "$2a$04$abcdefghijklmnopqrstuu7c/9gwyU5n92/NDnt1NVdILq9XYhttG").await;
    alice.log_in().await.unwrap();
    let cut = alice.with_password(&password[..72]);
    assert_eq!(reason(cut.log_in().await), CredentialsInvalid);
    alice.log_in().await.unwrap();
}

/// bcrypt, PBKDF2, scrypt and argon2 of a password in Normalization Form D, the last of which looks like one of Ipse's own.
const DECOMPOSED: [&str; 4] = [
    "$2b$04$R/Xr8oHhjEVAtrQEkw/JG.Bg3f8ZA/BFuyqLJ7S6PWYjCnwoZ463O",
    "$pbkdf2-sha256$1200$AAECAwQFBgcICQoLDA0ODw$kRx1FDI/iMnrawEBkCLvO2Ghr+ipq8eccMyrDbrnd/0",
    "$scrypt$ln=10,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$mLNw4x0MhbSdQu0/SKaagAxBthmI6WEh097Ui6o3eFs",
    "$argon2id$v=19$m=19456,t=2,p=1$8Z3GObxSfKZ7UCKM5tocng$/TTHSoo7QALPL3gZCOsLo/N6ve4fD1uaLdQ1jPVE1vI",
];

async fn a_password_that_another_system_hashed_as_it_was_typed_signs_in(world: World) {
    let alice = world.person("alice").await;
    let decomposed = alice.with_password("mo\u{301}torhe\u{301}ad-la\u{308}ntern");
    let composed = alice.with_password("m\u{f3}torh\u{e9}ad-l\u{e4}ntern");
    let unlike = alice.with_password("mo\u{301}torhe\u{301}ad-la\u{308}nterN");
    for hash in DECOMPOSED {
        store(&world, hash).await;
        assert_eq!(reason(unlike.log_in().await), CredentialsInvalid, "{hash}");
        // Where the hash was made, nobody signed in with other bytes either.
        assert_eq!(reason(composed.log_in().await), CredentialsInvalid, "{hash}");
        assert_eq!(stored(&world).await, hash);
        decomposed.log_in().await.unwrap_or_else(|status| panic!("{hash}: {status}"));
        let upgraded = stored(&world).await;
        assert!(upgraded.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && upgraded != hash, "{hash}: {upgraded}");
        composed.log_in().await.unwrap();
        decomposed.log_in().await.unwrap();
        assert_eq!(stored(&world).await, upgraded);
    }
}
