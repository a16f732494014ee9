//! Somebody who may rotate and revoke signing keys, and what everybody sees of them.

use ipse::proto::key_service_client::KeyServiceClient;
use ipse::proto::{
    ListSigningKeysRequest, RevokeSigningKeyRequest, RotateSigningKeyRequest, SigningKey, SigningKeyState,
};
use serde_json::json;
use tonic::Status;
use tonic::transport::Channel;

use super::person::Device;
use super::token;
use super::world::World;

/// The keys that a replica tells verifiers of.
pub(crate) async fn keys(channel: &Channel) -> Vec<SigningKey> {
    let mut client = KeyServiceClient::new(channel.clone());
    client.list_signing_keys(ListSigningKeysRequest {}).await.unwrap().into_inner().keys
}

/// The key that a replica signs with.
pub(crate) async fn signer(channel: &Channel) -> SigningKey {
    let active: Vec<_> = keys(channel).await.into_iter().filter(|k| k.state() == SigningKeyState::Active).collect();
    let [key] = &active[..] else { panic!("one key signs: {active:?}") };
    key.clone()
}

/// The name of the key that signed a token.
pub(crate) fn signer_of(device: &Device<'_>) -> String {
    let kid = token::read(&device.tokens.access_token).0["kid"].clone();
    assert_eq!(kid, json!(kid.as_str().unwrap()));
    kid.as_str().unwrap().to_owned()
}

/// An administrator who handles keys, signed in anew for each call: time may pass between.
pub(crate) struct KeyHolder<'w> {
    world: &'w World,
    channel: Channel,
}

impl<'w> KeyHolder<'w> {
    pub(crate) async fn new(world: &'w World) -> Self {
        world.administrator().await;
        Self { world, channel: world.replica().channel.clone() }
    }

    /// The same person at another replica.
    pub(crate) fn through(&self, channel: &Channel) -> Self {
        Self { world: self.world, channel: channel.clone() }
    }

    async fn device(&self) -> Device<'w> {
        self.world.stranger("root").through(&self.channel).log_in().await.unwrap()
    }

    pub(crate) async fn rotate(&self) -> Result<SigningKey, Status> {
        self.rotate_as("", "").await
    }

    pub(crate) async fn rotate_as(&self, request_id: &str, algorithm: &str) -> Result<SigningKey, Status> {
        let device = self.device().await;
        let (algorithm, request_id) = (algorithm.to_owned(), request_id.to_owned());
        let request = device.request(RotateSigningKeyRequest { algorithm, request_id });
        let response = KeyServiceClient::new(self.channel.clone()).rotate_signing_key(request).await?;
        Ok(response.into_inner().key.unwrap())
    }

    pub(crate) async fn revoke(&self, kid: &str) -> Result<(), Status> {
        self.revoke_as("", kid).await
    }

    pub(crate) async fn revoke_as(&self, request_id: &str, kid: &str) -> Result<(), Status> {
        let device = self.device().await;
        let (kid, request_id) = (kid.to_owned(), request_id.to_owned());
        let request = device.request(RevokeSigningKeyRequest { kid, request_id });
        KeyServiceClient::new(self.channel.clone()).revoke_signing_key(request).await.map(|_| ())
    }
}
