// Predictions, evacuations, brakes, alerts, events.
import { h } from "/page/dom.js";
import { now } from "/page/store.js";
import { byUrgency, predictionWords } from "/page/now.js";
import { commentsOf } from "/page/people.js";
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
		"the failures are announced; the others come without a word."),
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
	being_left: "to be left themselves" };

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

export function planCard(p) {
	return h("article", { class: "card", "data-key": `plan-${p.id}` },
		h("h3", {}, planMark(p.state), " ", w.hostLink(p.host),
			` ${w.action(p.action)}`,
			h("a", { class: "aside", href: `#/evacuation/${p.id}` },
				`plan ${p.id}`)),
		h("p", {}, p.reason.charAt(0).toUpperCase() + p.reason.slice(1), ", ",
			w.ago(p.since, " ago"), ".", p.predicted && p.urgency &&
			` ${URGENCY[p.urgency]}`, p.accept_loss_warning &&
			" Leaving it takes longer than is left: expect to lose something."),
		targets(p),
		p.why_not.length > 0 && h("p", {}, "Nothing is done: ",
			p.why_not.map((y) => y.words).join("; "), "."));
}

export function evacuations() {
	const all = now.lists.evacuations;
	if (!all)
		return [h("h1", {}, "Evacuations"), absent("evacuations")];
	const held = all.filter((p) => p.state === "held").length;
	const leave = all.filter((p) => p.action === "host.evacuate").length;
	const disks = all.filter((p) => p.action === "device.replace").length;
	const roles = all.length - leave - disks;
	const said = [leave && w.plural(leave, "host should be left",
		"hosts should be left"), disks && w.plural(disks,
		"disk should be replaced", "disks should be replaced"),
	roles > 0 && w.plural(roles, "role should be taken out of rotation",
		"roles should be taken out of rotation"),
	held && `${w.count(held)} held`].filter(Boolean);
	return [h("h1", {}, said.join(", ") || "Nothing needs to be moved"),
	h("p", { class: "lead" }, "Tocsin recommends; it moves nothing. ",
		h("a", { href: "#/simulate" }, "What if these hosts failed?")),
	all.length ? all.slice(0, 100).map(planCard) :
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
		h("td", { "data-label": "Taken by" }, h("div", {},
			a.acked_by && [a.acked_by, a.acked_until &&
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

function eventWords(e) {
	const b = e.body || {};
	if (e.kind === "check.state")
		return `${b.check} went from ${b.from} to ${b.to}${b.to ===
			"healthy" ? "" : `: ${w.reason(b.reason)}`}`;
	if (e.kind === "host.state")
		return `went from ${b.from} to ${b.to}${b.reason && b.reason !==
			"none" ? `: ${w.reason(b.reason)}` : ""}`;
	if (e.kind === "prediction.level")
		return `risk went from ${b.from} to ${b.to}`;
	if (e.kind === "plan.state")
		return `${w.action(b.action)} ${b.state}: ${b.reason}`;
	return b.summary || b.reason || e.kind.replaceAll(".", " ")
		.replaceAll("_", " ");
}

export function eventList(events) {
	return h("ul", { class: "events" }, events.map((e) => {
		const host = String(e.subject || "").split("/")[0];
		return h("li", { "data-key": e.seq },
			w.ago(e.at, " ago"), h("p", {}, now.hosts.has(host) ?
				w.hostLink(host) : host, " ", eventWords(e)));
	}));
}

export function events() {
	return [h("h1", {}, "What happened"), h("p", { class: "lead" },
		h("a", { href: "#/audit" }, "Who did what")), now.events.length ?
		eventList(now.events.slice(0, EVENTS)) :
		h("p", { class: "muted" }, "Nothing yet.")];
}
