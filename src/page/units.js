// VMs and roles: in their host's view, each in a view of its own, and the tree
// of the four layers.
import { h } from "/page/dom.js";
import { now } from "/page/store.js";
import * as w from "/page/words.js";

// ---- a row each, in the view of their host ----

// The reason once, then what the checks say besides.
function why(u) {
	const main = w.reason(u.reason);
	const said = (u.evidence || []).map((e) => h("li", {},
		h("code", {}, e.check), e.reason !== u.reason &&
			` ${w.reason(e.reason)}`,
		h("span", { class: "muted" }, " ", w.besides(e.text, e.reason))));
	if (u.state === "healthy" || u.reason === "none" && !said.length)
		return null;
	return h("div", {}, u.reason !== "none" && main,
		said.length > 0 && h("ul", { class: "plain muted" }, said));
}

function advised(u) {
	if (u.action)
		return h("div", {}, h("b", {}, w.advice(u.action)),
			u.next_action && h("span", { class: "muted" },
				`, then ${w.advice(u.next_action)}`));
	const not = (u.why_not || []).filter((y) => y.code !== "healthy");
	return u.state !== "healthy" && not.length > 0 &&
		h("span", { class: "muted" }, not.map((y) => y.words).join("; "));
}

function unitRow(u, depth) {
	return h("tr", { "data-key": `unit-${u.id}`, class: u.action ? "told" :
		null },
	h("th", { scope: "row", class: depth ? "under" : null },
		w.unitLink(u, u.name), h("span", { class: "muted" },
			` ${u.kind === "vm" ? "VM" : "role"}`)),
	h("td", { "data-label": "State" }, w.stateMark(u.state)),
	h("td", { "data-label": "Why" }, why(u)),
	h("td", { "data-label": "For", class: "nowrap" }, u.since &&
		w.ago(u.since)),
	h("td", { "data-label": "Cheapest help" }, advised(u)));
}

// VMs with their roles, then the roles that are straight on the host.
function inOrder(units) {
	const of = (vm) => units.filter((u) => u.kind === "role" && u.vm === vm);
	return [...units.filter((u) => u.kind === "vm").flatMap((u) =>
		[[u, 0], ...of(u.id).map((r) => [r, 1])]),
	...of(null).map((r) => [r, 0])];
}

export function unitsOfHost(d) {
	if (!d.units?.length)
		return null;
	return h("section", {}, h("h2", {}, "VMs and roles"),
		h("table", { class: "list units" }, h("thead", {}, h("tr", {},
			["Name", "State", "Why", "For", "Cheapest help"].map((t) =>
				h("th", { scope: "col" }, t)))),
		h("tbody", {}, inOrder(d.units).map(([u, depth]) =>
			unitRow(u, depth)))));
}

// ---- one VM or role ----

function verdict(u) {
	const [, tone, word] = w.look(u.state);
	const said = u.state === "healthy" ? `${u.path} is well.` :
		`${u.path} is ${word}: ${u.reason === "none" ?
			w.meaning(u.state) || "no words" : w.reason(u.reason)}.`;
	return h("p", { class: `verdict ${tone}` }, said, u.action &&
		` The cheapest help: ${w.advice(u.action)}${u.next_action ?
			`; if that does not do, ${w.advice(u.next_action)}` : ""}.`);
}

function sides(u) {
	const rows = Object.entries(u.signals || {}).filter(([k, v]) => v ||
		u.expected.includes(k));
	return rows.length > 0 && rows.map(([k, v], i) => [i ? ", " : "",
		`${w.side(k)} `, v ? w.stateMark(v) : h("span",
			{ class: "muted" }, "silent")]);
}

const RUNS = { running: "running", paused: "paused", crashed: "crashed",
	shut_off: "shut off", unknown: "unknown" };

function facts(u) {
	const rows = [["State", [w.stateMark(u.state), " ", u.since &&
		w.ago(u.since)]],
	["How sure", u.confidence],
	u.signals && ["Who says so", sides(u) || "nobody yet"],
	u.vm_state && ["Its hypervisor says", [RUNS[u.vm_state] || u.vm_state,
		u.vm_state_since && [" for ", w.ago(u.vm_state_since)]]],
	["Class", u.class],
	["Address", h("span", { class: "mono" }, u.address)],
	["Kept by", u.owner]].filter(Boolean);
	return h("dl", { class: "facts" }, rows.map(([k, v]) =>
		h("div", {}, h("dt", {}, k), h("dd", {}, v))));
}

function checkRow(c, u) {
	const said = (u.evidence || []).find((e) => e.check === c.key);
	return h("tr", { "data-key": c.key },
		h("th", { scope: "row" }, h("code", {}, c.key), said &&
			h("span", { class: "muted" }, ` ${w.side(said.signal)}`)),
		h("td", { "data-label": "State" }, w.stateMark(c.at ? c.health :
			"unknown")),
		h("td", { "data-label": "Said" }, (c.health !== "healthy" ||
			c.text) && h("div", {}, c.health !== "healthy" &&
			`${w.reason(c.reason)} `, h("span", { class: "muted" },
			w.besides(c.text, c.reason)))),
		h("td", { "data-label": "In a row" }, c.fails ?
			`${c.fails} failed of ${c.fail_after}` : c.oks ?
				`${w.count(c.oks)} good` : ""),
		h("td", { "data-label": "Last" }, c.at ? w.ago(c.at, " ago") :
			"never"));
}

