//! A mailer that keeps mail for the test to read.

use std::sync::Mutex;

use async_trait::async_trait;
use ipse::application::ports::{MailRejected, Mailer};
use ipse::domain::id::MailId;
use ipse::domain::mail::Mail;

/// What the mail server says to a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Open,
    /// Mail is refused for now.
    Closed,
    /// Mail is refused for good.
    Moved,
    /// Mail that carries no token is never answered.
    StuckForNotices,
}

/// Keeps what is delivered.
pub(crate) struct Letterbox {
    mails: Mutex<Vec<Mail>>,
    tries: Mutex<Vec<MailId>>,
    service: Mutex<Service>,
}

impl Letterbox {
    /// An open and empty one.
    pub(crate) fn new() -> Self {
        Self { mails: Mutex::default(), tries: Mutex::default(), service: Mutex::new(Service::Open) }
    }

    /// From now on, deliveries are answered like this.
    pub(crate) fn set(&self, service: Service) {
        *self.service.lock().unwrap() = service;
    }

    /// The mails that were brought here since the last look, taken or not.
    pub(crate) fn tries(&self) -> Vec<MailId> {
        std::mem::take(&mut *self.tries.lock().unwrap())
    }

    /// Takes the mails out that are wanted, oldest first.
    pub(crate) fn take(&self, is_wanted: impl Fn(&Mail) -> bool) -> Vec<Mail> {
        let mut mails = self.mails.lock().unwrap();
        let (taken, kept) = mails.drain(..).partition(|mail| is_wanted(mail));
        *mails = kept;
        taken
    }
}

#[async_trait]
impl Mailer for Letterbox {
    async fn deliver(&self, mail: &Mail) -> Result<(), MailRejected> {
        self.tries.lock().unwrap().push(mail.id);
        let service = *self.service.lock().unwrap();
        match service {
            Service::StuckForNotices if !mail.content.carries_token() => std::future::pending().await,
            Service::Open | Service::StuckForNotices => self.mails.lock().unwrap().push(mail.clone()),
            Service::Closed => return Err(MailRejected::ForNow("the letterbox is closed".into())),
            Service::Moved => return Err(MailRejected::ForGood("the letterbox has moved".into())),
        }
        Ok(())
    }
}
