//! Values to store.

use ipse::domain::Timestamp;
use ipse::domain::account::attributes::Attributes;
use ipse::domain::account::email::EmailAddress;
use ipse::domain::account::profile::{DisplayName, Locale};
use ipse::domain::account::service_account::ServiceAccount;
use ipse::domain::account::user::{SignUp, StateReason, User, UserState};
use ipse::domain::account::username::Username;
use ipse::domain::audit::{AuditType, Event};
use ipse::domain::credential::api_key::ApiKey;
use ipse::domain::credential::factor::{Enrolment, EnrolmentMethod, Factor, FactorMethod, FactorName};
use ipse::domain::credential::passkey::Passkey;
use ipse::domain::credential::password::PasswordHash;
use ipse::domain::id::{
    ApiKeyId, AuditEventId, FactorId, IdEntropy, JobId, LeaseId, ServiceAccountId, SessionId, UserId,
};
use ipse::domain::name::{Description, Name};
use ipse::domain::secret::Digest;
use ipse::domain::session::authentication::{Authentication, Proof, ProofKind};
use ipse::domain::session::challenge::{Challenge, ChallengePurpose};
use ipse::domain::session::client::{Client, ClientId, ClientLabel};
use ipse::domain::session::origin::Origin;
use ipse::domain::session::{RefreshState, Session};
use time::Duration;
use time::macros::datetime;
use uuid::Uuid;

/// Text that breaks what does not bind its parameters, and whose characters need one to four bytes.
pub(super) const HOSTILE: &str = "'; DROP TABLE users; -- \" \\ % _ $1 ? :a ü€😀\u{10ffff}";

/// A time that needs all its microseconds, `seconds` after the beginning of the samples.
pub(super) fn at(seconds: i64) -> Timestamp {
    datetime!(2026-02-28 23:59:59.999_999 UTC) + Duration::seconds(seconds)
}

/// The smallest step of time.
pub(super) const TICK: Duration = Duration::microseconds(1);

/// The person of this number, who gave nothing but an address.
pub(super) fn user(number: u32) -> User {
    let who = SignUp {
        email: EmailAddress::parse(&format!("person{number}@example.com")).unwrap(),
        username: None,
        display_name: DisplayName::default(),
        locale: None,
    };
    User::sign_up(UserId::new(at(0), &entropy(number)), who, at(0))
}

/// A person of whom everything is known.
pub(super) fn complete_user(number: u32) -> User {
    User {
        email_verified: true,
        username: Some(Username::parse(&format!("name{number}")).unwrap()),
        display_name: DisplayName::parse(HOSTILE).unwrap(),
        locale: Some(Locale::parse("de-CH").unwrap()),
        state: UserState::Deleted,
        suspend_time: Some(at(1)),
        state_reason: StateReason::parse(HOSTILE).unwrap(),
        unproven: None,
        password_change_required: true,
        mfa_enabled: true,
        update_time: at(1),
        last_login_time: Some(at(2)),
        delete_time: Some(at(3)),
        purge_time: Some(at(4)),
        attributes: Attributes::new(format!("{{\"a\":{HOSTILE:?}}}")).unwrap(),
        revision: i64::from(u32::MAX) + 1,
        ..user(number)
    }
}

/// The session of this number, which began as many seconds after the beginning, with all that may be missing missing.
pub(super) fn session(owner: &User, number: u32) -> Session {
    let begin = at(i64::from(number));
    Session {
        id: SessionId::new(begin, &entropy(number)),
        user_id: owner.id,
        client_id: ClientId::first_party(),
        parent_id: None,
        client: Client::new([192, 0, 2, 1].into(), ""),
        label: ClientLabel::default(),
        audience: None,
        authentication: Authentication::new(Proof { kind: ProofKind::Password, time: begin }),
        create_time: begin,
        aal2_expire_time: None,
        last_seen_time: begin,
        expire_time: begin + Duration::days(90),
        idle_expire_time: begin + Duration::days(30),
        end: None,
        refresh: RefreshState { generation: 1, current: digest(number), previous: None, rotate_time: begin },
    }
}

/// The id of the factor of this number.
pub(super) fn factor_id(number: u32) -> FactorId {
    FactorId::new(at(0), &entropy(number))
}

