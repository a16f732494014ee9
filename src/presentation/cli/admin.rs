use time::format_description::well_known::Rfc3339;

use crate::application::administrators::Appointment;
use crate::domain::account::user::UserState;
use crate::presentation::net::settings::Endpoint;

/// The account cannot become an administrator's.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// An operator suspended it.
    #[error("the account is suspended; another address, or an administrator who activates it, helps")]
    Suspended,
    /// It is deleted.
    #[error("the account is deleted; another address, or an administrator who restores it, helps")]
    Deleted,
}

/// What to print about an appointment, with the call that accepts an invitation.
pub fn appointment(appointment: &Appointment, endpoint: &Endpoint) -> Result<Vec<String>, Unusable> {
    match appointment {
        Appointment::Granted => Ok(vec!["the account is an administrator now".to_owned()]),
        Appointment::Unusable(UserState::Deleted) => Err(Unusable::Deleted),
        Appointment::Unusable(_) => Err(Unusable::Suspended),
        Appointment::Invited { invitation, expire_time } => {
            let flag = if endpoint.tls.is_some() { "" } else { "-plaintext " };
            let (token, address) = (invitation.expose(), endpoint.address);
            let until = expire_time.format(&Rfc3339).unwrap_or_default();
            Ok(vec![
                format!("an invitation, which nobody can show again, valid until {until}:"),
                format!("  {token}"),
                "whoever sets the password with it is an administrator:".to_owned(),
                format!(
                    "  grpcurl {flag}-d '{{\"token\": \"{token}\", \"new_password\": \"…\"}}' {address} \
                     ipse.v1.AuthService/ResetPassword"
                ),
            ])
        }
    }
}
