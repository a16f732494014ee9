use proptest::prelude::*;
use time::Duration;

use super::*;

const SEED: &[u8; 20] = b"12345678901234567890";
const BASE32: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn codes() -> TotpCodes {
    TotpCodes::new("id.example")
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_timestamp(seconds).unwrap()
}

fn code(seed: &[u8], step: u64) -> String {
    builder(seed).build().unwrap().generate(step * STEP_SECONDS).to_string()
}

fn accept(uri: &str) -> Result<Vec<u8>, OtpauthRefused> {
    codes().accept(&Secret::new(uri)).map(|seed| seed.to_vec())
}

#[test]
fn the_vectors_of_rfc_6238_hold() {
    for (seconds, step, eight, six) in [
        (59, 0x1, "94287082", "287082"),
        (1_111_111_109, 0x0235_23EC, "07081804", "081804"),
        (1_111_111_111, 0x0235_23ED, "14050471", "050471"),
        (1_234_567_890, 0x0273_EF07, "89005924", "005924"),
        (2_000_000_000, 0x03F9_40AA, "69279037", "279037"),
        (20_000_000_000, 0x27BC_86AA, "65353130", "353130"),
    ] {
        let long = builder(SEED).with_digits(8).build().unwrap();
        assert_eq!(long.generate(u64::try_from(seconds).unwrap()).to_string(), eight);
        assert_eq!(codes().matched_step(SEED, six, at(seconds)), Some(step), "{six}");
        assert_eq!(codes().matched_step(SEED, eight, at(seconds)), None, "{eight}");
    }
}

#[test]
fn the_vectors_of_rfc_4226_hold() {
    let expected = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
    for (counter, code) in (0..).zip(expected) {
        assert_eq!(codes().matched_step(SEED, code, at(counter * 30 + 29)), Some(counter), "{code}");
    }
}

#[test]
fn a_code_is_good_one_step_early_and_one_step_late() {
    for offset in -5..=5 {
        let (now, step) = (at(1_111_111_111), 0x0235_23ED);
        let code = code(SEED, u64::try_from(step + offset).unwrap());
        let expected = (-1..=1).contains(&offset).then_some(step + offset);
        assert_eq!(codes().matched_step(SEED, &code, now), expected, "{offset}");
    }
    let first = at(0x0235_23ED * 30);
    let one_later = first + Duration::seconds(30);
    assert_eq!(codes().matched_step(SEED, "081804", one_later - Duration::MICROSECOND), Some(0x0235_23EC));
    assert_eq!(codes().matched_step(SEED, "081804", one_later), None);
}

#[test]
fn a_code_is_six_ascii_digits() {
    let now = at(1_111_111_109);
    assert!(codes().matched_step(SEED, "081804", now).is_some());
    for other in [
        "",
        "81804",
        "0081804",
        "08180",
        "0818044",
        " 81804",
        "081804 ",
        " 081804",
        "081 804",
        "081-804",
        "+81804",
        "-81804",
        "+081804",
        "081804\n",
        "08180\0",
        "\u{660}\u{668}\u{661}\u{668}\u{660}\u{664}",
        "\u{660}\u{668}\u{661}",
        "\u{ff10}\u{ff18}",
        "0x1234",
        "08_804",
        "000000",
    ] {
        assert_eq!(codes().matched_step(SEED, other, now), None, "{other:?}");
    }
}

#[test]
fn no_time_and_no_seed_panics() {
    for now in [Timestamp::UNIX_EPOCH - Duration::SECOND, at(-1_000_000_000), at(-377_705_116_800)] {
        assert_eq!(codes().matched_step(SEED, "755224", now), None);
    }
    assert_eq!(codes().matched_step(SEED, "755224", at(0)), Some(0));
    assert_eq!(codes().matched_step(SEED, "000000", at(253_402_300_799)), None);
    for short in [&[][..], &SEED[..15]] {
        let made = Builder::new().with_secret(short).build_noncompliant().generate(59).to_string();
        assert_eq!(codes().matched_step(short, &made, at(59)), None, "a seed that is none makes no codes");
        assert!(codes().enrolment(short, "ada@example.com").is_err());
    }
}

#[test]
fn an_enrolment_has_three_forms_of_one_seed() {
    let made = codes().enrolment(SEED, "ada+b%@xn--bcher-kva.example").unwrap();
    assert_eq!(made.secret_base32.expose(), BASE32);
    let account = "ada%2Bb%25%40xn--bcher-kva.example";
    let uri = format!("otpauth://totp/id.example:{account}?secret={BASE32}&issuer=id.example");
    assert_eq!(made.otpauth_uri.expose(), uri);
    assert_eq!(made.qr_svg.expose(), qr_svg::draw(&uri).unwrap());
    assert!(!format!("{made:?}").contains("GEZDG"));

    let read = Totp::from_url(made.otpauth_uri.expose()).unwrap();
    assert_eq!((read.issuer(), read.account_name()), (Some("id.example"), "ada+b%@xn--bcher-kva.example"));
    assert_eq!((read.algorithm(), read.digits(), read.step()), (Algorithm::SHA1, 6, 30));
    assert_eq!(accept(made.otpauth_uri.expose()).unwrap(), SEED);
    assert!(codes().enrolment(SEED, "").is_err() && codes().enrolment(SEED, "a:b").is_err());
}

