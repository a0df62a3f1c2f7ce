// The first screen: broken, will break, held back, in words.
import { h } from "/page/dom.js";
import { now, tally, UNITS_MOST } from "/page/store.js";
import * as w from "/page/words.js";
import * as cells from "/page/cells.js";

const ROWS = 8;
const TALL = 1000;		// hosts; their cells fill a column

export function predictionWords(p) {
	const best = new Map();
	for (const row of p.evidence) {
		if (row.contribution > 0 && !best.has(row.metric + row.stat) &&
		    row.metric !== "device")
			best.set(row.metric + row.stat, row);
	}
	const said = [];
	for (const row of best.values()) {
		const name = w.metricName(row.metric);
		const rise = /^rise_(\d+)d$/.exec(row.stat);
		if (rise)
			said.push(`${w.signed(row.change)} ${name} in ${rise[1]} d`);
		else if (row.stat === "now" || row.stat === "max")
			said.push(`${w.count(row.value)} ${name}`);
		if (said.length === 2)
			break;
	}
	return said.join(", ");
}

function device(p) {
	return p.device.kind === "disk" || !p.device.kind ?
		`disk ${p.device.serial || p.device.model || ""}` :
		`${p.device.kind} ${p.device.serial || ""}`;
}

// ---- the numbers ----

// What is unreachable hangs on something that is broken: it is counted apart.
const CONVICTED = ["unhealthy", "impaired"];

// Of the list below, unless it is cut off.
function brokenOf(kind) {
	const units = now.lists.units;
	if (units && units.length < UNITS_MOST)
		return units.filter((u) => u.kind === kind &&
			CONVICTED.includes(u.state)).length;
	const c = now.summary.layers?.[kind] || {};
	return CONVICTED.reduce((n, s) => n + (c[s] || 0), 0);
}

export function brokenCount() {
	const c = tally().counts;
	return CONVICTED.reduce((n, s) => n + (c[s] || 0), 0) +
		brokenOf("vm") + brokenOf("role");
}

function counts() {
	const { counts: c, levels: l } = tally();
	const sum = (names) => names.reduce((n, s) => n + (c[s] || 0), 0);
	const latched = (now.lists.brakes || []).filter((b) => b.latched);
	const braked = new Set(latched.map((b) => b.partition));
	const held = (now.lists.evacuations || []).filter((p) =>
		p.state === "held" && !braked.has(p.partition));
	return { broken: sum(CONVICTED), cut: c.unreachable || 0,
		vms: brokenOf("vm"), roles: brokenOf("role"),
		doubtful: sum(w.DOUBTFUL),
		risk: (l.imminent || 0) + (l.likely || 0), watch: l.watch || 0,
		latched, held, states: c };
}

function rest(n) {
	const names = ["healthy", "unreachable", "suspect", "flapping", "overloaded", "stale",
		"unknown", "asleep", "maintenance", "rebooting", "evacuating",
		"quarantined", "diagnosing", "retired"];
	const parts = names.filter((s) => n.states[s])
		.map((s) => h("a", { href: `#/hosts?state=${s}` },
			`${w.count(n.states[s])} ${w.look(s)[2]}`));
	if (n.watch)
		parts.push(h("a", { href: "#/predictions" },
			`${w.count(n.watch)} watched`));
	return parts.flatMap((p, i) => (i ? [" \u00b7 ", p] : [p]));
}

function tile(href, [shape, tone], n, word, calm) {
	return h("a", { class: `tile ${n ? tone : "calm"}`, href },
		w.mark(n ? shape : "check", n ? tone : "good"),
		h("b", {}, w.count(n)), h("span", {}, n ? word : calm));
}

