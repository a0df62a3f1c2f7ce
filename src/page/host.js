// One host, and one prediction: the verdict in a line, then its evidence.
import { h, svg } from "/page/dom.js";
import { now } from "/page/store.js";
import { chart } from "/page/chart.js";
import { predictionWords } from "/page/now.js";
import { eventList, planCard } from "/page/lists.js";
import { commentsOfHost } from "/page/people.js";
import { unitsOfHost } from "/page/units.js";
import * as w from "/page/words.js";

const CHARTS = 4;

// ---- evidence ----

function bar(c, widest) {
	const half = 40, len = Math.max(1, half * Math.abs(c) / widest);
	return svg("svg", { class: "bar", viewBox: "0 0 80 8",
		"aria-hidden": "true" },
	svg("path", { class: "axis", d: "M40 0v8" }),
	svg("rect", { class: c < 0 ? "against" : "for", x: c < 0 ? half - len :
		half, y: 1, width: len.toFixed(1), height: 6 }));
}

function fixed(v, plus = "") {
	return `${v < 0 ? "\u2212" : plus}${Math.abs(v).toFixed(2)}`;
}

function quiet(row) {
	return row.stat === "quiet_days" && row.value > 36500;
}

// Steps of one counter are one row for people, with their sum.
function joined(rows) {
	const by = new Map();
	for (const row of rows) {
		const key = row.kind !== "rule" ? row :
			[row.metric, row.stat, row.value].join();
		const had = by.get(key) || { ...row, contribution: 0, steps: 0 };
		had.contribution += row.contribution;
		had.steps++;
		by.set(key, had);
	}
	return [...by.values()].sort((a, b) =>
		Math.abs(b.contribution) - Math.abs(a.contribution));
}

function evidenceRow(row, widest) {
	return h("tr", { "data-key": `${row.rule}/${row.kind}/${row.metric}/${
		row.stat}/${row.contribution}` },
	h("th", { scope: "row" }, w.metricName(row.metric),
		h("span", { class: "muted" }, ` ${w.statName(row.stat)}`)),
	h("td", { class: "num", "data-label": "Value" },
		quiet(row) ? "always" : w.count(row.value)),
	h("td", { class: "num", "data-label": "Change" }, row.change ?
		`${w.signed(row.change)} from ${w.count(row.baseline)}` : ""),
	h("td", { "data-label": "Seen" }, w.ago(row.observed_at, " ago")),
	h("td", { "data-label": "Rule" }, h("span", { class: "mono" }, row.rule),
		row.steps > 1 && h("span", { class: "muted" },
			` and ${w.count(row.steps - 1)} more`)),
	h("td", { class: "num", "data-label": "Weight" },
		row.kind === "rule" ? [h("span", { class: "weight" },
			fixed(row.contribution, "+")),
		bar(row.contribution, widest)] : row.kind));
}

function evidenceTable(p) {
	const rows = [...joined(p.evidence), ...joined(p.counter_evidence)];
	if (!rows.length)
		return h("p", { class: "muted" },
			"Nothing speaks for or against a failure.");
	const widest = Math.max(0.01, ...rows
		.map((r) => Math.abs(r.contribution)));
	const said = rows.filter((r) => r.kind === "rule");
	const because = rows.filter((r) => r.kind !== "rule");
	const head = h("thead", {}, h("tr", {}, ["Evidence", "Value", "Change",
		"Seen", "Rule", "Weight"].map((t) => h("th", { scope: "col" }, t))));
	return [
		h("table", { class: "list evidence" }, head,
			h("tbody", {}, said.map((r) => evidenceRow(r, widest)))),
		p.score !== undefined && h("p", { class: "muted" },
			`Score ${fixed(p.score)} = base ${fixed(p.base)}`,
			said.map((r) => ` ${r.contribution < 0 ? "\u2212" : "+"} ${
				Math.abs(r.contribution).toFixed(2)}`), "."),
		because.length > 0 && h("details", {}, h("summary", {},
			"What let the rules apply"),
		h("table", { class: "list evidence" },
			h("tbody", {}, because.map((r) => evidenceRow(r, widest))))),
	];
}

