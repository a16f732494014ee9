mod second_factors;

use std::fs;

use tempfile::TempDir;

use super::check::samples;
use super::*;
use crate::domain::mail;

const LINK: &str = "https://www.example.com/page#token=SampleToken";
const WITH_TOKEN: [&str; 5] =
    ["verify_email", "reset_password", "invitation", "confirm_new_email", "factor_reset_pending"];

fn render(kind: &str, words: &Words<'_>) -> Rendered {
    Templates::embedded().unwrap().render(kind, None, words).unwrap()
}

fn details<'a>(kind: &str, program: &'a str, links: bool) -> Details<'a> {
    samples(kind, program, links).swap_remove(0)
}

fn words<'a>(kind: &str, name: &'a str, links: bool) -> Words<'a> {
    Words { service: "id.example.com", name, details: details(kind, "App/1.0 (Linux)", links) }
}

fn valid_for(minutes: i64) -> Words<'static> {
    Words {
        details: Details::Action { link: None, token: "t", minutes, time: None },
        ..words("verify_email", "", false)
    }
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, source) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, source).unwrap();
    }
    folder
}

fn overridden(files: &[(&str, &str)]) -> Templates {
    Templates::overridden(folder(files).path(), true).unwrap()
}

fn mistake(file: &str, source: &str) -> String {
    Templates::overridden(folder(&[(file, source)]).path(), true).unwrap_err().to_string()
}

fn subject(templates: &Templates, locale: &str) -> String {
    let locale = Locale::parse(locale).unwrap();
    templates.render("welcome", Some(&locale), &words("welcome", "", true)).unwrap().subject
}

#[test]
fn every_kind_of_mail_is_there() {
    let mut kinds: Vec<&str> = mail::fixture::contents().map(|content| content.kind()).collect();
    kinds.sort_unstable();
    assert_eq!(embedded::kinds().collect::<Vec<_>>(), kinds);
    assert_eq!(Templates::embedded().unwrap().languages().into_iter().collect::<Vec<_>>(), ["de", "en"]);
    assert_eq!(embedded::templates().count(), 1 + 2 * (1 + 3 * kinds.len()));
}

#[test]
fn every_mail_is_whole_in_text_and_html_in_every_language() {
    for (tag, hello) in [("en", "Hello"), ("de", "Hallo")] {
        let locale = Locale::parse(tag).unwrap();
        for (kind, words) in embedded::kinds().flat_map(|kind| {
            [("Ada", true), ("", true), ("", false)].map(|(name, links)| (kind, words(kind, name, links)))
        }) {
            let mail = Templates::embedded().unwrap().render(kind, Some(&locale), &words).unwrap();
            assert!(mail.subject.contains("id.example.com"), "{kind}: {}", mail.subject);
            assert!(mail.html.starts_with(&format!("<!DOCTYPE html>\n<html lang=\"{tag}\">")), "{kind}: {}", mail.html);
            assert!(mail.html.ends_with("</html>"), "{kind}: {}", mail.html);
            for part in [&mail.subject, &mail.text, &mail.html] {
                assert!(!part.contains(['{', '}']), "{kind}: {part}");
            }
            for part in [&mail.text, &mail.html] {
                let greeting = if words.name.is_empty() { format!("{hello},") } else { format!("{hello} Ada,") };
                assert!(part.contains(&greeting), "{kind}: {part}");
            }
        }
    }
}

#[test]
fn all_languages_say_different_things() {
    let templates = Templates::embedded().unwrap();
    for kind in embedded::kinds() {
        let [english, german] = ["en", "de"]
            .map(|tag| templates.render(kind, Some(&Locale::parse(tag).unwrap()), &words(kind, "Ada", true)).unwrap());
        assert_ne!(english.subject, german.subject, "{kind}");
        assert_ne!(english.text, german.text, "{kind}");
        assert_ne!(english.html, german.html, "{kind}");
    }
}

#[test]
fn a_token_is_shown_as_a_link_or_where_there_are_none_by_itself() {
    for kind in WITH_TOKEN {
        // A removal that has happened cannot be stopped, whatever the token says.
        let until = if kind == "factor_reset_pending" { "until then" } else { "within 1 hour" };
        let linked = render(kind, &words(kind, "", true));
        assert!(linked.text.contains(&format!("\n\n{LINK}\n\nThe link works once, {until}.")), "{}", linked.text);
        let escaped = LINK.replace('/', "&#x2f;");
        assert!(linked.html.contains(&format!("<a href=\"{escaped}\">{escaped}</a>")), "{}", linked.html);

        let bare = render(kind, &words(kind, "", false));
        let told = format!("\n\nSampleToken\n\nThe code works once, {until}.");
        assert!(bare.text.contains(&told), "{}", bare.text);
        assert!(bare.html.contains("<code>SampleToken</code>"), "{}", bare.html);
    }
}

#[test]
fn notices_know_no_token() {
    for kind in embedded::kinds().filter(|kind| !WITH_TOKEN.contains(kind)) {
        for variable in ["link", "token", "minutes"] {
            let file = format!("en/{kind}.txt");
            let found = mistake(&file, &format!("one\n{{{{ {variable} }}}}"));
            assert_eq!(found, format!("{file}, line 2: undefined value"));
        }
    }
}

