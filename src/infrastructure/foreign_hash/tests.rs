use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const STAPLE: &str = "correct horse battery staple";

// The Python package bcrypt 4.0.1: hashpw(STAPLE, gensalt(4)).
const BCRYPT: &str = "$2b$04$ioTsaldKJflwuhh27ZmVPegB2rLQVtmxG1HtMERJ3IICHAGn2xnTq";
// libxcrypt: crypt("z" * 72, "$2a$04$abcdefghijklmnopqrstuu").
const BCRYPT_72: &str = "$2a$04$abcdefghijklmnopqrstuu7c/9gwyU5n92/NDnt1NVdILq9XYhttG";
// passlib 1.7.4: scrypt.using(rounds=10, parallelism=2).hash(STAPLE), pbkdf2_sha1.using(rounds=1200) and so on.
const SCRYPT: &str = "$scrypt$ln=10,r=8,p=2$FgJgjBEiRAhhrJWSMkbIuQ$IOEFiBtbSMcQj9C3nVrWuSkEJSKiCLiHGxFqNI19tcA";
const PBKDF2_SHA1: &str = "$pbkdf2$1200$prR2zplTas2ZEyIEIGQMAQ$8PlZcJ3KUVrxPMUD4KWDSnEkpkw";
const PBKDF2_SHA256: &str = "$pbkdf2-sha256$1200$8V4LoTQGYOz9X8u519q7Fw$lhxU5hm44aiCWp4yfIPjqLvc3wgwXaApkaHsTrj40Lo";
const PBKDF2_SHA512: &str = "$pbkdf2-sha512$1200$rxViLIUwBkBoDQGgtJby3g\
    $sTPBRmZ.XJj6lhpDSDGZgcNvzJJEu4HnAG85l/hRrD6wQ1u5SPBBaIoePbQOD.3TQa194l8EPvH.u7qtDYcT1w";
const SHA256_CRYPT: &str = "$5$rounds=1000$P1F.e65ewG2RpTs2$Q23E.cW.GmL7L38/8YK/dwXyuxSltMXbVlizltz7pZ.";
const SHA512_CRYPT: &str = "$6$rounds=1234$QrEJGJzYK7DsQleZ\
    $1Cz2NhPWIl4j3VP9tmirKiF0qdTV8jZhM7JQn1UQKUC5H3qa7C0mL.aHTbVbGpDaSAb2GLJWl3OZB5WZAr/CY.";
// Django 5.2: PBKDF2PasswordHasher().encode(STAPLE, "kL0Xw9pQ2mZr", 1200) and PBKDF2SHA1PasswordHasher().
const DJANGO_SHA256: &str = "pbkdf2_sha256$1200$kL0Xw9pQ2mZr$YAgbhiqAieyK/N5uI3mhJy/tyCyd2Rmk/fkB5C3zP7c=";
const DJANGO_SHA1: &str = "pbkdf2_sha1$1200$kL0Xw9pQ2mZr$PE0b3dKgmdyz2lH4Mi43HFoARtQ=";
// The example of github.com/firebase/scrypt.
const FIREBASE: &str = "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,\
    sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==\
    $42xEC+ixf3L2lw==\
    $lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==";

// passlib 1.7.4: bcrypt_sha256.using(rounds=4), and with version=1, ident="2a".
const BCRYPT_SHA256: &str = "$bcrypt-sha256$v=2,t=2b,r=4$7muIjors/S/AA9wUlMehnO$umnjexeT5Nzwa4KgKWlLJ2q23vqWSOW";
const BCRYPT_SHA256_V1: &str = "$bcrypt-sha256$2a,4$qXaNJHb/z2qfssjwoOMQzO$6IFgp.m.TLCuvYRuI58VcK2wVo/J/zC";
// Django 5.2: BCryptSHA256PasswordHasher with 4 rounds, ScryptPasswordHasher with work_factor 1024 and parallelism 2, and
// PBKDF2PasswordHasher with SHA-512.
const DJANGO_BCRYPT: &str = "bcrypt_sha256$$2b$04$C8vYo5aJODUuzR2kAqXwAevWK8JcwR8kxzo5OqPF4SOUThEYr9hlq";
const DJANGO_SCRYPT: &str = "scrypt$1024$kL0Xw9pQ2mZr$8$2\
    $tXYpg3Bzxs82s+O4Fr/1/N2R+sfPNzOj8qSBLVQJ3GEUQ/Ksw6oxMwNY5gogdpM2nv96DZUF7FuxPZaYsa+Zxw==";
