#include "store/stmts.h"

#define W DB_WRITER
#define R DB_READER

#define ALERT_COLUMNS "id, key, kind, severity, ifnull(subject, 0), host, " \
	"partition, tags, since_ms, ifnull(ended_ms, 0), summary, body, " \
	"acked_by "
#define PLAN_COLUMNS "id, ifnull(host, 0), state, action, since_ms, at_ms, " \
	"body "
#define OUTBOX_COLUMNS "o.id, ifnull(o.alert, 0), o.receiver, o.firing, " \
	"o.at_ms, o.payload, o.done, o.attempts, ifnull(o.tried_ms, 0), o.error "

#define ARTIFACT_COLUMNS "id, host, at_ms, name, sha256, bytes, by "

const struct stmt stmts[ST_COUNT] = {
	[ST_BEGIN] = { W, "begin", "BEGIN IMMEDIATE" },
	[ST_COMMIT] = { W, "commit", "COMMIT" },
	[ST_ROLLBACK] = { W, "rollback", "ROLLBACK" },
	[ST_READ_BEGIN] = { R, "read", "BEGIN" },
	[ST_READ_END] = { R, "read", "COMMIT" },
	[ST_META_GET] = { W | R, "mark", "SELECT value FROM meta WHERE key = ?1" },
	[ST_META_PUT] = { W, "mark",
		"INSERT INTO meta(key, value) VALUES (?1, ?2) "
		"ON CONFLICT(key) DO UPDATE SET value = excluded.value" },
	[ST_META_DELETE] = { W, "mark", "DELETE FROM meta WHERE key = ?1" },
	[ST_REDO_NEXT] = { R, "mark",
		"SELECT key FROM meta WHERE key > ?1 AND key < 'redo0' "
		"ORDER BY key LIMIT 1" },

	[ST_SUBJECT_PUT] = { W, "subject",
		"INSERT INTO subject(id, kind, parent, key, body, retired) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(id) DO UPDATE SET "
		"kind = excluded.kind, parent = excluded.parent, "
		"key = excluded.key, body = excluded.body, "
		"retired = excluded.retired" },
	[ST_SUBJECT_GET] = { R, "subject",
		"SELECT kind, ifnull(parent, 0), key FROM subject WHERE id = ?1" },
	[ST_SUBJECT_LOAD] = { R, "subject",
		"WITH RECURSIVE tree(id, depth) AS ("
		"SELECT id, 0 FROM subject WHERE parent IS NULL UNION ALL "
		"SELECT s.id, t.depth + 1 FROM tree t "
		"JOIN subject s ON s.parent = t.id WHERE t.depth < 16) "
		"SELECT s.id, s.kind, ifnull(s.parent, 0), s.key, s.body, "
		"s.retired FROM tree t JOIN subject s ON s.id = t.id "
		/* a host may be older than the partition it is in */
		"ORDER BY t.depth, s.kind, s.id" },
	[ST_HOST_BY_NAME] = { W, "host",
		"SELECT id FROM subject WHERE kind = ?1 AND key = ?2 "
		"ORDER BY retired, id DESC LIMIT 1" },

	[ST_STATE_PUT] = { W, "state",
		"INSERT INTO state(subject, kind, bytes) VALUES (?1, ?2, ?3) "
		"ON CONFLICT(subject, kind) DO UPDATE SET bytes = excluded.bytes" },
	[ST_STATE_DELETE] = { W, "state",
		"DELETE FROM state WHERE subject = ?1 AND kind = ?2" },
	[ST_STATE_LOAD] = { R, "state",
		"SELECT subject, kind, bytes FROM state ORDER BY id" },

	[ST_EVENT_PUT] = { W, "event",
		"INSERT INTO event(seq, at_ms, kind, subject, cause_seq, epoch, "
		"body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
		"ON CONFLICT(seq) DO NOTHING" },
	[ST_EVENT_AFTER] = { R, "event",
		"SELECT seq, at_ms, kind, ifnull(subject, 0), "
		"ifnull(cause_seq, 0), body FROM event WHERE seq > ?1 "
		"ORDER BY seq LIMIT ?2" },
	/* of a subject and all below it, the same columns */
	[ST_EVENT_LAST_OF] = { R, "event",
		"WITH RECURSIVE of(id) AS (VALUES (?1) UNION SELECT s.id "
		"FROM subject s JOIN of ON s.parent = of.id) "
		"SELECT * FROM (SELECT seq, at_ms, kind, ifnull(subject, 0), "
		"ifnull(cause_seq, 0), body FROM event WHERE subject IN of "
		"ORDER BY seq DESC LIMIT ?2) ORDER BY seq" },

	[ST_PREDICTION_CLOSE] = { W, "prediction",
		"UPDATE prediction SET until_ms = max(?2, since_ms) "
		"WHERE subject = ?1 AND until_ms IS NULL AND id <> ?3" },
	[ST_PREDICTION_PUT] = { W, "prediction",
		"INSERT INTO prediction(id, subject, host, since_ms, level, "
		"risk_d7, risk_d30, risk_d90, pack, body) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) "
		"ON CONFLICT(id) DO UPDATE SET level = excluded.level, "
		"risk_d7 = excluded.risk_d7, risk_d30 = excluded.risk_d30, "
		"risk_d90 = excluded.risk_d90, pack = excluded.pack, "
		"body = excluded.body" },
	[ST_PREDICTION_GET] = { R, "prediction",
		"SELECT id, subject, ifnull(host, 0), since_ms, level, risk_d7, "
		"risk_d30, risk_d90, pack, body FROM prediction WHERE id = ?1" },
	[ST_PREDICTION_AS_OF] = { R, "prediction",
		"SELECT id, subject, ifnull(host, 0), since_ms, level, risk_d7, "
		"risk_d30, risk_d90, pack, body FROM prediction "
		"WHERE since_ms <= ?1 AND (until_ms IS NULL OR until_ms > ?1) "
		"ORDER BY id" },
	[ST_PREDICTION_LOAD] = { R, "prediction",
		"SELECT id, subject, ifnull(host, 0), since_ms, level, risk_d7, "
		"risk_d30, risk_d90, pack, body FROM prediction "
		"WHERE until_ms IS NULL ORDER BY id" },

	[ST_TOKEN_PUT] = { W, "token",
		"INSERT INTO token(id, sha256, role, host, host_name, name, "
		"created_ms, revoked_ms, until_ms) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) "
		"ON CONFLICT(id) DO UPDATE SET host = excluded.host, "
		"host_name = excluded.host_name, name = excluded.name, "
		"revoked_ms = excluded.revoked_ms "
		"WHERE sha256 = excluded.sha256" },
	[ST_TOKEN_REVOKE] = { W, "token",
		"UPDATE token SET revoked_ms = ?2 "
		"WHERE id = ?1 AND revoked_ms IS NULL" },
	[ST_TOKEN_LOAD] = { R, "token",
		"SELECT t.id, t.sha256, t.role, ifnull(t.host, 0), "
		"ifnull(s.key, t.host_name), t.name, t.created_ms, "
		"ifnull(t.revoked_ms, 0), ifnull(t.until_ms, 0) FROM token t "
		"LEFT JOIN subject s ON s.id = t.host ORDER BY t.id" },

	[ST_BATCH_ADD] = { W, "batch",
		"INSERT INTO batch(host, id, n) VALUES (?1, ?2, ?3) "
		"ON CONFLICT DO NOTHING" },
	[ST_BATCH_COUNT] = { W, "batch",
		"SELECT count(*), ifnull(max(n), 0) FROM batch WHERE host = ?1" },
	[ST_BATCH_TRIM] = { W, "batch",
		"DELETE FROM batch WHERE host = ?1 AND n <= ?2" },

	[ST_NAME_GET] = { W | R, "name", "SELECT id FROM name WHERE text = ?1" },
	[ST_NAME_PUT] = { W, "name", "INSERT INTO name(text) VALUES (?1)" },
	[ST_LAYOUT_GET] = { W, "layout",
		"SELECT id, probe FROM layout WHERE sha256 = ?1" },
	[ST_LAYOUT_PUT] = { W, "layout",
		"INSERT INTO layout(probe, n, sha256) VALUES (?1, ?2, ?3)" },
	[ST_LAYOUT_SERIES_PUT] = { W, "layout",
		"INSERT INTO layout_series(layout, pos, subject, metric, "
		"instance, type) VALUES (?1, ?2, ?3, ?4, ?5, ?6)" },
	[ST_SOURCE_PUT] = { W, "source",
		"INSERT INTO source(subject, probe, layout) VALUES (?1, ?2, ?3) "
		"ON CONFLICT DO NOTHING" },
	[ST_TICK_PUT] = { W, "history",
		"INSERT INTO tick(slot, subject, probe, at_ms, layout, outcome, "
		"reason, packed) VALUES (?8, ?1, ?2, ?3, ?4, ?5, ?6, ?7) "
		"ON CONFLICT DO NOTHING" },

	[ST_SERIES_OWN] = { R, "series",
		"SELECT o.subject, o.probe, o.layout, l.n, s.pos, s.type, n.text "
		"FROM source o JOIN layout_series s ON s.layout = o.layout "
		"AND s.subject IS NULL AND s.metric = ?2 "
		"JOIN layout l ON l.id = o.layout "
		"JOIN name n ON n.id = s.instance WHERE o.subject = ?1 "
		"ORDER BY 1, 2, 3, 5" },
	[ST_SERIES_SWEPT] = { R, "series",
		"SELECT o.subject, o.probe, o.layout, l.n, s.pos, s.type, n.text "
		"FROM layout_series s JOIN source o ON o.layout = s.layout "
		"JOIN layout l ON l.id = o.layout "
		"JOIN name n ON n.id = s.instance "
		"WHERE s.subject = ?1 AND s.metric = ?2 ORDER BY 1, 2, 3, 5" },
	[ST_TICK_SPAN] = { R, "history",
		"SELECT (SELECT min(slot) FROM tick), (SELECT max(slot) FROM tick)" },
	[ST_TICK_GET] = { R, "history",
		"SELECT at_ms, layout, packed FROM tick WHERE slot = ?1 "
		"AND subject = ?2 AND probe = ?3 AND at_ms >= ?4 AND at_ms < ?5 "
		"ORDER BY at_ms" },

	[ST_TICK_ENDS] = { W, "history",
		"SELECT (SELECT min(slot) FROM tick), (SELECT max(slot) FROM tick)" },
	[ST_TICK_EDGE] = { W, "history",
		"SELECT slot, subject, probe, at_ms FROM tick WHERE slot < ?1 "
		"ORDER BY slot, subject, probe, at_ms LIMIT 1 OFFSET ?2" },
	[ST_TICK_PRUNE] = { W, "history",
		"DELETE FROM tick "
		"WHERE (slot, subject, probe, at_ms) < (?1, ?2, ?3, ?4)" },
	[ST_TICK_PRUNE_REST] = { W, "history",
		"DELETE FROM tick WHERE slot < ?1" },

	[ST_TICK_HAS] = { W, "history",
		"SELECT 1 FROM tick WHERE slot = ?1 AND subject = ?2 "
		"AND probe = ?3 AND at_ms = ?4" },
	[ST_TICK_FIRST] = { R, "history",
		"SELECT slot FROM tick WHERE slot >= ?1 ORDER BY slot LIMIT 1" },
	[ST_TICK_ROWS] = { R, "history",
		"SELECT at_ms, layout, outcome, reason, packed FROM tick "
		"WHERE slot = ?1 AND subject = ?2 AND probe = ?3 "
		"ORDER BY at_ms" },

	[ST_LATE_PUT] = { W, "history",
		"INSERT INTO late(subject, probe, at_ms, layout, outcome, "
		"reason, packed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
		"ON CONFLICT DO NOTHING" },
	[ST_LATE_GET] = { R, "history",
		"SELECT at_ms, layout, packed FROM late WHERE subject = ?1 "
		"AND probe = ?2 AND at_ms >= ?3 AND at_ms < ?4 "
		"ORDER BY at_ms" },
	[ST_LATE_NEXT] = { R, "history",
		"SELECT subject, probe, at_ms FROM late "
		"WHERE (subject, probe, at_ms) >= (?1, ?2, ?3) "
		"ORDER BY subject, probe, at_ms LIMIT 1" },
	[ST_LATE_ROWS] = { R, "history",
		"SELECT at_ms, layout, outcome, reason, packed FROM late "
		"WHERE subject = ?1 AND probe = ?2 AND at_ms >= ?3 "
		"AND at_ms < ?4 ORDER BY at_ms" },
	[ST_LATE_DROP] = { W, "history",
		"DELETE FROM late WHERE subject = ?1 AND probe = ?2 "
		"AND at_ms = ?3" },

	[ST_SOURCE_NEXT] = { R, "source",
		"SELECT subject, probe FROM source "
		"WHERE (subject, probe) > (?1, ?2) "
		"ORDER BY subject, probe LIMIT 1" },
	[ST_LAYOUT_TYPES] = { R, "layout",
		"SELECT l.n, s.pos, s.type FROM layout l "
		"LEFT JOIN layout_series s ON s.layout = l.id WHERE l.id = ?1 "
		"ORDER BY s.pos" },

	[ST_LAYOUT_METRICS] = { R, "layout",
		"SELECT s.pos, n.text FROM layout_series s "
		"JOIN name n ON n.id = s.metric WHERE s.layout = ?1" },

	[ST_BLOCK_LAST_ID] = { W, "block",
		"SELECT max(id) FROM block WHERE id >= ?1 AND id < ?2" },
	[ST_BLOCK_PUT] = { W, "block",
		"INSERT INTO block(id, tier, subject, probe, layout, start_ms, "
		"rows, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) "
		"ON CONFLICT(subject, probe, tier, start_ms, layout) DO UPDATE "
		"SET rows = excluded.rows, bytes = excluded.bytes" },
	[ST_BLOCK_DROP] = { W, "block", "DELETE FROM block WHERE id = ?1" },
	[ST_BLOCK_HAS] = { R, "block",
		"SELECT 1 FROM block WHERE subject = ?1 AND probe = ?2 "
		"AND tier = ?3 AND start_ms = ?4 LIMIT 1" },
	[ST_BLOCK_FIRST] = { R, "block",
		"SELECT start_ms FROM block WHERE id >= ?1 AND id < ?2 "
		"ORDER BY id LIMIT 1" },
	/* The last of the first ?3, and the rows in them all. */
	[ST_BLOCK_EDGE] = { W, "block",
		"SELECT max(id), ifnull(sum(rows), 0) FROM (SELECT id, rows "
		"FROM block WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3)" },
	[ST_BLOCK_PRUNE] = { W, "block",
		"DELETE FROM block WHERE id >= ?1 AND id <= ?2" },
	[ST_BLOCK_ENDS] = { W, "block", "SELECT "
		"(SELECT min(id) FROM block WHERE id >= ?1 AND id < ?2), "
		"(SELECT max(id) FROM block WHERE id >= ?1 AND id < ?2)" },
	[ST_BLOCK_GET] = { W | R, "block",
		"SELECT id, start_ms, layout, rows, bytes FROM block "
		"WHERE subject = ?1 AND probe = ?2 AND tier = ?3 "
		"AND start_ms > ?4 AND start_ms < ?5 "
		"ORDER BY start_ms, layout" },

	[ST_ALERT_PUT] = { W, "alert",
		"INSERT INTO alert(id, key, kind, severity, subject, host, "
		"partition, tags, since_ms, ended_ms, summary, body, acked_by) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) "
		"ON CONFLICT(id) DO UPDATE SET severity = excluded.severity, "
		"host = excluded.host, partition = excluded.partition, "
		"tags = excluded.tags, ended_ms = excluded.ended_ms, "
		"summary = excluded.summary, body = excluded.body, "
		"acked_by = excluded.acked_by" },
	[ST_ALERT_FIRING] = { R, "alert", "SELECT " ALERT_COLUMNS
		"FROM alert WHERE ended_ms IS NULL ORDER BY id" },
	[ST_ALERT_SINCE] = { R, "alert", "SELECT " ALERT_COLUMNS
		"FROM alert WHERE ended_ms IS NULL OR ended_ms >= ?1 "
		"ORDER BY id DESC LIMIT ?2" },

	[ST_PLAN_PUT] = { W, "plan",
		"INSERT INTO plan(id, host, state, action, since_ms, at_ms, body) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT(id) DO UPDATE "
		"SET host = excluded.host, state = excluded.state, "
		"action = excluded.action, since_ms = excluded.since_ms, "
		"at_ms = excluded.at_ms, body = excluded.body" },
	[ST_PLAN_LOAD] = { R, "plan", "SELECT " PLAN_COLUMNS
		"FROM plan WHERE state <> 3 ORDER BY id" },
	[ST_PLAN_GET] = { R, "plan", "SELECT " PLAN_COLUMNS
		"FROM plan WHERE id = ?1 LIMIT ?2" },
	[ST_PLAN_RECENT] = { R, "plan", "SELECT " PLAN_COLUMNS
		"FROM plan WHERE id > ?1 ORDER BY id DESC LIMIT ?2" },

	[ST_OUTBOX_PUT] = { W, "outbox",
		"INSERT INTO outbox(id, alert, receiver, firing, at_ms, payload) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(id) DO NOTHING" },
	[ST_OUTBOX_DELIVERY] = { W, "outbox",
		"UPDATE outbox SET done = ?2, attempts = ?3, tried_ms = ?4, "
		"error = ?5 WHERE id = ?1" },
	/* With those of firing alerts, to know who was told of them. */
	[ST_OUTBOX_LOAD] = { R, "outbox", "SELECT " OUTBOX_COLUMNS
		"FROM outbox o WHERE NOT o.done OR o.alert IN "
		"(SELECT id FROM alert WHERE ended_ms IS NULL) ORDER BY o.id" },
	[ST_OUTBOX_OF] = { R, "outbox", "SELECT " OUTBOX_COLUMNS
		"FROM outbox o WHERE o.alert = ?1 ORDER BY o.id LIMIT ?2" },

	[ST_WINDOW_PUT] = { W, "window",
		"INSERT INTO window(id, ended, body) VALUES (?1, ?2, ?3) "
		"ON CONFLICT(id) DO UPDATE SET ended = excluded.ended, "
		"body = excluded.body" },
	[ST_WINDOW_LOAD] = { R, "window",
		"SELECT id, ended, body FROM window WHERE NOT ended ORDER BY id" },

	[ST_NOTE_PUT] = { W, "note",
		"INSERT INTO note(id, ended, body) VALUES (?1, ?2, ?3) "
		"ON CONFLICT(id) DO UPDATE SET ended = excluded.ended, "
		"body = excluded.body" },
	[ST_NOTE_LOAD] = { R, "note",
		"SELECT id, ended, body FROM note WHERE NOT ended ORDER BY id" },
	[ST_ARTIFACT_PUT] = { W, "artifact",
		"INSERT INTO artifact(id, host, at_ms, name, sha256, bytes, by, "
		"body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) "
		"ON CONFLICT(id) DO NOTHING" },
	[ST_ARTIFACT_DELETE] = { W, "artifact",
		"DELETE FROM artifact WHERE id = ?1" },
	[ST_ARTIFACT_ALL] = { R, "artifact", "SELECT " ARTIFACT_COLUMNS
		"FROM artifact ORDER BY id" },
	[ST_ARTIFACT_OF] = { R, "artifact", "SELECT " ARTIFACT_COLUMNS
		"FROM artifact WHERE host = ?1 ORDER BY id" },
	[ST_ARTIFACT_GET] = { R, "artifact", "SELECT " ARTIFACT_COLUMNS
		", body FROM artifact WHERE id = ?1" },
	[ST_OUTCOME_PUT] = { W, "outcome",
		"INSERT INTO outcome(subject, kind, at_ms, noted_ms, source, by, "
		"note) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
		"ON CONFLICT(subject, kind, at_ms) DO NOTHING" },
	[ST_OUTCOME_CLOSE] = { W, "outcome",
		"UPDATE prediction SET outcome = (SELECT id FROM outcome "
		"WHERE subject = ?1 AND kind = ?2 AND at_ms = ?3) "
		"WHERE subject = ?1 AND outcome IS NULL AND since_ms <= ?3" },
	[ST_OUTCOME_AFTER] = { R, "outcome",
		"SELECT o.id, o.subject, o.kind, o.at_ms, o.noted_ms, o.source, "
		"o.by, o.note, CASE s.kind WHEN 5 THEN h.key ELSE s.key END, "
		"CASE s.kind WHEN 5 THEN s.body ELSE '' END, "
		"(SELECT count(*) FROM prediction p WHERE p.subject = o.subject "
		"AND p.outcome = o.id) FROM outcome o "
		"JOIN subject s ON s.id = o.subject "
		"LEFT JOIN subject h ON h.id = s.parent "
		"WHERE o.id > ?1 ORDER BY o.id LIMIT ?2" },
	[ST_SCORED_DEVICES] = { R, "device",
		"SELECT id, ifnull(parent, 0), body, retired FROM subject "
		"WHERE kind = 5 ORDER BY id" },
	[ST_SCORED_PREDICTIONS] = { R, "prediction",
		"SELECT subject, since_ms, ifnull(until_ms, 0), level, pack, "
		"body FROM prediction ORDER BY id" },
	/* the list of kinds is that of the index event_moves, word for word */
	[ST_MOVES] = { R, "event",
		"SELECT e.at_ms, e.kind, e.subject, s.kind, ifnull(s.parent, 0), "
		"s.key, e.body, e.seq "
		"FROM event e LEFT JOIN subject s ON s.id = e.subject "
		"WHERE e.kind IN ('host.state', 'vm.state', 'role.state', "
		"'host.retired', 'vm.retired', 'role.retired', 'alert.firing', "
		"'alert.resolved') AND (e.at_ms, e.seq) > (?1, ?2) "
		"ORDER BY e.at_ms, e.seq LIMIT ?3" },
	[ST_MOVE_WARNINGS] = { R, "prediction",
		"SELECT h.key, p.since_ms, ifnull(p.until_ms, 0) "
		"FROM prediction p JOIN subject h ON h.id = p.host "
		"WHERE p.level <> 'none' AND (p.until_ms IS NULL OR "
		"p.until_ms >= ?1) ORDER BY p.id" },

	[ST_AUDIT_LAST] = { W, "audit",
		"SELECT seq, sha256 FROM audit ORDER BY seq DESC LIMIT 1" },
	[ST_AUDIT_PUT] = { W, "audit",
		"INSERT INTO audit(seq, at_ms, actor, action, subject, body, "
		"before, sha256) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)" },
	[ST_AUDIT_AFTER] = { R, "audit",
		"SELECT seq, at_ms, actor, action, ifnull(subject, 0), body, "
		"before, sha256 FROM audit WHERE seq > CASE WHEN ?1 >= 0 "
		"THEN ?1 ELSE (SELECT ifnull(max(seq), 0) FROM audit) - ?2 END "
		"ORDER BY seq LIMIT ?2" },

	/*
	 * The last row of each stays, whatever its age: numbers go on from it.
	 * The oldest ?2 are looked at, those before ?1 go.
	 */
	[ST_AUDIT_EDGE] = { W, "audit",
		"SELECT ifnull(max(seq), 0) FROM (SELECT seq, at_ms, "
		"max(at_ms) OVER (ORDER BY seq) AS latest FROM "
		"(SELECT seq, at_ms FROM audit WHERE seq < "
		"(SELECT max(seq) FROM audit) ORDER BY seq LIMIT ?2)) "
		"WHERE latest < ?1" },
	[ST_AUDIT_FORGET] = { W, "audit", "DELETE FROM audit WHERE seq <= ?1" },
	[ST_OUTBOX_FORGET] = { W, "outbox",
		"DELETE FROM outbox WHERE id IN (SELECT o.id FROM "
		"(SELECT id, alert, done, at_ms FROM outbox WHERE id < "
		"(SELECT max(id) FROM outbox) ORDER BY id LIMIT 10 * ?2) o "
		"LEFT JOIN alert a ON a.id = o.alert "
		"WHERE o.done AND o.at_ms < ?1 "
		"AND (a.id IS NULL OR a.ended_ms < ?1) LIMIT ?2)" },
	[ST_ALERT_FORGET] = { W, "alert",
		"DELETE FROM alert WHERE id IN (SELECT id FROM alert "
		"WHERE ended_ms < ?1 AND id < (SELECT max(id) FROM alert) "
		"AND NOT EXISTS (SELECT 1 FROM outbox o "
		"WHERE o.alert = alert.id) ORDER BY ended_ms LIMIT ?2)" },
	[ST_EVENT_FORGET] = { W, "event",
		"DELETE FROM event WHERE seq IN (SELECT seq FROM "
		"(SELECT seq, at_ms FROM event WHERE seq < "
		"(SELECT max(seq) FROM event) ORDER BY seq LIMIT ?2) "
		"WHERE at_ms < ?1)" },

	[ST_LARGEST_IDS] = { W | R, "ids",
		"SELECT (SELECT ifnull(max(seq), 0) FROM event), "
		"(SELECT ifnull(max(id), 0) FROM prediction), "
		"(SELECT ifnull(max(id), 0) FROM subject), "
		"(SELECT ifnull(max(id), 0) FROM token), "
		"(SELECT ifnull(max(id), 0) FROM alert), "
		"(SELECT ifnull(max(id), 0) FROM plan), "
		"(SELECT ifnull(max(id), 0) FROM outbox), "
		"(SELECT ifnull(max(id), 0) FROM window), "
		"(SELECT ifnull(max(id), 0) FROM note)" },
};
