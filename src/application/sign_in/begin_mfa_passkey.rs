use super::SignIn;
use super::challenge::{self, holder};
use crate::application::call::Call;
use crate::application::error::{Refusal, Result, Violations};
use crate::domain::credential::factor::Factor;
use crate::domain::credential::passkey::{Passkey, UserVerification};
use crate::domain::secret::Secret;
use crate::domain::session::challenge::ChallengePurpose;

impl SignIn {
    /// What to ask an authenticator for, which has one of the passkeys of whom a challenge waits for. What it was asked before
    /// counts no more.
    pub async fn begin_mfa_passkey(&self, call: &Call, challenge_token: &Secret) -> Result<String> {
        let mut violations = Violations::default();
        let digest = challenge::read(challenge_token, &mut violations);
        let digest = violations.check(digest)?;
        let purposes = [ChallengePurpose::SecondFactor];
        let challenge = challenge::find(self.store.as_ref(), &digest, &purposes, call.now).await?;
        let factors = self.store.read().await?.factors().list_factors(holder(&challenge)?).await?;
        let passkeys = passkeys_of(&factors);
        if passkeys.is_empty() {
            return Err(Refusal::MfaChallengeInvalid.into());
        }
        let question: [u8; 32] = self.entropy.bytes()?;
        let options = self.passkeys.request_options(&question, &passkeys, UserVerification::Preferred)?;
        let tx = self.store.write().await?;
        if !tx.challenges().put_webauthn_challenge(&digest, &question).await? {
            return Err(Refusal::MfaChallengeInvalid.into());
        }
        tx.commit().await?;
        Ok(options)
    }
}

/// The passkeys among these factors that may be used.
pub(super) fn passkeys_of(factors: &[Factor]) -> Vec<Passkey> {
    factors.iter().filter(|factor| factor.is_usable()).filter_map(Factor::passkey).cloned().collect()
}