const DJANGO_SHA512: &str = "pbkdf2_sha512$1200$kL0Xw9pQ2mZr\
    $mkkRzrTm0IMUb3bdXRtrjzLHSW84NT0157i3B0KRpk44KrAdSv9r1uIwFzLokHdbBQ5xvK5VxhsFUtpcXzZV5w==";
// Python's hashlib: pbkdf2_hmac("sha256", STAPLE, bytes(range(16)), 1200, 64) as Auth0 and Kratos write it, and
// scrypt(STAPLE, salt=bytes(range(16)), n=1024, r=8, p=1, dklen=32) as Kratos does.
const PBKDF2_PHC: &str = "$pbkdf2-sha256$i=1200,l=64$AAECAwQFBgcICQoLDA0ODw\
    $cLVC0OlPTMXgGyBMMbYG/8206mrFiQxMhfuNGhvDUsPmK0frqCDCiSabuEPjoLqEo0HkUMLkowr47XOGf7b5og";
const KRATOS_SCRYPT: &str =
    "$scrypt$ln=1024,r=8,p=1$AAECAwQFBgcICQoLDA0ODw==$mp90zEQd5XGhjEv4WArVH4Z0XRSzkGWtJK2S/AXJlRU=";
const KRATOS_FIREBASE: &str = "$firescrypt$ln=14,r=8,p=1$42xEC+ixf3L2lw==\
    $lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==$Bw==\
    $jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==";

// argon2-cffi: hash_secret_raw with 256 KiB and 2 iterations, bytes(range(64)) and a tag of 128 bytes, or bytes(range(16)).
const ARGON2_LONG: &str = "$argon2id$v=19$m=256,t=2,p=1\
    $AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw\
    $c+yW/p84Gxd1TFG8IgZhkkuKZOd3BZO2wzpt42fedkVrZOWoHGCwTK60c/aFHkUK3eNzDrPMieG4HDIggJ83zut1ZOFZ4XzRA0rm040YHyez0QlDxyT8\
    SXTJUOU7gvRW6MWwlcKyoiAdpFWpShpXF9osTkKKXThvldCETiLMbsc";
const ARGON2D: &str = "$argon2d$v=19$m=256,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$SF7xcbnMYbNETuVcw6X2+9qGb3m59Q/dHv5TZg3tq7E";
const ARGON2_ORDER: &str =
    "$argon2id$v=19$t=2,p=1,m=256$AAECAwQFBgcICQoLDA0ODw==$eYnK556rcuTk9BJKas3geWs8uRkggHchFFzymlodqqY=";
// Python's hashlib with the salts kL0Xw9pQ2mZr and bytes(range(16)), as Werkzeug, passlib's ldap_pbkdf2_sha256 and ASP.NET Core
// Identity (version 3, with SHA-256 and SHA-512) write it.
const WERKZEUG_PBKDF2: &str =
    "pbkdf2:sha256:1200$kL0Xw9pQ2mZr$60081b862a8089ec8afcde6e2379a1272fedc82c9dd919a4fdf901e42df33fb7";
const WERKZEUG_SCRYPT: &str = "scrypt:1024:8:1$kL0Xw9pQ2mZr\
    $2e3e96db9f198c530dfd6eefd1e8aa5a9c4af95b55a39370ce16a3f19f2dd5a8a3ac0be1df049a2ccd297bf660ffb513a2d8a65ed73202239bbc6ca0\
    712f5d30";
const LDAP_PBKDF2: &str = "{PBKDF2-SHA256}1200$AAECAwQFBgcICQoLDA0ODw$cLVC0OlPTMXgGyBMMbYG/8206mrFiQxMhfuNGhvDUsM";
const ASPNET_SHA256: &str = "AQAAAAEAAASwAAAAEAABAgMEBQYHCAkKCwwNDg9wtULQ6U9MxeAbIEwxtgb/zbTqasWJDEyF+40aG8NSww==";
const ASPNET_SHA512: &str = "AQAAAAIAAASwAAAAEAABAgMEBQYHCAkKCwwNDg8za5HfqpQCic36ptmchpBwf6fMaU5Q/d3FZfeGI2sOqg==";

