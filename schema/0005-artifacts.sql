-- Crash reports and logs that speak for a host: few, small, the oldest go.
CREATE TABLE artifact (
	id INTEGER PRIMARY KEY,
	host INTEGER NOT NULL REFERENCES subject(id),
	at_ms INTEGER NOT NULL,
	name TEXT NOT NULL,
	sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
	bytes INTEGER NOT NULL,
	by TEXT NOT NULL,
	body BLOB NOT NULL
) STRICT;
CREATE INDEX artifact_by_host ON artifact(host, id);

PRAGMA user_version = 5;
