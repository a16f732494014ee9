//! What gRPC itself defines: health checks (grpc.health.v1) and reflection.

use std::collections::BTreeSet;

use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};
use tonic_reflection::pb::v1alpha;
use tonic_reflection::pb::v1alpha::server_reflection_client::ServerReflectionClient as AlphaClient;

use crate::support::database::Backend;
use crate::support::descriptors;
use crate::support::on_both_backends;
use crate::support::refusal::bare_code;
use crate::support::world::World;

on_both_backends! {
    World::start =>
    the_server_and_each_service_are_healthy
    an_unknown_service_is_not_found
    reflection_is_off_by_default
}

on_both_backends! {
    with_reflection =>
    reflection_lists_the_services
    the_older_reflection_lists_them_too
}

async fn with_reflection(backend: Backend) -> World {
    World::with(backend, &["REFLECTION=true"]).await
}

fn of(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

/// All services of the contract, and Envoy's.
fn services() -> BTreeSet<String> {
    let methods = descriptors::methods();
    let services: BTreeSet<_> = methods.iter().map(|method| method.parent_service().full_name().to_owned()).collect();
    assert!(services.len() >= 9 && services.contains("envoy.service.auth.v3.Authorization"), "{services:?}");
    services
}

async fn the_server_and_each_service_are_healthy(world: World) {
    let mut health = HealthClient::new(world.replica().channel.clone());
    for service in services().iter().map(String::as_str).chain([""]) {
        let checked = health.check(of(service)).await.unwrap().into_inner();
        assert_eq!(checked.status(), ServingStatus::Serving, "{service:?}");
        let mut watch = health.watch(of(service)).await.unwrap().into_inner();
        assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving, "{service:?}");
    }
}

async fn an_unknown_service_is_not_found(world: World) {
    let mut health = HealthClient::new(world.replica().channel.clone());
    assert_eq!(bare_code(health.check(of("ipse.v1.Nothing")).await), Code::NotFound);
    assert_eq!(bare_code(health.watch(of("ipse.v1.Nothing")).await), Code::NotFound);
}

fn list() -> tokio_stream::Once<ServerReflectionRequest> {
    let message_request = Some(MessageRequest::ListServices(String::new()));
    tokio_stream::once(ServerReflectionRequest { host: String::new(), message_request })
}

async fn reflection_is_off_by_default(world: World) {
    let mut client = ServerReflectionClient::new(world.replica().channel.clone());
    let refused = client.server_reflection_info(list()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
}

async fn reflection_lists_the_services(world: World) {
    let mut client = ServerReflectionClient::new(world.replica().channel.clone());
    let mut answers = client.server_reflection_info(list()).await.unwrap().into_inner();
    let ServerReflectionResponse { message_response: Some(MessageResponse::ListServicesResponse(list)), .. } =
        answers.message().await.unwrap().unwrap()
    else {
        panic!("a list of services");
    };
    let names: Vec<&str> = list.service.iter().map(|service| service.name.as_str()).collect();
    assert!(
        services().iter().all(|name| names.contains(&name.as_str())) && names.contains(&"grpc.health.v1.Health"),
        "{names:?}"
    );
}

async fn the_older_reflection_lists_them_too(world: World) {
    use v1alpha::server_reflection_request::MessageRequest;
    use v1alpha::server_reflection_response::MessageResponse;
    let mut client = AlphaClient::new(world.replica().channel.clone());
    let message_request = Some(MessageRequest::FileContainingSymbol("ipse.v1.AuthService".to_owned()));
    let request = v1alpha::ServerReflectionRequest { host: String::new(), message_request };
    let mut answers = client.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap();
    let Some(MessageResponse::FileDescriptorResponse(files)) = answer.message_response else {
        panic!("a file: {answer:?}");
    };
    assert!(!files.file_descriptor_proto.is_empty());
}
