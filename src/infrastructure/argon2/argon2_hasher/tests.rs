use std::collections::HashSet;

use super::*;
use crate::infrastructure::system::SystemEntropy;

const POLICY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$gYJZtjEAJqjg26xdLmknq8/bB7MiWPrE9hsYuA+SkIU";
const WEAK: &str = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
const LARGE: &str = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

/// Made with argon2-cffi 25.1.0 and the Python package bcrypt 4.0.1.
const ARGON2I: &str = "$argon2i$v=16$m=512,t=3,p=2$c2l4dGVlbiBieXRlcyBvaw$NlyPaEYnTapjkf9oZ+OL48yRgAxST91fr8O7F2xkCZU";
const BCRYPT: &str = "$2b$04$ioTsaldKJflwuhh27ZmVPegB2rLQVtmxG1HtMERJ3IICHAGn2xnTq";

fn hasher() -> Argon2Hasher {
    let settings = HashingSettings { threads: 2, ..HashingSettings::default() };
    Argon2Hasher::start(settings, Arc::new(SystemEntropy)).unwrap()
}

async fn verdict(hasher: &Argon2Hasher, password: &str, phc: &str) -> Verification {
    let password = Password::presented(password).unwrap();
    hasher.verify(&password, Some(&PasswordHash::new(phc.to_owned()))).await.unwrap()
}

#[tokio::test]
async fn hashes_of_others_verify() {
    let hasher = hasher();
    for (password, phc, expected) in [
        ("correct horse battery staple", POLICY, Verification::Match),
        ("correct horse battery stapl", POLICY, Verification::Mismatch),
        ("password", WEAK, Verification::MatchOutdated),
        ("Password", WEAK, Verification::Mismatch),
        ("password", LARGE, Verification::Match),
    ] {
        assert_eq!(verdict(&hasher, password, phc).await, expected, "{password} {phc}");
    }
}

#[tokio::test]
async fn a_new_hash_has_the_current_cost_and_its_own_salt() {
    let hasher = hasher();
    let password = Password::presented("correct horse battery staple").unwrap();
    let made = [hasher.hash(&password).await.unwrap(), hasher.hash(&password).await.unwrap()];
    assert_ne!(made[0], made[1]);
    for hash in &made {
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let lengths: Vec<usize> = hash.as_str().split('$').skip(4).map(str::len).collect();
        assert_eq!(lengths, [22, 43], "16 bytes of salt, 32 of tag");
        assert_eq!(verdict(&hasher, password.expose(), hash.as_str()).await, Verification::Match);
    }
}

#[tokio::test]
async fn secrets_that_are_hashed_alike_share_salt_and_cost_and_have_tags_of_their_own() {
    let hasher = hasher();
    let passwords: Vec<Password> = (0..10).map(|n| Password::presented(&format!("code {n}")).unwrap()).collect();
    let first = hasher.hash(&passwords[0]).await.unwrap();
    let mut hashes = Vec::new();
    for password in &passwords {
        hashes.push(hasher.hash_like(password, &first).await.unwrap());
    }
    assert_eq!(hashes[0], first, "the same secret, the same text");
    let split = |hash: &PasswordHash| hash.as_str().rsplit_once('$').map(|(a, b)| (a.to_owned(), b.to_owned()));
    let (shared, tags): (HashSet<String>, HashSet<String>) = hashes.iter().filter_map(split).unzip();
    assert_eq!((shared.len(), tags.len()), (1, 10));
    // Any of them will do, and the settings of today do not matter.
    assert_eq!(hasher.hash_like(&passwords[3], &hashes[7]).await.unwrap(), hashes[3]);
    let old = PasswordHash::new(WEAK.to_owned());
    assert_eq!(hasher.hash_like(&Password::presented("password").unwrap(), &old).await.unwrap(), old);
    assert_eq!(verdict(&hasher, "code 5", hashes[5].as_str()).await, Verification::Match);
}

#[test]
fn hashes_of_one_set_are_taken_if_this_service_may_have_made_them() {
    let hasher = hasher();
    let other = POLICY.replace("$gYJZ", "$AAJZ");
    let taken = hasher.accept_alike(&[POLICY, &other]).unwrap();
    assert_eq!(taken.iter().map(PasswordHash::as_str).collect::<Vec<_>>(), [POLICY, &other]);
    assert_eq!(hasher.accept_alike(&[]).unwrap(), []);
    for (texts, refused) in [
        ([POLICY, POLICY], HashRefused::Salt),
        ([POLICY, &other.replace("$AAEC", "$BAEC")], HashRefused::Salt),
        ([POLICY, &other.replace("t=2", "t=3")], HashRefused::Salt),
        ([POLICY, WEAK], HashRefused::Foreign),
        ([POLICY, LARGE], HashRefused::Foreign),
        ([ARGON2I, POLICY], HashRefused::Foreign),
        ([BCRYPT, POLICY], HashRefused::Format),
        ([POLICY, ""], HashRefused::Text(text::InvalidText::Missing)),
        ([&POLICY.replace("p=1", "p=2"), &other], HashRefused::Foreign),
        ([&POLICY.replace("m=19456", "m=262145"), &other], HashRefused::Cost),
    ] {
        assert_eq!(hasher.accept_alike(&texts).unwrap_err(), refused, "{texts:?}");
    }
}

