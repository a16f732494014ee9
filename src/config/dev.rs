//! What `--dev` keeps in a folder of its own.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::source::InvalidSetting;
use super::value;
use crate::application::ports::Entropy;
use crate::domain::secret::SecretKey;
use crate::infrastructure::store::DatabaseUrl;

const SETTING: &str = "data_dir";

/// The folder that holds database, master key and mail of a `--dev` server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevFolder(PathBuf);

impl DevFolder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The folder for mail.
    #[must_use]
    pub fn mail(&self) -> PathBuf {
        self.0.join("mail")
    }

    pub(super) fn database_url(&self) -> DatabaseUrl {
        DatabaseUrl::Sqlite(self.0.join("ipse.db"))
    }

    /// Makes the folder and the one for mail unless they are there, for the owner alone (0700).
    pub fn create(&self) -> Result<(), InvalidSetting> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(self.mail())
            .map_err(|error| InvalidSetting::of(SETTING, format!("cannot be created: {}", error.kind())))
    }

    /// The master key kept in the folder, made at the first call, for the owner alone (0600).
    fn master_key(&self, entropy: &dyn Entropy) -> Result<SecretKey, InvalidSetting> {
        self.create()?;
        let file = self.0.join("master.key");
        let text = match fs::read_to_string(&file) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => new_key(&file, entropy)?,
            Err(error) => return Err(key_problem(format!("cannot be read: {}", error.kind()))),
        };
        value::master_key(text.trim_end_matches('\n')).map_err(key_problem)
    }
}

fn new_key(file: &Path, entropy: &dyn Entropy) -> Result<Zeroizing<String>, InvalidSetting> {
    let mut bytes = Zeroizing::new([0; 32]);
    entropy.fill(bytes.as_mut_slice()).map_err(|_| key_problem("cannot be made without entropy"))?;
    let text = Zeroizing::new(STANDARD.encode(bytes.as_slice()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut file| writeln!(file, "{}", text.as_str()));
    written.map_err(|error| key_problem(format!("cannot be written: {}", error.kind())))?;
    Ok(text)
}

fn key_problem(problem: impl std::fmt::Display) -> InvalidSetting {
    InvalidSetting::of(SETTING, format!("the file master.key in it {problem}"))
}

/// Where the master key comes from.
#[derive(Debug, Clone)]
pub enum MasterKey {
    /// It was given.
    Given(SecretKey),
    /// It is kept in the folder of `--dev`.
    Kept(DevFolder),
}

impl MasterKey {
    /// The key itself; the one of `--dev` is made if there is none yet.
    pub fn open(&self, entropy: &dyn Entropy) -> Result<SecretKey, InvalidSetting> {
        match self {
            Self::Given(key) => Ok(key.clone()),
            Self::Kept(folder) => folder.master_key(entropy),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use tempfile::TempDir;

    use super::*;
    use crate::application::ports::Cause;

    struct Counting;

    impl Entropy for Counting {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), Cause> {
            (0..).zip(buffer).for_each(|(number, byte)| *byte = number);
            Ok(())
        }
    }

    struct Exhausted;

    impl Entropy for Exhausted {
        fn fill(&self, _: &mut [u8]) -> Result<(), Cause> {
            Err("exhausted".into())
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_master_key_is_made_once_for_the_owner_alone() {
        let parent = TempDir::new().unwrap();
        let folder = DevFolder::new(parent.path().join("a/ipse-dev"));
        let kept = MasterKey::Kept(folder.clone());
        let made = kept.open(&Counting).unwrap();
        assert_eq!(made.expose()[..3], [0, 1, 2]);
        let again = kept.open(&Exhausted).unwrap();
        assert_eq!(again.expose(), made.expose());
        assert_eq!(mode(folder.path()), 0o700);
        assert_eq!(mode(&folder.mail()), 0o700);
        assert_eq!(mode(&folder.path().join("master.key")), 0o600);
    }

    #[test]
    fn no_key_is_kept_without_entropy() {
        let parent = TempDir::new().unwrap();
        let folder = DevFolder::new(parent.path().join("ipse-dev"));
        assert!(MasterKey::Kept(folder.clone()).open(&Exhausted).is_err());
        assert!(!folder.path().join("master.key").exists());
    }

    #[test]
    fn a_damaged_key_is_refused_and_left_alone() {
        let parent = TempDir::new().unwrap();
        let folder = DevFolder::new(parent.path().join("ipse-dev"));
        folder.create().unwrap();
        let file = folder.path().join("master.key");
        fs::write(&file, "canary\n").unwrap();
        let error = MasterKey::Kept(folder).open(&Counting).unwrap_err().to_string();
        assert_eq!(error, "IPSE_DATA_DIR: the file master.key in it must be base64 of 32 bytes");
        assert_eq!(fs::read_to_string(file).unwrap(), "canary\n");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named_by_its_setting() {
        let parent = TempDir::new().unwrap();
        let file = parent.path().join("file");
        fs::write(&file, "").unwrap();
        let error = DevFolder::new(file.join("ipse-dev")).create().unwrap_err().to_string();
        assert!(error.starts_with("IPSE_DATA_DIR: cannot be created: "), "{error}");
    }
}
