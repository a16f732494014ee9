-- A sign-up reserves no username before its address is proven, or it would tell others which addresses are free.
ALTER TABLE users ADD COLUMN wanted_username text;
-- Several people signed up with the address, each with another password: the proof leaves nothing of any of them.
ALTER TABLE users ADD COLUMN disputed boolean NOT NULL DEFAULT false;
UPDATE users SET wanted_username = username, username = NULL WHERE provisional = true;
