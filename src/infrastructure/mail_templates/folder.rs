//! The operator's folder.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use super::embedded;
use super::error::TemplateError;
use crate::domain::account::profile::Locale;

/// The longest template, in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// Name and source of each template in the folder, in the order of their names. What begins with a dot is passed over:
/// it belongs to editors and to Kubernetes.
pub(super) fn read(folder: &Path) -> Result<Vec<(String, String)>, TemplateError> {
    let mut templates = Vec::new();
    for name in entries(folder).map_err(|error| TemplateError::unreadable("the folder", &error))? {
        let path = folder.join(&name);
        if is_language(&name) && path.is_dir() {
            for file in entries(&path).map_err(|error| TemplateError::unreadable(&name, &error))? {
                templates.push(template(&path.join(&file), format!("{name}/{file}"), is_part(&file))?);
            }
        } else {
            templates.push(template(&path, name.clone(), name == "layout.html")?);
        }
    }
    Ok(templates)
}

fn entries(folder: &Path) -> io::Result<Vec<String>> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<io::Result<Vec<_>>>()?;
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    Ok(names)
}

fn is_language(name: &str) -> bool {
    Locale::parse(name).is_ok() && !name.contains(|c: char| c.is_ascii_uppercase())
}

fn is_part(name: &str) -> bool {
    embedded::templates().any(|(file, _)| file.strip_prefix("en/") == Some(name))
}

fn template(path: &Path, name: String, is_known: bool) -> Result<(String, String), TemplateError> {
    if !is_known {
        return Err(TemplateError::of(&name, "is not the name of a template"));
    }
    let bytes = content(path).map_err(|error| TemplateError::unreadable(&name, &error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(TemplateError::of(&name, "is longer than 64 KiB"));
    }
    let source = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.split(|byte| *byte == b'\n').count();
        TemplateError::in_line(&name, line, "is not UTF-8")
    })?;
    Ok((name, source))
}

/// The file's bytes, at most one too many. A pipe would keep the start waiting.
fn content(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
