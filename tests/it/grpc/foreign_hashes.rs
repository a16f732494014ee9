//! Signing in with a password whose hash another system made.

use ipse::proto::ErrorReason::CredentialsInvalid;

use crate::support::on_both_backends;
use crate::support::refusal::reason;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    a_hash_of_another_system_is_good_for_one_sign_in
    a_password_that_was_cut_counts_in_full_from_then_on
}

const STAPLE: &str = "correct horse battery staple";

/// How other systems keep a password: argon2-cffi, the Python package bcrypt, passlib and Django made the hashes, with
/// little work; the last is the example of github.com/firebase/scrypt.
const HASHES: [(&str, &str); 15] = [
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
