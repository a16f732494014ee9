//! What an import writes must not be what it reads: the first thing that a report does is to empty its file.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::STANDARD_INPUT;
use crate::presentation::cli::users::TransferFailed;

/// A file by what it is, or by its place if there is none yet.
#[derive(PartialEq, Eq)]
enum Identity {
    Present { device: u64, number: u64 },
    Missing(PathBuf),
}

/// Refuses an import of which one of the files that it writes is another of its files, under whatever name.
pub(in crate::presentation::cli::users) fn check(read: &[&Path], written: &[&Path]) -> Result<(), TransferFailed> {
    let mut taken: Vec<Identity> = read.iter().filter_map(|path| identity(path)).collect();
    for path in written {
        let Some(identity) = identity(path) else { continue };
        if taken.contains(&identity) {
            return Err(TransferFailed::Twice(path.to_path_buf()));
        }
        taken.push(identity);
    }
    Ok(())
}

/// Nothing for what keeps nothing, such as a pipe or a terminal.
fn identity(path: &Path) -> Option<Identity> {
    let found = if path == Path::new(STANDARD_INPUT) { standard_input() } else { fs::metadata(path) };
    if let Ok(found) = found {
        return found.is_file().then(|| Identity::Present { device: found.dev(), number: found.ino() });
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Some(Identity::Missing(fs::canonicalize(folder).ok()?.join(path.file_name()?)))
}

fn standard_input() -> io::Result<Metadata> {
    File::from(io::stdin().as_fd().try_clone_to_owned()?).metadata()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn one_file_under_two_names_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("rows.ndjson"), "{}").unwrap();
        fs::hard_link(at("rows.ndjson"), at("hard")).unwrap();
        symlink(at("rows.ndjson"), at("link")).unwrap();
        let rows = at("rows.ndjson");
        let around = folder.path().join(".").join("rows.ndjson");
        for report in [rows.clone(), at("hard"), at("link"), around] {
            assert!(check(&[&rows], &[&report]).is_err(), "{}", report.display());
        }
        assert!(check(&[&rows], &[&at("new"), &folder.path().join(".").join("new")]).is_err());
        check(&[&rows, Path::new("/dev/null")], &[&at("report"), &at("note"), Path::new("/dev/null")]).unwrap();
    }
}
