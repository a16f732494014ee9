-- Permissions are patterns with single spaces between them.
CREATE TABLE roles (
    id          blob NOT NULL PRIMARY KEY,
    name        text NOT NULL UNIQUE,
    description text NOT NULL,
    permissions text NOT NULL,
    built_in    integer NOT NULL,
    create_time integer NOT NULL,
    update_time integer NOT NULL,
    revision    integer NOT NULL
) STRICT;

CREATE TABLE role_grants (
    role_id     blob NOT NULL REFERENCES roles (id),
    user_id     blob NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    create_time integer NOT NULL,
    PRIMARY KEY (user_id, role_id)
) STRICT;
CREATE INDEX role_grants_role ON role_grants (role_id, user_id);

INSERT INTO roles (id, name, description, permissions, built_in, create_time, update_time, revision) VALUES
    (x'00000000000070008000000000000001', 'administrator', 'May do everything.',
     '*', 1, 0, 0, 1),
    (x'00000000000070008000000000000002', 'support', 'Helps people with their accounts.',
     'users.read users.write sessions.read sessions.revoke roles.read', 1, 0, 0, 1),
    (x'00000000000070008000000000000003', 'auditor', 'Sees accounts, rights and the audit trail, and changes nothing.',
     'users.read sessions.read roles.read service_accounts.read audit.read', 1, 0, 0, 1),
    (x'00000000000070008000000000000004', 'service', 'For services that ask who calls them and what the caller may do.',
     'tokens.introspect permissions.check users.read', 1, 0, 0, 1);

-- Calls that their callers gave an id, so that a repeat gets the first answer. Digest and answer tell nothing without
-- the keys of the installation.
CREATE TABLE answered_requests (
    caller_id   blob NOT NULL,
    request_id  blob NOT NULL,
    digest      blob NOT NULL,
    sealed      blob,
    create_time integer NOT NULL,
    PRIMARY KEY (caller_id, request_id)
) STRICT;
CREATE INDEX answered_requests_create_time ON answered_requests (create_time);