#[tokio::test]
async fn nothing_is_hashed_like_what_this_service_does_not_make() {
    let (hasher, password) = (hasher(), Password::presented("password").unwrap());
    for text in [BCRYPT.to_owned(), WEAK.replace("m=256", "m=4294967295"), String::new()] {
        let made = hasher.hash_like(&password, &PasswordHash::new(text)).await;
        assert!(matches!(made, Err(HashError::Failed(_))));
    }
}

#[tokio::test]
async fn without_a_hash_nothing_matches() {
    let password = Password::presented("correct horse battery staple").unwrap();
    assert_eq!(hasher().verify(&password, None).await.unwrap(), Verification::Mismatch);
}

#[tokio::test]
async fn hashes_of_other_systems_verify_and_are_outdated() {
    let hasher = hasher();
    // The last: Django 5.2, Argon2PasswordHasher with little work.
    let django = "argon2$argon2id$v=19$m=512,t=2,p=2$a0wwWHc5cFEybVpy$mjHlA0kpCqZXNjg6e/1+1NRUoNIEhcK+DzyEsC04uTg";
    for hash in [ARGON2I, BCRYPT, django] {
        let stored = hasher.accept(hash).unwrap();
        assert_eq!(stored.as_str(), hash);
        assert_eq!(verdict(&hasher, "correct horse battery staple", hash).await, Verification::MatchOutdated);
        assert_eq!(verdict(&hasher, "correct horse battery stapl", hash).await, Verification::Mismatch);
    }
}

/// The Python packages bcrypt 4.0.1 and argon2-cffi 25.1.0, passlib's form of `hashlib.pbkdf2_hmac`, and for the second
/// password bcrypt: made of passwords that are not in Normalization Form C, the first in Form D.
const NOT_NFC: [(&str, &str); 4] = [
    ("mo\u{301}torhe\u{301}ad-la\u{308}ntern", "$2b$04$qHgkF5BKihL/uEFYdAElaOaZA0qKd3FkVS/jhplV3q0RTUrV6cody"),
    (
        "mo\u{301}torhe\u{301}ad-la\u{308}ntern",
        "$argon2id$v=19$m=19456,t=2,p=1$8Z3GObxSfKZ7UCKM5tocng$/TTHSoo7QALPL3gZCOsLo/N6ve4fD1uaLdQ1jPVE1vI",
    ),
    (
        "mo\u{301}torhe\u{301}ad-la\u{308}ntern",
        "$pbkdf2-sha256$1200$AAECAwQFBgcICQoLDA0ODw$kRx1FDI/iMnrawEBkCLvO2Ghr+ipq8eccMyrDbrnd/0",
    ),
    (
        "\u{212b}ngstr\u{f6}m-\u{fb01}ling-\u{1e9b}\u{323}x",
        "$2b$04$vq.uGvMxNOfLj6yYTodqY.e7F9o9AH3GAOL1lrDNje3ETOHUREOI.",
    ),
];

#[tokio::test]
async fn a_hash_of_a_password_that_is_not_in_form_c_verifies_and_is_outdated() {
    let hasher = hasher();
    for (password, hash) in NOT_NFC {
        assert_eq!(verdict(&hasher, password, hash).await, Verification::MatchOutdated, "{hash}");
        let wrong = format!("{password}\u{301}");
        assert_eq!(verdict(&hasher, &wrong, hash).await, Verification::Mismatch, "{hash}");
    }
    // What other systems hashed in Form C is found in whatever form it is typed.
    let composed = hasher.hash(&Password::presented(NOT_NFC[0].0).unwrap()).await.unwrap();
    assert_eq!(verdict(&hasher, NOT_NFC[0].0, composed.as_str()).await, Verification::Match);
}

