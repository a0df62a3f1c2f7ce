-- What became of a device or a host: said by a person, imported, or inferred.
CREATE TABLE outcome (
	id INTEGER PRIMARY KEY,
	subject INTEGER NOT NULL REFERENCES subject(id),
	kind TEXT NOT NULL,		-- model/outcome.h
	at_ms INTEGER NOT NULL,
	noted_ms INTEGER NOT NULL,
	source TEXT NOT NULL,
	by TEXT NOT NULL,
	note TEXT NOT NULL,
	UNIQUE (subject, kind, at_ms)
) STRICT;
-- The outcome that closed it.
ALTER TABLE prediction ADD COLUMN outcome INTEGER REFERENCES outcome(id);
PRAGMA user_version = 4;
