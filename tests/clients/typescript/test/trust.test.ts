// What a service does with the tokens of its callers.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { Guard } from "orders/src/guard.js";
import { Revocations } from "orders/src/revocations.js";
import { account, bearer, logOut, signIn, tokens } from "./ipse.js";
import { IPSE_API_KEY, IPSE_AUDIENCE, IPSE_ISSUER, IPSE_JWKS_URL } from "./ipse.js";
import { eventually, PROMISED_MS } from "./waiting.js";

const stop = new AbortController();
after(() => stop.abort());

/** The code with which a guard refuses a token, if it does. */
const refusal = (guard: Guard, token: string) =>
  guard.check(token).then(
    () => undefined,
    (error: unknown) => ConnectError.from(error).code,
  );

const guarding = (revocations: Revocations, issuer = IPSE_ISSUER!, audience = IPSE_AUDIENCE!) =>
  new Guard(IPSE_JWKS_URL!, issuer, audience, revocations);

/** A guard, as services have it, that hears of revocations. */
async function watching(): Promise<Guard> {
  const revocations = new Revocations();
  void revocations.watch(tokens, IPSE_API_KEY!, stop.signal);
  await eventually("revocations are known", async () => revocations.known);
  return guarding(revocations);
}

test("a token is verified offline", async () => {
  const guard = await watching();
  const signedIn = await signIn();
  const claims = await guard.check(signedIn.accessToken);
  const me = await account.getMe({}, bearer((await signIn("")).accessToken));
  assert.equal(claims.sub, me.user?.id);
  assert.equal(claims.sid, signedIn.sessionId);
  assert.equal(BigInt(claims.exp!), signedIn.accessExpireTime?.seconds);
});

test("no tampered token is trusted", async () => {
  const guard = await watching();
  const { accessToken } = await signIn();
  assert.equal(await refusal(guard, accessToken), undefined);
  for (const [at, character] of [...accessToken].entries()) {
    // So different that it shows even where the last bits of a part say nothing.
    const tampered = accessToken.slice(0, at) + (character < "E" ? "Z" : "A") + accessToken.slice(at + 1);
    assert.equal(await refusal(guard, tampered), Code.Unauthenticated, `with another character at ${at}`);
  }
});

test("a token of another issuer or for another audience is not trusted", async () => {
  const { accessToken } = await signIn();
  for (const guard of [
    guarding(new Revocations(), "https://other.example"),
    guarding(new Revocations(), IPSE_ISSUER, "billing"),
  ]) {
    assert.equal(await refusal(guard, accessToken), Code.Unauthenticated);
  }
});

test("no token is trusted before revocations are known", async () => {
  const guard = guarding(new Revocations());
  assert.equal(await refusal(guard, (await signIn()).accessToken), Code.Unavailable);
});

test("a logged-out token is not trusted", async () => {
  const guard = await watching();
  const signedIn = await signIn();
  await guard.check(signedIn.accessToken);
  await logOut(signedIn);
  const refused = async () => (await refusal(guard, signedIn.accessToken)) === Code.Unauthenticated;
  await eventually("the token is refused", refused, PROMISED_MS);
});