function flip(f) {
	if (!f)
		return null;
	return h("p", {}, "It would be ", h("b", {}, f.to), ` if ${
		w.metricName(f.metric)} (${w.statName(f.stat)}) were ${
		w.count(f.needed)}; it is ${w.count(f.value)}.`);
}

function missing(list) {
	return list.length > 0 && h("p", { class: "muted" },
		`Not reported: ${list.map(w.metricName).join(", ")}.`);
}

function charts(host, device, p, redraw) {
	const metrics = [...new Set(p.evidence.map((r) => r.metric))]
		.filter((m) => m !== "device").slice(0, CHARTS);
	return metrics.length > 0 && [h("div", { class: "charts" },
		metrics.map((metric) => chart({ host,
			device: device.serial || device.wwn || device.model || "",
			metric, moment: p.since }, redraw))),
	h("p", { class: "muted note" }, "The last 30 days. The dashed line marks ",
		w.exact(p.since), ", when the level was reached.")];
}

function riskLine(p) {
	const parts = [];
	for (const [key, word] of [["d7", "7"], ["d30", "30"], ["d90", "90"]]) {
		if (p.risk && p.risk[key] !== null && p.risk[key] !== undefined)
			parts.push(`${w.percent(p.risk[key])} within ${word} d`);
	}
	if (p.lead_time)
		parts.push(`most probably in ${w.lead(p.lead_time)}`);
	return parts.join(" \u00b7 ");
}

// ---- parts of the host's view ----

// The prediction in words; the server's own line where it is not loaded.
function riskWords(d) {
	const p = (now.lists.predictions || []).find((x) => x.host === d.name &&
		x.level === d.level);
	const words = p && predictionWords(p);
	return words ? `${w.deviceName(p.device)}, ${words}` : d.risk_reason;
}

function verdict(d) {
	const check = d.checks.find((c) => c.key === d.reason_check);
	const said = [];
	const [, tone, word] = w.look(d.state);
	if (d.state === "healthy")
		said.push(`${d.name} is well.`);
	else if (d.state === "unreachable" && d.behind)
		said.push(`${d.name} is unreachable: it hangs on `,
			w.hostLink(d.behind), ", which is down.");
	else if (d.behind)
		said.push(`${d.name} is ${word}: behind `, w.hostLink(d.behind),
			", which is down.");
	else if (w.BROKEN.includes(d.state))
		said.push(`${d.name} is ${word}: `, check ? `${check.key} ` : "",
			w.reason(d.reason), check ? `, ${w.plural(check.fails,
				"failure", "failures")} in a row.` : ".");
	else
		said.push(`${d.name} is ${word}`, d.reason !== "none" ?
			`: ${w.reason(d.reason)}.` : ".");
	const ill = (d.units || []).filter((u) => w.BROKEN.includes(u.state));
	if (d.state === "healthy" && ill.length)
		said.push(` On it ${ill.length > 3 ? w.plural(ill.length,
			"VM or role is", "VMs and roles are") : ill.map((u) =>
			u.path).join(", ") + (ill.length > 1 ? " are" : " is")
		} broken.`);
	const risk = d.level === "imminent" || d.level === "likely";
	if (risk)
		said.push(" ", d.level === "imminent" ? "It is expected to fail soon" :
			"It is likely to fail", d.risk !== null ?
			` (${w.percent(d.risk)} within 30 days)` : "",
		`: ${riskWords(d)}.`);
	return h("p", { class: `verdict ${d.state !== "healthy" ? tone :
		risk ? w.levelLook(d.level)[1] : ill.length ? "warn" : tone}` },
	said);
}

