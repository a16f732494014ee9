//! The folder of mail templates.

use super::*;

fn with_folder(case: Case, files: &[(&str, &str)]) -> Case {
    let folder = case.folder.path().join("c4n4ry");
    for (name, source) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, source).unwrap();
    }
    case.set("IPSE_MAIL_TEMPLATES", folder.to_str().unwrap())
}

#[test]
fn templates_are_checked_with_the_settings() {
    with_folder(Case::production(), &[("fr/welcome.subject.txt", "Bienvenue")]).load();
    for (file, source, problem) in [
        ("en/welcom.txt", "Hi", "en/welcom.txt: is not the name of a template"),
        ("en/welcome.txt", "Hi\n{{ nam }}", "en/welcome.txt, line 2: undefined value"),
    ] {
        let error = with_folder(Case::production(), &[(file, source)]).error();
        assert_eq!(error, format!("IPSE_MAIL_TEMPLATES: {problem}"));
    }
    let missing = with_folder(Case::production(), &[]).error();
    assert_eq!(missing, "IPSE_MAIL_TEMPLATES: the folder: cannot be read: entity not found");
}

#[test]
fn templates_are_checked_with_links_where_there_is_a_base_for_them() {
    let bare = [("en/reset_password.txt", "{{ link }}")];
    with_folder(Case::production(), &bare).load();
    let error = with_folder(Case::production().unset("IPSE_LINK_BASE"), &bare).error();
    assert_eq!(error, "IPSE_MAIL_TEMPLATES: en/reset_password.txt, line 1: undefined value");
}