/// The authenticator app of this number, which was enrolled as many seconds after the beginning.
pub(super) fn totp(owner: &User, number: u32) -> Factor {
    factor(owner, number, FactorMethod::Totp { sealed_secret: vec![0, 0xff], last_step: None })
}

/// The passkey of this number, which counts from there.
pub(super) fn passkey(owner: &User, number: u32) -> Factor {
    let passkey = Passkey {
        credential_id: number.to_be_bytes().to_vec(),
        public_key: vec![0, 0xff],
        user_handle: vec![0xff, 0],
        rp_id: "id.example.com".to_owned(),
        sign_count: number,
        aaguid: Uuid::nil(),
        transports: Vec::new(),
        backup_eligible: false,
        backed_up: false,
        user_verified: true,
    };
    factor(owner, number, FactorMethod::Passkey(passkey))
}

/// The recovery codes of this number, none of which is left.
pub(super) fn recovery_codes(owner: &User, number: u32) -> Factor {
    factor(owner, number, FactorMethod::RecoveryCodes { remaining: 0 })
}

fn factor(owner: &User, number: u32, method: FactorMethod) -> Factor {
    Factor::new((factor_id(number), owner.id), FactorName::default(), method, at(number.into()))
}

/// The enrolment of this number, of an authenticator app, which began as many seconds after the beginning.
pub(super) fn enrolment(owner: &User, number: u32) -> Enrolment {
    let begin = at(number.into());
    Enrolment {
        id: factor_id(number),
        user_id: owner.id,
        session_id: session(owner, 1).id,
        display_name: FactorName::default(),
        method: EnrolmentMethod::Totp { sealed_secret: vec![0, 0xff] },
        failures: 0,
        create_time: begin,
        expire_time: begin + Duration::minutes(10),
    }
}

/// The challenge of this number, which began as many seconds after the beginning, with all that may be missing missing.
pub(super) fn challenge(number: u32) -> Challenge {
    let begin = at(number.into());
    Challenge {
        digest: digest(number),
        purpose: ChallengePurpose::PasskeySignIn,
        user_id: None,
        session_id: None,
        proofs: Vec::new(),
        audience: None,
        label: ClientLabel::default(),
        failures_before: 0,
        webauthn_challenge: None,
        failures: 0,
        create_time: begin,
        expire_time: begin + Duration::minutes(5),
    }
}

/// The service account of this number.
pub(super) fn service_account(number: u32) -> ServiceAccount {
    let id = ServiceAccountId::new(at(0), &entropy(number));
    ServiceAccount::new(id, Name::parse(&format!("service{number}")).unwrap(), Description::default(), at(0))
}

/// The API key of this number, which was made as many seconds after the beginning, with all that may be missing missing.
pub(super) fn api_key(owner: &ServiceAccount, number: u32) -> ApiKey {
    let begin = at(i64::from(number));
    ApiKey {
        id: ApiKeyId::new(begin, &entropy(number)),
        account_id: owner.id,
        display_name: DisplayName::default(),
        digest: digest(number),
        scope: None,
        create_time: begin,
        expire_time: begin + Duration::days(90),
        last_used_time: None,
        revoke_time: None,
    }
}

/// The digest of this number.
pub(super) fn digest(number: u32) -> Digest {
    Digest::of(&number.to_be_bytes())
}

/// The password hash of this number.
pub(super) fn hash(number: u32) -> PasswordHash {
    PasswordHash::new(format!("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ${number}"))
}

/// The job id of this number.
pub(super) fn job_id(number: u32) -> JobId {
    JobId::new(at(0), &entropy(number))
}

/// The id of the lease of this number.
pub(super) fn lease_id(number: u32) -> LeaseId {
    LeaseId::new(at(0), &entropy(number))
}

/// The event of this number, of a person's own doing.
pub(super) fn event(number: u32) -> Event {
    let client = Client::new([192, 0, 2, 1].into(), "agent");
    let origin = Origin { client, request_id: format!("request-{number}"), trace_id: String::new() };
    Event::by_person(user(number).id, &origin, AuditType::UserUpdated).on(user(number).id)
}

/// The id of the event of this number.
pub(super) fn event_id(number: u32) -> AuditEventId {
    AuditEventId::new(at(0), &entropy(number))
}

fn entropy(number: u32) -> IdEntropy {
    let mut entropy = [0; 10];
    entropy[6..].copy_from_slice(&number.to_be_bytes());
    entropy
}
