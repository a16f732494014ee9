//! Calls of any RPC, made of the bytes of a fuzzer.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use prost::Message as _;
use prost_reflect::MethodDescriptor;
use tonic::{Request, Status};

use crate::Input;
use crate::message::{Maker, POOL};
use crate::service::Service;

/// How long a stream may wait for something to tell.
const PATIENCE: Duration = Duration::from_millis(5);

static METHODS: LazyLock<Vec<MethodDescriptor>> =
    LazyLock::new(|| POOL.services().flat_map(|service| service.methods().collect::<Vec<_>>()).collect());

/// A call.
pub struct Call {
    pub method: MethodDescriptor,
    /// The message, which may be none of the contract.
    pub message: Vec<u8>,
    /// Whose token goes with it.
    pub bearer: Option<String>,
    /// The last number of the address that it comes from.
    origin: u8,
}

impl Call {
    /// Most calls have a message of the contract and the token of the administrator.
    pub fn make(input: &mut Input, known: &BTreeSet<String>, service: &Service) -> Self {
        let (method, how) = (input.choose(&METHODS).clone(), input.byte());
        let message = match how % 4 {
            0 => input.part().to_vec(),
            _ => Maker { input, known }.message(&method.input(), 0).encode_to_vec(),
        };
        let bearer = match how % 16 {
            ..12 => Some(service.tokens.access_token.clone()),
            _ => known.iter().nth(usize::from(how / 16)).cloned(),
        };
        Self { method, message, bearer, origin: how }
    }

    /// The first answer, as others may never come: nothing if the stream has nothing to tell.
    pub fn send(&self, service: &Service) -> Result<Option<Vec<u8>>, Status> {
        let mut request = Request::new(self.message.clone());
        if let Some(Ok(bearer)) = self.bearer.as_ref().map(|token| format!("Bearer {token}").parse()) {
            request.metadata_mut().insert("authorization", bearer);
        }
        let origin = format!("203.0.113.{}", self.origin);
        request.metadata_mut().insert("x-forwarded-for", origin.parse().expect("an address"));
        let path = format!("/{}/{}", self.method.parent_service().full_name(), self.method.name());
        service.runtime.block_on(async {
            let call = service.call(&path, request);
            if !self.method.is_server_streaming() {
                return call.await;
            }
            tokio::time::timeout(PATIENCE, call).await.unwrap_or(Ok(None))
        })
    }
}
