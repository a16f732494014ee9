//! `WatchRevocations`. A revocation is encoded once and copied to each of its watchers, of whom there may be thousands: the
//! generated service would encode it for each of them anew.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BufMut as _;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use prost::Message as _;
use tonic::body::Body;
use tonic::codec::{BufferSettings, Codec, EncodeBuf, Encoder};
use tonic::server::{Grpc, NamedService, ServerStreamingService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstDecoder;
use tower::Service;

use super::token_service::TokenRpc;
use crate::application::access::feed::Revocation;
use crate::application::tokens::{RevocationNews, Tokens, resume_token};
use crate::domain::access::change::AccessChange;
use crate::presentation::grpc::layers::gate::MAX_MESSAGE_BYTES;
use crate::presentation::grpc::streams::producer::{self, Outlet, Responses};
use crate::presentation::grpc::{call, encode, status};
use crate::proto::token_service_server::TokenServiceServer;
use crate::proto::watch_revocations_response::Revoked;
use crate::proto::{WatchRevocationsRequest, WatchRevocationsResponse};

const WATCH: &str = "/ipse.v1.TokenService/WatchRevocations";

/// `ipse.v1.TokenService`, with its stream of revocations.
#[derive(Clone)]
pub(in crate::presentation::grpc) struct TokenRoutes {
    pub(in crate::presentation::grpc) tokens: Arc<Tokens>,
    pub(in crate::presentation::grpc) unary: TokenServiceServer<TokenRpc>,
}

impl NamedService for TokenRoutes {
    const NAME: &'static str = <TokenServiceServer<TokenRpc> as NamedService>::NAME;
}

impl Service<http::Request<Body>> for TokenRoutes {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if request.uri().path() != WATCH {
            return self.unary.call(request);
        }
        let watch = Watch(self.tokens.clone());
        let mut grpc = Grpc::new(WatchCodec).max_decoding_message_size(MAX_MESSAGE_BYTES);
        async move { Ok(grpc.server_streaming(watch, request).await) }.boxed()
    }
}

struct Watch(Arc<Tokens>);

impl ServerStreamingService<WatchRevocationsRequest> for Watch {
    type Response = RevocationNews;
    type ResponseStream = Responses<RevocationNews>;
    type Future = BoxFuture<'static, Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<WatchRevocationsRequest>) -> Self::Future {
        let tokens = self.0.clone();
        async move {
            let call = call::from_request(&request)?;
            let resume_token = &request.get_ref().resume_token;
            let mut watch = tokens.watch_revocations(call, resume_token).await.map_err(status::from_error)?;
            let pages = producer::produce(producer::place(&request)?, |mut outlet: Outlet<Vec<_>>| async move {
                loop {
                    outlet.send(watch.next().await?).await?;
                }
            });
            Ok(Response::new(pages.map_ok(|news| stream::iter(news.into_iter().map(Ok))).try_flatten().boxed()))
        }
        .boxed()
    }
}

#[derive(Clone, Copy)]
struct WatchCodec;

impl Codec for WatchCodec {
    type Encode = RevocationNews;
    type Decode = WatchRevocationsRequest;
    type Encoder = Self;
    type Decoder = ProstDecoder<WatchRevocationsRequest>;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstDecoder::new(BufferSettings::default())
    }
}

impl Encoder for WatchCodec {
    type Item = RevocationNews;
    type Error = Status;

    fn encode(&mut self, news: RevocationNews, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        match news {
            RevocationNews::Shared(revocation) => buffer.put_slice(revocation.encoded(|revocation| {
                message(resume_token(revocation.known_before), Some(revocation)).encode_to_vec()
            })),
            RevocationNews::Own { resume_token, revocation } => {
                buffer.put_slice(&message(resume_token, revocation.as_deref()).encode_to_vec());
            }
        }
        Ok(())
    }
}

fn message(resume_token: String, revocation: Option<&Revocation>) -> WatchRevocationsResponse {
    let Some(revocation) = revocation else {
        return WatchRevocationsResponse { resume_token, ..WatchRevocationsResponse::default() };
    };
    let (revoked, revoked_before) = match &revocation.change {
        AccessChange::Session(sid) => (Some(Revoked::SessionId(sid.hyphenated().to_string())), None),
        AccessChange::Subject { id, revoked_before } => {
            (Some(Revoked::Subject(id.hyphenated().to_string())), Some(encode::time(*revoked_before)))
        }
        AccessChange::Token(id) => (Some(Revoked::TokenId(id.to_string())), None),
        AccessChange::Key(kid) => (Some(Revoked::KeyId(kid.clone())), None),
        // Never in the feed's log; as a sign of life it does no harm.
        AccessChange::KeySet | AccessChange::Rights => (None, None),
    };
    WatchRevocationsResponse {
        resume_token,
        revoked,
        revoked_before,
        forget_after: Some(encode::time(revocation.forget_after)),
    }
}
