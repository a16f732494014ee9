// Lets calls in that bring a valid access token of Ipse. It asks Ipse for nothing while it does so: it has the keys
// that sign tokens, and knows what has been revoked.
import { Code, ConnectError, createContextKey, type Interceptor } from "@connectrpc/connect";
import { createRemoteJWKSet, jwtVerify, type JWTPayload, type JWTVerifyOptions } from "jose";
import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.js";
import type { Revocations } from "./revocations.js";

/** The level of a sign-in with two factors, as tokens tell it. */
export const AAL2 = "urn:ipse:aal:2";
/** That of somebody who must have two and has not. */
const ENROLMENT = "urn:ipse:aal:0";

/** What the token of the caller says, in the context of a call that was let in. */
export const caller = createContextKey<JWTPayload>({});

/** Checks the access tokens of an issuer for an audience. */
export class Guard {
  readonly #keys: ReturnType<typeof createRemoteJWKSet>;
  readonly #expected: JWTVerifyOptions;
  readonly #revocations: Revocations;

  constructor(jwksUrl: string, issuer: string, audience: string, revocations: Revocations) {
    this.#keys = createRemoteJWKSet(new URL(jwksUrl));
    const requiredClaims = ["sub", "sid", "jti", "iat", "exp"];
    this.#expected = { issuer, audience, typ: "at+jwt", algorithms: ["ES256"], requiredClaims };
    this.#revocations = revocations;
  }

  /** What a token says if it is valid. */
  async check(token: string): Promise<JWTPayload> {
    const { payload, protectedHeader } = await jwtVerify(token, this.#keys, this.#expected).catch(() => {
      throw invalid();
    });
    if (payload.acr === ENROLMENT) throw invalid();
    if (!this.#revocations.known) {
      throw new ConnectError("it is not known at the moment which tokens are revoked", Code.Unavailable);
    }
    const ids = [payload.sid, payload.jti, protectedHeader.kid, payload.sub];
    if (this.#revocations.include(ids, payload.iat!)) throw invalid();
    return payload;
  }

  readonly interceptor: Interceptor = (next) => async (request) => {
    // One or more spaces follow the scheme, which has no case (RFC 9110, section 11.4).
    const token = request.header.get("authorization")?.match(/^\s*Bearer +(\S+)\s*$/i)?.[1];
    if (!token) throw invalid();
    request.contextValues.set(caller, await this.check(token));
    return next(request);
  };
}

/** Refuses a caller who did not sign in at this level, or did so more seconds ago. The client has the person prove it
 *  again, for what the error names, and comes back with the new token (RFC 9470). */
export function requireSignIn(claims: JWTPayload, acr: string, maxAge: number): void {
  if (claims.acr === acr && Date.now() / 1000 - Number(claims.auth_time) <= maxAge) return;
  const metadata = { acr_values: acr, max_age: `${maxAge}` };
  const value = { reason: "STEP_UP_REQUIRED", domain: "orders.v1", metadata };
  throw new ConnectError("this takes a fresh sign-in with a second factor", Code.Unauthenticated, undefined, [
    { desc: ErrorInfoSchema, value },
  ]);
}

const invalid = () => new ConnectError("the access token is missing or not valid", Code.Unauthenticated);