#[test]
fn the_longest_names_make_a_picture_that_fits_into_an_answer() {
    let labels = |length: usize| "abc.%-def.".chars().cycle().take(length).collect::<String>();
    let made = TotpCodes::new(&labels(253)).enrolment(SEED, &labels(254)).unwrap();
    assert!(made.otpauth_uri.expose().len() <= MAX_URI_BYTES, "{}", made.otpauth_uri.expose().len());
    assert!(made.qr_svg.expose().len() < 64 * 1024, "{}", made.qr_svg.expose().len());
}

#[test]
fn the_issuer_is_the_host() {
    for (service, issuer) in [
        ("id.example", "id.example"),
        ("id.example:8443", "id.example"),
        ("id.example:8443/tenants/one", "id.example"),
        ("id.example/tenants", "id.example"),
        ("[::1]:8443", "Ipse"),
        ("", "Ipse"),
    ] {
        assert_eq!(TotpCodes::new(service).issuer, issuer, "{service}");
    }
}

#[test]
fn what_other_systems_made_is_taken_if_its_codes_are_these() {
    for uri in [
        &format!("otpauth://totp/x?secret={BASE32}"),
        &format!("otpauth://totp/Old%20System:ada%40example.com?secret={BASE32}&issuer=Old%20System"),
        &format!("otpauth://totp/Old:ada?period=30&digits=6&algorithm=SHA1&secret={BASE32}&image=x"),
    ] {
        assert_eq!(accept(uri).as_deref(), Ok(&SEED[..]), "{uri}");
    }
    for (parameters, refused) in [
        ("algorithm=SHA256", OtpauthRefused::Algorithm),
        ("algorithm=MD5", OtpauthRefused::Algorithm),
        ("algorithm=", OtpauthRefused::Algorithm),
        ("digits=8", OtpauthRefused::Digits),
        ("digits=0", OtpauthRefused::Digits),
        ("digits=x", OtpauthRefused::Digits),
        ("digits=256", OtpauthRefused::Digits),
        ("period=60", OtpauthRefused::Period),
        ("period=0", OtpauthRefused::Period),
        ("period=-30", OtpauthRefused::Period),
        ("issuer=Other", OtpauthRefused::Form),
        ("digits=6&digits=8", OtpauthRefused::Form),
    ] {
        let uri = format!("otpauth://totp/Old:ada?secret={BASE32}&{parameters}");
        assert_eq!(accept(&uri), Err(refused), "{parameters}");
    }
}

#[test]
fn what_is_no_such_uri_is_refused() {
    for (uri, refused) in [
        (String::new(), OtpauthRefused::Text(text::InvalidText::Missing)),
        (format!("otpauth://totp/x?secret={BASE32}\0"), OtpauthRefused::Text(text::InvalidText::Nul)),
        (format!("otpauth://hotp/x?secret={BASE32}&counter=1"), OtpauthRefused::Form),
        (format!("otpauth://steam/x?secret={BASE32}"), OtpauthRefused::Form),
        (format!("https://totp/x?secret={BASE32}"), OtpauthRefused::Form),
        (format!("otpauth-migration://offline?data={BASE32}"), OtpauthRefused::Form),
        (format!("otpauth://totp/x?secret={BASE32}&secret={BASE32}"), OtpauthRefused::Form),
        (BASE32.to_owned(), OtpauthRefused::Form),
        ("otpauth://totp/x".to_owned(), OtpauthRefused::Seed),
        ("otpauth://totp/x?secret=".to_owned(), OtpauthRefused::Seed),
        ("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ".to_owned(), OtpauthRefused::Seed),
        (format!("otpauth://totp/x?secret={BASE32}1"), OtpauthRefused::Seed),
        (format!("otpauth://totp/x?secret={BASE32}{BASE32}{BASE32}{BASE32}"), OtpauthRefused::Seed),
    ] {
        assert_eq!(accept(&uri), Err(refused), "{uri}");
        assert!(!refused.to_string().contains("GEZDG"));
    }
    let long =
        format!("otpauth://totp/{}?secret={BASE32}", "x".chars().cycle().take(MAX_URI_BYTES).collect::<String>());
    assert_eq!(accept(&long), Err(OtpauthRefused::Text(text::InvalidText::TooManyBytes(MAX_URI_BYTES))));
}

proptest! {
    #[test]
    fn every_seed_comes_back_from_its_uri(
        seed in prop::collection::vec(any::<u8>(), LEAST_SEED_BYTES..=MAX_SEED_BYTES),
        account in "[^:\\p{Cc}]{1,60}",
    ) {
        let made = codes().enrolment(&seed, &account).unwrap();
        prop_assert!(codes().uri(&seed, &account).unwrap() == made.otpauth_uri);
        prop_assert_eq!(accept(made.otpauth_uri.expose()).unwrap(), seed);
        let read = Totp::from_url(made.otpauth_uri.expose()).unwrap();
        prop_assert_eq!(read.account_name(), account);
    }

    #[test]
    fn no_uri_panics(rest in "(totp/)?\\PC{0,40}(\\?secret=[A-Za-z0-9=]{0,20}\\PC{0,20})?") {
        let _ = accept(&format!("otpauth://{rest}"));
    }

    #[test]
    fn no_code_panics(code in "\\PC{0,8}", seconds in 0..20_000_000_000_i64) {
        let _ = codes().matched_step(SEED, &code, at(seconds));
    }
}
