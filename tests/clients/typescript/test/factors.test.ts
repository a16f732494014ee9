// Signing in with an authenticator app.
import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { FactorKind } from "../gen/ipse/v1/factor_pb.js";
import { account, auth, bearer, factors, refused } from "./ipse.js";

/** What an authenticator app shows so many spans of 30 seconds after the present one (RFC 6238). */
function totp(secret: string, ahead = 0): string {
  const bits = [...secret].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0"));
  const key = Buffer.from(bits.join("").match(/.{8}/g)!.map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const digest = createHmac("sha1", key).update(step).digest();
  const number = digest.readUInt32BE(digest[19]! & 15) & 0x7fffffff;
  return `${number % 1_000_000}`.padStart(6, "0");
}

test("a person signs in with an app", async () => {
  const [email, password] = [`${randomUUID()}@example.com`, "correct horse battery staple"];
  await auth.register({ email, password });
  const first = (await auth.login({ identifier: email, password })).result;
  assert(first.case === "tokens");

  const as = bearer(first.value.accessToken);
  const { factorId, secret } = await factors.beginTotp({ displayName: "phone" }, as);
  const code = totp(secret);
  const { factor, recoveryCodes } = await factors.confirmTotp({ factorId, code }, as);
  assert.equal(factor?.kind, FactorKind.TOTP);
  assert.equal(recoveryCodes.length, 10);

  const asked = (await auth.login({ identifier: email, password })).result;
  assert(asked.case === "mfaChallenge");
  const { challengeToken } = asked.value;
  const used = auth.completeMfa({ challengeToken, proof: { case: "totpCode", value: code } });
  assert.equal((await refused(Code.Unauthenticated, used)).reason, "MFA_CODE_INVALID");
  const { tokens } = await auth.completeMfa({ challengeToken, proof: { case: "totpCode", value: totp(secret, 1) } });
  const me = await account.getMe({}, bearer(tokens!.accessToken));
  assert.equal(me.session?.acr, "urn:ipse:aal:2");
  assert.equal(me.user?.mfaEnabled, true);
});
