// Predictions, evacuations, brakes, alerts, events.
import { h } from "/page/dom.js";
import { now } from "/page/store.js";
import { byUrgency, predictionWords } from "/page/now.js";
import { commentsOf } from "/page/people.js";
import { scoreLine } from "/page/score.js";
import * as w from "/page/words.js";

const EVENTS = 200;
const SHOWN = 12;		// targets by name

function table(heads, rows, empty) {
	if (!rows.length)
		return h("p", { class: "empty" }, w.mark("check", "good"), empty);
	return h("table", { class: "list" }, h("thead", {}, h("tr", {},
		heads.map((t) => h("th", { scope: "col" }, t)))),
	h("tbody", {}, rows));
}

function absent(what) {
	return h("p", { class: "muted" }, `This server does not show ${what}.`);
}

// ---- predictions ----

export function predictions() {
	const all = now.lists.predictions;
	if (!all)
		return [h("h1", {}, "Predictions"), absent("predictions")];
	return [h("h1", {}, all.length ? w.plural(all.length,
		"open prediction", "open predictions") : "No open predictions"),
	h("p", { class: "lead" }, "What SMART counters can tell: about half of ",
		"the failures are announced; the others come without a word. ",
		scoreLine()),
	table(["Host", "Level", "When", "Why", "30 d", "For", ""],
		byUrgency(all).map((p) => h("tr", { "data-key": p.id },
			h("th", { scope: "row" }, w.hostLink(p.host)),
			h("td", { "data-label": "Level" }, w.levelMark(p.level)),
			h("td", { "data-label": "When", class: "nowrap" },
				w.lead(p.lead_time) || ""),
			h("td", { "data-label": "Why" }, w.deviceName(p.device),
				": ", predictionWords(p)),
			h("td", { "data-label": "30 d", class: "num" },
				w.percent(p.risk.d30)),
			h("td", { "data-label": "For" }, w.ago(p.since)),
			h("td", {}, h("a", { href: `#/prediction/${p.id}` },
				"explain")))),
		"Nothing is expected to break.")];
}

// ---- evacuations ----

const PLAN_LOOK = { recommended: ["triangle", "warn"],
	held: ["bars", "held"], withdrawn: ["dot", "dim"] };

function planMark(state) {
	const [shape, tone] = PLAN_LOOK[state] || ["ring", "dim"];
	return h("span", { class: `state ${tone}` }, w.mark(shape, tone), state);
}

const TARGETS = { not_healthy: "not healthy", at_risk: "at risk themselves",
	not_in_service: "not in service", maintenance: "in maintenance",
	being_left: "to be left themselves", full: "full" };

const URGENCY = { planned: "There is time to plan it.",
	urgent: "It is urgent.", start_now: "Start now." };

function targets(p) {
	if (p.action !== "host.evacuate")
		return null;
	const n = p.partition_hosts.eligible;
	const others = Object.entries(p.partition_hosts)
		.filter(([k, v]) => v && TARGETS[k]);
	return h("div", {},
		h("p", {}, h("b", {}, n ? `${w.plural(n, "host", "hosts")} of ${
			p.partition} may take the load` :
			`No host of ${p.partition} may take the load`),
		p.targets.length > 0 && [": ", p.targets.slice(0, SHOWN)
			.flatMap((t, i) => [i ? ", " : "", w.hostLink(t)]),
		n > SHOWN && `, and ${w.count(n - SHOWN)} more`], "."),
		others.length > 0 && h("p", { class: "muted" }, "The others: ",
			others.map(([k, v]) => `${w.count(v)} ${TARGETS[k]}`)
				.join(" \u00b7 "), "."));
}

const RUNGS = { done: "done", current: "now", to_come: "then" };

function ladder(rungs) {
	return rungs && h("p", { class: "muted" }, rungs.map((r, i) => [i > 0 &&
		" \u2192 ", h(r.state === "current" ? "b" : "span", {},
			w.advice(r.rung)), ` (${RUNGS[r.state] || r.state}`,
	r.state === "to_come" && r.at && ` from ${w.exact(r.at)}`, ")"]));
}

const DUE = [["host.evacuate", "host should be left",
	"hosts should be left"],
["device.replace", "disk should be replaced", "disks should be replaced"],
["host.reboot", "host should be rebooted", "hosts should be rebooted"],
["host.wait", "host is waited for", "hosts are waited for"],
["restart.", "VM should be restarted", "VMs should be restarted"],
["role.restart", "role should be restarted", "roles should be restarted"],
["role.out", "role should be taken out of rotation",
	"roles should be taken out of rotation"]];

