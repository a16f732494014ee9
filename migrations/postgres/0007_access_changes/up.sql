-- What voids access tokens or changes what they are worth: every replica follows it and keeps it in memory. Few rows, as
-- each is erased when the last token that it concerns has expired.
CREATE TABLE access_changes (
    sequence       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind           text COLLATE "C" NOT NULL,
    target         text COLLATE "C" NOT NULL,
    revoked_before timestamptz,
    forget_after   timestamptz NOT NULL,
    create_time    timestamptz NOT NULL
);
CREATE INDEX access_changes_target ON access_changes (target);
CREATE INDEX access_changes_forget_after ON access_changes (forget_after);
-- Whoever holds a token may revoke it again and again.
CREATE UNIQUE INDEX access_changes_token ON access_changes (target) WHERE kind = 'token';
