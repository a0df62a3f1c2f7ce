-- Acknowledgements and comments of people, on alerts and hosts.

CREATE TABLE note (
	id INTEGER PRIMARY KEY,
	ended INTEGER NOT NULL CHECK (ended IN (0, 1)),
	body TEXT NOT NULL		-- JSON, as the API shows it
) STRICT;
CREATE INDEX note_standing ON note(id) WHERE NOT ended;

PRAGMA user_version = 3;
