CREATE TABLE service_accounts (
    id          uuid PRIMARY KEY,
    name        text COLLATE "C" NOT NULL UNIQUE,
    description text NOT NULL,
    disabled    boolean NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    revision    bigint NOT NULL
);

-- Scopes are patterns with single spaces between them; empty text is no limit.
CREATE TABLE api_keys (
    id                 uuid PRIMARY KEY,
    service_account_id uuid NOT NULL REFERENCES service_accounts (id) ON DELETE CASCADE,
    display_name       text NOT NULL,
    digest             bytea NOT NULL,
    scopes             text NOT NULL,
    create_time        timestamptz NOT NULL,
    expire_time        timestamptz NOT NULL,
    last_used_time     timestamptz,
    revoke_time        timestamptz,
    -- When the key was or will be over, whichever way comes first. LEAST passes over NULL.
    over_time          timestamptz NOT NULL
                       GENERATED ALWAYS AS (LEAST(revoke_time, expire_time)) STORED
);
CREATE INDEX api_keys_of_account ON api_keys (service_account_id, id);
CREATE INDEX api_keys_over ON api_keys (over_time);

CREATE TABLE service_role_grants (
    role_id            uuid NOT NULL REFERENCES roles (id),
    service_account_id uuid NOT NULL REFERENCES service_accounts (id) ON DELETE CASCADE,
    create_time        timestamptz NOT NULL,
    PRIMARY KEY (service_account_id, role_id)
);
CREATE INDEX service_role_grants_role ON service_role_grants (role_id, service_account_id);
