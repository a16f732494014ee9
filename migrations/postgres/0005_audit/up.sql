CREATE TABLE audit_events (
    sequence   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         uuid NOT NULL,
    time       timestamptz NOT NULL,
    type       text COLLATE "C" NOT NULL,
    actor      text COLLATE "C" NOT NULL,
    subject    text COLLATE "C" NOT NULL,
    outcome    text COLLATE "C" NOT NULL,
    reason     text NOT NULL,
    ip_address text,
    user_agent text NOT NULL,
    request_id text NOT NULL,
    trace_id   text NOT NULL,
    details    text NOT NULL
);
CREATE INDEX audit_events_time ON audit_events (time);
CREATE INDEX audit_events_type ON audit_events (type, sequence);
CREATE INDEX audit_events_actor ON audit_events (actor, sequence);
CREATE INDEX audit_events_subject ON audit_events (subject, sequence);
CREATE INDEX audit_events_outcome ON audit_events (outcome, sequence);

-- The owner of the table is bound by these as well. The role that the service runs as lacks the right to begin with.
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit events are kept as they are' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_events_stay BEFORE UPDATE OR TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_events_stay_while_young BEFORE DELETE ON audit_events
    FOR EACH ROW WHEN (OLD.time > now() - interval '30 days') EXECUTE FUNCTION refuse_audit_change();

-- Erases old events with the rights of the table's owner. The search path is fixed, or whoever calls could put a table
-- of their own in the way.
DO $migration$ BEGIN
    EXECUTE format($function$
        CREATE FUNCTION purge_audit_events(before timestamptz, most bigint) RETURNS bigint
        LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, %I, pg_temp AS $$
            WITH erased AS (
                DELETE FROM audit_events WHERE sequence IN (
                    SELECT sequence FROM audit_events WHERE time < LEAST(before, now() - interval '30 days')
                    ORDER BY time LIMIT most FOR UPDATE SKIP LOCKED
                ) RETURNING 1
            )
            SELECT count(*) FROM erased
        $$
    $function$, current_schema());
END $migration$;
REVOKE ALL ON FUNCTION purge_audit_events FROM PUBLIC;
