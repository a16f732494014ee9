// What Ipse has revoked, heard from a stream.
import { setTimeout } from "node:timers/promises";
import type { Client } from "@connectrpc/connect";
import type { TokenService, WatchRevocationsResponse } from "../gen/ipse/v1/token_service_pb.js";

// How long the stream may be silent before nothing is known any more. It says every second that it is alive.
const PATIENCE_MS = 3000;

/** Knows nothing until `watch` runs. */
export class Revocations {
  readonly #entries = new Map<string, WatchRevocationsResponse>(); // by the id of the session, subject, token or key
  #current = -Infinity; // when they were complete last

  /** Whether it is known what is revoked. */
  get known(): boolean {
    return performance.now() - this.#current <= PATIENCE_MS;
  }

  /** Whether a token with one of these ids that was issued then is revoked. */
  include(ids: unknown[], issued: number): boolean {
    return ids.some((id) => {
      const entry = this.#entries.get(id as string);
      return entry && (!entry.revokedBefore || issued <= entry.revokedBefore.seconds);
    });
  }

  /** Hears of revocations until the signal, as the service whose key this is, which holds the permission
   *  tokens.introspect. Goes on where the stream broke off. */
  async watch(ipse: Client<typeof TokenService>, apiKey: string, signal?: AbortSignal): Promise<void> {
    let resumeToken = "";
    while (!signal?.aborted) {
      try {
        const { accessToken } = await ipse.exchangeApiKey({ apiKey }, { signal });
        const headers = { authorization: `Bearer ${accessToken}` };
        for await (const message of ipse.watchRevocations({ resumeToken }, { headers, signal })) {
          resumeToken = message.resumeToken;
          this.#learn(message);
        }
      } catch (error) {
        if (!signal?.aborted) console.error(`the stream of revocations broke off: ${error}`);
      }
      await setTimeout(500, undefined, { signal }).catch(() => {});
    }
  }

  #learn(message: WatchRevocationsResponse): void {
    const before = (entry?: WatchRevocationsResponse) => entry?.revokedBefore?.seconds ?? 0n;
    const { value: id } = message.revoked;
    if (id) {
      if (before(this.#entries.get(id)) <= before(message)) this.#entries.set(id, message);
      return;
    }
    for (const [id, { forgetAfter }] of this.#entries) {
      if (forgetAfter && Number(forgetAfter.seconds) * 1000 < Date.now()) this.#entries.delete(id);
    }
    this.#current = performance.now();
  }
}
