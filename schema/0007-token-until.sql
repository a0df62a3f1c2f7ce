-- A token may end by itself.
ALTER TABLE token ADD COLUMN until_ms INTEGER;

PRAGMA user_version = 7;
