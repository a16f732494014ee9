//! Calls that ask about tokens, and such as need nothing else.

use std::sync::Arc;
use std::time::Duration;

use ipse::proto::account_service_client::AccountServiceClient;
use ipse::proto::check_permission_request::Subject;
use ipse::proto::envoy::attribute_context::{HttpRequest, Request as EnvoyRequest};
use ipse::proto::envoy::authorization_client::AuthorizationClient;
use ipse::proto::envoy::{AttributeContext, CheckRequest};
use ipse::proto::role_service_client::RoleServiceClient;
use ipse::proto::token_service_client::TokenServiceClient;
use ipse::proto::{CheckPermissionRequest, GetMeRequest, IntrospectTokenRequest, Tokens};
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::Case;
use crate::Failure;
use crate::drive::{self, Call};
use crate::limits::{self, IN_FLIGHT, Limit};
use crate::world::{Pool, World, bearer, with_bearer};

/// The longest that issuing the tokens of one turn may take.
const LONGEST_SUPPLY: Duration = Duration::from_secs(3);

pub(super) async fn cases(world: &Arc<World>, [here, there]: [&[Channel]; 2]) -> Result<Vec<Case>, Failure> {
    let seen: Arc<str> = world.exchange(here[0].clone()).await?.into();
    let asked = world.clone();
    let introspect_seen: Call = Arc::new(move |channel| {
        let (world, token) = (asked.clone(), seen.clone());
        Box::pin(async move { introspect(&world, channel, &token).await })
    });
    Ok(vec![
        Case::of("no-op", Limit::NoOp, limits::no_op()),
        Case::of("introspect-seen", Limit::NoOp, introspect_seen),
        introspect_once("introspect-new", world, here),
        introspect_once("introspect-foreign", world, there),
        Case::new("check-permission", Limit::NoOp, world, check_permission),
        Case::new("envoy-check", Limit::NoOp, world, envoy_check),
        Case::new("exchange", Limit::NoOp, world, |world, channel| async move {
            world.exchange(channel).await.map(|_| true)
        }),
        Case::new("get-me", Limit::NoOp, world, get_me),
    ])
}

/// Asks about each token once, of those that a replica has issued.
fn introspect_once(name: &'static str, world: &Arc<World>, issuer: &[Channel]) -> Case {
    let tokens = Arc::new(Pool::<String>::default());
    let (asked, left) = (world.clone(), tokens.clone());
    let call: Call = Arc::new(move |channel| {
        let (world, token) = (asked.clone(), left.take());
        Box::pin(async move {
            let Some(token) = token else { return Ok(false) };
            introspect(&world, channel, &token).await
        })
    });
    let (world, issuer) = (world.clone(), issuer.to_vec());
    Case::of(name, Limit::NoOp, call)
        .supplied(10_000, move |count| issue(world.clone(), issuer.clone(), tokens.clone(), count))
}

/// Has a replica issue so many tokens, or as many as it can in a while, and nobody has any other.
async fn issue(
    world: Arc<World>,
    issuer: Vec<Channel>,
    tokens: Arc<Pool<String>>,
    count: usize,
) -> Result<usize, Failure> {
    tokens.clear();
    let left = Arc::new(Pool::default());
    (0..count).for_each(|_| left.put(()));
    let issue: Call = Arc::new(move |channel| {
        let (world, tokens, left) = (world.clone(), tokens.clone(), left.clone());
        Box::pin(async move {
            if left.take().is_none() {
                return Ok(false);
            }
            tokens.put(world.exchange(channel).await?);
            Ok(true)
        })
    });
    let done = drive::closed(&issue, &issuer, IN_FLIGHT, LONGEST_SUPPLY).await?;
    Ok(usize::try_from(done.calls)?)
}

async fn introspect(world: &World, channel: Channel, token: &str) -> Result<bool, Status> {
    let request = IntrospectTokenRequest { token: token.to_owned(), audience: String::new() };
    let answer = TokenServiceClient::new(channel).introspect_token(world.administered(request)).await?.into_inner();
    if answer.active { Ok(true) } else { Err(Status::internal("a good token was called dead")) }
}

fn somebody(world: &World) -> &Tokens {
    &world.signed_in[world.next() % world.signed_in.len()]
}

async fn check_permission(world: Arc<World>, channel: Channel) -> Result<bool, Status> {
    let access_token = somebody(&world).access_token.clone();
    let request = CheckPermissionRequest {
        subject: Some(Subject::AccessToken(access_token)),
        permissions: vec!["orders.read".to_owned()],
    };
    let answer = RoleServiceClient::new(channel).check_permission(world.administered(request)).await?.into_inner();
    if answer.checks.len() == 1 { Ok(true) } else { Err(Status::internal("no answer about the permission")) }
}

async fn envoy_check(world: Arc<World>, channel: Channel) -> Result<bool, Status> {
    let authorization = format!("Bearer {}", somebody(&world).access_token);
    let headers = [("authorization".to_owned(), authorization)].into_iter().collect();
    let request = EnvoyRequest { http: Some(HttpRequest { headers, header_map: None }) };
    let attributes = AttributeContext { request: Some(request), ..AttributeContext::default() };
    let answer = AuthorizationClient::new(channel).check(CheckRequest { attributes: Some(attributes) }).await?;
    let code = answer.into_inner().status.map(|status| Code::from_i32(status.code));
    if code == Some(Code::Ok) { Ok(true) } else { Err(Status::internal("a good token did not pass")) }
}

async fn get_me(world: Arc<World>, channel: Channel) -> Result<bool, Status> {
    let bearer = bearer(&somebody(&world).access_token).map_err(|error| Status::internal(error.to_string()))?;
    AccountServiceClient::new(channel).get_me(with_bearer(GetMeRequest {}, bearer)).await.map(|_| true)
}
