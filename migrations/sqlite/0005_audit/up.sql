CREATE TABLE audit_events (
    sequence   integer PRIMARY KEY AUTOINCREMENT,
    id         blob NOT NULL,
    time       integer NOT NULL,
    type       text NOT NULL,
    actor      text NOT NULL,
    subject    text NOT NULL,
    outcome    text NOT NULL,
    reason     text NOT NULL,
    ip_address text,
    user_agent text NOT NULL,
    request_id text NOT NULL,
    trace_id   text NOT NULL,
    details    text NOT NULL
) STRICT;
CREATE INDEX audit_events_time ON audit_events (time);
CREATE INDEX audit_events_type ON audit_events (type, sequence);
CREATE INDEX audit_events_actor ON audit_events (actor, sequence);
CREATE INDEX audit_events_subject ON audit_events (subject, sequence);
CREATE INDEX audit_events_outcome ON audit_events (outcome, sequence);

-- Whoever owns the file could drop these: they guard against faults, not against the machine's administrator.
CREATE TRIGGER audit_events_stay BEFORE UPDATE ON audit_events BEGIN
    SELECT RAISE(ABORT, 'audit events are kept as they are');
END;
CREATE TRIGGER audit_events_stay_while_young BEFORE DELETE ON audit_events
WHEN OLD.time > CAST((unixepoch('subsec') - 30 * 86400) * 1000000 AS integer) BEGIN
    SELECT RAISE(ABORT, 'audit events are kept as they are');
END;
