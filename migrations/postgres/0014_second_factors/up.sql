-- Second factors, and sign-ins that wait for one.
ALTER TABLE users ADD COLUMN mfa_enabled boolean NOT NULL DEFAULT false;
ALTER TABLE roles ADD COLUMN mfa_required boolean NOT NULL DEFAULT false;
-- Until when the tokens of a session tell of two factors.
ALTER TABLE sessions ADD COLUMN aal2_expire_time timestamptz;

CREATE TABLE factors (
    id              uuid PRIMARY KEY,
    user_id         uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind            text COLLATE "C" NOT NULL,
    display_name    text NOT NULL,
    failures        integer NOT NULL,
    create_time     timestamptz NOT NULL,
    last_used_time  timestamptz,
    revision        bigint NOT NULL,
    -- Of a TOTP factor.
    sealed_secret   bytea,
    last_step       bigint,
    -- Of a passkey.
    credential_id   bytea UNIQUE,
    public_key      bytea,
    user_handle     bytea,
    rp_id           text,
    sign_count      bigint,
    aaguid          uuid,
    transports      text,
    backup_eligible boolean,
    backed_up       boolean,
    user_verified   boolean
);
CREATE INDEX factors_of_user ON factors (user_id, id);

CREATE TABLE recovery_codes (
    factor_id uuid NOT NULL REFERENCES factors (id) ON DELETE CASCADE,
    hash      text COLLATE "C" NOT NULL,
    PRIMARY KEY (factor_id, hash)
);

CREATE TABLE factor_enrolments (
    id            uuid PRIMARY KEY,
    user_id       uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_id    uuid NOT NULL,
    kind          text COLLATE "C" NOT NULL,
    display_name  text NOT NULL,
    sealed_secret bytea,
    challenge     bytea,
    user_handle   bytea,
    failures      integer NOT NULL,
    create_time   timestamptz NOT NULL,
    expire_time   timestamptz NOT NULL,
    UNIQUE (user_id, kind)
);
CREATE INDEX factor_enrolments_expiry ON factor_enrolments (expire_time);

CREATE TABLE challenges (
    digest             bytea PRIMARY KEY,
    purpose            text COLLATE "C" NOT NULL,
    user_id            uuid REFERENCES users (id) ON DELETE CASCADE,
    session_id         uuid,
    proofs             text NOT NULL,
    audience           text,
    client_label       text NOT NULL,
    failures_before    integer NOT NULL,
    webauthn_challenge bytea,
    failures           integer NOT NULL,
    create_time        timestamptz NOT NULL,
    expire_time        timestamptz NOT NULL
);
CREATE INDEX challenges_of_user ON challenges (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX challenges_expiry ON challenges (expire_time);
