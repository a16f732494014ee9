//! `ipse factors`: the second factors of people, on the machine of the server.

use clap::{Args, Subcommand};
use time::format_description::well_known::Rfc3339;

use super::Origin;
use crate::application::factors::{FactorList, Removal, Whom};
use crate::domain::Timestamp;
use crate::domain::account::email::EmailAddress;
use crate::domain::account::user::StateReason;
use crate::domain::credential::factor::{Enrolment, Factor, FactorKind, FactorMethod, FactorState};
use crate::domain::id::UserId;

/// What `ipse factors` does.
#[derive(Debug, Subcommand)]
pub enum FactorsAction {
    /// List somebody's second factors, and those that are being enrolled
    List {
        #[command(flatten)]
        #[expect(missing_docs, reason = "the doc comment would become the help of the whole command")]
        who: Who,
        #[command(flatten)]
        #[expect(missing_docs, reason = "the doc comment would become the help of the whole command")]
        origin: Origin,
    },
    /// Remove all second factors of somebody who has lost them, once the time is over in which the person may stop it
    Reset {
        #[command(flatten)]
        #[expect(missing_docs, reason = "the doc comment would become the help of the whole command")]
        who: Who,
        /// Why, for the audit trail: at most 256 code points
        #[arg(long, value_name = "TEXT", value_parser = parse_reason)]
        reason: StateReason,
        /// Do not wait for `IPSE_FACTOR_RESET_DELAY`: the person cannot stop it, and is told afterwards
        #[arg(long)]
        now: bool,
        #[command(flatten)]
        #[expect(missing_docs, reason = "the doc comment would become the help of the whole command")]
        origin: Origin,
    },
}

/// Whose factors.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Who {
    /// The e-mail address of the account
    #[arg(long, value_name = "ADDRESS", value_parser = EmailAddress::parse)]
    pub email: Option<EmailAddress>,
    /// The id of the account
    #[arg(long, value_name = "ID", value_parser = UserId::parse)]
    pub id: Option<UserId>,
}

/// Nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum NoFactors {
    /// There is no such person.
    #[error("there is no such account")]
    NobodyThere,
    /// The account is deleted.
    #[error("the account is deleted; an administrator who restores it helps")]
    Deleted,
    /// The person has no second factor.
    #[error("the account has no second factor")]
    NothingThere,
}

impl Who {
    /// Who is meant: clap sees to it that it is one of the two.
    #[must_use]
    pub fn whom(&self) -> Whom {
        match &self.email {
            Some(email) => Whom::Email(email.clone()),
            None => Whom::Id(self.id.unwrap_or(UserId::NOBODY)),
        }
    }
}

/// The factors as a table with a header.
pub fn factor_table(list: Option<&FactorList>) -> Result<Vec<String>, NoFactors> {
    let list = list.ok_or(NoFactors::NobodyThere)?;
    let header = ["ID", "KIND", "STATE", "CREATED", "LAST USED", "NAME"].map(str::to_owned);
    let rows = list.factors.iter().map(enrolled).chain(list.enrolments.iter().map(pending));
    let row = |[id, kind, state, created, used, name]: [String; 6]| {
        format!("{id:36}  {kind:14}  {state:8}  {created:20}  {used:20}  {name}")
    };
    Ok([header].into_iter().chain(rows).map(row).collect())
}

/// What to print about a removal.
pub fn removal(removal: Removal) -> Result<Vec<String>, NoFactors> {
    match removal {
        Removal::Done => {
            Ok(vec!["the second factors are removed, and every session of the account has ended".to_owned()])
        }
        Removal::Ordered(until) => Ok(vec![format!(
            "the second factors are removed at {}, unless the person stops it with what is mailed to them",
            time(until)
        )]),
        Removal::NobodyThere => Err(NoFactors::NobodyThere),
        Removal::Deleted => Err(NoFactors::Deleted),
        Removal::NothingThere => Err(NoFactors::NothingThere),
    }
}

fn enrolled(factor: &Factor) -> [String; 6] {
    let name = match factor.method {
        FactorMethod::RecoveryCodes { remaining } => format!("{remaining} left"),
        FactorMethod::Totp { .. } | FactorMethod::Passkey(_) => shown(factor.display_name.as_str()),
    };
    let used = factor.last_used_time.map_or_else(|| "-".to_owned(), time);
    row_of((factor.id.to_string(), factor.kind(), factor.state()), [time(factor.create_time), used, name])
}

fn pending(enrolment: &Enrolment) -> [String; 6] {
    let times_and_name = [time(enrolment.create_time), "-".to_owned(), shown(enrolment.display_name.as_str())];
    row_of((enrolment.id.to_string(), enrolment.method.kind(), FactorState::Pending), times_and_name)
}

fn row_of((id, kind, state): (String, FactorKind, FactorState), [created, used, name]: [String; 3]) -> [String; 6] {
    [id, kind.as_str().to_owned(), state.as_str().to_owned(), created, used, name]
}

fn shown(name: &str) -> String {
    if name.is_empty() { "-".to_owned() } else { name.to_owned() }
}

/// In whole seconds, as tables are read by people.
fn time(time: Timestamp) -> String {
    time.truncate_to_second().format(&Rfc3339).unwrap_or_default()
}

fn parse_reason(text: &str) -> Result<StateReason, String> {
    if text.is_empty() {
        return Err("is required".to_owned());
    }
    StateReason::parse(text).map_err(|why| why.to_string())
}