#[test]
fn a_name_is_neither_markup_nor_template() {
    for kind in embedded::kinds() {
        let mail = render(kind, &words(kind, "<script>{{7*7}}{% raw %}\"&'", true));
        assert!(mail.text.contains("Hello <script>{{7*7}}{% raw %}\"&',"), "{}", mail.text);
        assert!(mail.html.contains("Hello &lt;script&gt;{{7*7}}{% raw %}&quot;&amp;&#x27;,"), "{}", mail.html);
        assert!(!mail.subject.contains("7*7"), "{}", mail.subject);
    }
}

#[test]
fn a_program_is_neither_markup_nor_template() {
    let details = details("new_sign_in", "<script>{{7*7}}", true);
    let mail = render("new_sign_in", &Words { details, ..words("new_sign_in", "", true) });
    assert!(mail.text.contains("Time:     2026-03-01 12:00:00 UTC\n"), "{}", mail.text);
    assert!(mail.text.contains("Network:  192.0.2.1\n"), "{}", mail.text);
    assert!(mail.text.contains("Program:  <script>{{7*7}}\n"), "{}", mail.text);
    assert!(mail.html.contains("<td>&lt;script&gt;{{7*7}}</td>"), "{}", mail.html);
    assert!(!mail.subject.contains("7*7"), "{}", mail.subject);
}

#[test]
fn validity_is_told_in_whole_days_or_hours_or_in_minutes() {
    for (minutes, told) in [
        (1, "1 minute."),
        (30, "30 minutes."),
        (60, "1 hour."),
        (90, "90 minutes."),
        (1440, "24 hours."),
        (1500, "25 hours."),
        (10080, "7 days."),
    ] {
        let mail = render("verify_email", &valid_for(minutes));
        assert!(mail.text.contains(&format!("within {told}")), "{}", mail.text);
        assert!(mail.html.contains(&format!("within {told}")), "{}", mail.html);
    }
}

#[test]
fn the_nearest_language_that_is_there_is_chosen_for_each_part() {
    let templates = overridden(&[
        ("pt/welcome.subject.txt", "Bem-vindo"),
        ("pt-br/welcome.subject.txt", "Bem-vindo ao Brasil"),
        ("en/welcome.subject.txt", "Hi"),
    ]);
    for (tag, expected) in [
        ("pt-BR", "Bem-vindo ao Brasil"),
        ("PT-br-x-abc", "Bem-vindo ao Brasil"),
        ("pt-PT", "Bem-vindo"),
        ("pt", "Bem-vindo"),
        ("de-CH", "Willkommen bei id.example.com"),
        ("DE", "Willkommen bei id.example.com"),
        ("eo", "Hi"),
        ("en-GB", "Hi"),
        ("zh-Hant-TW", "Hi"),
    ] {
        assert_eq!(subject(&templates, tag), expected, "{tag}");
    }
    let embedded = Templates::embedded().unwrap();
    for (tag, expected) in [("en-GB", "Welcome to id.example.com"), ("pt-BR", "Welcome to id.example.com")] {
        assert_eq!(subject(&embedded, tag), expected, "{tag}");
    }
}

#[test]
fn what_is_not_overridden_stays() {
    let templates = overridden(&[("de/welcome.subject.txt", "Hallo von {{ service }}\r\n")]);
    let locale = Locale::parse("de").unwrap();
    let embedded = Templates::embedded().unwrap();
    for kind in embedded::kinds() {
        let words = words(kind, "Ada", true);
        let [new, old] = [&templates, &embedded].map(|all| all.render(kind, Some(&locale), &words).unwrap());
        assert_eq!((&new.text, &new.html), (&old.text, &old.html), "{kind}");
        assert_eq!(new.subject == old.subject, kind != "welcome");
    }
    assert_eq!(subject(&templates, "de"), "Hallo von id.example.com");
}

#[test]
fn shared_templates_are_overridden_for_all_that_use_them() {
    let layout = "<body lang=\"{{ language }}\">{% block content %}{% endblock %}</body>";
    let templates = overridden(&[("layout.html", layout), ("en/validity.txt", "{{ minutes }} min")]);
    let mail = templates.render("verify_email", None, &words("verify_email", "", true)).unwrap();
    assert!(mail.html.starts_with("<body lang=\"en\"><p>Hello"), "{}", mail.html);
    assert!(mail.text.contains("within 60 min."), "{}", mail.text);
}

