-- What voids access tokens or changes what they are worth: every replica follows it and keeps it in memory. Few rows, as
-- each is erased when the last token that it concerns has expired.
CREATE TABLE access_changes (
    sequence       integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind           text NOT NULL,
    target         text NOT NULL,
    revoked_before integer,
    forget_after   integer NOT NULL,
    create_time    integer NOT NULL
) STRICT;
CREATE INDEX access_changes_target ON access_changes (target);
CREATE INDEX access_changes_forget_after ON access_changes (forget_after);
-- Whoever holds a token may revoke it again and again.
CREATE UNIQUE INDEX access_changes_token ON access_changes (target) WHERE kind = 'token';
