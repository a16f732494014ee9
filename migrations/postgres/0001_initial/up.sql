-- Text that is compared uses the collation "C", so that both backends compare bytes.
-- Words such as states have no CHECK, as SQLite could never extend one; the repositories refuse unknown words.

CREATE TABLE users (
    id                       uuid PRIMARY KEY,
    email_written            text NOT NULL,
    email_canonical          text COLLATE "C" NOT NULL UNIQUE,
    email_verified           boolean NOT NULL,
    username                 text COLLATE "C" UNIQUE,
    display_name             text NOT NULL,
    locale                   text,
    state                    text COLLATE "C" NOT NULL,
    state_reason             text NOT NULL,
    password_change_required boolean NOT NULL,
    create_time              timestamptz NOT NULL,
    update_time              timestamptz NOT NULL,
    last_login_time          timestamptz,
    delete_time              timestamptz,
    revision                 bigint NOT NULL
);

CREATE TABLE passwords (
    user_id     uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    hash        text COLLATE "C" NOT NULL,
    failures    integer NOT NULL,
    update_time timestamptz NOT NULL
);

CREATE TABLE sessions (
    id                 uuid PRIMARY KEY,
    user_id            uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    ip_address         text NOT NULL,
    user_agent         text NOT NULL,
    client_label       text NOT NULL,
    audience           text,
    auth_time          timestamptz NOT NULL,
    amr                text NOT NULL,
    acr                text NOT NULL,
    create_time        timestamptz NOT NULL,
    last_seen_time     timestamptz NOT NULL,
    expire_time        timestamptz NOT NULL,
    idle_expire_time   timestamptz NOT NULL,
    end_time           timestamptz,
    end_reason         text COLLATE "C",
    refresh_generation bigint NOT NULL,
    refresh_digest     bytea NOT NULL,
    previous_digest    bytea,
    rotate_time        timestamptz NOT NULL,
    -- When the session was or will be over, whichever way comes first. LEAST passes over NULL.
    over_time          timestamptz NOT NULL
                       GENERATED ALWAYS AS (LEAST(end_time, expire_time, idle_expire_time)) STORED
);
CREATE INDEX sessions_of_user ON sessions (user_id, end_time, create_time DESC, id DESC);
CREATE INDEX sessions_over ON sessions (over_time);

CREATE TABLE action_tokens (
    user_id     uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose     text COLLATE "C" NOT NULL,
    digest      bytea NOT NULL UNIQUE,
    create_time timestamptz NOT NULL,
    expire_time timestamptz NOT NULL,
    PRIMARY KEY (user_id, purpose)
);
CREATE INDEX action_tokens_expiry ON action_tokens (expire_time);

CREATE TABLE throttles (
    key        bytea PRIMARY KEY,
    count      integer NOT NULL,
    first_time timestamptz NOT NULL,
    last_time  timestamptz NOT NULL
);
CREATE INDEX throttles_last ON throttles (last_time);

CREATE TABLE mail_outbox (
    id                uuid PRIMARY KEY,
    kind              text NOT NULL,
    sealed            bytea NOT NULL,
    create_time       timestamptz NOT NULL,
    attempts          integer NOT NULL,
    next_attempt_time timestamptz NOT NULL
);
CREATE INDEX mail_outbox_due ON mail_outbox (next_attempt_time, id);

CREATE TABLE signing_keys (
    kid                text COLLATE "C" PRIMARY KEY,
    algorithm          text NOT NULL,
    public_jwk         text NOT NULL,
    sealed_private_key bytea NOT NULL,
    create_time        timestamptz NOT NULL,
    activate_time      timestamptz NOT NULL,
    retire_time        timestamptz,
    drop_time          timestamptz
);

CREATE TABLE server_secrets (
    name        text COLLATE "C" PRIMARY KEY,
    sealed      bytea NOT NULL,
    create_time timestamptz NOT NULL
);