const FORMATS: [&str; 26] = [
    BCRYPT,
    SCRYPT,
    PBKDF2_SHA1,
    PBKDF2_SHA256,
    PBKDF2_SHA512,
    DJANGO_SHA256,
    DJANGO_SHA1,
    SHA256_CRYPT,
    SHA512_CRYPT,
    FIREBASE,
    BCRYPT_SHA256,
    BCRYPT_SHA256_V1,
    DJANGO_BCRYPT,
    DJANGO_SCRYPT,
    DJANGO_SHA512,
    PBKDF2_PHC,
    KRATOS_SCRYPT,
    KRATOS_FIREBASE,
    ARGON2_LONG,
    ARGON2D,
    ARGON2_ORDER,
    WERKZEUG_PBKDF2,
    WERKZEUG_SCRYPT,
    LDAP_PBKDF2,
    ASPNET_SHA256,
    ASPNET_SHA512,
];

fn matches(password: &str, text: &str) -> bool {
    parse(bare(text)).unwrap().matches(password).unwrap()
}

fn repeated(letter: char, count: usize) -> String {
    std::iter::repeat_n(letter, count).collect()
}

fn refusal(text: &str) -> Option<HashRefused> {
    parse(bare(text)).err()
}

fn assert_only(password: &str, text: &str) {
    assert!(matches(password, text), "{text}");
    for wrong in [format!("?{password}"), password[1..].to_owned(), password.to_uppercase()] {
        assert!(!matches(&wrong, text), "{wrong} {text}");
    }
}

#[test]
fn the_right_password_matches_and_no_other() {
    for text in FORMATS {
        assert_only(if [FIREBASE, KRATOS_FIREBASE].contains(&text) { "user1password" } else { STAPLE }, text);
    }
}

#[test]
fn what_a_format_leaves_open_is_taken_either_way() {
    // The package bcrypt: gensalt(4, b"2a"). passlib: bcrypt.using(rounds=5, ident="2y"), scrypt.using(rounds=16), its
    // default, pbkdf2_sha256.using(rounds=1, salt_size=0), sha256_crypt and sha512_crypt.using(rounds=5000).
    // libxcrypt: crypt(STAPLE, "$6$abc").
    for text in [
        "$2a$04$6nLHcgF8l9pQyri8qkAxM.9m62Kn9YSX4KAzqnRv/Vh8cTpfNKelS",
        "$2y$05$B3Y4kw.4XcdLmzq83I4Nf.17YohwMuOO1zOi516zgdIgW1PNzRfhW",
        "$scrypt$ln=16,r=8,p=1$EsK4l7K2Vqr1HgOg9H7vnQ$j5NOI6qqApKTwAeLdwy5T7P4YD39I69gieJlT/BHa2s",
        "$pbkdf2-sha256$1$$eFCDdXwF5mFDlqaYj8ss3t3sfTpR5xmB5DUGTr2E.pI",
        "$5$f9JTd3sHW8XCZ0v1$1nykMUiwp3.I7kaqrVVYnQCl03MxTZXQjxvMuhA1vh2",
        "$6$L0C4gI7gbS7HDEQU$7H5EgMsV7.UkUHbj1ASuHvyGACcNIjAOfcTvzXdS5tpzvJRpMNEnBgoFIUEfOyTlSeneZaD7rGVc3YrbYW0Ox0",
        "$6$abc$ahFduufWqlLbksqxwzfC1qYzLSyha4pPG7EaqNTDSjXfU3ImPI0.07rEaTSUoZ7JvkhHFizh1dRAMa6N6LUvq/",
    ] {
        assert_only(STAPLE, text);
    }
}