function sentence(n) {
	const s = now.summary, { hosts } = tally();
	if (s.degraded)
		return `Tocsin itself is impaired: ${s.degraded_why || "no words"}.`;
	if (s.observer_suspect)
		return "Tocsin doubts its own sight: too much went at once.";
	if (!hosts)
		return "No hosts are watched yet.";
	if (!brokenCount() && !n.cut && !n.risk && !n.latched.length)
		return n.doubtful || n.states.healthy < hosts ?
			"Nothing is broken, and nothing is expected to break." :
			`All ${w.plural(hosts, "host is", "hosts are")} well, ` +
			"and nothing is expected to break.";
	const parts = [];
	const broken = [[n.broken, "host", "hosts"], [n.vms, "VM", "VMs"],
		[n.roles, "role", "roles"]].filter(([k]) => k);
	if (broken.length)
		parts.push(`${w.listed(broken.map((b) => w.plural(...b)))} ${
			broken.length > 1 || broken[0][0] > 1 ? "are" : "is"
		} broken`);
	if (n.cut)
		parts.push(w.plural(n.cut, "host is unreachable",
			"hosts are unreachable"));
	if (n.risk)
		parts.push(w.plural(n.risk, "host is likely to break",
			"hosts are likely to break"));
	if (n.latched.length)
		parts.push(w.plural(n.latched.length, "partition is held back",
			"partitions are held back"));
	else if (n.held.length)
		parts.push(w.plural(n.held.length, "move is held back",
			"moves are held back"));
	return `${parts.join(", ")}.`;
}

// ---- the panels ----

function more(n, href) {
	return n > 0 && h("li", { class: "more" },
		h("a", { href }, `and ${w.count(n)} more`));
}

function panel(id, title, href, empty, rows, extra) {
	return h("section", { class: "panel", id, "data-key": id },
		h("h2", {}, h("a", { href }, title)),
		rows.length ? h("ul", { class: "rows" }, rows) :
			h("p", { class: "empty" }, w.mark("check", "good"), empty),
		extra);
}

function worstFirst(rows) {
	const rank = (r) => w.BROKEN.indexOf(r.state);
	return rows.sort((a, b) => rank(a) - rank(b) ||
		Date.parse(b.since) - Date.parse(a.since));
}

export function brokenHosts() {
	return worstFirst([...now.hosts.values()]
		.filter((r) => w.BROKEN.includes(r.state)));
}

function why(row) {
	return row.behind && row.state === "unreachable" ?
		["behind ", w.hostLink(row.behind), ", which is down"] :
		w.reason(row.reason);
}

function brokenRow(row) {
	const d = now.details.get(row.name);
	const same = d && d.state === row.state;
	const check = same && d.checks.find((c) => c.key === d.reason_check);
	const [shape, tone, word] = w.look(row.state);
	return h("li", { "data-key": row.name },
		w.mark(shape, tone),
		h("div", {},
			h("p", { class: "what" }, w.hostLink(row.name), " ",
				row.state !== "unhealthy" && `${word}: `,
				check && h("code", {}, check.key), check && " ",
				why(row)),
			h("p", { class: "muted" }, w.ago(row.since), " \u00b7 ",
				check && `${w.plural(check.fails, "failure",
					"failures")} in a row \u00b7 `,
				row.partition, " \u00b7 ",
				w.hostLink(row.name, "why"))));
}

function brokenUnitRow(u) {
	const [shape, tone, word] = w.look(u.state);
	return h("li", { "data-key": `unit-${u.id}` },
		w.mark(shape, tone),
		h("div", {},
			h("p", { class: "what" }, w.unitLink(u), ` ${u.kind === "vm" ?
				"VM" : "role"} `, u.state !== "unhealthy" && `${word}: `,
			w.reason(u.reason)),
			h("p", { class: "muted" }, u.since && [w.ago(u.since),
				" \u00b7 "], u.action && `${w.advice(u.action)} \u00b7 `,
			"on ", w.hostLink(u.host), " \u00b7 ", w.unitLink(u,
				"why"))));
}

