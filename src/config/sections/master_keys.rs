//! The master keys, under which secrets are sealed in the database.

use super::data_folder;
use crate::config::setting::Setting;
use crate::config::source::{InvalidSetting, Source};
use crate::config::value;
use crate::domain::secret::SecretKey;
use crate::infrastructure::master_key::{self, MasterKey, MasterKeys};

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting::new(
        "master_key",
        "Base64 of 32 random bytes, as from `openssl rand -base64 32`: seals the private keys in the database. With \
         --dev, made and kept in the data folder.",
    )
    .required()
    .secret(),
    Setting::new(
        "other_master_keys",
        "Further keys like master_key, with commas between, that open what they sealed and seal nothing. To change the \
         master key, give the new one here first, then swap the two, run `ipse keys rewrap`, and take the old one out.",
    )
    .or("")
    .secret(),
];

/// Reads the section.
pub(in crate::config) fn read(source: &Source) -> Result<MasterKeys, InvalidSetting> {
    let current = match (source.optional("master_key", master_key::parse)?, data_folder::read(source)?) {
        (Some(key), _) => MasterKey::Given(key),
        (None, Some(folder)) => MasterKey::Kept(folder),
        (None, None) => return Err(InvalidSetting::of("master_key", "is required")),
    };
    Ok(MasterKeys { current, others: source.required("other_master_keys", others)? })
}

fn others(text: &str) -> Result<Vec<SecretKey>, String> {
    value::list(text, |item| master_key::parse(item).map_err(|why| format!("each {why}")))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;
    use crate::config::tests::refused;

    #[test]
    fn other_master_keys_are_as_good_as_the_master_key() {
        let [one, other] = [0, 32].map(|first| STANDARD.encode((first..first + 32).collect::<Vec<u8>>()));
        assert_eq!(others("").unwrap().len(), 0);
        assert_eq!(others(&format!("{one}, {other}")).unwrap()[1].expose()[0], 32);
        refused(others, &[",", &format!("{one},"), &format!("{one};{other}"), &STANDARD.encode([0; 32])]);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = others(&text);
        }
    }
}
