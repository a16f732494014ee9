use aws_lc_rs::digest;
use proptest::collection::vec;
use proptest::prelude::*;

use super::writer::Item;
use super::{RP_ID, Uuid};
use crate::application::ports::CeremonyRejected;
use crate::domain::credential::passkey::UserVerification;
use crate::infrastructure::webauthn::authenticator_data::{AttestedCredential, AuthenticatorData};

/// The parts of authenticator data.
#[derive(Debug, Clone)]
struct Parts {
    flags: u8,
    sign_count: u32,
    attested: Option<(Vec<u8>, Vec<u8>)>,
    extensions: Option<Vec<u8>>,
}

impl Parts {
    fn write(&self) -> Vec<u8> {
        let mut bytes = digest::digest(&digest::SHA256, RP_ID.as_bytes()).as_ref().to_vec();
        let parts = u8::from(self.attested.is_some()) << 6 | u8::from(self.extensions.is_some()) << 7;
        bytes.push(self.flags | parts);
        bytes.extend(self.sign_count.to_be_bytes());
        if let Some((id, key)) = &self.attested {
            bytes.extend([7; 16]);
            bytes.extend(u16::try_from(id.len()).unwrap().to_be_bytes());
            bytes.extend([id.as_slice(), key].concat());
        }
        bytes.extend(self.extensions.iter().flatten());
        bytes
    }
}

fn map() -> impl Strategy<Value = Vec<u8>> {
    vec((-100..100_i128, vec(any::<u8>(), 0..40)), 0..5).prop_map(|entries| {
        let entries: std::collections::BTreeMap<i128, Vec<u8>> = entries.into_iter().collect();
        Item::Map(entries.into_iter().map(|(key, bytes)| Item::entry(key, Item::Bytes(bytes))).collect()).write()
    })
}

fn parts() -> impl Strategy<Value = Parts> {
    let flags = any::<u8>().prop_map(|flags| flags & 0b1_1101);
    let attested = prop::option::of((vec(any::<u8>(), 1..1024), map()));
    (flags, any::<u32>(), attested, prop::option::of(map()))
        .prop_map(|(flags, sign_count, attested, extensions)| Parts { flags, sign_count, attested, extensions })
}

proptest! {
    #[test]
    fn what_was_written_is_read(parts in parts()) {
        let bytes = parts.write();
        let data = AuthenticatorData::read(&bytes).unwrap();
        prop_assert_eq!(data.sign_count, parts.sign_count);
        let attested = parts.attested.as_ref().map(|(credential_id, public_key)| {
            AttestedCredential { aaguid: Uuid::from_bytes([7; 16]), credential_id, public_key }
        });
        prop_assert_eq!(&data.attested, &attested);
        let shown = (data.user_verified(), data.backup_eligible(), data.backed_up());
        prop_assert_eq!(shown, (parts.flags & 4 != 0, parts.flags & 8 != 0, parts.flags & 16 != 0));
    }

    #[test]
    fn all_of_it_is_read_or_nothing(parts in parts(), place: prop::sample::Index, byte: u8) {
        let bytes = parts.write();
        prop_assert_eq!(AuthenticatorData::read(&bytes[..place.index(bytes.len())]), None);
        let longer = [&bytes[..], &[byte]].concat();
        prop_assert_eq!(AuthenticatorData::read(&longer), None);
        for reserved in [1 << 1, 1 << 5] {
            let mut bytes = bytes.clone();
            bytes[32] |= reserved;
            prop_assert_eq!(AuthenticatorData::read(&bytes), None);
        }
    }

    #[test]
    fn nothing_stops_the_reader(bytes in vec(any::<u8>(), 0..200)) {
        let _ = AuthenticatorData::read(&bytes);
    }
}

#[test]
fn what_is_asked_of_every_ceremony() {
    use UserVerification::{Discouraged, Preferred, Required};
    for (flags, wanted, rp_id, verdict) in [
        (0b0_0101, Required, RP_ID, Ok(())),
        (0b0_0001, Preferred, RP_ID, Ok(())),
        (0b0_0001, Discouraged, RP_ID, Ok(())),
        (0b1_1101, Required, RP_ID, Ok(())),
        (0b0_1101, Required, RP_ID, Ok(())),
        (0b0_0001, Required, RP_ID, Err(CeremonyRejected::UserVerification)),
        (0b1_1001, Required, RP_ID, Err(CeremonyRejected::UserVerification)),
        (0b1_1100, Required, RP_ID, Err(CeremonyRejected::UserPresence)),
        (0b0_0000, Discouraged, RP_ID, Err(CeremonyRejected::UserPresence)),
        (0b1_0101, Required, RP_ID, Err(CeremonyRejected::BackupState)),
        (0b1_0001, Discouraged, RP_ID, Err(CeremonyRejected::BackupState)),
        (0b0_0101, Required, "www.example.org", Err(CeremonyRejected::RpId)),
        (0b0_0101, Required, "Example.org", Err(CeremonyRejected::RpId)),
        (0b0_0000, Required, "example.com", Err(CeremonyRejected::RpId)),
    ] {
        let bytes = Parts { flags, sign_count: 0, attested: None, extensions: None }.write();
        assert_eq!(AuthenticatorData::read(&bytes).unwrap().check(rp_id, wanted), verdict, "{flags:05b} {rp_id}");
    }
}

#[test]
fn parts_are_of_their_kinds() {
    let plain = Parts { flags: 1, sign_count: 0, attested: None, extensions: None };
    let is_read = |parts: &Parts| AuthenticatorData::read(&parts.write()).is_some();
    let key = vec![0xa0];
    for (length, read) in [(0, false), (1, true), (1023, true), (1024, false), (u16::MAX.into(), false)] {
        let attested = Some((vec![1; length], key.clone()));
        assert_eq!(is_read(&Parts { attested, ..plain.clone() }), read, "{length}");
    }
    for (item, read) in [(vec![0xa0], true), (vec![0x80], false), (vec![0x40], false), (vec![0xf6], false)] {
        assert_eq!(is_read(&Parts { attested: Some((vec![1], item.clone())), ..plain.clone() }), read, "{item:?}");
        assert_eq!(is_read(&Parts { extensions: Some(item.clone()), ..plain.clone() }), read, "{item:?}");
    }
}
