//! Mail about second factors.

use super::*;
use crate::domain::credential::factor::FactorKind;
use crate::domain::mail::FactorsChange;

fn changed(change: FactorsChange, language: &str) -> Rendered {
    let (time, address) = ("2026-03-01 12:00:00 UTC".to_owned(), "192.0.2.1".to_owned());
    let details = Details::From { time, address, program: "App", change: Some(change.into()) };
    let words = Words { details, ..words("factors_changed", "", true) };
    let locale = Locale::parse(language).unwrap();
    Templates::embedded().unwrap().render("factors_changed", Some(&locale), &words).unwrap()
}

#[test]
fn each_change_of_second_factors_is_told_in_its_own_way() {
    for language in ["en", "de"] {
        let told: BTreeSet<String> =
            mail::fixture::changes().into_iter().map(|change| changed(change, language).text).collect();
        assert_eq!(told.len(), mail::fixture::changes().len());
        for text in &told {
            let lines: Vec<&str> = text.lines().collect();
            let is_plain = |line: &&str| !line.starts_with(' ') || line.starts_with("    ");
            assert!(lines.iter().all(is_plain) && !text.contains("\n\n\n"), "{text}");
            assert!(lines.iter().all(|line| line.chars().count() <= 90), "{text}");
        }
    }
    for (change, english, german) in [
        (
            FactorsChange::Added(FactorKind::Totp),
            "An authenticator app was added",
            "eine Authenticator-App hinzugefügt",
        ),
        (FactorsChange::Removed(FactorKind::Passkey), "A passkey was removed", "ein Passkey entfernt"),
        (FactorsChange::RecoveryCodesMade, "New recovery codes", "neue Wiederherstellungscodes erstellt"),
    ] {
        for (language, told) in [("en", english), ("de", german)] {
            let mail = changed(change, language);
            assert!(mail.text.contains(told) && mail.html.contains(told), "{}", mail.text);
            assert!(!mail.text.contains("left") && !mail.text.contains("übrig"), "{}", mail.text);
        }
    }
}

#[test]
fn whoever_has_few_recovery_codes_left_is_told_to_make_new_ones() {
    for (remaining, english, german, makes_new) in [
        (9, "9 are left.", "9 sind noch übrig.", false),
        (4, "4 are left.", "4 sind noch übrig.", false),
        (3, "3 are left. Make new ones", "3 sind noch übrig. Erstellen Sie", true),
        (1, "One is left. Make new ones", "Einer ist noch übrig. Erstellen Sie", true),
        (0, "the last one. Make new ones", "der letzte. Erstellen Sie", true),
    ] {
        for (language, told, call_to_make) in [("en", english, "Make new"), ("de", german, "Erstellen Sie")] {
            let mail = changed(FactorsChange::RecoveryCodeUsed { remaining }, language);
            assert!(mail.text.contains(told) && mail.html.contains(told), "{}", mail.text);
            assert_eq!(mail.text.contains(call_to_make), makes_new, "{}", mail.text);
        }
    }
}

#[test]
fn every_change_is_looked_at_when_templates_are_checked() {
    for (source, error) in [
        ("{% if change == \"removed\" %}{{ nam }}{% endif %}", "undefined value"),
        ("{% if remaining == 0 %}{{ nam }}{% endif %}", "undefined value"),
        ("{{ factor }}", "undefined value"),
        ("{{ remaining }}", "undefined value"),
    ] {
        assert_eq!(mistake("en/factors_changed.txt", source), format!("en/factors_changed.txt, line 1: {error}"));
    }
    overridden(&[("en/factors_changed.txt", "{% if factor %}{{ factor }}{% endif %}{{ change }} {{ time }}")]);
    let late = mistake("en/reset_password.txt", "{{ token }} {{ time }}");
    assert_eq!(late, "en/reset_password.txt, line 1: undefined value");
}
