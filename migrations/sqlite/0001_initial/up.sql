-- Ids are UUIDs of 16 bytes, times microseconds since 1970 in UTC, booleans 0 and 1. Text compares by bytes.
-- Words such as states have no CHECK, as SQLite could never extend one; the repositories refuse unknown words.

CREATE TABLE users (
    id                       blob NOT NULL PRIMARY KEY,
    email_written            text NOT NULL,
    email_canonical          text NOT NULL UNIQUE,
    email_verified           integer NOT NULL,
    username                 text UNIQUE,
    display_name             text NOT NULL,
    locale                   text,
    state                    text NOT NULL,
    state_reason             text NOT NULL,
    password_change_required integer NOT NULL,
    create_time              integer NOT NULL,
    update_time              integer NOT NULL,
    last_login_time          integer,
    delete_time              integer,
    revision                 integer NOT NULL
) STRICT;

CREATE TABLE passwords (
    user_id     blob NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    hash        text NOT NULL,
    failures    integer NOT NULL,
    update_time integer NOT NULL
) STRICT;

CREATE TABLE sessions (
    id                 blob NOT NULL PRIMARY KEY,
    user_id            blob NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    ip_address         text NOT NULL,
    user_agent         text NOT NULL,
    client_label       text NOT NULL,
    audience           text,
    auth_time          integer NOT NULL,
    amr                text NOT NULL,
    acr                text NOT NULL,
    create_time        integer NOT NULL,
    last_seen_time     integer NOT NULL,
    expire_time        integer NOT NULL,
    idle_expire_time   integer NOT NULL,
    end_time           integer,
    end_reason         text,
    refresh_generation integer NOT NULL,
    refresh_digest     blob NOT NULL,
    previous_digest    blob,
    rotate_time        integer NOT NULL,
    -- When the session was or will be over, whichever way comes first. A scalar min with a NULL is NULL.
    over_time          integer NOT NULL
                       GENERATED ALWAYS AS (min(coalesce(end_time, expire_time), expire_time, idle_expire_time)) VIRTUAL
) STRICT;
CREATE INDEX sessions_of_user ON sessions (user_id, end_time, create_time DESC, id DESC);
CREATE INDEX sessions_over ON sessions (over_time);

CREATE TABLE action_tokens (
    user_id     blob NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose     text NOT NULL,
    digest      blob NOT NULL UNIQUE,
    create_time integer NOT NULL,
    expire_time integer NOT NULL,
    PRIMARY KEY (user_id, purpose)
) STRICT;
CREATE INDEX action_tokens_expiry ON action_tokens (expire_time);

CREATE TABLE throttles (
    key        blob NOT NULL PRIMARY KEY,
    count      integer NOT NULL,
    first_time integer NOT NULL,
    last_time  integer NOT NULL
) STRICT;
CREATE INDEX throttles_last ON throttles (last_time);

CREATE TABLE mail_outbox (
    id                blob NOT NULL PRIMARY KEY,
    kind              text NOT NULL,
    sealed            blob NOT NULL,
    create_time       integer NOT NULL,
    attempts          integer NOT NULL,
    next_attempt_time integer NOT NULL
) STRICT;
CREATE INDEX mail_outbox_due ON mail_outbox (next_attempt_time, id);

CREATE TABLE signing_keys (
    kid                text NOT NULL PRIMARY KEY,
    algorithm          text NOT NULL,
    public_jwk         text NOT NULL,
    sealed_private_key blob NOT NULL,
    create_time        integer NOT NULL,
    activate_time      integer NOT NULL,
    retire_time        integer,
    drop_time          integer
) STRICT;

CREATE TABLE server_secrets (
    name        text NOT NULL PRIMARY KEY,
    sealed      blob NOT NULL,
    create_time integer NOT NULL
) STRICT;
