// Waiting for what the service will do.
import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";

/** Within which a revocation arrives. */
export const PROMISED_MS = 1000;

/** Returns when the condition holds; fails if it does not in time. */
export async function eventually(what: string, condition: () => Promise<boolean>, bound = 15_000): Promise<void> {
  const end = performance.now() + bound;
  while (!(await condition())) {
    assert(performance.now() < end, `in vain: ${what}`);
    await setTimeout(5);
  }
}
