use super::Factors;
use super::begin_totp::{parse_name, require_room};
use crate::application::call::Call;
use crate::application::idempotency::{Idempotent, IdempotentCall};
use crate::application::ports::NewPasskey;
use crate::domain::Timestamp;
use crate::domain::credential::factor::{EnrolmentMethod, Factor};
use crate::domain::credential::passkey::{Passkey, UserVerification};
use crate::domain::id::FactorId;

/// A passkey that is being registered.
#[derive(Debug)]
pub struct PasskeyAsked {
    /// The id that the factor will have.
    pub id: FactorId,
    /// What to ask the authenticator, as JSON.
    pub creation_options: String,
    /// Until when the registration may be completed.
    pub expire_time: Timestamp,
}

impl Factors {
    /// Begins to register a passkey of the caller's.
    pub async fn begin_passkey(
        &self,
        call: &Call,
        display_name: &str,
        request: &IdempotentCall<PasskeyAsked>,
    ) -> Idempotent<PasskeyAsked> {
        let display_name = parse_name(display_name)?;
        let (open, user) = self.begin(call, request).await?;
        let tx = open.tx.as_ref();
        let factors = require_room(tx, user.id).await?;
        let passkeys: Vec<Passkey> = factors.iter().filter_map(Factor::passkey).cloned().collect();
        let user_handle = match passkeys.first() {
            Some(passkey) => passkey.user_handle.clone(),
            None => self.entropy.bytes::<32>()?.to_vec(),
        };
        let challenge: [u8; 32] = self.entropy.bytes()?;
        let name = user.display_name.as_str();
        let creation_options = self.passkeys.creation_options(&NewPasskey {
            challenge: &challenge,
            user_handle: &user_handle,
            user_name: user.email.written(),
            user_display_name: if name.is_empty() { user.email.written() } else { name },
            exclude: &passkeys,
            user_verification: UserVerification::Preferred,
        })?;
        let id = FactorId::new(call.now, &self.entropy.bytes()?);
        let method = EnrolmentMethod::Passkey { challenge, user_handle };
        let expire_time = self.store_enrolment(tx, (id, display_name), method, call).await?;
        open.finish(PasskeyAsked { id, creation_options, expire_time }).await
    }
}
