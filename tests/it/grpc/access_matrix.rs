//! Who may call what: each role and each RPC. The RPCs come from the descriptors, so that none can be left out of
//! `access_matrix.txt`, which says what is meant to be.

use std::fmt::Write as _;

use ipse::proto::ErrorReason::{PermissionMissing, PersonRequired, StepUpRequired, TokenMissing};
use tonic::Code;

use crate::support::custodian::Custodian;
use crate::support::descriptors;
use crate::support::on_both_backends;
use crate::support::refusal::Refusal;
use crate::support::wire::Call;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    every_role_may_call_what_the_table_says
}

/// Those who call: nobody, somebody without a role, one of each role that comes with the service, and a program with an API
/// key whose service account has the role for services.
const CALLERS: [&str; 7] = ["anonymous", "nothing", "administrator", "support", "auditor", "service", "program"];

async fn token_of(world: &World, caller: &str) -> Option<String> {
    let device = match caller {
        "anonymous" => return None,
        "program" => Custodian::root(world).await.program(world, "service", &[]).await.caller().await,
        "nothing" => world.person("nothing").await.log_in().await.unwrap(),
        role => world.person_with_role(role, role).await,
    };
    Some(device.tokens.access_token)
}

/// Whether the gate lets a call through. What is sent is no message of any RPC, so that nothing happens behind it.
async fn is_let_in(world: &World, path: &str, token: Option<&str>) -> bool {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<(&str, &[u8])> = bearer.iter().map(|bearer| ("authorization", bearer.as_bytes())).collect();
    let answer = Call::new(path, b"\xff\xff\xff").with(&headers).send(world.replica().address).await.unwrap();
    let status = answer.status();
    match status.code() {
        Code::Unauthenticated | Code::PermissionDenied => {
            let refusal = Refusal::of(&status);
            // A program never signs in, so that no sign-in of it is fresh, and has no second factors.
            let of_callers = [PermissionMissing, StepUpRequired, PersonRequired];
            let expected = if token.is_some() { of_callers } else { [TokenMissing; 3] };
            assert!(expected.contains(&refusal.reason), "{path}: {refusal:?}");
            false
        }
        Code::InvalidArgument => true,
        code => panic!("{path}: {code:?} {}", status.message()),
    }
}

async fn every_role_may_call_what_the_table_says(world: World) {
    let mut table = format!("{:48}{}\n", "", CALLERS.map(|caller| format!("{caller:14}")).concat().trim_end());
    let mut tokens = Vec::new();
    for caller in CALLERS {
        tokens.push(token_of(&world, caller).await);
    }
    for method in descriptors::methods() {
        let mut row = format!("{:48}", method.full_name().trim_start_matches("ipse.v1."));
        for token in &tokens {
            let cell = if is_let_in(&world, &descriptors::path(&method), token.as_deref()).await { "yes" } else { "-" };
            write!(row, "{cell:14}").unwrap();
        }
        table.push_str(row.trim_end());
        table.push('\n');
    }
    assert_eq!(table, include_str!("access_matrix.txt"), "the table as it is:\n{table}");
}
