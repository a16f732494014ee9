-- Kept through a deletion, so that undeleting gives the state back.
ALTER TABLE users ADD COLUMN suspend_time timestamptz;
-- Signed up for and not proven: the next sign-up with the address takes the account's place. Up to here, nobody but the
-- person could make an account.
ALTER TABLE users ADD COLUMN provisional boolean NOT NULL DEFAULT false;
UPDATE users SET provisional = NOT email_verified;
UPDATE users SET suspend_time = update_time WHERE state = 'suspended';

-- Mail that waits is erased with the person it is for.
ALTER TABLE mail_outbox ADD COLUMN user_id uuid REFERENCES users (id) ON DELETE CASCADE;
CREATE INDEX mail_outbox_user ON mail_outbox (user_id);
