-- A list of people is the merger of one list for each state, and in these indexes each state is a list of its own in both
-- orders. So a page costs what it holds, whichever states are rare or many: those that a filter names, or those that are
-- left when the deleted ones are hidden. Partial indexes would need one more pair for each set of states.
-- The index of addresses alone, which keeps them unique, would lead through all people to find the few of one state.
-- Beginnings of addresses are found in the second index, or in the unique one; beginnings of usernames in their unique
-- index, and who has a role in the index of grants.
CREATE INDEX users_by_create_time ON users (state, create_time, id);
CREATE INDEX users_by_email ON users (state, email_canonical);
