"""A service that trusts the access tokens of Ipse. See README.md."""

import asyncio
import os

import grpc
from guard import AAL2, Guard, caller, require_sign_in
from ipse.v1.token_service_pb2_grpc import TokenServiceStub
from orders.v1.orders_service_pb2 import CancelOrderRequest, CancelOrderResponse, GreetRequest, GreetResponse
from orders.v1.orders_service_pb2_grpc import OrdersServiceServicer, add_OrdersServiceServicer_to_server
from revocations import Revocations

KEEPALIVE = [("grpc.keepalive_time_ms", 10_000), ("grpc.keepalive_timeout_ms", 5_000)]


class Orders(OrdersServiceServicer):
    async def Greet(self, request: GreetRequest, context: grpc.aio.ServicerContext) -> GreetResponse:
        subject = caller.get()["sub"]
        return GreetResponse(greeting=f"Hello, {subject}", subject=subject)

    async def CancelOrder(
        self, request: CancelOrderRequest, context: grpc.aio.ServicerContext
    ) -> CancelOrderResponse:
        await require_sign_in(context, acr=AAL2, max_age=300)
        return CancelOrderResponse()


async def main() -> None:
    ipse = grpc.aio.insecure_channel(os.environ["IPSE_TARGET"], KEEPALIVE)
    revocations = Revocations()
    guard = Guard(os.environ["IPSE_JWKS_URL"], os.environ["IPSE_ISSUER"], os.environ["IPSE_AUDIENCE"], revocations)
    server = grpc.aio.server(interceptors=[guard])
    add_OrdersServiceServicer_to_server(Orders(), server)
    server.add_insecure_port(os.environ["ORDERS_LISTEN"])
    await server.start()
    print("listening on", os.environ["ORDERS_LISTEN"], flush=True)
    await revocations.watch(TokenServiceStub(ipse), os.environ["IPSE_API_KEY"])


if __name__ == "__main__":
    asyncio.run(main())