/// Python's hashlib: `pbkdf2_hmac(…, STAPLE, bytes(range(16)), 1200, length)` and the like.
#[test]
fn tags_of_any_length_are_taken() {
    for text in [
        "$pbkdf2-sha256$1200$AAECAwQFBgcICQoLDA0ODw$cLVC0OlPTMXgGyBMMbYG/w",
        "$pbkdf2-sha256$1200$AAECAwQFBgcICQoLDA0ODw\
         $cLVC0OlPTMXgGyBMMbYG/8206mrFiQxMhfuNGhvDUsPmK0frqCDCiSabuEPjoLqEo0HkUMLkowr47XOGf7b5og",
        "$pbkdf2-sha256$1200$AAECAwQFBgcICQoLDA0ODw==\
         $cLVC0OlPTMXgGyBMMbYG/8206mrFiQxMhfuNGhvDUsPmK0frqCDCiSabuEPjoLqEo0HkUMLkowr47XOGf7b5omsROu28L3vMmLHfejilf52sPfiy\
         E6nKhZfOKUYcdTouSKFpJw==",
        "$pbkdf2-sha512$1200$AAECAwQFBgcICQoLDA0ODw$M2uR36qUAonN+qbZnIaQcH+nzGlOUP3dxWX3hiNrDqo",
        "$pbkdf2-sha512$1200$AAECAwQFBgcICQoLDA0ODw\
         $M2uR36qUAonN+qbZnIaQcH+nzGlOUP3dxWX3hiNrDqru2m6/CghfFht4hJqmw+G5QyfBnLyDvQh+UCmjI1f6L3qhHWDK8vX8IZp0IhLa0F1TnpOQ\
         wLNCpBAKCBQQgxncGo80nUDN3ZBloMxNQG6WsUy3QzEc0yR4wVNk9Axwpb4",
        "$pbkdf2$1200$AAECAwQFBgcICQoLDA0ODw==\
         $FxmMkPUq0K4928OfProrXxJxDoPvAO8PL3Tkz8LUn4Qq4uAQensX84VzDYMB9FNpCw9T4AJkXdSd8a6lZuPb6Q==",
        "$pbkdf2-sha1$i=1200,l=20$AAECAwQFBgcICQoLDA0ODw$FxmMkPUq0K4928OfProrXxJxDoM",
        "$scrypt$ln=10,r=8,p=1$AAECAwQFBgcICQoLDA0ODw\
         $mp90zEQd5XGhjEv4WArVH4Z0XRSzkGWtJK2S/AXJlRW+QA9Mynm+TifxZs9Px8KsvJdSEDFaABJ8g6bwc1cgC4fxUNpkF9by9FXjIsMK87AykJgm\
         eyP709iWCRrKVJkb5tsvEJl91QWJWETQ+HpubJXVOF/F/p76faJTm5wrnUs",
    ] {
        assert_only(STAPLE, text);
    }
}

#[test]
fn what_names_the_kind_twice_is_taken() {
    let crypt = format!("{{CRYPT}}{SHA512_CRYPT}");
    // The last: Django 5.2, BCryptPasswordHasher with 4 rounds.
    for text in [
        crypt.as_str(),
        &format!("{{bcrypt}}{BCRYPT}"),
        &SHA512_CRYPT.replace("$6$", "$sha512-crypt$"),
        &SHA256_CRYPT.replace("$5$", "$sha256-crypt$"),
        "bcrypt$$2b$04$8qpJ4WcuGxPQ1C8OFlKzweHdgvilvn8nq6DMr5TteQB2fxpMy3dpa",
    ] {
        assert_only(STAPLE, text);
    }
    assert_eq!(bare("argon2$argon2id$v=19$x"), "$argon2id$v=19$x");
    assert_eq!(bare("{ARGON2}$argon2id$v=19$x"), "$argon2id$v=19$x");
}

#[test]
fn digests_before_bcrypt_keep_all_of_a_password() {
    let long = repeated('z', 100);
    for text in [
        "$bcrypt-sha256$v=2,t=2b,r=4$PZjMhh9rEwjO9ja37WNkEO$QIfpdHDkS92h9FDTUDKLRzAiYNtIbYG",
        "bcrypt_sha256$$2b$04$Xf2z/7xh3qy17qpOkhvq.ukdQW9ApjfJs6IAWT010SP8f/cM8B4kW",
    ] {
        assert_only(&long, text);
        assert!(!matches(&long[..99], text), "{text}");
    }
}

#[test]
fn bcrypt_sees_72_bytes() {
    // The package bcrypt: hashpw("x" * 71, gensalt(4)), and of a password that is not ASCII.
    let x71 = repeated('x', 71);
    assert_only(&x71, "$2b$04$q.NkyA2UBsIbLdKL40ebdOim3GdVbd5I3eBhyywkEjVI.6jz4O9iy");
    assert!(!matches(&format!("{x71}x"), "$2b$04$q.NkyA2UBsIbLdKL40ebdOim3GdVbd5I3eBhyywkEjVI.6jz4O9iy"));
    assert!(matches("pässwörd \u{1F600}", "$2b$04$qsfBCQM0zujkE90COoAsnuozygDHI23y6JbiFH1El1GAKRoT77/Be"));

    let z72 = repeated('z', 72);
    for tail in ["", "z", "another tail", "é"] {
        assert!(matches(&format!("{z72}{tail}"), BCRYPT_72), "{tail}");
    }
    assert!(!matches(&format!("{}é", &z72[1..]), BCRYPT_72), "cut within a character");
}

