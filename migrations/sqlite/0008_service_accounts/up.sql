CREATE TABLE service_accounts (
    id          blob NOT NULL PRIMARY KEY,
    name        text NOT NULL UNIQUE,
    description text NOT NULL,
    disabled    integer NOT NULL,
    create_time integer NOT NULL,
    update_time integer NOT NULL,
    revision    integer NOT NULL
) STRICT;

-- Scopes are patterns with single spaces between them; empty text is no limit.
CREATE TABLE api_keys (
    id                 blob NOT NULL PRIMARY KEY,
    service_account_id blob NOT NULL REFERENCES service_accounts (id) ON DELETE CASCADE,
    display_name       text NOT NULL,
    digest             blob NOT NULL,
    scopes             text NOT NULL,
    create_time        integer NOT NULL,
    expire_time        integer NOT NULL,
    last_used_time     integer,
    revoke_time        integer,
    -- When the key was or will be over, whichever way comes first. A scalar min with a NULL is NULL.
    over_time          integer NOT NULL
                       GENERATED ALWAYS AS (min(coalesce(revoke_time, expire_time), expire_time)) VIRTUAL
) STRICT;
CREATE INDEX api_keys_of_account ON api_keys (service_account_id, id);
CREATE INDEX api_keys_over ON api_keys (over_time);

CREATE TABLE service_role_grants (
    role_id            blob NOT NULL REFERENCES roles (id),
    service_account_id blob NOT NULL REFERENCES service_accounts (id) ON DELETE CASCADE,
    create_time        integer NOT NULL,
    PRIMARY KEY (service_account_id, role_id)
) STRICT;
CREATE INDEX service_role_grants_role ON service_role_grants (role_id, service_account_id);
