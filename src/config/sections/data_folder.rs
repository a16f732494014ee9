//! What `--dev` keeps.

use crate::config::setting::Setting;
use crate::config::source::{InvalidSetting, Source};
use crate::config::value;
use crate::infrastructure::data_folder::DataFolder;

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[Setting::new(
    "data_dir",
    "Folder for what --dev keeps: database, master key, mail. Without --dev it is not used.",
)
.or_in_dev("./ipse-dev")];

/// Reads the folder, which there is with `--dev` alone.
pub fn read(source: &Source) -> Result<Option<DataFolder>, InvalidSetting> {
    let path = source.optional("data_dir", value::path)?;
    Ok(path.filter(|_| source.is_dev()).map(DataFolder::new))
}