// Many at once behind one thing that is down: one line for them all.
const TOGETHER = 3;
function cutRow([behind, rows]) {
	const [shape, tone] = w.look("unreachable");
	return h("li", { "data-key": `cut-${behind}` }, w.mark(shape, tone),
		h("div", {}, h("p", { class: "what" }, h("a", { href:
			`#/hosts?state=unreachable${behind ? `&behind=${
				encodeURIComponent(behind)}` : ""}` },
		w.plural(rows.length, "host", "hosts")), " unreachable",
		behind ? [" behind ", w.hostLink(behind)] :
			": what they hang on is down"),
		h("p", { class: "muted" }, w.ago(rows.reduce((at, r) => r.since < at ?
			r.since : at, rows[0].since)), " \u00b7 nobody is told ",
		"of each of them")));
}

// Unreachable ones by what they are behind; few of them each for itself.
function cutOff(all) {
	const by = new Map();
	for (const r of all.filter((x) => x.state === "unreachable")) {
		const key = r.behind || "";
		by.set(key, [...(by.get(key) || []), r]);
	}
	const many = [...by].filter(([, rows]) => rows.length > TOGETHER)
		.sort((x, y) => y[1].length - x[1].length);
	return { many, hidden: new Set(many.flatMap(([, rows]) => rows)) };
}

function broken() {
	const all = brokenHosts();
	const cut = cutOff(all);
	const hosts = all.filter((r) => !cut.hidden.has(r));
	const units = (now.lists.units || []).filter((u) =>
		CONVICTED.includes(u.state));
	const rows = [...hosts.map((r) => () => brokenRow(r)),
		...cut.many.map((c) => () => cutRow(c)),
		...units.map((u) => () => brokenUnitRow(u))];
	const href = units.length ? "#/tree?only=unwell" :
		`#/hosts?state=${w.BROKEN.join(",")}`;
	return panel("broken", "Broken now", href, "Nothing is broken.",
		[...rows.slice(0, ROWS).map((make) => make()),
			more(rows.length - ROWS, href)].filter(Boolean));
}

const URGENCY = ["imminent", "likely", "watch", "none"];
export function byUrgency(list) {
	return [...list].sort((a, b) => URGENCY.indexOf(a.level) -
		URGENCY.indexOf(b.level) || b.risk.d30 - a.risk.d30);
}

function riskRow(p) {
	const [shape, tone, word] = w.levelLook(p.level);
	const plan = (now.lists.evacuations || []).find((e) => e.host === p.host);
	return h("li", { "data-key": p.id },
		w.mark(shape, tone),
		h("div", {},
			h("p", { class: "what" }, w.hostLink(p.host), " ",
				h("b", { class: tone }, word), " ",
				p.lead_time && h("span", { class: "nowrap" },
					`in ${w.lead(p.lead_time)}`)),
			h("p", {}, device(p), ": ", predictionWords(p) ||
				`${w.percent(p.risk.d30)} within 30 days`),
			h("p", { class: "muted" },
				`${w.percent(p.risk.d30)} within 30 d \u00b7 `,
				h("a", { href: `#/prediction/${p.id}` }, "explain"),
				plan && [" \u00b7 ", h("a",
					{ href: `#/evacuation/${plan.id}` }, "plan")])));
}

function willBreak() {
	const all = byUrgency((now.lists.predictions || [])
		.filter((p) => p.level === "imminent" || p.level === "likely"));
	return panel("will-break", "Will break", "#/predictions",
		"Nothing is expected to break.",
		[...all.slice(0, ROWS).map(riskRow),
			more(all.length - ROWS, "#/predictions")].filter(Boolean),
		now.summary.devices_unjudged > 0 && h("p", { class: "muted" },
			`${w.plural(now.summary.devices_unjudged, "device",
				"devices")} cannot be judged: no telling counters.`));
}

function brakeRow(b) {
	const waiting = (now.lists.evacuations || []).filter((p) =>
		p.state === "held" && p.partition === b.partition).length;
	return h("li", { "data-key": b.partition },
		w.mark("bars", "held"),
		h("div", {},
			h("p", { class: "what" }, h("a", { href: "#/brakes" },
				b.partition), " brake latched, ",
			`${w.count(b.bad)} of ${w.plural(b.hosts, "host", "hosts")} bad`),
			b.reason && h("p", {}, `${b.reason}.`),
			h("p", { class: "muted" }, w.ago(b.since), " \u00b7 ",
				waiting > 0 && [h("a", { href: "#/evacuations" },
					w.plural(waiting, "recommendation waits",
						"recommendations wait")), " \u00b7 "],
				h("a", { href: "#/brakes" },
					"release needs a name and a reason"))));
}

