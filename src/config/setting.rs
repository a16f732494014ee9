//! A row of the table of settings: what it means, and what it may be.

/// One setting as an operator sees it.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The key in the file, lower snake case.
    pub key: &'static str,
    /// What it means, in one or two sentences.
    pub meaning: &'static str,
    /// Whether it must be given, except with `--dev`.
    pub required: bool,
    /// Its value unless given.
    pub default: Option<&'static str>,
    /// Its value with `--dev` unless given.
    pub dev_default: Option<&'static str>,
    /// The least and the greatest value.
    pub limits: Option<(&'static str, &'static str)>,
    /// Whether it is secret, so that it can also be given by the name of a file.
    pub secret: bool,
}

impl Setting {
    /// The name of the environment variable.
    #[must_use]
    pub fn variable(&self) -> String {
        variable(self.key)
    }

    pub(super) const fn new(key: &'static str, meaning: &'static str) -> Self {
        Self { key, meaning, required: false, default: None, dev_default: None, limits: None, secret: false }
    }

    /// The default, in `--dev` too.
    pub(super) const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self.dev_default = Some(default);
        self
    }

    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(super) const fn or_in_dev(mut self, default: &'static str) -> Self {
        self.dev_default = Some(default);
        self
    }

    pub(super) const fn between(mut self, least: &'static str, most: &'static str) -> Self {
        self.limits = Some((least, most));
        self
    }

    pub(super) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
}

/// The name of the environment variable for a key.
pub(super) fn variable(key: &str) -> String {
    format!("IPSE_{}", key.to_ascii_uppercase())
}
