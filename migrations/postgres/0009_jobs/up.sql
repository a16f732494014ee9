-- Work for later: mail, and what is done again and again. What was given up stays for a while, for an operator to see.
CREATE TABLE jobs (
    id           uuid PRIMARY KEY,
    kind         text COLLATE "C" NOT NULL,
    lane         text COLLATE "C" NOT NULL,
    -- For work of which there is one job in all, however many replicas ask for it.
    unique_key   text COLLATE "C" UNIQUE,
    payload      bytea NOT NULL,
    sealed       boolean NOT NULL,
    -- Whom it is about; it is erased with them.
    user_id      uuid REFERENCES users (id) ON DELETE CASCADE,
    create_time  timestamptz NOT NULL,
    -- When to try next. While a worker has it, when its lease ends.
    run_time     timestamptz NOT NULL,
    -- From when on a failure is the last one; none for work that is never given up.
    give_up_time timestamptz,
    attempts     integer NOT NULL,
    -- Names the claim of the worker that has it.
    lease        uuid,
    last_error   text,
    -- When it was given up.
    dead_time    timestamptz
);
CREATE INDEX jobs_due ON jobs (lane, run_time, id) WHERE dead_time IS NULL;
CREATE INDEX jobs_dead ON jobs (dead_time) WHERE dead_time IS NOT NULL;
CREATE INDEX jobs_user ON jobs (user_id);

-- Mail that carries a token has a lane of its own.
INSERT INTO jobs (id, kind, lane, payload, sealed, user_id, create_time, run_time, give_up_time, attempts)
SELECT id, 'notice_mail', 'mail.notice', sealed, true, user_id, create_time, next_attempt_time, create_time + interval '24 hours',
       attempts
FROM mail_outbox;
UPDATE jobs SET kind = 'token_mail', lane = 'mail.token' WHERE id IN (
    SELECT id FROM mail_outbox WHERE kind IN ('verify_email', 'reset_password', 'invitation', 'confirm_new_email')
);
DROP TABLE mail_outbox;
