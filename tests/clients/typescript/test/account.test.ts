// What a program does for a person.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { ErrorReason } from "../gen/ipse/v1/error_pb.js";
import { UserState } from "../gen/ipse/v1/user_pb.js";
import { account, auth, bearer, refresh, refused, signIn } from "./ipse.js";

test("sign in, look and refresh", async () => {
  const first = await signIn("");
  const me = await account.getMe({}, bearer(first.accessToken));
  assert.equal(me.user?.state, UserState.ACTIVE);
  assert.equal(me.session?.id, first.sessionId);

  const second = await refresh(first);
  assert.notEqual(second.refreshToken, first.refreshToken);
  assert.equal(second.sessionId, first.sessionId);
  // As after a lost answer: within the grace the old token yields the same successor.
  assert.equal((await refresh(first)).refreshToken, second.refreshToken);
  assert.deepEqual((await account.getMe({}, bearer(second.accessToken))).user, me.user);
});

test("an error has a reason", async () => {
  const { reason } = await refused(Code.Unauthenticated, account.getMe({}));
  assert.equal(ErrorReason[reason as keyof typeof ErrorReason], ErrorReason.TOKEN_MISSING);
});

test("wrong fields are named all at once", async () => {
  const request = { email: "nobody", password: "a long enough password", username: "?" };
  const refusal = await refused(Code.InvalidArgument, auth.register(request));
  assert.deepEqual(refusal, { reason: "FIELD_INVALID", fields: ["email", "username"] });
});
