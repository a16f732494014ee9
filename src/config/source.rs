//! Where settings come from: the environment over the file over the defaults.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::{fs, io};

use time::Duration;

use super::sections::settings;
use super::setting::{self, Setting};
use super::{neighbour, value};

const DEFAULT_FILE: &str = "ipse.toml";
const PREFIX: &str = "IPSE_";
/// Beyond one slip in so many letters a suggestion would be a guess.
const LETTERS_FOR_A_SLIP: usize = 5;

/// A setting that stops the start: its name as the operator wrote it, and what is wrong, never its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {problem}")]
pub struct InvalidSetting {
    name: String,
    problem: String,
}

impl InvalidSetting {
    pub(super) fn new(name: impl Into<String>, problem: impl Display) -> Self {
        Self { name: name.into(), problem: problem.to_string() }
    }

    /// A setting in the form of the environment, for problems that show only when it is used.
    pub fn of(key: &str, problem: impl Display) -> Self {
        Self::new(setting::variable(key), problem)
    }
}

/// What is needed to find the settings.
#[derive(Debug, Default)]
pub struct LoadOptions {
    /// The file, which must exist; otherwise `ipse.toml` in the working directory, if it exists.
    pub config_file: Option<PathBuf>,
    /// Whether the defaults are those of `--dev`.
    pub dev: bool,
    /// The environment.
    pub environment: Vec<(OsString, OsString)>,
}

/// All given settings as text, by name; every name is that of a setting.
pub struct Source {
    dev: bool,
    environment: BTreeMap<String, String>,
    file: BTreeMap<String, String>,
}

/// The text of a setting and the name it was given by.
struct Given {
    name: String,
    text: String,
}

impl Source {
    /// Gathers the environment and the file, and refuses names that are no setting's.
    pub fn gather(options: LoadOptions) -> Result<Self, InvalidSetting> {
        let environment = environment(options.environment)?;
        let file = file(options.config_file.as_deref())?;
        Ok(Self { dev: options.dev, environment, file })
    }

    pub(super) fn is_dev(&self) -> bool {
        self.dev
    }

    /// Whether the setting was given, that is, is not left to its default.
    pub(super) fn has(&self, key: &str) -> Result<bool, InvalidSetting> {
        Ok(self.given(key)?.is_some())
    }

