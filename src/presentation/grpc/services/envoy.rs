//! `envoy.service.auth.v3.Authorization`: what Envoy's filter `ext_authz` asks about the requests it proxies.

use std::sync::Arc;

use serde_json::json;
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt as _;

use crate::application::access::{AuthorizeRequest, Authorized, Authorizer};
use crate::application::error::{Error, Refusal};
use crate::domain::access::subject::Subject;
use crate::presentation::grpc::{bearer, call, status};
use crate::proto::envoy::attribute_context::HttpRequest;
use crate::proto::envoy::authorization_server::Authorization;
use crate::proto::envoy::check_response::{HttpResponse, Status as Verdict};
use crate::proto::envoy::denied_http_response::HttpStatus;
use crate::proto::envoy::header_value_option::HeaderAppendAction;
use crate::proto::envoy::{
    CheckRequest, CheckResponse, DeniedHttpResponse, HeaderValue, HeaderValueOption, OkHttpResponse,
};

/// The largest request, in bytes. Envoy takes headers of up to 60 KiB and tells of them all, and the path twice.
pub(in crate::presentation::grpc) const MAX_MESSAGE_BYTES: usize = 128 * 1024;

/// Where Envoy asks.
pub(in crate::presentation::grpc) const PATH: &str = "/envoy.service.auth.v3.Authorization/Check";

/// With this the names of all headers begin that tell services behind the gateway who the caller is.
const PREFIX: &str = "x-ipse-";

/// Decodes the questions of Envoy for their use case.
pub(in crate::presentation::grpc) struct EnvoyRpc(pub(in crate::presentation::grpc) Arc<Authorizer>);

#[tonic::async_trait]
impl Authorization for EnvoyRpc {
    async fn check(&self, request: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        let call = call::from_request(&request)?;
        let attributes = request.into_inner().attributes.unwrap_or_default();
        let sent = Headers::of(attributes.request.and_then(|request| request.http).unwrap_or_default());
        let bearer = bearer::from_values(sent.values("authorization"));
        let command = AuthorizeRequest { bearer, demands: attributes.context_extensions };
        match self.0.authorize_request(&call, PATH, command).await {
            Ok(authorized) => Ok(Response::new(allow(&authorized, &sent))),
            Err(error) => deny(error).map(Response::new),
        }
    }
}

/// The headers of a request, their names in lower case.
struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    fn of(request: HttpRequest) -> Self {
        let joined = request.headers.into_iter().map(|(name, value)| (name, value.into_bytes()));
        let raw = request.header_map.unwrap_or_default().headers.into_iter().map(|header| {
            let HeaderValue { key, value, raw_value } = header;
            (key, if raw_value.is_empty() { value.into_bytes() } else { raw_value })
        });
        Self(joined.chain(raw).map(|(name, value)| (name.to_ascii_lowercase(), value)).collect())
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.0.iter().filter(move |(of, _)| of == name).map(|(_, value)| value.as_slice())
    }

    /// The names of those that tell who the caller is, or that some servers take for such: CGI knows no hyphens.
    fn of_identity(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str()).filter(|name| name.replace('_', "-").starts_with(PREFIX))
    }
}

/// The request continues and says who sent it. Whatever the client itself said about that is replaced or taken away.
fn allow(authorized: &Authorized, sent: &Headers) -> CheckResponse {
    let (told, untold): (Vec<_>, Vec<_>) = identity(authorized).into_iter().partition(|(_, value)| !value.is_empty());
    let is_told = |name: &str| told.iter().any(|(of, _)| of == name);
    // Envoy removes last: a header that is both set and removed would be missing.
    let clients_own = sent.of_identity().filter(|name| !is_told(name)).map(str::to_owned);
    let mut headers_to_remove: Vec<String> = untold.into_iter().map(|(name, _)| name).chain(clients_own).collect();
    headers_to_remove.sort_unstable();
    headers_to_remove.dedup();
    let headers = told.into_iter().map(|(name, value)| replaced(name, value)).collect();
    CheckResponse {
        status: Some(Verdict { code: Code::Ok.into(), message: String::new() }),
        http_response: Some(HttpResponse::OkResponse(OkHttpResponse { headers, headers_to_remove })),
    }
}

