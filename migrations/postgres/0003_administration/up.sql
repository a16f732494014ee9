-- Permissions are patterns with single spaces between them.
CREATE TABLE roles (
    id          uuid PRIMARY KEY,
    name        text COLLATE "C" NOT NULL UNIQUE,
    description text NOT NULL,
    permissions text NOT NULL,
    built_in    boolean NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    revision    bigint NOT NULL
);

CREATE TABLE role_grants (
    role_id     uuid NOT NULL REFERENCES roles (id),
    user_id     uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (user_id, role_id)
);
CREATE INDEX role_grants_role ON role_grants (role_id, user_id);

INSERT INTO roles (id, name, description, permissions, built_in, create_time, update_time, revision) VALUES
    ('00000000-0000-7000-8000-000000000001', 'administrator', 'May do everything.',
     '*', true, 'epoch', 'epoch', 1),
    ('00000000-0000-7000-8000-000000000002', 'support', 'Helps people with their accounts.',
     'users.read users.write sessions.read sessions.revoke roles.read', true, 'epoch', 'epoch', 1),
    ('00000000-0000-7000-8000-000000000003', 'auditor', 'Sees accounts, rights and the audit trail, and changes nothing.',
     'users.read sessions.read roles.read service_accounts.read audit.read', true, 'epoch', 'epoch', 1),
    ('00000000-0000-7000-8000-000000000004', 'service', 'For services that ask who calls them and what the caller may do.',
     'tokens.introspect permissions.check users.read', true, 'epoch', 'epoch', 1);

-- Calls that their callers gave an id, so that a repeat gets the first answer. Digest and answer tell nothing without
-- the keys of the installation.
CREATE TABLE answered_requests (
    caller_id   uuid NOT NULL,
    request_id  uuid NOT NULL,
    digest      bytea NOT NULL,
    sealed      bytea,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (caller_id, request_id)
);
CREATE INDEX answered_requests_create_time ON answered_requests (create_time);
