-- How long the trail is kept and by whose clock, where the role that the service runs as cannot change it: whoever has that
-- role must neither erase what is to be kept nor have events look older than they are.
CREATE TABLE audit_rules (
    only_row        boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    retention       interval NOT NULL CHECK (retention >= interval '30 days'),
    clock_tolerance interval NOT NULL
);
INSERT INTO audit_rules (retention, clock_tolerance) VALUES (interval '30 days', interval '5 minutes');

-- The search paths are fixed, or whoever calls could put a table of their own in the way.
DO $migration$ BEGIN
    EXECUTE format($function$
        CREATE FUNCTION time_audit_event() RETURNS trigger
        LANGUAGE plpgsql SET search_path = pg_catalog, %1$I, pg_temp AS $$
        DECLARE
            tolerance interval := (SELECT clock_tolerance FROM audit_rules);
        BEGIN
            -- The clocks of replicas differ a little; what differs more gets the time of the database.
            IF NEW.time < clock_timestamp() - tolerance OR NEW.time > clock_timestamp() + tolerance THEN
                NEW.time := clock_timestamp();
            END IF;
            RETURN NEW;
        END $$
    $function$, current_schema());
    EXECUTE format($function$
        CREATE FUNCTION refuse_young_audit_event() RETURNS trigger
        LANGUAGE plpgsql SET search_path = pg_catalog, %1$I, pg_temp AS $$
        BEGIN
            IF OLD.time > now() - (SELECT retention FROM audit_rules) THEN
                RAISE EXCEPTION 'audit events are kept as they are' USING ERRCODE = 'insufficient_privilege';
            END IF;
            RETURN OLD;
        END $$
    $function$, current_schema());
    EXECUTE format($function$
        CREATE OR REPLACE FUNCTION purge_audit_events(before timestamptz, most bigint) RETURNS bigint
        LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, %1$I, pg_temp AS $$
            WITH erased AS (
                DELETE FROM audit_events WHERE sequence IN (
                    SELECT sequence FROM audit_events
                    WHERE time < LEAST(before, now() - (SELECT retention FROM audit_rules))
                    ORDER BY time LIMIT most FOR UPDATE SKIP LOCKED
                ) RETURNING 1
            )
            SELECT count(*) FROM erased
        $$
    $function$, current_schema());
END $migration$;

CREATE TRIGGER audit_events_time BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION time_audit_event();
DROP TRIGGER audit_events_stay_while_young ON audit_events;
CREATE TRIGGER audit_events_stay_while_young BEFORE DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION refuse_young_audit_event();