// Leaving a host before restarting a VM; the newest of each first.
function dearestFirst(a, b) {
	const rank = (p) => DUE.findIndex(([x]) => p.action.startsWith(x));
	return rank(a) - rank(b) || b.id - a.id;
}

// "2 hosts should be left, 1 VM should be restarted"
function due(all) {
	return DUE.map(([action, one, many]) => {
		const n = all.filter((p) => p.action.startsWith(action)).length;
		return n > 0 && w.plural(n, one, many);
	});
}

// "tcp:80: connection refused" begins with a name: it stays as it is.
function sentence(text) {
	return /^\S+:/.test(text) ? text :
		text.charAt(0).toUpperCase() + text.slice(1);
}

export function planCard(p) {
	return h("article", { class: "card", "data-key": `plan-${p.id}` },
		h("h3", {}, planMark(p.state), " ", p.unit && [h("span", {},
			p.unit), h("span", { class: "muted" }, " on ")],
		w.hostLink(p.host), h("span", {}, w.advice(p.action)),
			h("a", { class: "aside", href: `#/evacuation/${p.id}` },
				`plan ${p.id}`)),
		h("p", {}, sentence(p.reason), ", ", w.ago(p.since, " ago"), ".", p.predicted && p.urgency &&
			` ${URGENCY[p.urgency]}`, p.accept_loss_warning &&
			" Leaving it takes longer than is left: expect to lose something."),
		ladder(p.ladder), targets(p),
		p.why_not.length > 0 && h("p", {}, "Nothing is done: ",
			p.why_not.map((y) => y.words).join("; "), "."));
}

export function evacuations() {
	const all = now.lists.evacuations;
	if (!all)
		return [h("h1", {}, "Evacuations"), absent("evacuations")];
	const held = all.filter((p) => p.state === "held").length;
	const said = [...due(all), held && `${w.count(held)} held`]
		.filter(Boolean);
	return [h("h1", {}, said.join(", ") || "Nothing needs to be moved"),
	h("p", { class: "lead" }, "Tocsin recommends; it moves nothing. ",
		h("a", { href: "#/simulate" }, "What if these hosts failed?")),
	all.length ? [...all].sort(dearestFirst).slice(0, 100).map(planCard) :
		h("p", { class: "empty" }, w.mark("check", "good"),
			"No evacuation is recommended."),
	all.length > 100 && h("p", {}, `And ${w.count(all.length - 100)} more.`)];
}

export function evacuation(id) {
	const p = (now.lists.evacuations || []).find((e) => String(e.id) === id);
	return [h("p", { class: "crumbs" }, h("a", { href: "#/evacuations" },
		"Evacuations")),
	h("h1", {}, `Plan ${id}`),
	p ? planCard(p) : h("p", {}, "There is no such plan any more: it was ",
		"withdrawn, for it is not needed.")];
}

// ---- brakes ----

function brakeRow(b) {
	return h("tr", { "data-key": b.partition, class: b.latched ? "told" :
		null },
	h("th", { scope: "row" }, h("a", { href: `#/hosts?partition=${
		encodeURIComponent(b.partition)}` }, b.partition)),
	h("td", { "data-label": "Brake" }, b.latched ?
		h("span", { class: "state held" }, w.mark("bars", "held"),
			"latched") : h("span", { class: "state good" },
			w.mark("square", "good"), "open")),
	h("td", { "data-label": "Bad hosts" }, `${w.count(b.bad)} of ${
		w.count(b.hosts)}, latches above ${w.count(b.limit)}`),
	h("td", { "data-label": "Why" }, b.reason, " ", b.latched && b.since &&
		h("span", { class: "muted" }, "for ", w.ago(b.since)),
	!b.latched && b.released_by && h("span", { class: "muted" },
		`released by ${b.released_by} `, w.ago(b.released, " ago"))),
	h("td", {}, b.latched && h("button", { type: "button",
		"data-do": "release", "data-arg": b.partition }, "Release\u2026")));
}