function checks(u) {
	if (!u.checks?.length)
		return h("p", { class: "muted" }, `${u.probe_set?.why ||
			"Nobody declared checks for it"}.`);
	return h("table", { class: "list" }, h("thead", {}, h("tr", {},
		["Check", "State", "What it said", "In a row", "Last"].map((t) =>
			h("th", { scope: "col" }, t)))),
	h("tbody", {}, u.checks.map((c) => checkRow(c, u))));
}

function roles(u) {
	const list = (u.children || []).filter((c) => c.kind === "role");
	return list.length > 0 && h("section", {}, h("h2", {}, "Roles in it"),
		h("ul", { class: "rows" }, list.map((c) => h("li",
			{ "data-key": c.id }, h("div", {}, w.unitLink(c, c.name), " ",
				w.stateMark(c.state), c.reason !== "none" &&
				h("span", { class: "muted" },
					` ${w.reason(c.reason)}`))))));
}

export function unitView(id) {
	const u = now.unit;
	if (!u || String(u.id) !== id)
		return [h("h1", {}, `Unit ${id}`), h("p", { class: "muted" },
			"Loading\u2026")];
	if (u.gone)
		return [h("h1", {}, `Unit ${id}`), h("p", {},
			"There is no such VM or role (any more). ",
			h("a", { href: "#/tree" }, "All layers"))];
	const vm = u.parent?.kind === "vm" && u.path.split("/")[0];
	const row = now.hosts.get(u.host);
	return [
		h("p", { class: "crumbs" }, row && [h("a", { href:
			`#/tree?partition=${encodeURIComponent(row.partition)}` },
		row.partition), " / "], w.hostLink(u.host), vm && [" / ",
			h("a", { href: `#/unit/${u.parent.id}` }, vm)]),
		h("h1", {}, u.name, h("span", { class: "muted" },
			u.kind === "vm" ? " VM" : " role")),
		verdict(u), facts(u),
		!u.action && u.why_not?.length > 0 && u.state !== "healthy" &&
			h("section", {}, h("h2", {}, "Why nothing is advised"),
				h("ul", { class: "plain" }, u.why_not.map((y) =>
					h("li", {}, y.words)))),
		roles(u),
		h("section", {}, h("h2", {}, "Checks"), checks(u)),
	];
}

// ---- the tree: partition, host, VM, role ----

const STEP = 50;
const shown = new Map();	// partition → hosts that are to be seen
const open = new Set();		// "p/rack1", "h/h1"
const UNWELL = [...w.BROKEN, ...w.DOUBTFUL, "stale"];

function rank(row, troubled) {
	const bad = [...w.BROKEN, ...w.DOUBTFUL].indexOf(row.state);
	return bad >= 0 ? bad : troubled.has(row.name) ? 20 :
		row.state === "healthy" ? 40 : 30;
}

// Hosts by name → the VMs and roles on them that are not well.
export function troubledUnits() {
	const by = new Map();
	for (const u of now.lists.units || []) {
		if (!by.has(u.host))
			by.set(u.host, []);
		by.get(u.host).push(u);
	}
	return by;
}

function branch(key, head, body, props) {
	return h("li", { "data-key": key, ...props }, h("details",
		{ "data-branch": key, open: open.has(key) },
		h("summary", {}, head), open.has(key) && body()));
}

function leaf(u, name) {
	return h("li", { "data-key": `u/${u.id}` }, h("p", { class: "leaf" },
		w.stateMark(u.state), " ", w.unitLink(u, name),
		h("span", { class: "muted" }, ` ${u.kind === "vm" ? "VM" : "role"}`,
			u.state !== "healthy" && u.reason !== "none" &&
			` \u00b7 ${w.reason(u.reason)}`, u.action &&
			` \u00b7 ${w.advice(u.action)}`)));
}

function unitsBelow(row) {
	const units = now.branches.get(row.name);
	if (!units)
		return h("p", { class: "muted leaf" }, "Loading\u2026");
	if (!units.length)
		return h("p", { class: "muted leaf" },
			"No VMs or roles are declared on it.");
	const of = (vm) => units.filter((u) => u.kind === "role" && u.vm === vm);
	return h("ul", {}, units.filter((u) => u.kind === "vm").map((u) => {
		const list = of(u.id);
		const item = leaf(u, u.name);
		if (list.length)
			item.append(h("ul", {}, list.map((r) => leaf(r, r.name))));
		return item;
	}), of(null).map((r) => leaf(r, r.name)));
}

function hostHead(row, bad) {
	return [w.stateMark(row.state), " ", w.hostLink(row.name),
		h("span", { class: "muted" }, row.state !== "healthy" &&
			row.reason !== "none" && ` \u00b7 ${row.behind ?
			`behind ${row.behind}` : w.reason(row.reason)}`,
		bad > 0 && ` \u00b7 ${w.plural(bad, "VM or role is",
			"VMs and roles are")} not well`)];
}

