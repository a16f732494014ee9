-- Kept through a deletion, so that undeleting gives the state back.
ALTER TABLE users ADD COLUMN suspended boolean NOT NULL DEFAULT false;
-- Signed up for and not proven: the next sign-up with the address takes the account's place. Up to here, nobody but the
-- person could make an account.
ALTER TABLE users ADD COLUMN provisional boolean NOT NULL DEFAULT false;
UPDATE users SET suspended = (state = 'suspended'), provisional = NOT email_verified;
