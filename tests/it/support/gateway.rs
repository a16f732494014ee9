//! Envoy's side of its question about a request.

use std::collections::BTreeMap;

use ipse::proto::envoy::attribute_context::{HttpRequest, Request};
use ipse::proto::envoy::authorization_client::AuthorizationClient;
use ipse::proto::envoy::check_response::HttpResponse;
use ipse::proto::envoy::header_value_option::HeaderAppendAction;
use ipse::proto::envoy::{
    AttributeContext, CheckRequest, CheckResponse, HeaderMap, HeaderValue, HeaderValueOption, OkHttpResponse,
};
use tonic::{Code, Status};

use super::world::World;

/// Where Envoy asks.
pub(crate) const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// A question about a request with these headers, in the form that joins repeated ones, to a route with these demands.
pub(crate) fn question(headers: &[(&str, &str)], demands: &[(&str, &str)]) -> CheckRequest {
    let headers = owned(headers).into_iter().collect();
    about(HttpRequest { headers, header_map: None }, demands)
}

/// A question about a request with these headers, each as it came, to a route with these demands.
pub(crate) fn raw_question(headers: &[(&str, &[u8])], demands: &[(&str, &str)]) -> CheckRequest {
    let header = |(name, value): &(&str, &[u8])| HeaderValue {
        key: (*name).to_owned(),
        value: String::new(),
        raw_value: value.to_vec(),
    };
    let header_map = Some(HeaderMap { headers: headers.iter().map(header).collect() });
    about(HttpRequest { header_map, ..HttpRequest::default() }, demands)
}

/// A question about a request with this access token.
pub(crate) fn question_about(token: &str, demands: &[(&str, &str)]) -> CheckRequest {
    question(&[("authorization", &format!("Bearer {token}"))], demands)
}

/// The verdict on a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It goes on, with these headers, each in place of all of its name, and without those.
    Passes(BTreeMap<String, String>, Vec<String>),
    /// It is refused, with this status and reason, and these headers beside the type of the content.
    Refused(i32, String, BTreeMap<String, String>),
}

impl Verdict {
    /// The headers that the request goes on with.
    #[track_caller]
    pub(crate) fn identity(&self) -> &BTreeMap<String, String> {
        match self {
            Self::Passes(headers, _) => headers,
            Self::Refused(..) => panic!("the request was refused: {self:?}"),
        }
    }

    /// Status and reason of the refusal.
    #[track_caller]
    pub(crate) fn refusal(&self) -> (i32, &str) {
        match self {
            Self::Refused(status, reason, _) => (*status, reason),
            Self::Passes(..) => panic!("the request passes: {self:?}"),
        }
    }
}

impl World {
    /// The verdict on a request. Whatever Envoy could misunderstand fails the test.
    pub(crate) async fn verdict(&self, question: CheckRequest) -> Result<Verdict, Status> {
        let mut client = AuthorizationClient::new(self.replica().channel.clone());
        Ok(read(client.check(question).await?.into_inner()))
    }
}

fn read(CheckResponse { status, http_response }: CheckResponse) -> Verdict {
    let status = status.expect("Envoy takes a missing status for a pass");
    match (Code::from_i32(status.code), http_response.expect("a verdict")) {
        (Code::Ok, HttpResponse::OkResponse(OkHttpResponse { headers, headers_to_remove })) => {
            let headers = replaced(headers);
            let both = headers_to_remove.iter().find(|name| headers.contains_key(*name));
            assert_eq!(both, None, "Envoy removes what it has set");
            Verdict::Passes(headers, headers_to_remove)
        }
        (code, HttpResponse::DeniedResponse(denied)) => {
            let mut headers = replaced(denied.headers);
            assert_eq!(headers.remove("content-type").as_deref(), Some("application/json"));
            let body: serde_json::Value = serde_json::from_str(&denied.body).unwrap();
            let http_status = denied.status.unwrap().code;
            let expected = match http_status {
                401 => Code::Unauthenticated,
                403 => Code::PermissionDenied,
                _ => Code::Internal,
            };
            assert_eq!(code, expected, "{http_status}");
            Verdict::Refused(http_status, body["reason"].as_str().unwrap().to_owned(), headers)
        }
        verdict => panic!("a verdict that contradicts itself: {verdict:?}"),
    }
}

fn replaced(headers: Vec<HeaderValueOption>) -> BTreeMap<String, String> {
    let header = |option: HeaderValueOption| {
        assert_eq!(option.append_action(), HeaderAppendAction::OverwriteIfExistsOrAdd, "{option:?}");
        let HeaderValue { key, value, raw_value } = option.header.unwrap();
        assert!(raw_value.is_empty() && !value.is_empty(), "{key}: {value}");
        (key, value)
    };
    headers.into_iter().map(header).collect()
}

fn about(http: HttpRequest, demands: &[(&str, &str)]) -> CheckRequest {
    let context_extensions = owned(demands).into_iter().collect();
    let attributes = AttributeContext { request: Some(Request { http: Some(http) }), context_extensions };
    CheckRequest { attributes: Some(attributes) }
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