#[test]
fn sha_crypt_takes_passwords_that_its_makers_take() {
    // libxcrypt: crypt(…, "$5$rounds=1000$saltstringsaltst") and so on; it refuses 512 bytes, passlib does not.
    let y = |bytes| repeated('y', bytes);
    for (password, text) in [
        (y(300), "$5$rounds=1000$saltstringsaltst$7cY3ZaNNK/BrY9aFv.mLlOHJ6mVDMahobxN/MVQk2I3"),
        (
            y(300),
            "$6$rounds=1000$saltstringsaltst\
             $iI1RcqooFHFGE.nLoemUY3z.TQ0P.9DQcrKtq1npTlyB6TvR3Uo7aM6/mr2HjBXOnYMSVlSGNSl83Yz6/D/gs1",
        ),
        (y(511), "$5$rounds=1000$abc$No00BVNUR/kfQ18QQSdnscRWVdm82sVGYZD3fxCYzj4"),
    ] {
        assert_only(&password, text);
    }
    assert!(!matches(&y(512), "$5$rounds=1000$abc$7hMVxIohvc.3TjKR2aEcORVHUbRPJ8nMhIK5HJgC.23"));
}

#[test]
fn what_costs_too_much_is_refused_before_any_work() {
    for (hash, part, allowed, too_dear) in [
        (BCRYPT, "$04$", "$14$", "$15$"),
        (BCRYPT, "$04$", "$14$", "$31$"),
        (SCRYPT, "ln=10,r=8,p=2", "ln=17,r=8,p=1", "ln=18,r=8,p=1"),
        (SCRYPT, "ln=10,r=8,p=2", "ln=16,r=8,p=2", "ln=16,r=8,p=3"),
        (SCRYPT, "ln=10,r=8,p=2", "ln=15,r=32,p=1", "ln=1,r=33,p=1"),
        (SCRYPT, "ln=10,r=8,p=2", "ln=1,r=32,p=16", "ln=1,r=1,p=17"),
        (SCRYPT, "ln=10,r=8,p=2", "ln=20,r=1,p=1", "ln=21,r=1,p=1"),
        (SCRYPT, "ln=10,r=8,p=2", "ln=1,r=1,p=1", "ln=4294967295,r=4294967295,p=4294967295"),
        (FIREBASE, "n=14", "n=17", "n=18"),
        (KRATOS_FIREBASE, "ln=14", "ln=17", "ln=18"),
        (KRATOS_SCRYPT, "ln=1024,r=8", "ln=131072,r=8", "ln=262144,r=8"),
        (DJANGO_SCRYPT, "$1024$", "$65536$", "$131072$"),
        (DJANGO_SCRYPT, "$1024$", "$65536$", "$4294967295$"),
        (BCRYPT_SHA256, "r=4", "r=14", "r=15"),
        (BCRYPT_SHA256_V1, "2a,4", "2a,14", "2a,31"),
        (DJANGO_BCRYPT, "$04$", "$14$", "$15$"),
        (PBKDF2_PHC, "i=1200", "i=2000000", "i=2000001"),
        (DJANGO_SHA512, "1200", "2000000", "2000001"),
        (PBKDF2_SHA1, "1200", "2000000", "2000001"),
        (PBKDF2_SHA256, "1200", "2000000", "4294967295"),
        (PBKDF2_SHA512, "1200", "2000000", "2000001"),
        (DJANGO_SHA256, "1200", "2000000", "2000001"),
        (DJANGO_SHA1, "1200", "2000000", "2000001"),
        (SHA256_CRYPT, "=1000", "=700000", "=700001"),
        (SHA512_CRYPT, "=1234", "=700000", "=999999999"),
    ] {
        assert_eq!(refusal(&hash.replace(part, allowed)), None, "{allowed} {hash}");
        assert_eq!(refusal(&hash.replace(part, too_dear)), Some(HashRefused::Cost), "{too_dear} {hash}");
    }
}

