-- The step of a one-time code that was taken while the clock was ahead.
ALTER TABLE factors ADD COLUMN barred_step integer;