function hostBranch(row, units, only) {
	if (only)
		return h("li", { "data-key": `h/${row.name}` },
			h("p", { class: "leaf" }, hostHead(row, 0)),
			units.length > 0 && h("ul", {}, units.map((u) => leaf(u,
				u.path))));
	return branch(`h/${row.name}`, hostHead(row, units.length),
		() => unitsBelow(row));
}

function tally(rows) {
	const n = new Map();
	for (const r of rows)
		n.set(r.state, (n.get(r.state) || 0) + 1);
	return Object.keys(w.STATES).filter((s) => n.has(s)).map((s) =>
		h("span", { class: "tally" }, w.mark(w.look(s)[0], w.look(s)[1]),
			`${w.count(n.get(s))} ${w.look(s)[2]}`));
}

function hostsBelow(name, rows, troubled, only) {
	const limit = shown.get(name) || STEP;
	const sorted = [...rows].sort((a, b) => rank(a, troubled) -
		rank(b, troubled) || (a.name < b.name ? -1 : 1));
	const left = rows.length - limit;
	return h("ul", {}, sorted.slice(0, limit).map((r) =>
		hostBranch(r, troubled.get(r.name) || [], only)),
	left > 0 && h("li", { "data-key": "more" }, h("button",
		{ type: "button", "data-do": "more-tree", "data-arg": name },
		`Show ${w.count(Math.min(STEP, left))} of ${w.count(left)} more`)));
}

function partitionBranch(name, rows, troubled, only) {
	const ill = rows.reduce((n, r) => n +
		(troubled.get(r.name) || []).length, 0);
	const head = [h("b", {}, name), " ", !only && tally(rows),
		!only && ill > 0 && h("span", { class: "tally" }, `\u00b7 ${
			w.plural(ill, "VM or role", "VMs and roles")} not well`)];
	if (only)
		return h("li", { "data-key": `p/${name}` }, h("p",
			{ class: "leaf" }, head),
		hostsBelow(name, rows, troubled, true));
	return branch(`p/${name}`, head,
		() => hostsBelow(name, rows, troubled, false));
}

export function moreTree(name) {
	shown.set(name, (shown.get(name) || STEP) + STEP);
}

// A branch was opened or closed by the reader; true when that is news.
export function toggled(details) {
	const key = details.dataset.branch;
	if (!key || open.has(key) === details.open)
		return false;
	if (details.open)
		open.add(key);
	else
		open.delete(key);
	return true;
}

// Hosts whose VMs and roles are to be seen now.
export function openHosts() {
	return [...open].filter((k) => k.startsWith("h/"))
		.map((k) => k.slice(2));
}

function layers(parts) {
	const l = now.summary.layers || {};
	return [w.plural(parts, "partition", "partitions"),
		w.plural(now.summary.hosts, "host", "hosts"),
		w.plural(l.vm?.total || 0, "VM", "VMs"),
		w.plural(l.role?.total || 0, "role", "roles")].join(", ");
}

// "rack1" → its hosts; of the unwell ones alone, if so asked.
function hostsByPartition(only, troubled) {
	const parts = new Map((only ? [] : now.lists.partitions || [])
		.map((p) => [p.name, []]));
	for (const r of now.hosts.values()) {
		if (only && !UNWELL.includes(r.state) && !troubled.has(r.name))
			continue;
		if (!parts.has(r.partition))
			parts.set(r.partition, []);
		parts.get(r.partition).push(r);
	}
	return parts;
}

function emptyTree(only) {
	return h("p", { class: "empty" }, only ? [w.mark("check", "good"),
		"Everything in every layer is well."] : [w.mark("ring", "dim"),
		"There are no partitions yet. Name one in tocsin.yaml."]);
}

const FEW = 4;
let asked = null;		// the partition that was wished for
export function tree(query) {
	const only = query.get("only") === "unwell";
	const troubled = troubledUnits();
	const parts = hostsByPartition(only, troubled);
	const names = [...parts.keys()].sort();
	const wish = query.get("partition") || "";
	if (wish !== asked && names.length) {
		asked = wish;
		names.filter((n) => wish ? n === wish : names.length <= FEW)
			.forEach((n) => open.add(`p/${n}`));
	}
	return [
		h("p", { class: "crumbs" }, h("a", { href: "#/hosts" }, "Hosts")),
		h("h1", {}, only ? "What is not well, by layer" :
			layers((now.lists.partitions || []).length || names.length)),
		h("p", { class: "lead" }, only ? [h("a", { href: "#/tree" },
			"All layers")] : ["A role is in a VM, a VM on a host, a host ",
			"in a partition. Each is judged by itself; the worst come ",
			"first. ", h("a", { href: "#/tree?only=unwell" },
				"Only what is not well")]),
		names.length ? h("ul", { class: "tree panel" }, names.map((n) =>
			partitionBranch(n, parts.get(n), troubled, only))) :
			emptyTree(only),
	];
}
