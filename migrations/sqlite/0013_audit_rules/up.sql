-- On PostgreSQL the database holds how long the trail is kept, against the role that the service runs as. A SQLite file has no
-- roles: whoever may write it may write all of it.
SELECT 1;
