-- The ids of people and service accounts that were erased. Other services keep them, and tokens carry them: an id stands
-- for one subject for ever, so that an import must not give it to somebody else.
CREATE TABLE retired_ids (id BLOB PRIMARY KEY NOT NULL) STRICT, WITHOUT ROWID;

CREATE TRIGGER retire_user_id AFTER DELETE ON users BEGIN
    INSERT INTO retired_ids (id) VALUES (OLD.id) ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER retire_service_account_id AFTER DELETE ON service_accounts BEGIN
    INSERT INTO retired_ids (id) VALUES (OLD.id) ON CONFLICT DO NOTHING;
END;