#[test]
fn a_mistake_is_named_by_file_and_line() {
    for (file, source, error) in [
        ("en/welcome.txt", "a\nb {{ nam }}", "en/welcome.txt, line 2: undefined value"),
        ("en/welcome.txt", "a\n{% if nam %}b{% endif %}", "en/welcome.txt, line 2: undefined value"),
        ("en/welcome.txt", "a\n\n{% if name %}", "en/welcome.txt, line 3: syntax error: "),
        ("en/welcome.html", "{{ name|lowre }}", "en/welcome.html, line 1: unknown filter: "),
        ("en/welcome.html", "{% extends \"layuot.html\" %}", "en/welcome.html, line 1: template not found: "),
        ("en/welcome.subject.txt", "Hi {{ name }}", "en/welcome.subject.txt, line 1: undefined value"),
        ("de/validity.txt", "\n{{ minuten }}", "de/validity.txt, line 2: undefined value"),
        ("fr/validity.txt", "\n{{ minutes + }}", "fr/validity.txt, line 2: syntax error: "),
        ("fr/validity.txt", "{{ minuten }}", "fr/validity.txt, line 1: undefined value"),
        ("layout.html", "\n\n{{ nam }}", "layout.html, line 3: undefined value"),
        ("en/welcome.txt", "{% include \"en/welcome.txt\" %}", "en/welcome.txt, line 1: "),
    ] {
        let found = mistake(file, source);
        assert!(found.starts_with(error) && found.lines().count() == 1, "{file}: {found}");
    }
}

#[test]
fn a_mail_that_would_not_do_its_work_is_refused() {
    for (file, source, error) in [
        ("en/welcome.subject.txt", "two\nlines", "en/welcome.subject.txt: must be one line"),
        ("en/welcome.subject.txt", "Hi\r\nBcc: a@b.example", "en/welcome.subject.txt: must be one line"),
        ("en/welcome.subject.txt", " \n", "en/welcome.subject.txt: must be one line"),
        ("en/reset_password.txt", "Hi", "en/reset_password.txt: shows neither the link nor the token"),
        ("layout.html", "<p>Hi</p>", "de/confirm_new_email.html: shows neither the link nor the token"),
        ("en/welcome.html", "{{ name|safe }}", "en/welcome.html: puts text of strangers into HTML as markup"),
        (
            "en/new_sign_in.html",
            "{% autoescape false %}{{ program }}{% endautoescape %}",
            "en/new_sign_in.html: puts text of strangers into HTML as markup",
        ),
    ] {
        assert!(mistake(file, source).starts_with(error), "{file}: {}", mistake(file, source));
    }
}

#[test]
fn a_link_that_is_not_there_is_not_shown_as_none() {
    let folder = folder(&[("en/reset_password.txt", "\n{{ link }}")]);
    assert!(Templates::overridden(folder.path(), true).is_ok());
    let error = Templates::overridden(folder.path(), false).unwrap_err().to_string();
    assert_eq!(error, "en/reset_password.txt, line 2: undefined value");
}

#[test]
fn what_is_no_template_is_refused_by_name() {
    for name in [
        "readme.md",
        "welcome.txt",
        "en/welcom.txt",
        "en/welcome",
        "en/welcome.txt.bak",
        "en/layout.html",
        "en/sub/welcome.txt",
        "EN/welcome.txt",
        "english/welcome.txt",
        "en/a\nb",
    ] {
        let found = mistake(name, "");
        let named = name.starts_with("en/") || !name.contains('/');
        let place = if named { name } else { name.split_once('/').unwrap().0 };
        let place = place.strip_suffix("/welcome.txt").unwrap_or(place).escape_debug().to_string();
        assert_eq!(found, format!("{place}: is not the name of a template"));
    }
}

#[test]
fn hidden_files_are_passed_over_and_linked_ones_are_read() {
    let folder = folder(&[(".git/config", "x"), ("en/.welcome.txt.swp", "x"), ("..data/welcome.subject.txt", "Hi")]);
    let data = folder.path().join("..data/welcome.subject.txt");
    std::os::unix::fs::symlink(data, folder.path().join("en/welcome.subject.txt")).unwrap();
    assert_eq!(subject(&Templates::overridden(folder.path(), true).unwrap(), "en"), "Hi");
}

#[test]
fn files_are_texts_of_at_most_64_kib() {
    let limit = 64 * 1024;
    let text = |length| std::iter::repeat_n('a', length).collect::<String>();
    overridden(&[("en/welcome.txt", &text(limit))]);
    assert_eq!(mistake("en/welcome.txt", &text(limit + 1)), "en/welcome.txt: is longer than 64 KiB");

    let folder = folder(&[("en/welcome.txt", "")]);
    fs::write(folder.path().join("en/welcome.txt"), b"a\nb\xff").unwrap();
    let error = Templates::overridden(folder.path(), true).unwrap_err().to_string();
    assert_eq!(error, "en/welcome.txt, line 2: is not UTF-8");
    fs::remove_file(folder.path().join("en/welcome.txt")).unwrap();
    fs::create_dir(folder.path().join("en/welcome.txt")).unwrap();
    let error = Templates::overridden(folder.path(), true).unwrap_err().to_string();
    assert_eq!(error, "en/welcome.txt: cannot be read: invalid input parameter");
    let error = Templates::overridden(&folder.path().join("missing"), true).unwrap_err().to_string();
    assert_eq!(error, "the folder: cannot be read: entity not found");
}

#[test]
fn an_empty_folder_changes_nothing() {
    assert_eq!(subject(&overridden(&[]), "de"), "Willkommen bei id.example.com");
}
