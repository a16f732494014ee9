// The service as a program in TypeScript calls it.
import assert from "node:assert/strict";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { BadRequestSchema, ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.js";
import { AccountService } from "../gen/ipse/v1/account_service_pb.js";
import { AuthService } from "../gen/ipse/v1/auth_service_pb.js";
import { FactorService } from "../gen/ipse/v1/factor_service_pb.js";
import type { Tokens } from "../gen/ipse/v1/session_pb.js";
import { TokenService } from "../gen/ipse/v1/token_service_pb.js";

export const { IPSE_TARGET, IPSE_JWKS_URL, IPSE_ISSUER, IPSE_AUDIENCE, IPSE_PERSON, IPSE_PASSWORD, IPSE_API_KEY } =
  process.env as Record<string, string>;

const transport = createGrpcTransport({ baseUrl: `http://${IPSE_TARGET}` });
export const auth = createClient(AuthService, transport);
export const account = createClient(AccountService, transport);
export const factors = createClient(FactorService, transport);
export const tokens = createClient(TokenService, transport);

export const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

/** Tokens for the service that the tests stand for, or for another one; for Ipse itself without a name. */
export async function signIn(audience = IPSE_AUDIENCE): Promise<Tokens> {
  const { result } = await auth.login({ identifier: IPSE_PERSON, password: IPSE_PASSWORD, audience });
  assert(result.case === "tokens");
  return result.value;
}

export async function refresh({ refreshToken }: Tokens): Promise<Tokens> {
  const response = await auth.refresh({ refreshToken });
  assert(response.tokens);
  return response.tokens;
}

export const logOut = ({ refreshToken }: Tokens) => auth.logout({ refreshToken });

/** Expects the call to be refused, and returns the reason and the fields that the error names. */
export async function refused(code: Code, call: Promise<unknown>): Promise<{ reason: string; fields: string[] }> {
  const error = await call.then(() => assert.fail("not refused"), ConnectError.from);
  assert.equal(error.code, code, error.message);
  const [info] = error.findDetails(ErrorInfoSchema);
  assert.equal(info?.domain, "ipse.v1");
  const violations = error.findDetails(BadRequestSchema).flatMap((request) => request.fieldViolations);
  return { reason: info.reason, fields: violations.map((violation) => violation.field).sort() };
}
