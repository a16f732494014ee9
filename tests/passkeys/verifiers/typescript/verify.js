// The verdicts of @simplewebauthn/server (npm).
import { createInterface } from "node:readline";
import { verifyAuthenticationResponse, verifyRegistrationResponse } from "@simplewebauthn/server";

const bytesOf = (text) => new Uint8Array(Buffer.from(text, "base64url"));

/** What the library says, or throws. */
async function judge({ kind, origin, rp_id, challenge, user_verification, stored, credential }) {
  const response = JSON.parse(credential);
  const expected = {
    response,
    expectedChallenge: challenge,
    expectedOrigin: origin,
    expectedRPID: rp_id,
    requireUserVerification: user_verification === "required",
  };
  if (kind === "create") return (await verifyRegistrationResponse(expected)).verified;
  // Whoever uses the library looks the passkey up by the id in the response.
  if (response.id !== stored.credential_id) throw new Error("no such passkey");
  const kept = { id: stored.credential_id, publicKey: bytesOf(stored.public_key), counter: stored.sign_count };
  return (await verifyAuthenticationResponse({ ...expected, credential: kept })).verified;
}

for await (const line of createInterface({ input: process.stdin })) {
  const verdict = await judge(JSON.parse(line)).then(
    (accepts) => ({ accepts, why: accepts ? "" : "not verified" }),
    (error) => ({ accepts: false, why: `${error.name}: ${error.message}` }),
  );
  process.stdout.write(JSON.stringify(verdict) + "\n");
}
