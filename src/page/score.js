// How often the predictor was right: precision, recall, lead time and false
// alarms, each with its interval, or the words that there is not enough.
import { h, svg } from "/page/dom.js";
import { now } from "/page/store.js";
import * as w from "/page/words.js";

const LITTLE = "not enough data";

// The number and its sign stay on one line.
function percent(p) {
	return w.percent(p).replace(" ", "\u00a0");
}

function tenths(v) {
	return v >= 10 || v === 0 ? String(Math.round(v)) : v >= 0.1 ?
		v.toFixed(1) : v.toPrecision(1);
}

// From low to high as a line, the value as a dot; the words say the same.
function range(s) {
	const x = (p) => (2 + 76 * p).toFixed(1);
	return svg("svg", { class: "range", viewBox: "0 0 80 12",
		"aria-hidden": "true" },
	svg("path", { class: "axis", d: "M2 10h76" }),
	svg("path", { d: `M${x(s.low)} 6H${x(s.high)}` }),
	svg("circle", { cx: x(s.share), cy: 6, r: 3.5 }));
}

function share(s) {
	if (s.share === null)
		return [h("span", {}, s.note || LITTLE), h("p", { class: "muted" },
			`${w.count(s.k)} of ${w.count(s.n)}`)];
	return [h("b", {}, percent(s.share)), range(s),
		h("p", { class: "muted" }, `${w.count(s.k)} of ${w.count(s.n)
		}, between ${percent(s.low)} and ${percent(s.high)}`)];
}

function days(q) {
	return `${w.count(q.days)} d (${w.count(q.low)}\u2013${
		w.count(q.high)})`;
}

function leads(l) {
	if (!l.median)
		return l.note || LITTLE;
	return [h("b", {}, w.plural(l.median.days, "day", "days")),
		h("p", { class: "muted" }, `median; between ${w.count(l.median.low)
		} and ${w.count(l.median.high)}`),
		l.p10 && l.p90 && h("p", { class: "muted" }, `one in ten below ${
			days(l.p10)}, one in ten above ${days(l.p90)}`)];
}

function wrong(f) {
	if (f.per_host_year === null)
		return [h("span", {}, f.note || LITTLE), h("p",
			{ class: "muted" }, `${w.count(f.n)} so far`)];
	return [h("b", {}, tenths(f.per_host_year)), " per host and year",
		h("p", { class: "muted" }, `${w.count(f.n)} so far; between ${
			tenths(f.low)} and ${tenths(f.high)}`)];
}

function levelRow(l) {
	return h("tr", { "data-key": l.level },
		h("th", { scope: "row" }, w.levelMark(l.level), h("span",
			{ class: "muted" }, l.level === "imminent" ? "" :
				" or worse")),
		h("td", { "data-label": "Right" }, h("div", {}, share(l.precision))),
		h("td", { "data-label": "Found" }, h("div", {}, share(l.recall))),
		h("td", { "data-label": "Ahead" }, h("div", {}, leads(l.lead_time))),
		h("td", { "data-label": "False" }, h("div", {},
			wrong(l.false_alarms))),
		h("td", { "data-label": "Open" }, w.count(l.open)));
}

const HEADS = [["Level", ""], ["Alarms that were right", "precision"],
	["Failures that were found", "recall"], ["How long before", "lead time"],
	["False alarms", ""], ["Still open", ""]];

function seen(card) {
	return `${w.plural(card.devices, "device", "devices")} on ${
		w.plural(card.hosts, "host", "hosts")}, ${tenths(card.host_years)
	} host-years, ${w.plural(card.failed, "failure", "failures")}.`;
}

function cardTable(card) {
	return [h("p", { class: "muted" }, seen(card)),
		h("table", { class: "list score" }, h("thead", {}, h("tr", {},
			HEADS.map(([t, small]) => h("th", { scope: "col" }, t, small &&
				h("small", { class: "muted" }, ` ${small}`))))),
		h("tbody", {}, [...card.levels].reverse().map(levelRow)))];
}

// ---- wrong alarms by rule, where this server knows them ----

function ruleRow(r, l, first) {
	return h("tr", { "data-key": `${r.of}/${r.rule}/${l.level}` },
		h("th", { scope: "row", class: "mono wrap" }, first && r.rule,
			first && r.of === "host" && h("span", { class: "muted" },
				" of hosts")),
		h("td", { "data-label": "Level" }, w.levelMark(l.level)),
		h("td", { "data-label": "Right" }, h("div", {},
			share(l.precision))),
		h("td", { "data-label": "False" }, h("div", {},
			wrong(l.false_alarms))),
		h("td", { "data-label": "Open" }, w.count(l.open)));
}

function rules(list) {
	if (!list?.length)
		return null;
	return h("section", {}, h("h2", {}, "By the rule that led the alarm"),
		h("p", { class: "muted" }, "The most wrong first."),
		h("table", { class: "list score" }, h("thead", {}, h("tr", {},
			["Rule", "Level", "Alarms that were right", "False alarms",
				"Still open"].map((t) => h("th", { scope: "col" }, t)))),
		h("tbody", {}, list.flatMap((r) => r.levels.map((l, i) =>
			ruleRow(r, l, i === 0))))));
}

// ---- the view ----

function packs(list) {
	if (!list?.length)
		return null;
	return h("section", {}, h("h2", {}, "By rule pack"), list.map((p, i) =>
		h("details", { "data-key": p.pack, open: i === 0 && list.length > 1 },
			h("summary", {}, h("span", { class: "mono wrap" }, p.pack),
				` \u00b7 ${p.from.slice(0, 10)} to ${p.to.slice(0, 10)}`),
			cardTable(p))));
}

export function view() {
	const head = [h("p", { class: "crumbs" }, h("a",
		{ href: "#/predictions" }, "Predictions")),
	h("h1", {}, "How often the predictions were right")];
	if (!now.score)
		return [...head, h("p", { class: "muted" }, "Loading\u2026")];
	const s = now.score.card;
	if (!s)
		return [...head, h("p", { class: "muted" },
			"This server keeps no scorecard.")];
	return [...head, h("p", { class: "lead" }, "An alarm without a failure ",
		`counts as wrong after ${w.plural(Math.round(s.settle_days), "day",
			"days")}; below ${w.count(s.enough)} cases no share is given. `,
		"Tell it what became of a disk: ", h("code", {},
			"tocsin outcome failed DISK"), "."),
	!s.all.levels.some((l) => l.precision.n || l.recall.n) &&
		h("p", { class: "verdict dim" }, "No prediction is settled yet: ",
			"the figures come with the outcomes."),
	h("section", {}, h("h2", {}, "Devices"), cardTable(s.all)),
	h("section", {}, h("h2", {}, "Hosts"), cardTable(s.hosts)),
	rules(s.rules), packs(s.packs)];
}

// One line for the list of predictions.
export function scoreLine() {
	const l = now.score?.card?.all.levels.find((x) => x.level === "likely");
	if (!l)
		return h("a", { href: "#/scorecard" },
			"How often they were right");
	const { k, n, share: p } = l.precision;
	return [n === 0 ? "None is settled yet" : p === null ?
		`Of ${w.count(n)} settled ${w.count(k)} were right` :
		`${w.percent(p)} of ${w.count(n)} settled alarms were right`, ": ",
	h("a", { href: "#/scorecard" }, "the scorecard"), "."];
}
