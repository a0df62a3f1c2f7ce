// Words, numbers and marks: how things are called on the page.
import { h, svg } from "/page/dom.js";

// ---- time ----

export function span(ms) {
	const s = Math.max(0, Math.round(ms / 1000));
	if (s < 60)
		return `${s} s`;
	if (s < 3600)
		return `${Math.floor(s / 60)} min`;
	if (s < 172800)
		return `${Math.floor(s / 3600)} h`;
	return `${Math.floor(s / 86400)} d`;
}

const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium",
	timeStyle: "medium" });
export function exact(iso) {
	const at = new Date(iso);
	return Number.isNaN(at.getTime()) ? String(iso) : day.format(at);
}

// Ticks by itself: see tick().
export function ago(iso, suffix = "") {
	const ms = Date.parse(iso);
	if (Number.isNaN(ms))
		return h("span", { class: "muted" }, "never");
	return h("time", { datetime: iso, title: exact(iso), "data-ms": ms,
		"data-suffix": suffix }, span(Date.now() - skew.ms - ms) + suffix);
}

// The server's clock is the one that counts.
export const skew = { ms: 0 };

export function tick() {
	const now = Date.now() - skew.ms;
	for (const t of document.querySelectorAll("time[data-ms]")) {
		const text = span(now - Number(t.dataset.ms)) + t.dataset.suffix;
		if (t.textContent !== text)
			t.textContent = text;
	}
}

// ---- numbers ----

const whole = new Intl.NumberFormat("en");
export function count(n) {
	return whole.format(n);
}

export function plural(n, one, many) {
	return `${count(n)} ${n === 1 ? one : many}`;
}