function facts(d) {
	const tags = Object.entries(d.tags || {});
	const rows = [["State", [w.stateMark(d.state), " ", d.since &&
			w.ago(d.since, "")]],
	["Risk", d.level === "none" ? "none seen" :
		[w.levelMark(d.level), ` ${w.percent(d.risk)} in 30 d`]],
	["Partition", h("a", { href: `#/hosts?partition=${
		encodeURIComponent(d.partition)}` }, d.partition)],
	["Address", h("span", { class: "mono" }, d.address)],
	d.parent && ["Hangs on", w.hostLink(d.parent)],
	d.hosts_below && ["Hang on it", w.plural(d.hosts_below, "host",
		"hosts")],
	d.disposition !== "in_service" && ["Disposition",
		d.disposition.replaceAll("_", " ")],
	d.flags.length > 0 && ["Flags", d.flags.join(", ")],
	tags.length > 0 && ["Tags", tags.map(([k, v]) => `${k}=${v}`)
		.join(", ")],
	["Kept by", d.owner]].filter(Boolean);
	return h("dl", { class: "facts" }, rows.map(([k, v]) =>
		h("div", {}, h("dt", {}, k), h("dd", {}, v))));
}

function checkLook(c) {
	if (!c.at)
		return "unknown";
	return c.health;
}

function checkRow(c, d) {
	const bad = c.health !== "healthy" || c.outcome && c.outcome !== "ok";
	return h("tr", { "data-key": c.key, class: c.key === d.reason_check ?
		"told" : null },
	h("th", { scope: "row" }, h("code", {}, c.key),
		c.passive && h("span", { class: "muted" }, " from outside")),
	h("td", { "data-label": "State" }, w.stateMark(checkLook(c))),
	h("td", { "data-label": "Said" }, bad && w.reason(c.reason),
		bad && c.text && " ", c.text && h("span", { class: "muted" },
			bad ? w.besides(c.text, c.reason) : c.text)),
	h("td", { "data-label": "In a row" }, c.fails ?
		`${c.fails} failed of ${c.fail_after}` : c.oks ?
			`${w.count(c.oks)} good` : ""),
	h("td", { "data-label": "For" }, c.since ? w.ago(c.since) : ""),
	h("td", { "data-label": "Last" }, c.at ? w.ago(c.at, " ago") :
		"never"));
}

function checks(d) {
	if (!d.checks.length)
		return h("p", { class: "muted" }, "Nothing checks this host.");
	return h("table", { class: "list" }, h("thead", {}, h("tr", {},
		["Check", "State", "What it said", "In a row", "For", "Last"]
			.map((t) => h("th", { scope: "col" }, t)))),
	h("tbody", {}, d.checks.map((c) => checkRow(c, d))));
}

function metrics(m) {
	const rows = Object.entries(m).flatMap(([name, v]) =>
		(typeof v === "object" && v !== null ?
			Object.entries(v).map(([i, x]) => [`${name}{${i}}`, x]) :
			[[name, v]]));
	return rows.length > 0 && h("details", {}, h("summary", {},
		w.plural(rows.length, "value", "values")),
	h("table", { class: "plain" }, h("tbody", {}, rows.map(([k, v]) =>
		h("tr", {}, h("th", { scope: "row", class: "mono" }, k),
			h("td", { class: "num" }, number(v)))))));
}

function number(v) {
	return w.number(v);
}

function same(a, b) {
	return (a.serial || null) === (b.serial || null) &&
		(a.model || null) === (b.model || null) &&
		(a.kind || null) === (b.kind || null) &&
		(a.wwn || null) === (b.wwn || null);
}

/* Values that a person lives with: quiet until they move. */
function accepted(dev) {
	return dev.accepted?.length > 0 && h("ul", { class: "plain" },
		dev.accepted.map((a) => h("li", {}, "Accepted: ",
			h("code", {}, a.metric), ` ${number(a.value)} until `,
			a.until.slice(0, 10), ` by ${a.by}: ${a.reason}`)));
}

function deviceCard(dev, host, redraw) {
	const e = host.evidence.find((x) => same(x.device, dev));
	const risky = dev.level !== "none";
	return h("article", { class: "card", "data-key": `device-${dev.id}` },
		h("h3", {}, dev.judged ? w.levelMark(dev.level) :
			h("span", { class: "state dim" }, w.mark("ring", "dim"),
				"not judged"), " ", w.deviceName(dev),
		dev.prediction && [" ", h("a", { class: "aside",
			href: `#/prediction/${dev.prediction}` }, "explain")]),
		h("p", { class: "muted" }, dev.judged ? riskLine({ risk: dev.risk,
			lead_time: e?.lead_time }) :
			`No verdict: ${w.reason(dev.reason === "none" ? "no_smart" :
				dev.reason)}.`, dev.at && [" \u00b7 read ",
			w.ago(dev.at, " ago")], dev.asleep && " \u00b7 asleep"),
		accepted(dev),
		e && risky && [evidenceTable(e), flip(e.nearest_flip),
			missing(e.missing),
			charts(host.name, dev, { ...e, since: dev.level_since },
				redraw)],
		e && !risky && e.missing?.length > 0 && missing(e.missing),
		metrics(dev.metrics));
}