    /// A setting that was given or has a default.
    pub(super) fn optional<T, E: Display>(
        &self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, InvalidSetting> {
        let Some(Given { name, text }) = self.given_or_default(key)? else {
            return Ok(None);
        };
        parse(&text).map(Some).map_err(|problem| InvalidSetting::new(name, problem))
    }

    /// A setting that must be given unless it has a default.
    pub(super) fn required<T, E: Display>(
        &self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, InvalidSetting> {
        self.optional(key, parse)?.ok_or_else(|| InvalidSetting::of(key, "is required"))
    }

    /// A setting with limits, which are in the table.
    pub(super) fn limited<T: PartialOrd>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Result<T, InvalidSetting> {
        let limits = find(key)?.limits;
        self.required(key, |text| {
            let value = parse(text)?;
            match limits {
                Some((least, most)) if value < parse(least)? || value > parse(most)? => {
                    Err(format!("must be from {least} to {most}"))
                }
                _ => Ok(value),
            }
        })
    }

    /// A span of time with limits, which are in the table.
    pub(super) fn span(&self, key: &str) -> Result<Duration, InvalidSetting> {
        self.limited(key, value::seconds).map(|seconds| Duration::seconds(i64::from(seconds)))
    }

    /// A problem of a setting with the others, under the name it was given by.
    pub(super) fn refuse(&self, key: &str, problem: impl Display) -> InvalidSetting {
        match self.given(key) {
            Ok(Some(given)) => InvalidSetting::new(given.name, problem),
            _ => InvalidSetting::of(key, problem),
        }
    }

    fn given_or_default(&self, key: &str) -> Result<Option<Given>, InvalidSetting> {
        if let Some(given) = self.given(key)? {
            return Ok(Some(given));
        }
        let setting = find(key)?;
        let default = if self.dev { setting.dev_default } else { setting.default };
        Ok(default.map(|text| Given { name: setting.variable(), text: text.to_owned() }))
    }

    fn given(&self, key: &str) -> Result<Option<Given>, InvalidSetting> {
        let setting = find(key)?;
        match given_in(&self.environment, setting, &setting.variable(), "_FILE")? {
            None => given_in(&self.file, setting, key, "_file"),
            given => Ok(given),
        }
    }
}

fn find(key: &str) -> Result<&'static Setting, InvalidSetting> {
    settings().find(|setting| setting.key == key).ok_or_else(|| InvalidSetting::new(key, "is not a setting"))
}

fn given_in(
    texts: &BTreeMap<String, String>,
    setting: &Setting,
    name: &str,
    file_suffix: &str,
) -> Result<Option<Given>, InvalidSetting> {
    let name_of_file = format!("{name}{file_suffix}");
    let path = if setting.secret { texts.get(&name_of_file) } else { None };
    match (texts.get(name), path) {
        (Some(_), Some(_)) => Err(InvalidSetting::new(name, format!("is given twice, also as {name_of_file}"))),
        (Some(text), None) => Ok(Some(Given { name: name.to_owned(), text: text.clone() })),
        (None, Some(path)) => match fs::read_to_string(path) {
            Ok(text) => Ok(Some(Given { name: name_of_file, text: without_newline(text) })),
            Err(error) => Err(InvalidSetting::new(name_of_file, unreadable(&error))),
        },
        (None, None) => Ok(None),
    }
}

/// Editors and `echo` end a file with a newline that is not part of the secret.
fn without_newline(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    text
}

/// The kind alone: the error's own text may hold the path, which is the value of a setting.
pub(super) fn unreadable(error: &io::Error) -> String {
    format!("the file cannot be read: {}", error.kind())
}

fn environment(variables: Vec<(OsString, OsString)>) -> Result<BTreeMap<String, String>, InvalidSetting> {
    let mut texts = BTreeMap::new();
    let mut malformed = BTreeMap::new();
    for (name, value) in variables {
        let name = name.to_string_lossy().into_owned();
        if !name.starts_with(PREFIX) || is_not_ours(&name, &value) {
            continue;
        }
        match value.into_string() {
            Ok(text) => texts.insert(name, text),
            Err(_) => malformed.insert(name, String::new()),
        };
    }
    let valid: Vec<String> = settings().flat_map(|s| names(s, s.variable(), "_FILE")).collect();
    check_names(texts.keys().chain(malformed.keys()), &valid)?;
    match malformed.pop_first() {
        Some((name, _)) => Err(InvalidSetting::new(name, "must be UTF-8")),
        None => Ok(texts),
    }
}

/// Variables of the test tools, and those that Kubernetes sets in every container for the services beside it.
fn is_not_ours(name: &str, value: &OsStr) -> bool {
    name == "IPSE_BIN" || name.starts_with("IPSE_TEST_") || neighbour::is_variable(name, value)
}

fn file(path: Option<&Path>) -> Result<BTreeMap<String, String>, InvalidSetting> {
    let (name, content) = match path {
        Some(path) => ("--config", fs::read_to_string(path)),
        None => (DEFAULT_FILE, fs::read_to_string(DEFAULT_FILE)),
    };
    let content = match content {
        Err(error) if path.is_none() && error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        content => content.map_err(|error| InvalidSetting::new(name, unreadable(&error)))?,
    };
    // The parser's own message quotes the line, and with it perhaps a secret.
    let table: toml::Table = content.parse().map_err(|error: toml::de::Error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = content.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
        InvalidSetting::new(name, format!("is not valid TOML, see line {line}"))
    })?;
    let valid: Vec<String> = settings().flat_map(|s| names(s, s.key.to_owned(), "_file")).collect();
    check_names(table.keys(), &valid)?;
    table.into_iter().map(|(key, value)| text(&key, value).map(|text| (key, text))).collect()
}

fn text(key: &str, value: toml::Value) -> Result<String, InvalidSetting> {
    match value {
        toml::Value::String(text) => Ok(text),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Boolean(flag) => Ok(flag.to_string()),
        _ => Err(InvalidSetting::new(key, "must be a string, a whole number, true or false")),
    }
}

fn names(setting: &Setting, name: String, file_suffix: &str) -> Vec<String> {
    let by_file = format!("{name}{file_suffix}");
    if setting.secret { vec![name, by_file] } else { vec![name] }
}

fn check_names<'a>(given: impl Iterator<Item = &'a String>, valid: &[String]) -> Result<(), InvalidSetting> {
    // The least one, so that the answer does not depend on the order of the environment.
    let Some(unknown) = given.filter(|name| !valid.contains(name)).min() else {
        return Ok(());
    };
    let nearest = valid
        .iter()
        .filter_map(|name| distance(unknown, name).map(|distance| (distance, name)))
        .min_by_key(|(distance, _)| *distance);
    let problem = match nearest {
        Some((_, name)) => format!("is not a setting; did you mean {name}?"),
        None => "is not a setting".to_owned(),
    };
    Err(InvalidSetting::new(unknown.escape_debug().to_string(), problem))
}

/// How far a name is from one that may have been meant: by a few letters, or by words after it.
fn distance(unknown: &str, name: &str) -> Option<usize> {
    let [unknown, name] = [unknown, name].map(|name| {
        let name = name.to_ascii_lowercase();
        name.strip_prefix("ipse_").unwrap_or(&name).to_owned()
    });
    let continues = |long: &str, short: &str| long.strip_prefix(short).is_some_and(|rest| rest.starts_with('_'));
    let distance = strsim::osa_distance(&unknown, &name);
    let is_near = distance <= (unknown.len() / LETTERS_FOR_A_SLIP).max(1);
    (is_near || (!unknown.is_empty() && (continues(&unknown, &name) || continues(&name, &unknown)))).then_some(distance)
}
