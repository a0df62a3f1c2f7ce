// The table of hosts: the twin of the cells, and what the search finds.
import { h } from "/page/dom.js";
import { now } from "/page/store.js";
import * as w from "/page/words.js";

const STEP = 200;
let shownRows = STEP;
let last = "";

export function moreRows() {
	shownRows += STEP;
}

function hay(row) {
	const tags = Object.entries(row.tags || {}).flat();
	return [row.name, row.address, row.partition, ...tags].join(" ")
		.toLowerCase();
}

export function select(query) {
	const q = (query.get("q") || "").trim().toLowerCase();
	const states = (query.get("state") || "").split(",").filter(Boolean);
	const part = query.get("partition"), behind = query.get("behind");
	return [...now.hosts.values()].filter((r) =>
		(!states.length || states.includes(r.state)) &&
		(!part || r.partition === part) &&
		(!behind || r.behind === behind) && (!q || hay(r).includes(q)));
}

function rank(row) {
	const order = [...w.BROKEN, ...w.DOUBTFUL];
	const at = order.indexOf(row.state);
	const level = ["imminent", "likely"].indexOf(row.level);
	if (at >= 0 && at < w.BROKEN.length)
		return at;
	return level >= 0 ? 10 + level : at >= 0 ? 20 + at :
		row.state === "healthy" ? 40 : 30;
}

function tableRow(row) {
	const calm = row.state === "healthy";
	return h("tr", { "data-key": row.name },
		h("th", { scope: "row" }, w.hostLink(row.name)),
		h("td", { "data-label": "State" }, w.stateMark(row.state)),
		h("td", { "data-label": "Reason" }, calm ? "" :
			row.behind && row.state === "unreachable" ?
			h("div", {}, "behind ", w.hostLink(row.behind)) :
			w.reason(row.reason)),
		h("td", { "data-label": "For" }, row.since ? w.ago(row.since) : ""),
		h("td", { "data-label": "Risk" }, row.level === "none" ? "" :
			[w.levelMark(row.level), ` ${w.percent(row.risk)}`]),
		h("td", { "data-label": "Partition" }, h("a", { href:
			`#/hosts?partition=${encodeURIComponent(row.partition)}` },
		row.partition)),
		h("td", { "data-label": "Address", class: "mono" }, row.address));
}

function title(query, n) {
	const said = [];
	if (query.get("state"))
		said.push(query.get("state").split(",")
			.map((s) => w.look(s)[2]).join(" or "));
	if (query.get("partition"))
		said.push(`of ${query.get("partition")}`);
	if (query.get("behind"))
		said.push(`behind ${query.get("behind")}`);
	if (query.get("q"))
		said.push(`like \u201c${query.get("q")}\u201d`);
	return `${w.plural(n, "host", "hosts")} ${said.join(", ")}`;
}

export function view(query) {
	const rows = select(query)
		.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
	if (query.toString() !== last) {
		last = query.toString();
		shownRows = STEP;
	}
	const left = rows.length - shownRows;
	return [
		h("h1", {}, title(query, rows.length)),
		h("p", { class: "lead" }, last !== "" && [h("a",
			{ href: "#/hosts" }, "All hosts"), " \u00b7 "],
		h("a", { href: "#/tree" }, "By layer: partition, host, VM, role")),
		now.hosts.size === 0 && h("p", { class: "empty" },
			w.mark("ring", "dim"), "No hosts are watched yet. Name them ",
			"in tocsin.yaml, or start tocsin-agent on them."),
		rows.length > 0 && h("table", { class: "list" },
			h("thead", {}, h("tr", {}, ["Host", "State", "Reason", "For",
				"Risk, 30 d", "Partition", "Address"].map((t) =>
				h("th", { scope: "col" }, t)))),
			h("tbody", {}, rows.slice(0, shownRows).map(tableRow))),
		left > 0 && h("p", {}, h("button", { type: "button",
			"data-do": "more-rows" }, `Show ${w.count(Math.min(STEP, left))
		} of ${w.count(left)} more`)),
	];
}
