//! Mail for development: into files and the log.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use tokio::fs::{self, OpenOptions};
use tokio::io::AsyncWriteExt;

use super::mail_writer::MailWriter;
use crate::application::ports::{MailRejected, Mailer};
use crate::domain::mail::Mail;

/// Writes each mail to `<mail id>.eml` instead of sending it, and its recipient, token and link to the log, so that
/// they can be copied from there. For development only: it logs what must never be logged.
pub struct MailFiles {
    directory: PathBuf,
    writer: MailWriter,
}

impl MailFiles {
    /// Makes the directory, for this user alone, if it is not there.
    pub fn new(directory: PathBuf, writer: MailWriter) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        Ok(Self { directory, writer })
    }

    fn log(&self, mail: &Mail, path: &Path) {
        let action = self.writer.action(&mail.content);
        tracing::info!(
            mail_id = %mail.id,
            kind = mail.content.kind(),
            recipient = mail.recipient.written(),
            token = action.as_ref().map(|action| action.token.expose()),
            link = action.as_ref().and_then(|action| action.link.as_deref()),
            file = %path.display(),
            "mail written to a file"
        );
    }
}

#[async_trait]
impl Mailer for MailFiles {
    async fn deliver(&self, mail: &Mail) -> Result<(), MailRejected> {
        let message = self.writer.write(mail).map_err(|error| MailRejected::ForGood(Box::new(error)))?;
        let path = self.directory.join(format!("{}.eml", mail.id));
        write_private(&path, &message.formatted()).await.map_err(|error| MailRejected::ForNow(Box::new(error)))?;
        self.log(mail, &path);
        Ok(())
    }
}

/// Writes a file that this user alone can read. Whoever sees it sees all of it.
async fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("part");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished).await?;
    file.write_all(content).await?;
    file.flush().await?;
    fs::rename(&unfinished, path).await
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::infrastructure::mail::mail_writer::fixture;

    #[tokio::test]
    async fn each_mail_is_one_private_file_however_often_it_is_delivered() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("dev/mail");
        let files = MailFiles::new(directory.clone(), fixture::writer(None)).unwrap();
        let mail = fixture::mail();
        files.deliver(&mail).await.unwrap();
        files.deliver(&mail).await.unwrap();

        let entries: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(entries, [format!("{}.eml", mail.id).as_str()]);
        let path = directory.join(&entries[0]);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(directory.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        assert!(std::fs::read_to_string(&path).unwrap().contains("\r\n\r\nT0ken_-\r\n\r\n"));
    }

    #[tokio::test]
    async fn a_directory_that_is_gone_is_a_reason_to_try_again() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("mail");
        let files = MailFiles::new(directory.clone(), fixture::writer(None)).unwrap();
        std::fs::remove_dir(&directory).unwrap();
        assert!(matches!(files.deliver(&fixture::mail()).await, Err(MailRejected::ForNow(_))));
    }
}
