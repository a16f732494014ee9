//! How the world talks to Ipse: the gRPC services.

pub mod grpc;
