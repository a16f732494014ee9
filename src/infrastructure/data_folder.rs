//! What `--dev` keeps in a folder of its own.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::master_key::{self, InvalidMasterKey};
use super::store::DatabaseUrl;
use crate::application::ports::Entropy;
use crate::domain::secret::SecretKey;

/// Why the folder cannot be used. None of it tells where the folder is, or what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DataFolderError {
    /// The folder is not there and cannot be made.
    #[error("cannot be created: {0}")]
    Create(io::ErrorKind),
    /// The master key cannot be read.
    #[error("the file master.key in it cannot be read: {0}")]
    ReadKey(io::ErrorKind),
    /// There are no random bytes for a master key.
    #[error("the file master.key in it cannot be made without entropy")]
    NoEntropy,
    /// The master key cannot be written.
    #[error("the file master.key in it cannot be written: {0}")]
    WriteKey(io::ErrorKind),
    /// The file holds no master key.
    #[error("the file master.key in it {0}")]
    InvalidKey(#[from] InvalidMasterKey),
}

/// The folder that holds database, master key and mail of a `--dev` server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFolder(PathBuf);

impl DataFolder {
    /// The folder at this path, which need not be there yet.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
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

    /// The database.
    #[must_use]
    pub fn database_url(&self) -> DatabaseUrl {
        DatabaseUrl::Sqlite(self.0.join("ipse.db"))
    }

    /// Makes the folder and the one for mail unless they are there, for the owner alone (0700).
    pub fn create(&self) -> Result<(), DataFolderError> {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700).create(self.mail()).map_err(|error| DataFolderError::Create(error.kind()))
    }

    /// The master key kept in the folder, made at the first call, for the owner alone (0600).
    pub(super) fn master_key(&self, entropy: &dyn Entropy) -> Result<SecretKey, DataFolderError> {
        self.create()?;
        let file = self.0.join("master.key");
        let text = match fs::read_to_string(&file) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => new_key(&file, entropy)?,
            Err(error) => return Err(DataFolderError::ReadKey(error.kind())),
        };
        Ok(master_key::parse(text.trim_end_matches('\n'))?)
    }
}

fn new_key(file: &Path, entropy: &dyn Entropy) -> Result<Zeroizing<String>, DataFolderError> {
    let mut bytes = Zeroizing::new([0; 32]);
    entropy.fill(bytes.as_mut_slice()).map_err(|_| DataFolderError::NoEntropy)?;
    let text = master_key::text(&bytes);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut file| writeln!(file, "{}", text.as_str()));
    written.map_err(|error| DataFolderError::WriteKey(error.kind()))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use tempfile::TempDir;

    use super::*;
    use crate::application::ports::Cause;
    use crate::infrastructure::master_key::MasterKey;

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
        let folder = DataFolder::new(parent.path().join("a/ipse-dev"));
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
        let folder = DataFolder::new(parent.path().join("ipse-dev"));
        assert!(MasterKey::Kept(folder.clone()).open(&Exhausted).is_err());
        assert!(!folder.path().join("master.key").exists());
    }

    #[test]
    fn a_damaged_key_is_refused_and_left_alone() {
        let parent = TempDir::new().unwrap();
        let folder = DataFolder::new(parent.path().join("ipse-dev"));
        folder.create().unwrap();
        let file = folder.path().join("master.key");
        fs::write(&file, "canary\n").unwrap();
        let error = MasterKey::Kept(folder).open(&Counting).unwrap_err().to_string();
        assert_eq!(error, "the file master.key in it must be base64 of 32 bytes");
        assert_eq!(fs::read_to_string(file).unwrap(), "canary\n");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_reported_without_its_path() {
        let parent = TempDir::new().unwrap();
        let file = parent.path().join("file");
        fs::write(&file, "").unwrap();
        let error = DataFolder::new(file.join("ipse-dev")).create().unwrap_err().to_string();
        assert!(error.starts_with("cannot be created: "), "{error}");
    }
}
