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
const STATES = {
	unhealthy: ["disc", "bad", "broken"],
	impaired: ["disc", "bad", "impaired"],
	unreachable: ["disc", "bad", "unreachable"],
	overloaded: ["diamond", "warn", "overloaded"],
	flapping: ["diamond", "warn", "flapping"],
	suspect: ["diamond", "warn", "suspect"],
	unknown: ["ring", "dim", "unknown"],
	stale: ["ring", "dim", "stale"],
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
	return h("span", { class: `state ${tone}` }, mark(shape, tone), word);
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
	backup_old: "its last good copy is too old",
	device_asleep: "asleep", no_smart: "it has no SMART data",
	observer_suspect: "the observer is in doubt",
};

export function reason(id) {
	return REASONS[id] || String(id ?? "").replaceAll("_", " ");
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
	rises: "days with a rise, ever" };

export function statName(stat) {
	const rise = /^rise_(\d+)d$/.exec(stat);
	const rises = /^rises_(\d+)d$/.exec(stat);
	if (rise)
		return `rise in ${rise[1]} d`;
	if (rises)
		return `days with a rise, of ${rises[1]}`;
	return STATS[stat] || stat.replaceAll("_", " ");
}

export function action(id) {
	return { "host.evacuate": "evacuation",
		"device.replace": "replacing a disk",
		"role.out_of_rotation": "taking out of rotation" }[id] ||
		String(id ?? "");
}

export function deviceName(d) {
	return [d.kind, d.model, d.serial].filter(Boolean).join(" ");
}

export function lead(l) {
	return l ? `${l.from}\u2013${l.to} days` : null;
}

export function hostLink(name, ...kids) {
	return h("a", { href: `#/host/${encodeURIComponent(name)}` },
		kids.length ? kids : name);
}