function whyNot(host) {
	const items = host.whyNot?.why_not;
	if (!items || host.detail.state === "healthy" &&
	    host.detail.level === "none")
		return null;
	return h("section", {}, h("h2", {}, "Why nothing more is done"),
		items.length ? h("ul", { class: "plain" }, items.map((i) =>
			h("li", {}, i.words, h("span", { class: "muted" },
				` (${i.code})`)))) :
			h("p", {}, "Nothing stands in the way of its plan."));
}

function plan(name) {
	const all = (now.lists.evacuations || []).filter((e) =>
		e.host === name);
	return all.length > 0 && h("section", {}, h("h2", {}, "Plan"),
		all.map(planCard));
}

export function view(name, redraw) {
	const host = now.host;
	if (!host || host.name !== name)
		return [h("h1", {}, name), h("p", { class: "muted" },
			"Loading\u2026")];
	if (host.gone)
		return [h("h1", {}, name), h("p", {}, "There is no such host. ",
			h("a", { href: "#/hosts" }, "All hosts"))];
	const d = host.detail;
	const devices = [...d.devices].sort((a, b) => (b.risk?.d30 ?? -1) -
		(a.risk?.d30 ?? -1));
	const events = now.events.filter((e) =>
		String(e.subject).split("/")[0] === d.name);
	return [
		h("p", { class: "crumbs" }, h("a", { href: "#/" }, "Now"), " / ",
			h("a", { href: `#/hosts?partition=${
				encodeURIComponent(d.partition)}` }, d.partition)),
		h("h1", {}, d.name),
		verdict(d), facts(d), plan(d.name), whyNot(host),
		unitsOfHost(d), commentsOfHost(d.name),
		h("section", {}, h("h2", {}, "Checks"), checks(d)),
		h("section", {}, h("h2", {}, "Devices"), devices.length ?
			devices.map((x) => deviceCard(x, host, redraw)) :
			h("p", { class: "muted" }, "No devices are known: no agent " +
				"reports from this host.")),
		events.length > 0 && h("section", {}, h("h2", {}, "What happened"),
			eventList(events.slice(0, 20))),
	];
}

export function predictionView(id, redraw) {
	const p = now.prediction;
	if (!p || String(p.id) !== id)
		return [h("h1", {}, `Prediction ${id}`), h("p", { class: "muted" },
			"Loading\u2026")];
	if (p.gone)
		return [h("h1", {}, `Prediction ${id}`), h("p", {},
			"There is no such prediction.")];
	const word = { imminent: "is expected to fail soon",
		likely: "is likely to fail", watch: "is watched",
		none: "is not expected to fail" }[p.level];
	return [
		h("p", { class: "crumbs" }, h("a", { href: "#/predictions" },
			"Predictions"), " / ", w.hostLink(p.host)),
		h("h1", {}, `${w.deviceName(p.device)} of ${p.host}`),
		h("p", { class: `verdict ${w.levelLook(p.level)[1]}` },
			`The device ${word}${p.lead_time ?
				`, in ${w.lead(p.lead_time)}` : ""}.`),
		h("p", {}, w.levelMark(p.level), " ", riskLine(p), " \u00b7 for ",
			w.ago(p.since)),
		h("section", {}, h("h2", {}, "Evidence"), evidenceTable(p),
			flip(p.nearest_flip), missing(p.missing)),
		h("section", {}, h("h2", {}, "The counters behind it"),
			charts(p.host, p.device, p, redraw) ||
			h("p", { class: "muted" }, "None.")),
		h("p", { class: "muted" }, `Judged ${w.exact(p.judged_at)} by `,
			h("span", { class: "mono wrap" }, p.pack)),
	];
}
