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

const FORMATS: [&str; 10] = [
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
];

fn matches(password: &str, text: &str) -> bool {
    parse(text).unwrap().matches(&Password::presented(password).unwrap()).unwrap()
}

fn repeated(letter: char, count: usize) -> String {
    std::iter::repeat_n(letter, count).collect()
}

fn refusal(text: &str) -> Option<HashRefused> {
    parse(text).err()
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
        assert_only(if text == FIREBASE { "user1password" } else { STAPLE }, text);
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
        (BCRYPT, "xnTq", &["xnT", "xnTqq", "xnT=", "xnT*", "xnTq$", "é"]),
        (BCRYPT, "ioTsaldKJflwuhh27ZmVPe", &["", "ioTsaldKJflwuhh27Zmé"]),
        (SCRYPT, "ln=10", &["ln=0", "ln=010", "ln=+1", "ln=-1", "ln=", "ln=4294967296", "n=10", ""]),
        (SCRYPT, "ln=10,r=8,p=2", &["ln=10,r=8", "r=8,ln=10,p=2", "ln=10,r=0,p=2", "ln=10,r=8,p=0", "ln=10,r=8,p=2,"]),
        (SCRYPT, "tcA", &["tcA=", "tcB", "tc*", "tcA$", "tcAIOEFiBtbSMcQj9C3nVrWuSkEJSKiCLiHGxFqNI19tcAA"]),
        (SCRYPT, "VrWuSkEJSKiCLiHGxFqNI19tcA", &["Vg", ""]),
        (PBKDF2_SHA1, "1200", &["0", "01200", "+1200", "1200,", ""]),
        (PBKDF2_SHA1, "pkw", &["pk", "pkwA", "pkw=", ""]),
        (PBKDF2_SHA256, "sha256", &["sha512"]),
        (PBKDF2_SHA512, "sha512", &["sha256"]),
        (DJANGO_SHA256, "sha256", &["sha1"]),
        (DJANGO_SHA256, "P7c=", &["P7c", "P7c==", "P7c.", "P7c=$"]),
        (DJANGO_SHA256, "$kL0Xw9pQ2mZr", &["", "$kL0X$w9pQ2mZr"]),
        (DJANGO_SHA1, "sha1", &["sha256"]),
        (SHA256_CRYPT, "rounds=1000", &["rounds=999", "rounds=01000", "rounds=+1000", "rounds=", "1000", ""]),
        (SHA256_CRYPT, "P1F.e65ewG2RpTs2", &["P1F.e65ewG2RpTs2a", "P1F:", "rounds=1000", ""]),
        // The last has bits set that no digest has.
        (SHA256_CRYPT, "7pZ.", &["7pZ", "7pZ..", "7pZ*", "7pZ.$", "7pZE"]),
        (SHA256_CRYPT, "$5$", &["$6$"]),
        (SHA512_CRYPT, "$6$", &["$5$"]),
        (SHA512_CRYPT, "/CY.", &["/CY2"]),
        (FIREBASE, "v=1", &["v=2", "v="]),
        (FIREBASE, "n=14", &["n=0"]),
        (FIREBASE, "ss=Bw==", &["ss=Bw", "ss", ""]),
        (FIREBASE, "WmXA==", &["WmXA", "WmXAA==", "WmXAAAAA"]),
        (FIREBASE, "42xEC+ixf3L2lw==", &["42xEC+ixf3L2lw", "42xEC-ixf3L2lw=="]),
        (FIREBASE, "uid5lQ==", &["uid5lQ", "uid5", "uid5lQ==$"]),
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
        "$$",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "{SSHA}2BA6VUHZpCLqNwRLwKNdBDDnOqRQbDMv",
        "$1$3azHgidD$SrJPt7B.9rekpmwJwtON31",
        "$2$04$ioTsaldKJflwuhh27ZmVPegB2rLQVtmxG1HtMERJ3IICHAGn2xnTq",
        "$2x$04$ioTsaldKJflwuhh27ZmVPegB2rLQVtmxG1HtMERJ3IICHAGn2xnTq",
        "2b$04$ioTsaldKJflwuhh27ZmVPegB2rLQVtmxG1HtMERJ3IICHAGn2xnTq",
        "$pbkdf2_sha256$1200$kL0Xw9pQ2mZr$YAgbhiqAieyK/N5uI3mhJy/tyCyd2Rmk/fkB5C3zP7c=",
        "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7",
    ] {
        assert_eq!(refusal(text), Some(HashRefused::Format), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        let _ = parse(&text);
    }

    #[test]
    fn no_text_of_a_known_format_panics(
        scheme in select(vec!["$2b$", "$scrypt$", "$pbkdf2$", "pbkdf2_sha1$", "$5$", "$6$", "$fbscrypt$"]),
        rest in "[a-zA-Z0-9$=,./+é]{0,200}",
    ) {
        let _ = parse(&format!("{scheme}{rest}"));
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
        if let Ok(hash) = parse(&damaged) {
            prop_assert!(hash.matches(&Password::presented(STAPLE).unwrap()).is_ok(), "{}", damaged);
        }
    }
}
