//! Typed settings: the environment (`IPSE_*`) over the file `ipse.toml` over the defaults, checked as a whole at the
//! start. An unknown name or a bad value stops the start with one line that names the setting and never its value.
//!
//! A new setting is one entry in the table ([`SETTINGS`]) and one line where its part of [`Settings`] is read.

mod dev;
mod listener;
mod pem;
mod settings;
mod source;
mod table;
#[cfg(test)]
mod tests;
mod url;
mod value;

pub use dev::{DevFolder, MasterKey};
pub use listener::{Endpoint, ListenerSettings, TlsFiles};
pub use settings::{
    DatabaseSettings, HashingSettings, LogSettings, MailRoute, MailSettings, PasswordSettings, Settings, TokenSettings,
};
pub use source::{InvalidSetting, LoadOptions, Source};
pub use table::{SETTINGS, Setting, reference};
pub use value::{LogFormat, Mailbox};
