// Lets calls in that bring a valid access token of Ipse. It asks Ipse for nothing while it does so: it knows the keys that
// sign tokens, and hears of what has been revoked.
import { setTimeout } from "node:timers/promises";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createContextKey, type Client, type Interceptor } from "@connectrpc/connect";
import { createRemoteJWKSet, jwtVerify, type JWTPayload, type JWTVerifyOptions } from "jose";
import type { TokenService, WatchRevocationsResponse } from "../gen/ipse/v1/token_service_pb.js";

// How long the stream of revocations may be silent before no token is trusted. It says every second that it is alive.
const PATIENCE_MS = 3000;

/** What the token of the caller says, in the context of a call that was let in. */
export const caller = createContextKey<JWTPayload>({});

/** Checks the access tokens of an issuer for an audience. It trusts none until `watch` runs. */
export class Guard {
  readonly #keys: ReturnType<typeof createRemoteJWKSet>;
  readonly #expected: JWTVerifyOptions;
  readonly #revoked = new Map<string, WatchRevocationsResponse>(); // by the id of the session, subject, token or key
  #current = -Infinity; // when #revoked was complete last

  constructor(jwksUrl: string, issuer: string, audience: string) {
    this.#keys = createRemoteJWKSet(new URL(jwksUrl));
    const requiredClaims = ["sub", "sid", "jti", "iat", "exp"];
    this.#expected = { issuer, audience, typ: "at+jwt", algorithms: ["ES256"], requiredClaims };
  }

  /** What a token says if it is valid. */
  async check(token: string): Promise<JWTPayload> {
    if (performance.now() - this.#current > PATIENCE_MS) {
      throw new ConnectError("it is not known at the moment which tokens are revoked", Code.Unavailable);
    }
    const { payload, protectedHeader } = await jwtVerify(token, this.#keys, this.#expected).catch(() => {
      throw invalid();
    });
    for (const id of [payload.sid, payload.jti, protectedHeader.kid, payload.sub]) {
      const entry = this.#revoked.get(id as string);
      if (entry && (!entry.revokedBefore || payload.iat! <= entry.revokedBefore.seconds)) throw invalid();
    }
    return payload;
  }

  readonly interceptor: Interceptor = (next) => async (request) => {
    const token = request.header.get("authorization")?.match(/^Bearer (\S+)$/)?.[1];
    if (!token) throw invalid();
    request.contextValues.set(caller, await this.check(token));
    return next(request);
  };

  /** Hears of revocations until the signal. Calls with what `signIn` returns, an access token whose subject holds the
   *  permission tokens.introspect, and begins anew where the stream broke off. */
  async watch(ipse: Client<typeof TokenService>, signIn: () => Promise<string>, signal: AbortSignal): Promise<void> {
    let resumeToken = "";
    while (!signal.aborted) {
      try {
        const headers = { authorization: `Bearer ${await signIn()}` };
        for await (const message of ipse.watchRevocations({ resumeToken }, { headers, signal })) {
          this.#learn(message);
          resumeToken = message.resumeToken;
        }
      } catch (error) {
        if (!signal.aborted) console.error(`the stream of revocations broke off: ${error}`);
      }
      await setTimeout(500, undefined, { signal }).catch(() => {});
    }
  }

  #learn(message: WatchRevocationsResponse): void {
    const { value: id } = message.revoked;
    if (id) {
      const known = this.#revoked.get(id)?.revokedBefore?.seconds ?? 0n;
      if (known <= (message.revokedBefore?.seconds ?? 0n)) this.#revoked.set(id, message);
      return;
    }
    this.#current = performance.now();
    for (const [id, { forgetAfter }] of this.#revoked) {
      if (forgetAfter && timestampMs(forgetAfter) < Date.now()) this.#revoked.delete(id);
    }
  }
}

const invalid = () => new ConnectError("the access token is missing or not valid", Code.Unauthenticated);