export function brakes() {
	const all = now.lists.brakes;
	if (!all)
		return [h("h1", {}, "Brakes"), absent("brakes")];
	const latched = all.filter((b) => b.latched);
	return [h("h1", {}, latched.length ? `${w.plural(latched.length,
		"brake is", "brakes are")} latched` : "All brakes are open"),
	h("p", { class: "lead" }, "A latched brake stops actions in its ",
		"partition, never what you see. Only a named person opens it. ",
		h("a", { href: "#/switches" }, "Switches")),
	table(["Partition", "Brake", "Bad hosts", "Why", ""],
		[...latched, ...all.filter((b) => !b.latched)].map(brakeRow),
		"There are no partitions.")];
}

// ---- alerts ----

const SEVERITY = { critical: ["disc", "bad"], warning: ["triangle", "warn"],
	info: ["dot", "dim"] };

function alertRow(a) {
	const [shape, tone] = SEVERITY[a.severity] || ["ring", "dim"];
	return h("tr", { "data-key": a.id },
		h("th", { scope: "row" }, h("span", { class: `state ${tone}` },
			w.mark(shape, tone), a.severity)),
		h("td", { "data-label": "What" }, h("div", {}, a.summary,
			commentsOf((n) => n.alert_key === a.key))),
		h("td", { "data-label": "Where" }, a.host ? w.hostLink(a.host) :
			a.partition || "the server"),
		h("td", { "data-label": "For", class: "nowrap" }, w.ago(a.since)),
		h("td", { "data-label": "Taken by" }, (a.acked_by || a.grouped) &&
		h("div", {}, a.acked_by && [a.acked_by, a.acked_until &&
				h("span", { class: "muted" },
					` until ${w.exact(a.acked_until)}`)],
			a.grouped && h("p", { class: "muted" },
				"nobody was told of it apart"))),
		h("td", {}, h("div", { class: "pair" }, h("button", { type: "button",
			"data-do": "ack", "data-arg": a.id }, a.acked_by ?
			"Take over\u2026" : "Acknowledge\u2026"),
		h("button", { type: "button", "data-do": "comment-alert",
			"data-arg": a.id }, "Comment\u2026"))));
}

export function alerts() {
	const all = now.lists.alerts;
	if (!all)
		return [h("h1", {}, "Alerts"), absent("alerts")];
	return [h("h1", {}, all.length ? `${w.plural(all.length, "alert fires",
		"alerts fire")}` : "No alert fires"),
	table(["Severity", "What", "Where", "For", "Taken by", ""],
		all.map(alertRow), "No alert fires.")];
}

// ---- events ----

function moved(b) {
	return `went from ${w.look(b.from)[2]} to ${w.look(b.to)[2]}${b.to ===
		"healthy" || !b.reason || b.reason === "none" ? "" :
		`: ${w.reason(b.reason)}`}`;
}

const EVENTS_OF = {
	"check.state": (b) => `${b.check} ${moved(b)}`,
	"host.state": moved, "vm.state": moved, "role.state": moved,
	"prediction.level": (b) => `risk went from ${b.from} to ${b.to}`,
	"plan.state": (b) => `${w.advice(b.action)}: ${b.state}, ${b.reason}`,
	"vm.run": (b) => `its hypervisor says: ${w.plain(b.run)}`,
	"signal.take": (b) => `was ${w.plain(b.before)}, reported ${
		w.plain(b.after)}`,
	"alert.firing": (b) => `alert: ${b.summary}`,
	"alert.resolved": (b) => `alert is over: ${b.summary}`,
};

function eventWords(e) {
	const b = e.body || {};
	return EVENTS_OF[e.kind]?.(b) || b.summary || b.reason ||
		w.plain(e.kind.replaceAll(".", " "));
}

// "web-05/v5/web" → the host and what is on it; a disk's subject says more.
function subject(e) {
	const [host, ...on] = String(e.subject || "").split("/");
	return { host, on: e.kind.startsWith("alert.") ? "" :
		e.kind === "prediction.level" ? on[2] : on.join("/") };
}

export function eventList(events) {
	return h("ul", { class: "events" }, events.map((e) => {
		const { host, on } = subject(e);
		return h("li", { "data-key": e.seq },
			w.ago(e.at, " ago"), h("p", {}, now.hosts.has(host) ?
				w.hostLink(host) : host, on && [" ", h("b", {}, on)],
			" ", eventWords(e)));
	}));
}

export function events() {
	return [h("h1", {}, "What happened"), h("p", { class: "lead" },
		h("a", { href: "#/audit" }, "Who did what")), now.events.length ?
		eventList(now.events.slice(0, EVENTS)) :
		h("p", { class: "muted" }, "Nothing yet.")];
}