#[test]
fn malformed_hashes_are_refused() {
    for (hash, part, damage) in [
        (BCRYPT, "$04$", &["$4$", "$03$", "$32$", "$+4$", "$004$", "$$", "$"] as &[_]),
        (
            ARGON2_ORDER,
            "t=2,p=1,m=256",
            &["t=2,p=1", "t=2,p=1,m=256,t=2", "t=0,p=1,m=256", "t=2,p=1,m=256,x=1", "m=7,t=2,p=1"],
        ),
        (ARGON2_ORDER, "v=19", &["v=20", "v=", "19"]),
        (ARGON2_ORDER, "$eYnK556rcuTk9BJKas3geWs8uRkggHchFFzymlodqqY=", &["", "$eYnK", "$eYnK556r$"]),
        (WERKZEUG_PBKDF2, ":1200", &[":01200", ":0", ":+1", ":"]),
        (WERKZEUG_PBKDF2, "33fb7", &["33fb", "33fbg", "33fé"]),
        (WERKZEUG_SCRYPT, ":1024:8:1", &[":1000:8:1", ":1024:8", ":1024:0:1"]),
        (BCRYPT, "xnTq", &["xnT", "xnTqq", "xnT=", "xnT*", "xnTq$", "é"]),
        (BCRYPT, "ioTsaldKJflwuhh27ZmVPe", &["", "ioTsaldKJflwuhh27Zmé"]),
        (SCRYPT, "ln=10", &["ln=0", "ln=010", "ln=+1", "ln=-1", "ln=", "ln=4294967296", "n=10", ""]),
        (SCRYPT, "ln=10,r=8,p=2", &["ln=10,r=8", "r=8,ln=10,p=2", "ln=10,r=0,p=2", "ln=10,r=8,p=0", "ln=10,r=8,p=2,"]),
        (SCRYPT, "tcA", &["tcA=A", "tcB", "tc*", "tcA$"]),
        (SCRYPT, "VrWuSkEJSKiCLiHGxFqNI19tcA", &["Vg", ""]),
        (PBKDF2_SHA1, "1200", &["0", "01200", "+1200", "1200,", ""]),
        (PBKDF2_SHA1, "pkw", &["p", "pkx", "pkw=A", "pk*"]),
        (PBKDF2_SHA1, "$8PlZcJ3KUVrxPMUD4KWDSnEkpkw", &["$8PlZcJ3KUVrxPMUD4KWD", "$", ""]),
        (
            PBKDF2_PHC,
            "i=1200,l=64",
            &["i=1200", "l=64,i=1200", "i=1200,l=32", "i=1200,l=64,x=1", "i=0,l=64", "i=1200,l="],
        ),
        (DJANGO_SHA256, "P7c=", &["P7c=$", "P7d=", "P7"]),
        (DJANGO_SHA256, "$kL0Xw9pQ2mZr", &["", "$kL0X$w9pQ2mZr"]),
        (DJANGO_SCRYPT, "$1024$", &["$1023$", "$0$", "$01024$", "$$"]),
        (DJANGO_SCRYPT, "$8$2", &["$8", "$8$2$1", "$0$2"]),
        (KRATOS_SCRYPT, "ln=1024", &["ln=1000", "ln=33", "ln="]),
        (KRATOS_FIREBASE, "$Bw==", &["", "$Bw==$Bw=="]),
        (BCRYPT_SHA256, "v=2", &["v=1", "v=3", "v="]),
        (BCRYPT_SHA256, "t=2b", &["t=2x", "t="]),
        (BCRYPT_SHA256, "r=4", &["r=3", "r=32", "r=04"]),
        (BCRYPT_SHA256, "WSOW", &["WSO", "WSOWW"]),
        (BCRYPT_SHA256_V1, "2a,4", &["2a", "2a,", "4", "2x,4"]),
        (DJANGO_BCRYPT, "$04$", &["$4$", "$03$"]),
        (SHA256_CRYPT, "rounds=1000", &["rounds=999", "rounds=01000", "rounds=+1000", "rounds=", "1000", ""]),
        (SHA256_CRYPT, "P1F.e65ewG2RpTs2", &["P1F.e65ewG2RpTs2a", "P1F:", "rounds=1000", ""]),
        // The last has bits set that no digest has.
        (SHA256_CRYPT, "7pZ.", &["7pZ", "7pZ..", "7pZ*", "7pZ.$", "7pZE"]),
        (SHA256_CRYPT, "$5$", &["$6$"]),
        (SHA512_CRYPT, "$6$", &["$5$"]),
        (SHA512_CRYPT, "/CY.", &["/CY2"]),
        (FIREBASE, "v=1", &["v=2", "v="]),
        (FIREBASE, "n=14", &["n=0"]),
        (FIREBASE, "ss=Bw==", &["ss=B", "ss", ""]),
        (FIREBASE, "WmXA==", &["WmX", "WmXAA==", "WmXAAAAA"]),
        (FIREBASE, "42xEC+ixf3L2lw==", &["42xEC+ixf3L2l", "42xEC-ixf3L2lw=="]),
        (FIREBASE, "uid5lQ==", &["uid5l", "uid5", "uid5lQ==$"]),
    ] {
        assert!(hash.contains(part), "{part} {hash}");
        for damage in damage {
            let text = hash.replace(part, damage);
            assert_eq!(refusal(&text), Some(HashRefused::Malformed), "{text}");
        }
    }
}

