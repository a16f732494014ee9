// The stream of revocations itself.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { WatchRevocationsResponse } from "../gen/ipse/v1/token_service_pb.js";
import { bearer, IPSE_API_KEY, logOut, signIn, tokens } from "./ipse.js";
import { PROMISED_MS } from "./waiting.js";

type Stream = AsyncIterator<WatchRevocationsResponse>;

const end = new AbortController();
after(() => end.abort());

async function watch(resumeToken: string, { signal } = end): Promise<Stream> {
  const { accessToken } = await tokens.exchangeApiKey({ apiKey: IPSE_API_KEY });
  const options = { ...bearer(accessToken), signal };
  return tokens.watchRevocations({ resumeToken }, options)[Symbol.asyncIterator]();
}

async function next(stream: Stream): Promise<WatchRevocationsResponse> {
  const { done, value } = await stream.next();
  assert(!done, "the stream ended");
  return value;
}

/** The sessions that the stream tells of before it says that this was all, and where to go on. */
async function snapshot(stream: Stream): Promise<{ sessions: string[]; resumeToken: string }> {
  const sessions: string[] = [];
  for (;;) {
    const { revoked, resumeToken } = await next(stream);
    if (revoked.case === undefined) return { sessions, resumeToken };
    if (revoked.case === "sessionId") sessions.push(revoked.value);
  }
}

test("a revocation arrives within a second", async () => {
  const signedIn = await signIn();
  const stream = await watch("");
  await snapshot(stream);

  const begin = performance.now();
  await logOut(signedIn);
  while ((await next(stream)).revoked.value !== signedIn.sessionId);
  const passed = performance.now() - begin;
  assert(passed < PROMISED_MS, `it took ${passed} ms`);
});

test("a watch goes on without loss", async () => {
  const [before, meanwhile] = [await signIn(), await signIn()];
  await logOut(before);
  const connection = new AbortController();
  const { sessions, resumeToken } = await snapshot(await watch("", connection));
  assert(sessions.includes(before.sessionId));
  connection.abort();

  await logOut(meanwhile);
  assert((await snapshot(await watch(resumeToken))).sessions.includes(meanwhile.sessionId));
});
