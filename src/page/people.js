// What people may do, did and say: switches, the audit trail, comments.
import { h } from "/page/dom.js";
import { now } from "/page/store.js";
import * as w from "/page/words.js";

// ---- switches ----

const FUNCTIONS = { recommend: "Recommend moves", notify: "Tell people",
	maintenance_edit: "Plan maintenance" };

function words(f) {
	return FUNCTIONS[f] || f.replaceAll("_", " ");
}

function cell(s) {
	const [shape, tone] = s.on ? ["square", "good"] : ["bars", "held"];
	return h("td", { "data-label": words(s.function) },
		h("div", { class: "pair" }, h("span", { class: `state ${tone}` },
			w.mark(shape, tone), s.on ? "on" : "off"),
		h("button", { type: "button", "data-do": "turn", "data-arg":
			`${s.function}/${s.on ? "off" : "on"}/${s.partition}` },
		s.on ? "Turn off\u2026" : "Turn on\u2026")));
}

export function switches() {
	const all = now.lists.switches || [];
	const parts = new Map();
	for (const s of all)
		parts.set(s.partition, [...(parts.get(s.partition) || []), s]);
	const functions = [...new Set(all.map((s) => s.function))];
	const off = all.filter((s) => !s.on).length;
	return [h("p", { class: "crumbs" }, h("a", { href: "#/brakes" },
		"Brakes")), h("h1", {}, off ? `${w.plural(off, "switch is", "switches are")
	} off` : "All switches are on"),
	h("p", { class: "lead" }, "What Tocsin may do in a partition. What is ",
		"off is still watched and shown."),
	all.length ? h("table", { class: "list" }, h("thead", {}, h("tr", {},
		["Partition", ...functions.map(words)].map((t) =>
			h("th", { scope: "col" }, t)))),
	h("tbody", {}, [...parts].map(([name, row]) => h("tr",
		{ "data-key": name }, h("th", { scope: "row" }, name),
		row.map(cell))))) : h("p", { class: "muted" },
		"There are no partitions.")];
}

// ---- audit ----

function auditRow(a) {
	const b = a.body || {};
	const said = [b.target, b.before && b.after ? `${b.before} \u2192 ${
		b.after}` : b.after || b.before].filter(Boolean).join(": ");
	return h("tr", { "data-key": a.seq },
		h("th", { scope: "row", class: "num" }, a.seq),
		h("td", { "data-label": "When" }, w.ago(a.at, " ago")),
		h("td", { "data-label": "Who" }, h("div", {}, b.person || a.actor,
			b.person && b.person !== a.actor &&
				h("span", { class: "muted" }, ` by ${a.actor}`))),
		h("td", { "data-label": "Did" }, a.action.replaceAll(".", " ")
			.replaceAll("_", " ")),
		h("td", { "data-label": "To" }, said),
		h("td", { "data-label": "Because" }, b.reason || ""));
}

export function audit() {
	const a = now.audit;
	const head = [h("p", { class: "crumbs" }, h("a", { href: "#/events" },
		"Events")), h("h1", {}, "Who did what"), h("p", { class: "lead" },
		"Each row holds the hash of the one before: none can be changed or ",
		"taken out unseen.")];
	if (!a)
		return [...head, h("p", { class: "muted" }, "Loading\u2026")];
	if (a.refused)
		return [...head, h("p", {}, "Only an admin\u2019s token may see this.")];
	return [...head, a.items.length ? h("table", { class: "list" },
		h("thead", {}, h("tr", {}, ["", "When", "Who", "Did", "To",
			"Because"].map((t) => h("th", { scope: "col" }, t)))),
		h("tbody", {}, [...a.items].reverse().map(auditRow))) :
		h("p", { class: "empty" }, w.mark("check", "good"),
			"Nobody has done anything yet.")];
}

// ---- comments ----

function commentRow(n) {
	return h("li", { "data-key": `note-${n.id}` }, w.ago(n.at, " ago"),
		h("p", {}, h("b", {}, n.person || n.by), n.kind === "ack" ?
			" looks after it" : "", n.text && `: ${n.text}`,
		n.until && h("span", { class: "muted" }, ` (until ${
			w.exact(n.until)})`), " ",
		h("button", { type: "button", class: "link", "data-do": "unsay",
			"data-arg": n.id }, n.kind === "ack" ? "give back" : "remove")));
}

export function commentsOf(which) {
	const mine = (now.lists.comments || []).filter(which);
	return mine.length > 0 && h("ul", { class: "events" },
		mine.map(commentRow));
}

export function commentsOfHost(name) {
	return h("section", {}, h("h2", {}, "What people say"),
		commentsOf((n) => n.host === name || String(n.alert_key || "")
			.endsWith(`/${name}`)),
		h("p", {}, h("button", { type: "button", "data-do": "comment-host",
			"data-arg": name }, "Comment\u2026")));
}