#[test]
fn other_formats_are_refused() {
    for text in [
        "plain",
        "$",
        "{}",
        "{CRYPT}$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7",
        "$2$04$ioTsaldKJflwuhh27ZmVPegB2rLQVtmxG1HtMERJ3IICHAGn2xnTq",
        "$2x$04$ioTsaldKJflwuhh27ZmVPegB2rLQVtmxG1HtMERJ3IICHAGn2xnTq",
        "2b$04$ioTsaldKJflwuhh27ZmVPegB2rLQVtmxG1HtMERJ3IICHAGn2xnTq",
        "$pbkdf2_sha256$1200$kL0Xw9pQ2mZr$YAgbhiqAieyK/N5uI3mhJy/tyCyd2Rmk/fkB5C3zP7c=",
        "$pbkdf2-sha384$1200$kL0Xw9pQ2mZr$YAgbhiqAieyK/N5uI3mhJy/tyCyd2Rmk/fkB5C3zP7c=",
        "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7",
    ] {
        assert_eq!(refusal(text), Some(HashRefused::Format), "{text}");
    }
}

#[test]
fn weak_hashes_are_refused_by_name() {
    for text in [
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8",
        "{SSHA}2BA6VUHZpCLqNwRLwKNdBDDnOqRQbDMv",
        "{ssha512}2BA6VUHZpCLqNwRLwKNdBDDnOqRQbDMv",
        "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
        "{MD5}X03MO1qnZdYdgyfeuILPmQ==",
        "{CRYPT}rEK1ecacw.7.c",
        "{CRYPT}$1$3azHgidD$SrJPt7B.9rekpmwJwtON31",
        "rEK1ecacw.7.c",
        "$1$3azHgidD$SrJPt7B.9rekpmwJwtON31",
        "$apr1$TqI9WECO$LHZB2DqRlk9nObiB6vJG9.",
        "$P$984478476IagS59wHZvyQMArzfx58u.",
        "$md5$X03MO1qnZdYdgyfeuILPmQ==",
        "md5$kL0Xw9pQ2mZr$5f4dcc3b5aa765d61d8327deb882cf99",
        "sha1$kL0Xw9pQ2mZr$5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8",
        "{noop}password",
    ] {
        assert_eq!(refusal(text), Some(HashRefused::Weak), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        let _ = parse(&text);
    }

    #[test]
    fn no_text_of_a_known_format_panics(
        scheme in select(vec![
            "$2b$", "$scrypt$", "$pbkdf2$", "pbkdf2_sha1$", "$5$", "$6$", "$fbscrypt$", "$bcrypt-sha256$", "bcrypt_sha256$$2b$",
            "scrypt$", "$firescrypt$", "{CRYPT}$6$",
        ]),
        rest in "[a-zA-Z0-9$=,./+é]{0,200}",
    ) {
        let _ = parse(bare(&format!("{scheme}{rest}")));
    }

    /// Whatever is accepted is computed without an error, and soon enough for a test.
    #[test]
    fn damaged_hashes_are_refused_or_computed(
        text in select(&FORMATS),
        place in any::<prop::sample::Index>(),
        removed in 0..3_usize,
        added in "[a-zA-Z0-9$=,./+é]{0,2}",
    ) {
        let begin = place.index(text.len());
        let mut damaged = text.to_owned();
        damaged.replace_range(begin..(begin + removed).min(text.len()), &added);
        if let Ok(hash) = parse(bare(&damaged)) {
            prop_assert!(hash.matches(STAPLE).is_ok(), "{}", damaged);
        }
    }
}
