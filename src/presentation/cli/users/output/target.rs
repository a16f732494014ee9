//! Where an export goes. A regular file appears as a whole or not at all, and for this user alone, as it may hold hashes; into
//! anything else, such as a pipe, the rows go as they come.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// What stands for standard output.
pub(in crate::presentation::cli::users) const STANDARD_OUTPUT: &str = "-";

const FOR_THIS_USER: u32 = 0o600;

pub(in crate::presentation::cli::users) enum Target {
    /// A file under another name until it is complete; erased if it never is.
    Regular { draft: NamedTempFile, path: PathBuf },
    /// What is there already and stays what it is.
    Stream(File),
}

impl Target {
    pub(in crate::presentation::cli::users) fn open(path: &Path) -> io::Result<Self> {
        if is_standard_output(path) {
            return Ok(Self::Stream(File::from(io::stdout().as_fd().try_clone_to_owned()?)));
        }
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => Err(refusal("it is a folder: name a file in it")),
            Ok(found) if found.file_type().is_block_device() => Err(refusal("it is a disk: name a file on it")),
            // The file that a link leads to is replaced, and the link stays.
            Ok(found) if found.is_file() => Self::replacing(fs::canonicalize(path)?),
            Ok(_) => Ok(Self::Stream(OpenOptions::new().write(true).open(path)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if fs::symlink_metadata(path).is_ok() {
                    return Err(refusal("it is a link to what is not there: name the file itself"));
                }
                Self::replacing(path.to_owned())
            }
            Err(error) => Err(error),
        }
    }

    fn replacing(path: PathBuf) -> io::Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut prefix = OsStr::new(".").to_owned();
        prefix.push(path.file_name().ok_or_else(|| refusal("it has no name"))?);
        if !folder.is_dir() {
            return Err(refusal(&format!("there is no folder {}", folder.display())));
        }
        let permissions = Permissions::from_mode(FOR_THIS_USER);
        let mut draft = tempfile::Builder::new();
        let draft = draft.prefix(&prefix).suffix(".part").permissions(permissions).tempfile_in(folder);
        // The library's error names the draft, which is nobody's business.
        let draft = draft.map_err(|error| io::Error::from(error.kind()))?;
        Ok(Self::Regular { draft, path })
    }

    /// Everything is written, and is to be there also when the machine fails now.
    pub(in crate::presentation::cli::users) fn finish(self) -> io::Result<()> {
        if let Self::Regular { draft, .. } = &self {
            draft.as_file().sync_all()?;
        }
        self.replace()
    }

    /// Everything is written.
    pub(in crate::presentation::cli::users) fn replace(self) -> io::Result<()> {
        match self {
            Self::Stream(mut file) => file.flush(),
            Self::Regular { draft, path } => Ok(draft.persist(path).map(drop)?),
        }
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Regular { draft, .. } => draft.write(bytes),
            Self::Stream(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Regular { draft, .. } => draft.flush(),
            Self::Stream(file) => file.flush(),
        }
    }
}

/// Whether a path stands for standard output: by a sign of its own, or as a name of what that is, such as `/dev/stdout`.
pub(in crate::presentation::cli::users) fn is_standard_output(path: &Path) -> bool {
    let is_same = |found: &Metadata, output: &Metadata| (found.dev(), found.ino()) == (output.dev(), output.ino());
    let output = || File::from(io::stdout().as_fd().try_clone_to_owned().ok()?).metadata().ok();
    let is_known = || Some(is_same(&fs::metadata(path).ok()?, &output()?));
    path == Path::new(STANDARD_OUTPUT) || is_known().unwrap_or_default()
}

fn refusal(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileTypeExt as _, symlink};
    use std::thread;

    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    fn write(path: &Path, text: &str) -> io::Result<()> {
        let mut target = Target::open(path)?;
        target.write_all(text.as_bytes())?;
        target.finish()
    }

    #[test]
    fn a_folder_that_is_missing_is_named_and_no_draft() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let refused = write(&missing.join("x.ndjson"), "").unwrap_err().to_string();
        assert_eq!(refused, format!("there is no folder {}", missing.display()));
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_regular_file_appears_as_a_whole_and_for_this_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people");
        for mode in [None, Some(0o644)] {
            if let Some(mode) = mode {
                fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            }
            write(&path, "new").unwrap();
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode), ("new", 0o600));
        }
        let mut broken_off = Target::open(&path).unwrap();
        broken_off.write_all(b"half").unwrap();
        assert_eq!((names(folder.path()).len(), fs::read_to_string(&path).unwrap().as_str()), (2, "new"));
        drop(broken_off);
        assert_eq!(names(folder.path()), ["people"]);
    }

    #[test]
    fn nothing_else_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let [pipe, link, to_pipe, file] = ["pipe", "link", "to_pipe", "file"].map(|name| folder.path().join(name));
        mkfifoat(CWD, &pipe, Mode::RUSR | Mode::WUSR).unwrap();
        fs::write(&file, "old").unwrap();
        symlink("file", &link).unwrap();
        symlink("pipe", &to_pipe).unwrap();
        for path in [&pipe, &to_pipe] {
            let reader = {
                let pipe = pipe.clone();
                thread::spawn(move || fs::read_to_string(pipe).unwrap())
            };
            write(path, "rows").unwrap();
            assert_eq!(reader.join().unwrap(), "rows");
        }
        write(&link, "rows").unwrap();
        assert_eq!((fs::read_link(&link).unwrap(), fs::read_to_string(&file).unwrap()), ("file".into(), "rows".into()));
        write(Path::new("/dev/null"), "rows").unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
        assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
        assert_eq!(names(folder.path()), ["file", "link", "pipe", "to_pipe"]);
    }

    #[test]
    fn what_cannot_be_written_is_refused_before_anything_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let dangling = folder.path().join("dangling");
        symlink("nowhere", &dangling).unwrap();
        let told = |path: &Path| Target::open(path).err().expect("refused").to_string();
        assert!(told(folder.path()).contains("is a folder"));
        assert!(told(&dangling).contains("link to what is not there"));
        assert!(told(&folder.path().join("nowhere/people")).contains("there is no folder"));
        assert_eq!(names(folder.path()), ["dangling"]);
    }
}
