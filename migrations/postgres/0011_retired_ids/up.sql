-- The ids of people and service accounts that were erased. Other services keep them, and tokens carry them: an id stands
-- for one subject for ever, so that an import must not give it to somebody else.
CREATE TABLE retired_ids (id uuid PRIMARY KEY);

CREATE FUNCTION retire_id() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO retired_ids (id) VALUES (OLD.id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE TRIGGER retire_user_id AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION retire_id();
CREATE TRIGGER retire_service_account_id AFTER DELETE ON service_accounts FOR EACH ROW EXECUTE FUNCTION retire_id();