/// The headers that tell who the caller is. One with an empty value is not sent.
fn identity(Authorized { caller, held }: &Authorized) -> [(String, String); 7] {
    let kind = match caller.subject() {
        Subject::User(_) => "user",
        Subject::Service(_) => "service",
    };
    [
        ("subject", caller.subject().to_string()),
        ("subject-kind", kind.to_owned()),
        ("session", caller.principal().sid().to_string()),
        ("roles", held.as_ref().map(|held| held.role_names.join(",")).unwrap_or_default()),
        ("scope", caller.scope().map(ToString::to_string).unwrap_or_default()),
        ("acr", caller.level().map(|level| level.as_str().to_owned()).unwrap_or_default()),
        ("auth-time", caller.auth_time().map(|time| time.unix_timestamp().to_string()).unwrap_or_default()),
    ]
    .map(|(name, value)| (format!("{PREFIX}{name}"), value))
}

/// The request ends here. An error that is no verdict fails the question itself, and Envoy refuses the request for want
/// of an answer.
fn deny(error: Error) -> Result<CheckResponse, Status> {
    if let Error::Invalid(violations) = &error {
        tracing::warn!(?violations, "a route of the gateway demands what makes no sense, its requests are refused");
        return Ok(denied(&status::internal(), 500, None));
    }
    let challenge = challenge(&error);
    let status = status::from_error(error);
    match status.code() {
        Code::Unauthenticated => Ok(denied(&status, 401, challenge)),
        Code::PermissionDenied => Ok(denied(&status, 403, challenge)),
        _ => Err(status),
    }
}

fn denied(status: &Status, http_status: i32, challenge: Option<String>) -> CheckResponse {
    let reason = status.get_details_error_info().map(|info| info.reason);
    let mut headers = vec![replaced("content-type".to_owned(), "application/json".to_owned())];
    headers.extend(challenge.map(|challenge| replaced("www-authenticate".to_owned(), challenge)));
    let denied = DeniedHttpResponse {
        status: Some(HttpStatus { code: http_status }),
        headers,
        body: json!({ "reason": reason, "message": status.message() }).to_string(),
    };
    CheckResponse {
        status: Some(Verdict { code: status.code().into(), message: status.message().to_owned() }),
        http_response: Some(HttpResponse::DeniedResponse(denied)),
    }
}

/// What a client is told to do about it (RFC 6750, section 3). Who brought no token gets no error code.
fn challenge(error: &Error) -> Option<String> {
    let Error::Refused(refusal) = error else { return None };
    let attributes = match refusal {
        Refusal::TokenMissing => String::new(),
        Refusal::TokenExpired => r#", error="invalid_token", error_description="expired""#.to_owned(),
        Refusal::TokenInvalid => r#", error="invalid_token""#.to_owned(),
        Refusal::PermissionMissing { permission } => format!(r#", error="insufficient_scope", scope="{permission}""#),
        // RFC 9470, section 3.
        Refusal::StepUpRequired { max_age, level } => {
            let max_age = max_age.map(|age| format!(r#", max_age="{}""#, age.whole_seconds())).unwrap_or_default();
            format!(r#", error="insufficient_user_authentication", acr_values="{}"{max_age}"#, level.as_str())
        }
        _ => return None,
    };
    Some(format!(r#"Bearer realm="ipse"{attributes}"#))
}

/// A header in place of all of its name: the enum's own default would add a value to the client's.
fn replaced(name: String, value: String) -> HeaderValueOption {
    let header = HeaderValue { key: name, value, raw_value: Vec::new() };
    HeaderValueOption { header: Some(header), append_action: HeaderAppendAction::OverwriteIfExistsOrAdd.into() }
}
