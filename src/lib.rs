//! # Ipse: a self-hosted gRPC identity service
//!
//! One request passes these layers, and the sources are arranged by them:
//!
//! ```text
//! tonic layers (request id, deadline, limits, caller and access policy)    presentation::grpc
//!   -> service method: decode, call one use case, encode                   presentation::grpc
//!     -> use case: parse, decide, own the transaction                      application
//!       -> repository trait                                                application::ports
//!         -> diesel query, written once for both backends                  infrastructure::store
//! ```
//!
//! - [`domain`] holds entities, value objects and pure decisions, one concept in one file.
//! - [`application`] holds one use case for each RPC, and the traits they need of the world.
//! - [`infrastructure`] holds one adapter for each of those traits.
//! - [`presentation`] holds what the outside speaks to: the gRPC services, the HTTP side port, the command line;
//!   and what their listeners share.
//! - [`composition`] is the only place where these meet; [`config`] holds the settings, [`telemetry`] the log,
//!   the metrics and the traces.

pub mod application;
pub mod composition;
pub mod config;
pub mod domain;
pub mod infrastructure;
pub mod presentation;
pub mod telemetry;

/// The generated messages and services of `proto/ipse/v1`, and of Envoy.
pub mod proto {
    #![allow(missing_docs, clippy::all, clippy::pedantic, clippy::allow_attributes, reason = "generated code")]

    tonic::include_proto!("ipse.v1");

    /// The part of `envoy.service.auth.v3` that this server speaks.
    pub mod envoy {
        tonic::include_proto!("envoy.service.auth.v3");
    }

    /// All descriptors of the contract with their options, for reflection and the access policy.
    pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
}
