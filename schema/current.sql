-- Made by t/db/test_migrate from the migrations; do not edit.
CREATE TABLE migration (
	number INTEGER PRIMARY KEY,
	title TEXT NOT NULL,
	sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
	applied_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE meta (
	key TEXT PRIMARY KEY,
	value ANY NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE subject (
	id INTEGER PRIMARY KEY,
	kind INTEGER NOT NULL,		-- enum subject_kind
	parent INTEGER REFERENCES subject(id),
	key TEXT NOT NULL,
	body TEXT NOT NULL DEFAULT '',	-- JSON
	retired INTEGER NOT NULL DEFAULT 0 CHECK (retired IN (0, 1))
) STRICT;
CREATE UNIQUE INDEX subject_by_key ON subject(kind, ifnull(parent, 0), key)
	WHERE NOT retired;
CREATE INDEX subject_by_parent ON subject(parent);
CREATE TABLE state (
	id INTEGER PRIMARY KEY,
	subject INTEGER NOT NULL REFERENCES subject(id),
	kind TEXT NOT NULL,
	bytes BLOB NOT NULL,
	UNIQUE (subject, kind)
) STRICT;
CREATE TABLE event (
	seq INTEGER PRIMARY KEY,
	at_ms INTEGER NOT NULL,
	kind TEXT NOT NULL,
	subject INTEGER REFERENCES subject(id),
	cause_seq INTEGER,
	epoch INTEGER NOT NULL,
	body TEXT NOT NULL		-- JSON
) STRICT;
CREATE INDEX event_by_subject ON event(subject, seq);
CREATE TABLE prediction (
	id INTEGER PRIMARY KEY,
	subject INTEGER NOT NULL REFERENCES subject(id),
	host INTEGER REFERENCES subject(id),
	since_ms INTEGER NOT NULL,
	until_ms INTEGER,
	level TEXT NOT NULL,
	risk_d7 REAL NOT NULL,
	risk_d30 REAL NOT NULL,
	risk_d90 REAL NOT NULL,
	pack TEXT NOT NULL,
	body TEXT NOT NULL		-- JSON, as the API shows it
, outcome INTEGER REFERENCES outcome(id)) STRICT;
CREATE UNIQUE INDEX prediction_open ON prediction(subject)
	WHERE until_ms IS NULL;
CREATE INDEX prediction_by_subject ON prediction(subject, since_ms);
CREATE TABLE token (
	id INTEGER PRIMARY KEY,
	sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
	role TEXT NOT NULL,
	host INTEGER REFERENCES subject(id),
	host_name TEXT NOT NULL DEFAULT '',
	name TEXT NOT NULL DEFAULT '',
	created_ms INTEGER NOT NULL,
	revoked_ms INTEGER
, until_ms INTEGER) STRICT;
CREATE TABLE batch (
	host INTEGER NOT NULL,
	id TEXT NOT NULL,
	n INTEGER NOT NULL,		-- rises per host
	PRIMARY KEY (host, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE name (
	id INTEGER PRIMARY KEY,
	text TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE layout (
	id INTEGER PRIMARY KEY,
	probe INTEGER NOT NULL REFERENCES name(id),
	n INTEGER NOT NULL,
	sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32)
) STRICT;
CREATE TABLE layout_series (
	layout INTEGER NOT NULL REFERENCES layout(id),
	pos INTEGER NOT NULL,
	subject INTEGER REFERENCES subject(id),	-- NULL = the row's own
	metric INTEGER NOT NULL REFERENCES name(id),
	instance INTEGER NOT NULL REFERENCES name(id),
	type INTEGER NOT NULL,		-- enum tocsin_sample_type
	PRIMARY KEY (layout, pos)
) STRICT, WITHOUT ROWID;
CREATE INDEX layout_series_by_metric ON layout_series(subject, metric, layout);
CREATE TABLE source (
	subject INTEGER NOT NULL REFERENCES subject(id),
	probe INTEGER NOT NULL REFERENCES name(id),
	layout INTEGER NOT NULL REFERENCES layout(id),
	PRIMARY KEY (subject, probe, layout)
) STRICT, WITHOUT ROWID;
CREATE INDEX source_by_layout ON source(layout);
CREATE TABLE tick (
	slot INTEGER NOT NULL,
	subject INTEGER NOT NULL,
	probe INTEGER NOT NULL,
	at_ms INTEGER NOT NULL,
	layout INTEGER NOT NULL,
	outcome INTEGER NOT NULL,
	reason INTEGER NOT NULL,
	packed BLOB NOT NULL,
	PRIMARY KEY (slot, subject, probe, at_ms)
) STRICT, WITHOUT ROWID;
CREATE TABLE audit (
	seq INTEGER PRIMARY KEY,
	at_ms INTEGER NOT NULL,
	actor TEXT NOT NULL,
	action TEXT NOT NULL,
	subject INTEGER REFERENCES subject(id),
	body TEXT NOT NULL,		-- JSON
	before BLOB NOT NULL CHECK (length(before) = 32),
	sha256 BLOB NOT NULL CHECK (length(sha256) = 32)
) STRICT;
CREATE TABLE alert (
	id INTEGER PRIMARY KEY,
	key TEXT NOT NULL,
	kind TEXT NOT NULL,
	severity INTEGER NOT NULL,	-- enum severity
	subject INTEGER REFERENCES subject(id),	-- NULL = the server
	host TEXT NOT NULL,
	partition TEXT NOT NULL,
	tags TEXT NOT NULL,		-- JSON
	since_ms INTEGER NOT NULL,
	ended_ms INTEGER,		-- NULL = it fires
	summary TEXT NOT NULL,
	body TEXT NOT NULL,		-- JSON
	acked_by TEXT NOT NULL
) STRICT;
CREATE INDEX alert_firing ON alert(id) WHERE ended_ms IS NULL;
CREATE INDEX alert_by_end ON alert(ended_ms);
CREATE TABLE outbox (
	id INTEGER PRIMARY KEY,
	alert INTEGER REFERENCES alert(id),	-- NULL = a heartbeat
	receiver TEXT NOT NULL,
	firing INTEGER NOT NULL CHECK (firing IN (0, 1)),
	at_ms INTEGER NOT NULL,
	payload TEXT NOT NULL,
	done INTEGER NOT NULL DEFAULT 0 CHECK (done IN (0, 1)),
	attempts INTEGER NOT NULL DEFAULT 0,
	tried_ms INTEGER,
	error TEXT NOT NULL DEFAULT ''	-- '' with done: delivered
) STRICT;
CREATE INDEX outbox_waiting ON outbox(id) WHERE NOT done;
CREATE INDEX outbox_by_alert ON outbox(alert);
CREATE TABLE plan (
	id INTEGER PRIMARY KEY,
	host INTEGER REFERENCES subject(id),
	state INTEGER NOT NULL,		-- enum plan_state
	action INTEGER NOT NULL,	-- enum plan_action
	since_ms INTEGER NOT NULL,
	at_ms INTEGER NOT NULL,
	body TEXT NOT NULL		-- JSON, as the API shows it
) STRICT;
CREATE INDEX plan_by_host ON plan(host, id);
CREATE INDEX plan_open ON plan(id) WHERE state <> 3;
CREATE TABLE window (
	id INTEGER PRIMARY KEY,
	ended INTEGER NOT NULL CHECK (ended IN (0, 1)),
	body TEXT NOT NULL		-- JSON, as the API shows it
) STRICT;
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
CREATE TABLE note (
	id INTEGER PRIMARY KEY,
	ended INTEGER NOT NULL CHECK (ended IN (0, 1)),
	body TEXT NOT NULL		-- JSON, as the API shows it
) STRICT;
CREATE INDEX note_standing ON note(id) WHERE NOT ended;
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
CREATE INDEX event_moves ON event(at_ms) WHERE kind IN ('host.state',
	'vm.state', 'role.state', 'host.retired', 'vm.retired', 'role.retired',
	'alert.firing', 'alert.resolved');