/// How much is computed depends on what is typed and on nothing that is stored.
#[tokio::test]
async fn the_work_tells_of_the_password_alone() {
    let hasher = hasher();
    let stored = [POLICY, WEAK, ARGON2I, BCRYPT].into_iter().chain(NOT_NFC.map(|(_, hash)| hash));
    let stored: Vec<Option<PasswordHash>> =
        stored.map(|hash| Some(PasswordHash::new(hash.to_owned()))).chain([None]).collect();
    for (password, jobs) in [("password", 1), ("caf\u{e9}", 1), (NOT_NFC[0].0, 2), (NOT_NFC[3].0, 2)] {
        let password = Password::presented(password).unwrap();
        for hash in &stored {
            let before = hasher.counts().begun;
            hasher.verify(&password, hash.as_ref()).await.unwrap();
            assert_eq!(hasher.counts().begun - before, jobs);
        }
    }
}

#[tokio::test]
async fn an_unusable_hash_is_not_accepted_and_a_failure_where_it_is_stored() {
    let (hasher, password) = (hasher(), Password::presented("password").unwrap());
    let filler = |length| std::iter::repeat_n('A', length).collect::<String>();
    for (text, reason) in [
        (WEAK.replace("m=256", "m=4294967295"), "costs more than is allowed"),
        (BCRYPT.replace("$04$", "$31$"), "costs more than is allowed"),
        (
            "password".to_owned(),
            "is of no hash format that Ipse takes; without one, the person chooses a password by a reset",
        ),
        ("{SSHA}x".to_owned(), "is too weak to be kept; without one, the person chooses a password by a reset"),
        (WEAK.replace("t=2", "t=0"), "is malformed"),
        (BCRYPT.replace("$04$", "$4$"), "is malformed"),
        (String::new(), "is required"),
        (format!("{WEAK}{}", filler(512)), "must be at most 512 bytes"),
        (format!("pbkdf2_sha1$1$\0${}=", filler(27)), "must not contain U+0000"),
    ] {
        assert_eq!(hasher.accept(&text).unwrap_err().to_string(), reason, "{text}");
        let Err(HashError::Failed(cause)) = hasher.verify(&password, Some(&PasswordHash::new(text))).await else {
            panic!("verified a hash that {reason}");
        };
        assert_eq!(cause.to_string(), format!("the stored hash {reason}"));
    }
}

#[tokio::test]
async fn a_storm_of_sign_ins_is_worked_off() {
    let hasher = hasher();
    let sign_ins = (0..200).map(|_| verdict(&hasher, "password", WEAK));
    let verdicts = futures_util::future::join_all(sign_ins).await;
    assert_eq!(verdicts, [Verification::MatchOutdated; 200]);
    assert_eq!(hasher.counts().waiting, 0);
}

#[test]
fn the_default_cost_is_the_floor() {
    let default = HashingSettings { threads: 1, ..HashingSettings::default() };
    for settings in [
        HashingSettings { memory_kib: 19455, ..default },
        HashingSettings { memory_kib: MAX_MEMORY_KIB + 1, ..default },
        HashingSettings { iterations: 1, ..default },
        HashingSettings { iterations: MAX_ITERATIONS + 1, ..default },
        HashingSettings { threads: 0, ..default },
        HashingSettings { queue: 0, ..default },
    ] {
        let started = Argon2Hasher::start(settings, Arc::new(SystemEntropy));
        assert!(matches!(started, Err(HashingStartError::Settings)), "{settings:?}");
    }
    assert!(Argon2Hasher::start(default, Arc::new(SystemEntropy)).is_ok());
}

#[tokio::test]
async fn rfc_9106_section_5_holds_on_memory_that_was_used_before() {
    use ::argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};
    let lane = HashingLane::start(LaneSize { threads: 1, queue: 1, blocks: 64 }).unwrap();
    let params = ParamsBuilder::new()
        .m_cost(32)
        .t_cost(3)
        .p_cost(4)
        .data(AssociatedData::new(&[4; 12]).unwrap())
        .output_len(32)
        .build()
        .unwrap();
    for (algorithm, tag) in [
        (Algorithm::Argon2d, "512b391b6f1162975371d30919734294f868e3be3984f3c1a13a4db9fabe4acb"),
        (Algorithm::Argon2i, "c814d9d1dc7f37aa13f0d77f2494bda1c8de6b016dd388d29952a4c4672b6ce8"),
        (Algorithm::Argon2id, "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"),
    ] {
        let argon2 = Argon2::new_with_secret(&[3; 8], algorithm, Version::V0x13, params.clone()).unwrap();
        let computed = lane.run(move |memory| {
            let mut computed = [0; 32];
            let hashed = memory.with_blocks(32, |blocks| {
                argon2.hash_password_into_with_memory(&[1; 32], &[2; 16], &mut computed, blocks)
            });
            hashed.unwrap().unwrap();
            computed.map(|byte| format!("{byte:02x}")).concat()
        });
        assert_eq!(computed.await.unwrap(), tag, "{algorithm}");
    }
}
