-- Second factors, and sign-ins that wait for one.
ALTER TABLE users ADD COLUMN mfa_enabled integer NOT NULL DEFAULT 0;
ALTER TABLE roles ADD COLUMN mfa_required integer NOT NULL DEFAULT 0;
-- Until when the tokens of a session tell of two factors.
ALTER TABLE sessions ADD COLUMN aal2_expire_time integer;

CREATE TABLE factors (
    id              blob NOT NULL PRIMARY KEY,
    user_id         blob NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind            text NOT NULL,
    display_name    text NOT NULL,
    failures        integer NOT NULL,
    create_time     integer NOT NULL,
    last_used_time  integer,
    revision        integer NOT NULL,
    -- Of a TOTP factor.
    sealed_secret   blob,
    last_step       integer,
    -- Of a passkey.
    credential_id   blob UNIQUE,
    public_key      blob,
    user_handle     blob,
    rp_id           text,
    sign_count      integer,
    aaguid          blob,
    transports      text,
    backup_eligible integer,
    backed_up       integer,
    user_verified   integer
) STRICT;
CREATE INDEX factors_of_user ON factors (user_id, id);

CREATE TABLE recovery_codes (
    factor_id blob NOT NULL REFERENCES factors (id) ON DELETE CASCADE,
    hash      text NOT NULL,
    PRIMARY KEY (factor_id, hash)
) STRICT;

CREATE TABLE factor_enrolments (
    id            blob NOT NULL PRIMARY KEY,
    user_id       blob NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_id    blob NOT NULL,
    kind          text NOT NULL,
    display_name  text NOT NULL,
    sealed_secret blob,
    challenge     blob,
    user_handle   blob,
    failures      integer NOT NULL,
    create_time   integer NOT NULL,
    expire_time   integer NOT NULL,
    UNIQUE (user_id, kind)
) STRICT;
CREATE INDEX factor_enrolments_expiry ON factor_enrolments (expire_time);

CREATE TABLE challenges (
    digest             blob NOT NULL PRIMARY KEY,
    purpose            text NOT NULL,
    user_id            blob REFERENCES users (id) ON DELETE CASCADE,
    session_id         blob,
    proofs             text NOT NULL,
    audience           text,
    client_label       text NOT NULL,
    failures_before    integer NOT NULL,
    webauthn_challenge blob,
    failures           integer NOT NULL,
    create_time        integer NOT NULL,
    expire_time        integer NOT NULL
) STRICT;
CREATE INDEX challenges_of_user ON challenges (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX challenges_expiry ON challenges (expire_time);