// "a, b and c"
export function listed(words) {
	return words.length < 2 ? words.join("") :
		`${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

export function percent(p) {
	if (p === null || p === undefined)
		return "unknown";
	if (p < 0.001)
		return p === 0 ? "0 %" : "< 0.1 %";
	return p < 0.1 ? `${(p * 100).toFixed(1)} %` : `${Math.round(p * 100)} %`;
}

export function signed(n) {
	return n > 0 ? `+${whole.format(n)}` : n < 0 ?
		`\u2212${whole.format(-n)}` : "0";
}

export function number(v) {
	if (typeof v !== "number")
		return String(v);
	return Number.isInteger(v) ? whole.format(v) :
		String(Number(v.toPrecision(4)));
}

// ---- marks: a shape each, so that colour is never alone ----

// state → [shape, tone, word]
// worst first
export const STATES = {
	unhealthy: ["disc", "bad", "broken"],
	impaired: ["half", "bad", "impaired"],
	unreachable: ["cross", "bad", "unreachable"],
	overloaded: ["stack", "warn", "overloaded"],
	flapping: ["bow", "warn", "flapping"],
	suspect: ["diamond", "warn", "suspect"],
	unknown: ["ring", "dim", "unknown"],
	stale: ["frame", "dim", "stale"],
	asleep: ["dot", "dim", "asleep"],
	maintenance: ["bars", "held", "maintenance"],
	rebooting: ["bars", "held", "rebooting"],
	evacuating: ["bars", "held", "evacuating"],
	quarantined: ["bars", "held", "quarantined"],
	diagnosing: ["bars", "held", "diagnosing"],
	retired: ["dot", "dim", "retired"],
	healthy: ["square", "good", "healthy"],
};

const LEVELS = {
	imminent: ["triangle", "bad", "imminent"],
	likely: ["triangle", "warn", "likely"],
	watch: ["triangle-line", "dim", "watch"],
	none: ["square", "good", "none"],
};

// What a word means, for those who have not met it.
const MEANINGS = {
	unhealthy: "its checks failed often enough to be sure",
	impaired: "it runs, but does not answer",
	unreachable: "what it hangs on is down, so nobody can tell how it is",
	overloaded: "late and busy: not dead",
	flapping: "it comes and goes",
	suspect: "a failure, not yet often enough to be sure",
	unknown: "it could not be measured",
	stale: "nothing was heard of it for three intervals",
};

export function meaning(state) {
	return MEANINGS[state] || null;
}

export const BROKEN = ["unhealthy", "impaired", "unreachable"];
export const DOUBTFUL = ["suspect", "flapping", "overloaded"];

export function look(state) {
	return STATES[state] || ["ring", "dim", state];
}

export function levelLook(level) {
	return LEVELS[level] || ["ring", "dim", level];
}

const PATHS = {
	disc: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2z",
	diamond: "M8 1l7 7-7 7-7-7z",
	ring: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zm0 2a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9z",
	dot: "M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6z",
	half: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM8 3.8A4.2 4.2 0 0 0 3.8 8h8.4A4.2 4.2 0 0 0 8 3.8z",
	cross: "M3.6 1.5L8 5.9l4.4-4.4 2.1 2.1L10.1 8l4.4 4.4-2.1 2.1L8 10.1l-4.4 4.4-2.1-2.1L5.9 8 1.5 3.6z",
	stack: "M1.5 2h13v3h-13zM1.5 6.5h13v3h-13zM1.5 11h13v3h-13z",
	bow: "M1 2.5L8 8l7-5.5v11L8 8l-7 5.5z",
	frame: "M2.5 2.5h11v11h-11zM4.5 4.5v7h7v-7z",
	bars: "M3 2h4v12H3zM9 2h4v12H9z",
	square: "M3 3h10v10H3z",
	triangle: "M8 1.5L15.5 14.5H.5z",
	"triangle-line": "M8 1.5L15.5 14.5H.5zM8 5.5L3.8 12.6h8.4z",
	check: "M6.2 13.2L1.5 8.5l2-2 2.7 2.7 6.3-6.4 2 2z",
};

export function mark(shape, tone) {
	return svg("svg", { class: `mark ${tone}`, viewBox: "0 0 16 16",
		"aria-hidden": "true" },
		svg("path", { d: PATHS[shape], "fill-rule": "evenodd" }));
}

export function stateMark(state) {
	const [shape, tone, word] = look(state);
	return h("span", { class: `state ${tone}`, title: meaning(state) },
		mark(shape, tone), word);
}

export function levelMark(level) {
	const [shape, tone, word] = levelLook(level);
	return h("span", { class: `state ${tone}` }, mark(shape, tone), word);
}

// ---- names ----

const REASONS = {
	none: "nothing is wrong", connect_refused: "connection refused",
	connect_timeout: "no answer to connect",
	connect_reset: "connection reset",
	host_unreachable: "host unreachable", net_unreachable: "network unreachable",
	port_unreachable: "port unreachable", no_reply: "no echo reply",
	admin_prohibited: "forbidden by a firewall",
	ttl_exceeded: "routing loop", name_unknown: "the name does not resolve",
	response_timeout: "no answer in time", bad_response: "the answer is wrong",
	tls_failed: "TLS handshake failed", cert_invalid: "certificate not valid",
	threshold: "a value is beyond its limit",
	reported_warning: "the check warns",
	reported_critical: "the check says critical",
	device_failed: "the device failed", stale: "no data for three intervals",
	never_connected: "never heard of", pending: "not measured yet",
	no_checks: "nothing watches it", parent_down: "what it hangs on is down",
	connection_lost: "heard of, then silent",
	reported_exit: "its agent said that it was going away",
	reported_error: "its agent ended with an error",
	vm_paused: "its hypervisor says: paused",
	vm_crashed: "its hypervisor says: crashed",
	vm_shut_off: "its hypervisor says: shut off",
	busy: "late, and its processors are busy",
	runs_unreachable: "it runs, but does not answer",
	probe_error: "the probe failed",
	probe_timeout: "the probe passed its deadline",
	probe_crashed: "the probe crashed",
	exec_failed: "the plugin could not be executed",
	exec_signal: "the plugin was ended by a signal",
	exec_timeout: "the plugin was killed at its deadline",
	exec_unknown: "the check says unknown",
	bad_output: "the output cannot be read",
	slot_missed: "the observer was late",
	resolver_failed: "the name service does not answer",
	local_resource: "out of sockets or memory at the observer",
	local_no_route: "no route from the observer",
	local_permission: "the observer may not measure it",
	icmp_unavailable: "the observer may not open an ICMP socket",
	device_unreadable: "the device could not be read",
	unsupported: "not available there",
	backup_old: "its last good copy is too old",
	contagion: "what runs on it made two hosts fall",
	needs_human: "a person must look at it first",
	device_asleep: "asleep", no_smart: "it has no SMART data",
	observer_suspect: "the observer is in doubt",
};

export function reason(id) {
	return REASONS[id] || String(id ?? "").replaceAll("_", " ");
}

// What a check said, where that is more than the reason's own words.
export function besides(text, id) {
	const said = String(text || "");
	return said.toLowerCase() === reason(id).toLowerCase() ? "" : said;
}

const METRICS = {
	smart_5_raw: "reallocated sectors",
	smart_187_raw: "reported uncorrectable errors",
	smart_188_raw: "command timeouts",
	smart_197_raw: "pending sectors",
	smart_198_raw: "offline uncorrectable sectors",
};

export function metricName(name) {
	return METRICS[name] || name.replaceAll("_", " ");
}

const STATS = { now: "now", max: "highest ever", quiet_days: "days unchanged",
	rises: "days with a rise, ever",
	recurrences: "returns after they were gone or still",
	accel_7d: "in these 7 d more than in those before",
	peers_below: "‰ of the model's drives are below",
	pending_gap: "pending and offline uncorrectable differ by",
	unconfirmed_30d: "errors of 30 d that no bad sector explains",
	kinds_nonzero: "kinds of counters above 0",
	days_nonzero: "days above 0" };

export function statName(stat) {
	const rise = /^rise_(\d+)d$/.exec(stat);
	const rises = /^rises_(\d+)d$/.exec(stat);
	if (rise)
		return `rise in ${rise[1]} d`;
	if (rises)
		return `days with a rise, of ${rises[1]}`;
	return STATS[stat] || stat.replaceAll("_", " ");
}

const ADVICE = {
	"role.out_of_rotation": "take it out of rotation",
	"role.restart": "restart the service",
	"restart.fresh_disk": "restart it with a fresh disk",
	"restart.keep_disk": "restart it, keep its disk",
	"host.wait": "wait for its return", "host.reboot": "reboot the host",
	"host.evacuate": "leave the host", "device.replace": "replace the disk",
};

export function plain(id) {
	return String(id ?? "").replaceAll("_", " ");
}

export function advice(id) {
	return id ? ADVICE[id] || plain(id.replaceAll(".", " ")) : null;
}

const SIDES = { outside: "from outside", inside: "inside it",
	external: "other monitors" };

export function side(id) {
	return SIDES[id] || String(id);
}

export function deviceName(d) {
	return [d.kind, d.model, d.serial].filter(Boolean).join(" ");
}

export function lead(l) {
	return l ? `${l.from}\u2013${l.to} days` : null;
}

export function unitLink(u, ...kids) {
	return h("a", { href: `#/unit/${u.id}` }, kids.length ? kids : u.path);
}

export function hostLink(name, ...kids) {
	return h("a", { href: `#/host/${encodeURIComponent(name)}` },
		kids.length ? kids : name);
}
