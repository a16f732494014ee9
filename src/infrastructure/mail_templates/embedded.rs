//! The texts that come with the binary. A new language is a new folder and a row here.

macro_rules! language {
    ($tag:literal: $($kind:literal)+) => {
        &[
            embed!($tag, "validity.txt"),
            $(
                embed!($tag, $kind, ".subject.txt"),
                embed!($tag, $kind, ".txt"),
                embed!($tag, $kind, ".html"),
            )+
        ]
    };
}

macro_rules! embed {
    ($tag:literal, $($part:literal),+) => {
        (concat!($tag, "/", $($part),+), include_str!(concat!($tag, "/", $($part),+)))
    };
}

macro_rules! kinds {
    ($tag:literal) => {
        language!($tag:
            "account_deleted"
            "account_suspended"
            "account_was_deleted"
            "already_registered"
            "api_key_changed"
            "confirm_new_email"
            "email_change_requested"
            "email_changed"
            "factor_reset_pending"
            "factors_changed"
            "factors_reset"
            "invitation"
            "new_sign_in"
            "password_changed"
            "reset_password"
            "second_factor_failed"
            "verify_email"
            "welcome"
        )
    };
}

/// Name and source of each template.
pub(super) fn templates() -> impl Iterator<Item = (&'static str, &'static str)> {
    const LAYOUT: &[(&str, &str)] = &[("layout.html", include_str!("layout.html"))];
    const LANGUAGES: [&[(&str, &str)]; 2] = [kinds!("en"), kinds!("de")];
    LANGUAGES.into_iter().chain([LAYOUT]).flatten().copied()
}

/// The kinds of mail.
pub(super) fn kinds() -> impl Iterator<Item = &'static str> {
    templates().filter_map(|(name, _)| name.strip_prefix("en/")?.strip_suffix(".subject.txt"))
}