function planRow(p) {
	return h("li", { "data-key": `plan-${p.id}` },
		w.mark("bars", "held"),
		h("div", {},
			h("p", { class: "what" }, h("a",
				{ href: `#/evacuation/${p.id}` }, p.host),
			p.unit && ` ${p.unit}`, ` held: ${w.advice(p.action)}`),
			h("p", { class: "muted" }, w.ago(p.since), " \u00b7 ",
				p.reason)));
}

function windowRow(m) {
	return h("li", { "data-key": `window-${m.id}` },
		w.mark("bars", "held"),
		h("div", {},
			h("p", { class: "what" }, h("a",
				{ href: "#/maintenance" }, "Maintenance"),
			` ${String(m.type || "").replaceAll("_", " ")}`),
			h("p", { class: "muted" }, "until ", w.exact(m.to))));
}

function heldBack(n) {
	const windows = (now.lists.maintenance || []).filter((m) => m.running);
	const rows = [...n.latched.map(brakeRow), ...n.held.map(planRow),
		...windows.map(windowRow)];
	return panel("held", "Held back", "#/brakes", "Nothing is held back.",
		[...rows.slice(0, ROWS), more(rows.length - ROWS, "#/evacuations")]
			.filter(Boolean));
}

// The shapes that are to be met always, and those that are there just now.
function legend() {
	const c = tally().counts;
	const seen = ["impaired", "unreachable", "overloaded", "flapping",
		"stale"].filter((s) => c[s]).map((s) => w.look(s));
	return [["disc", "bad", "broken"], ...seen,
		["triangle", "warn", "at risk"], ["diamond", "warn", "suspect"],
		["bars", "held", "held"], ["ring", "dim", "unknown"],
		["square", "good", "healthy"]];
}

function fleet() {
	return h("section", { class: "panel", id: "fleet", "data-key": "fleet" },
		h("h2", {}, h("a", { href: "#/hosts" }, "Fleet"),
			h("span", { class: "aside" }, h("a", { href: "#/hosts" },
				"as a table"), " \u00b7 ", h("a", { href: "#/tree" },
				"by layer"))),
		h("div", { id: "cells", "data-own": true }),
		h("p", { class: "legend muted", "aria-hidden": "true" },
			legend().map(([s, t, word]) => h("span", {}, w.mark(s, t),
				word))));
}

export function view() {
	const n = counts();
	const tall = now.summary.hosts > TALL;
	return [
		h("h1", {}, sentence(n)),
		h("div", { class: "tiles" },
			tile(n.vms || n.roles ? "#/tree?only=unwell" :
				`#/hosts?state=${w.BROKEN.join(",")}`, ["disc", "bad"],
			brokenCount(), "broken", "broken"),
			tile("#/predictions", ["triangle", "warn"], n.risk, "at risk",
				"at risk"),
			tile("#/brakes", ["bars", "held"],
				n.latched.length + n.held.length, "held back",
				"held back"),
			h("p", { class: "rest" }, rest(n))),
		h("div", { class: "board" },
			h("div", { class: "column" }, broken(), willBreak(),
				tall && heldBack(n)),
			h("div", { class: "column" }, fleet(),
				!tall && heldBack(n))),
	];
}

let rows = [], from = null;
export function shown(root) {
	const box = root.querySelector("#cells");
	if (!box)
		return;
	if (from !== now.hosts || rows.length !== now.hosts.size ||
	    rows.stamp !== now.stamp) {
		from = now.hosts;
		rows = [...now.hosts.values()];
		rows.stamp = now.stamp;
	}
	cells.show(box, rows);
}
