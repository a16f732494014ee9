-- Which client signed a person in, the session that a session was derived from, and when each factor was proven.
-- An empty list of proofs stands for a password at auth_time: so do the sessions from before.
ALTER TABLE sessions ADD COLUMN client_id text NOT NULL DEFAULT 'ipse';
ALTER TABLE sessions ADD COLUMN parent_id uuid;
ALTER TABLE sessions ADD COLUMN proofs text NOT NULL DEFAULT '';
