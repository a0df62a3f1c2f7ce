-- Packed history: src/store/format.md describes blocks and how a row becomes
-- one.
PRAGMA user_version = 2;

-- id: tier, hour of start_ms, number; so blocks lie and go in that order.
CREATE TABLE block (
	id INTEGER PRIMARY KEY,
	tier INTEGER NOT NULL,		-- enum tier
	subject INTEGER NOT NULL,
	probe INTEGER NOT NULL,
	layout INTEGER NOT NULL,
	start_ms INTEGER NOT NULL,	-- of the span that it stands for
	rows INTEGER NOT NULL,
	bytes BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX block_by_source
	ON block(subject, probe, tier, start_ms, layout);

-- Rows of a time that was packed before they came; they wait to be merged.
CREATE TABLE late (
	subject INTEGER NOT NULL,
	probe INTEGER NOT NULL,
	at_ms INTEGER NOT NULL,
	layout INTEGER NOT NULL,
	outcome INTEGER NOT NULL,
	reason INTEGER NOT NULL,
	packed BLOB NOT NULL,
	PRIMARY KEY (subject, probe, at_ms)
) STRICT, WITHOUT ROWID;
