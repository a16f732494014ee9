// A service that trusts the access tokens of Ipse. See README.md.
import { createServer } from "node:http2";
import { createClient, type ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter, createGrpcTransport } from "@connectrpc/connect-node";
import { TokenService } from "../gen/ipse/v1/token_service_pb.js";
import { OrdersService } from "../gen/orders/v1/orders_service_pb.js";
import { AAL2, caller, Guard, requireSignIn } from "./guard.js";
import { Revocations } from "./revocations.js";

const { IPSE_TARGET, IPSE_JWKS_URL, IPSE_ISSUER, IPSE_AUDIENCE, IPSE_API_KEY, ORDERS_LISTEN } =
  process.env as Record<string, string>;

const ipse = createGrpcTransport({ baseUrl: `http://${IPSE_TARGET}`, pingIntervalMs: 10_000, pingTimeoutMs: 5_000 });

const revocations = new Revocations();
void revocations.watch(createClient(TokenService, ipse), IPSE_API_KEY!);
const guard = new Guard(IPSE_JWKS_URL!, IPSE_ISSUER!, IPSE_AUDIENCE!, revocations);

const routes = (router: ConnectRouter) =>
  router.service(OrdersService, {
    greet(_, context) {
      const subject = context.values.get(caller).sub!;
      return { greeting: `Hello, ${subject}`, subject };
    },
    cancelOrder(_, context) {
      requireSignIn(context.values.get(caller), AAL2, 300);
      return {};
    },
  });
const [host, port] = ORDERS_LISTEN!.split(":");
createServer(connectNodeAdapter({ routes, interceptors: [guard.interceptor] })).listen(Number(port), host, () =>
  console.log("listening on", ORDERS_LISTEN),
);
