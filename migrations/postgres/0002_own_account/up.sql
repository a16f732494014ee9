ALTER TABLE users ADD COLUMN attributes text NOT NULL DEFAULT '{}';
ALTER TABLE users ADD COLUMN purge_time timestamptz;
CREATE INDEX users_purge ON users (purge_time) WHERE purge_time IS NOT NULL;

-- The address to take, for tokens that change it.
ALTER TABLE action_tokens ADD COLUMN new_email text;
