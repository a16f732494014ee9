//! Answers that must not tell whether there is an account: compared byte by byte, headers and trailers included.

use ipse::domain::account::user::UserState;
use ipse::proto::{
    LoginRequest, RefreshRequest, RegisterRequest, RequestPasswordResetRequest, ResendVerificationRequest,
    ResetPasswordRequest, VerifyEmailRequest,
};
use time::Duration;
use tonic::Code;

use crate::support::on_both_backends;
use crate::support::wire::Answer;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    signing_up_is_answered_alike
    requests_for_mail_are_answered_alike
    a_wrong_password_is_answered_alike
    bad_mailed_tokens_are_answered_alike
    bad_refresh_tokens_are_answered_alike
}

/// People in every state that an account can have, by the name of the state, and one who has none.
async fn people(world: &World) -> [&'static str; 7] {
    world.stranger("pending").register().await.unwrap();
    for name in ["active", "suspended", "changing", "deleted", "locked"] {
        world.person(name).await;
    }
    world.suspend("suspended@example.com").await;
    world.change_user("changing@example.com", |user| user.password_change_required = true).await;
    world.change_user("deleted@example.com", |user| user.state = UserState::Deleted).await;
    let locked = "UPDATE passwords SET failures = 100 WHERE user_id = \
                  (SELECT id FROM users WHERE email_written = 'locked@example.com')";
    world.database.outsider().await.execute(locked).await;
    world.mails().await;
    ["nobody", "pending", "active", "suspended", "changing", "deleted", "locked"]
}

fn assert_alike(answers: &[(&str, Answer)], code: Code) {
    let (_, first) = &answers[0];
    assert_eq!(first.status().code(), code, "{first:?}");
    for (name, answer) in answers {
        assert_eq!(answer, first, "{name}");
    }
}

async fn signing_up_is_answered_alike(world: World) {
    let mut answers = Vec::new();
    for name in people(&world).await {
        let request = RegisterRequest {
            email: format!("{name}@example.com"),
            password: "a password of somebody".to_owned(),
            ..RegisterRequest::default()
        };
        answers.push((name, world.answer("/ipse.v1.AuthService/Register", &request).await));
    }
    assert_alike(&answers, Code::Ok);
}

async fn requests_for_mail_are_answered_alike(world: World) {
    let (mut answers, names) = (Vec::new(), people(&world).await);
    // The second time, the budget of the addresses is used up.
    for name in names.into_iter().chain(names) {
        let email = format!("{name}@example.com");
        let resend = ResendVerificationRequest { email: email.clone(), request_id: String::new() };
        answers.push((name, world.answer("/ipse.v1.AuthService/ResendVerification", &resend).await));
        let reset = RequestPasswordResetRequest { email, request_id: String::new() };
        answers.push((name, world.answer("/ipse.v1.AuthService/RequestPasswordReset", &reset).await));
    }
    assert_alike(&answers, Code::Ok);
    let mut recipients: Vec<_> = world.mails().await.iter().map(|mail| mail.recipient.written().to_owned()).collect();
    recipients.sort_unstable();
    let expected = ["active", "changing", "deleted", "locked", "pending", "suspended"];
    let expected = expected.map(|name| format!("{name}@example.com"));
    assert_eq!(recipients, expected);
}

async fn a_wrong_password_is_answered_alike(world: World) {
    let names = people(&world).await;
    // Up to the waiting time and beyond.
    for _ in 0..6 {
        let mut answers = Vec::new();
        for name in names {
            let request = LoginRequest {
                identifier: format!("{name}@example.com"),
                password: "not the password at all".to_owned(),
                ..LoginRequest::default()
            };
            answers.push((name, world.answer("/ipse.v1.AuthService/Login", &request).await));
        }
        let code = answers[0].1.status().code();
        assert_alike(&answers, code);
    }
    // The right password of a locked or deleted account, or of one that only a sign-up stands for, is as wrong as any.
    world.wait(Duration::hours(1));
    let mut answers = Vec::new();
    for name in ["nobody", "pending", "locked", "deleted"] {
        let person = world.stranger(name);
        let request = LoginRequest { identifier: person.email, password: person.password, ..LoginRequest::default() };
        answers.push((name, world.answer("/ipse.v1.AuthService/Login", &request).await));
    }
    assert_alike(&answers, Code::Unauthenticated);
}

async fn bad_mailed_tokens_are_answered_alike(world: World) {
    let [used, replaced, expired, of_suspended] =
        ["used", "replaced", "expired", "of_suspended"].map(|name| world.stranger(name));
    let mut tokens = vec![("invented", "invented".to_owned())];
    for person in [&used, &replaced, &expired, &of_suspended] {
        person.register().await.unwrap();
        person.verify(&person.mailed_token().await).await.unwrap();
    }
    for (name, person) in [("expired", &expired), ("replaced", &replaced)] {
        person.request_reset().await.unwrap();
        tokens.push((name, person.mailed_token().await));
    }
    world.wait(Duration::hours(1));
    for (name, person) in [("used", &used), ("of a suspended account", &of_suspended)] {
        person.request_reset().await.unwrap();
        tokens.push((name, person.mailed_token().await));
    }
    replaced.request_reset().await.unwrap();
    used.reset(&tokens[3].1, "another long way home").await.unwrap();
    world.suspend(&of_suspended.email).await;
    let pending = world.stranger("pending");
    pending.register().await.unwrap();
    tokens.push(("for another purpose", pending.mailed_token().await));

    let mut answers = Vec::new();
    for (name, token) in tokens {
        let request = ResetPasswordRequest {
            token: token.clone(),
            new_password: "another long way home".to_owned(),
            request_id: String::new(),
        };
        answers.push((name, world.answer("/ipse.v1.AuthService/ResetPassword", &request).await));
        if name != "for another purpose" {
            answers.push((
                name,
                world
                    .answer(
                        "/ipse.v1.AuthService/VerifyEmail",
                        &VerifyEmailRequest { token, request_id: String::new() },
                    )
                    .await,
            ));
        }
    }
    assert_alike(&answers, Code::FailedPrecondition);
}

async fn bad_refresh_tokens_are_answered_alike(world: World) {
    let (alice, suspended) = (world.person("alice").await, world.person("suspended").await);
    let idle = alice.log_in().await.unwrap();
    world.wait(Duration::days(14));
    let (ended, stolen) = (alice.log_in().await.unwrap(), alice.log_in().await.unwrap());
    let of_suspended = suspended.log_in().await.unwrap();
    ended.log_out().await.unwrap();
    stolen.refresh().await.unwrap();
    world.wait(Duration::minutes(1));
    world.suspend(&suspended.email).await;
    let mut answers = Vec::new();
    for (name, refresh_token) in [
        ("invented", "invented".to_owned()),
        ("idle for too long", idle.tokens.refresh_token),
        ("signed out", ended.tokens.refresh_token),
        ("used again", stolen.tokens.refresh_token.clone()),
        ("used again, in an ended session", stolen.tokens.refresh_token),
        ("of a suspended account", of_suspended.tokens.refresh_token),
    ] {
        let request = RefreshRequest { refresh_token, audience: String::new(), request_id: String::new() };
        answers.push((name, world.answer("/ipse.v1.AuthService/Refresh", &request).await));
    }
    assert_alike(&answers, Code::Unauthenticated);
}
