//! A service that trusts the access tokens of Ipse. See README.md.

mod guard;
mod keys;
mod revocations;

use std::env;
use std::error::Error;
use std::time::Duration;

use guard::{AAL2, Caller, Guard};
use keys::Keys;
use revocations::Revocations;
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Response, Status};

use orders::orders_service_server::{OrdersService, OrdersServiceServer};
use orders::{CancelOrderRequest, CancelOrderResponse, GreetRequest, GreetResponse};

mod orders {
    #![allow(unreachable_pub, clippy::all, clippy::pedantic, clippy::allow_attributes, reason = "generated code")]
    tonic::include_proto!("orders.v1");
}

struct Orders;

#[tonic::async_trait]
impl OrdersService for Orders {
    async fn greet(&self, request: Request<GreetRequest>) -> Result<Response<GreetResponse>, Status> {
        let subject = caller(&request)?.sub.clone();
        Ok(Response::new(GreetResponse { greeting: format!("Hello, {subject}"), subject }))
    }

    async fn cancel_order(
        &self,
        request: Request<CancelOrderRequest>,
    ) -> Result<Response<CancelOrderResponse>, Status> {
        caller(&request)?.require_sign_in(AAL2, 300)?;
        Ok(Response::new(CancelOrderResponse {}))
    }
}

fn caller<T>(request: &Request<T>) -> Result<&Caller, Status> {
    request.extensions().get::<Caller>().ok_or_else(|| Status::internal("nobody guards this"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().init();
    let ipse = Endpoint::from_shared(format!("http://{}", env::var("IPSE_TARGET")?))?
        .http2_keep_alive_interval(Duration::from_secs(10))
        .connect_lazy();
    let (keys, revocations) = (Keys::default(), Revocations::default());
    tokio::spawn(keys.clone().watch(ipse.clone()));
    tokio::spawn(revocations.clone().watch(ipse, env::var("IPSE_API_KEY")?));
    let guard = Guard::new(&env::var("IPSE_ISSUER")?, &env::var("IPSE_AUDIENCE")?, keys, revocations);
    let listen = env::var("ORDERS_LISTEN")?.parse()?;
    tracing::info!(%listen, "listening");
    Server::builder().add_service(OrdersServiceServer::with_interceptor(Orders, guard)).serve(listen).await?;
    Ok(())
}
