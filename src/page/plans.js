// Maintenance: what is planned, a new window with what it would mean before
// it is made; and what would be if hosts were to fail.
import { $, h, say } from "/page/dom.js";
import { post } from "/page/api.js";
import { now, refresh } from "/page/store.js";
import * as w from "/page/words.js";

const TYPES = [["host_reboot", "Reboot of hosts"],
	["instance_reboot", "Reboot of instances"], ["power", "Power"],
	["network", "Network"]];
const SPANS = [["30m", "30 minutes"], ["1h", "1 hour"], ["2h", "2 hours"],
	["4h", "4 hours"], ["8h", "8 hours"], ["24h", "a day"]];
const NOTICES = [["", "nobody"], ["1h", "an hour before"],
	["1d", "a day before"], ["7d", "a week before"]];
const EVERY = [["", "once"], ["day", "every day"], ["week", "every week"],
	["month", "every month"]];
const WEEK = [["mon", "Monday"], ["tue", "Tuesday"], ["wed", "Wednesday"],
	["thu", "Thursday"], ["fri", "Friday"], ["sat", "Saturday"],
	["sun", "Sunday"]];
const SOON_MS = 300;
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

// ---- pieces ----

function options(rows, chosen) {
	return rows.map(([value, text]) => h("option", { value,
		selected: value === chosen }, text));
}

function label(text, input, hint, more) {
	return h("label", more || {}, h("span", {}, text), input,
		hint && h("small", { class: "muted" }, hint));
}

function list(name, rows, chosen) {
	return h("select", { name }, options(rows, chosen));
}

function input(name, props) {
	return h("input", { name, autocomplete: "off", spellcheck: "false",
		...props });
}

function partitions() {
	return [["", "the hosts below"], ...(now.lists.partitions || [])
		.map((p) => [p.name, `all of ${p.name} (${w.plural(p.hosts, "host",
			"hosts")})`])];
}

function names(text) {
	return text.split(/[\s,]+/).filter(Boolean);
}

// ---- which are planned ----

function when(m) {
	const r = m.repeat;
	const days = r && r.on ? ` (${r.on.map((d) => (d === -1 ? "last" : d))
		.join(", ")})` : "";
	return h("div", {}, w.exact(m.from), r && h("span", { class: "muted" },
		` every ${r.every}${days} at ${r.at} ${m.zone || "UTC"}`));
}

function where(m) {
	const hosts = m.hosts || [];
	return h("div", {}, m.partition || "", hosts.slice(0, 6).flatMap((n, i) =>
		[i ? ", " : "", w.hostLink(n)]), hosts.length > 6 &&
		` and ${w.count(hosts.length - 6)} more`,
	m.partition && ` (${w.plural(m.n_hosts, "host", "hosts")})`);
}

function windowRow(m) {
	return h("tr", { "data-key": m.id },
		h("th", { scope: "row" }, m.running ?
			h("span", { class: "state held" }, w.mark("bars", "held"),
				"running") : h("span", { class: "state dim" },
				w.mark("ring", "dim"), "to come")),
		h("td", { "data-label": "What" },
			String(m.type || "").replaceAll("_", " "),
			m.reason && `: ${m.reason}`),
		h("td", { "data-label": "From" }, when(m)),
		h("td", { "data-label": "To" }, w.exact(m.to)),
		h("td", { "data-label": "Where" }, where(m)),
		h("td", { "data-label": "By" }, m.person || m.by),
		h("td", {}, h("button", { type: "button", "data-do": "call-off",
			"data-arg": m.id }, "Call off\u2026")));
}

export function maintenance() {
	const all = now.lists.maintenance || [];
	return [h("h1", {}, all.length ? w.plural(all.length,
		"maintenance window", "maintenance windows") : "No maintenance"),
	h("p", { class: "lead" }, "In a window nobody is paged and nothing is ",
		"recommended; who is not back at its end is told at once."),
	h("p", { class: "above" }, h("a", { class: "button main",
		href: "#/plan" }, "Plan a window\u2026")),
	all.length ? h("table", { class: "list" }, h("thead", {}, h("tr", {},
		["Window", "What", "From", "To", "Where", "By", ""].map((t) =>
			h("th", { scope: "col" }, t)))),
	h("tbody", {}, all.map(windowRow))) : h("p", { class: "empty" },
		w.mark("check", "good"), "No window is running or to come.")];
}

// ---- a new one ----

let preview = { state: "empty" };	// or asked, known, wrong
let asked = 0;
let timer = 0;

// What the form says, as the API wants it; null while no scope is named.
function wanted(form) {
	const f = Object.fromEntries(new FormData(form));
	const body = { type: f.type, person: f.person.trim(),
		reason: f.reason.trim(), zone };
	if (f.partition)
		body.partition = f.partition;
	else if (names(f.hosts).length)
		body.hosts = names(f.hosts);
	else
		return null;
	const from = f.from ? new Date(f.from) : new Date();
	if (f.every) {
		const on = f.every === "week" ? [f.weekday] : [Number(f.monthday)];
		body.from = from.toISOString();
		body.repeat = { every: f.every, at: f.from ?
			f.from.slice(11, 16) : "02:00", for: f.lasting };
		if (f.every !== "day")
			body.repeat.on = on;
	} else {
		const ms = { m: 60000, h: 3600000 }[f.lasting.slice(-1)] *
			parseInt(f.lasting, 10);
		if (f.from)
			body.from = from.toISOString();
		body.to = new Date(from.getTime() + ms).toISOString();
	}
	if (f.notice)
		body.notice = f.notice;
	if (f.todo.trim())
		body.what_to_do = f.todo.trim();
	if (f.accept)
		body.accept_conflict = true;
	return body;
}

async function ask(body, redraw) {
	const mine = ++asked;
	try {
		const impact = await post("/v1/maintenance/impact", body);
		if (mine === asked)
			preview = { state: "known", impact };
	} catch (e) {
		if (mine === asked)
			preview = { state: "wrong", why: e.message };
	}
	redraw();
}

// What it would mean is asked while the form is filled, never too often.
export function changed(form, redraw) {
	clearTimeout(timer);
	timer = setTimeout(() => {
		const body = wanted(form);
		if (body) {
			ask(body, redraw);
			return;
		}
		asked++;
		preview = { state: "empty" };
		redraw();
	}, SOON_MS);
	redraw();
}

export async function submit(form, redraw) {
	const body = wanted(form);
	const button = form.querySelector(".main");
	if (!body) {
		preview = { state: "wrong", why: "Name hosts or a partition." };
		redraw();
		return;
	}
	button.disabled = true;
	try {
		const made = await post("/v1/maintenance", body);
		preview = { state: "empty" };
		say(`Window ${made.id} is planned.`);
		location.hash = "#/maintenance";
		await refresh(true);
	} catch (e) {
		preview = { ...preview, refused: e.message };
		redraw();
	}
	button.disabled = false;
}

function conflicts(list) {
	return list.length > 0 && h("div", { class: "verdict bad" },
		list.map((c) => h("p", {}, `With window ${c.window} nothing is left of `,
			h("b", {}, c.service), `: ${c.hosts.join(", ")}.`)),
		h("label", { class: "tick" }, h("input", { type: "checkbox",
			name: "accept", form: "plan" }), " It is to be done all the same"));
}

function services(i) {
	const rows = i.services.slice(0, 12);
	return rows.length > 0 && h("table", { class: "list" }, h("thead", {},
		h("tr", {}, ["Service", "Covered", "Left"].map((t) =>
			h("th", { scope: "col" }, t)))),
	h("tbody", {}, rows.map((s) => h("tr", { "data-key": s.service },
		h("th", { scope: "row" }, s.service),
		h("td", { "data-label": "Covered", class: "num" },
			`${w.count(s.covered)} of ${w.count(s.hosts)}`),
		h("td", { "data-label": "Left", class: "num" }, s.left ?
			w.count(s.left) : h("b", { class: "bad" }, "none"))))));
}

function impactView() {
	const i = preview.impact;
	if (preview.state === "empty")
		return h("p", { class: "muted" },
			"Name hosts or a partition to see what the window would mean.");
	if (preview.state === "wrong")
		return h("p", { class: "error", role: "alert" }, preview.why);
	return [h("p", {}, h("b", {}, w.plural(i.hosts, "host", "hosts")),
		`, ${w.percent(i.share_of_fleet)} of the fleet`,
		i.hosts_below > 0 && `; ${w.count(i.hosts_below)} of them hang on others`,
		i.in_maintenance_now > 0 &&
			`; ${w.count(i.in_maintenance_now)} in maintenance already`, "."),
	i.partitions.map((p) => h("p", { class: "muted", "data-key":
		`part-${p.partition}` }, `${p.partition}: ${w.count(p.covered)} of ${
		w.count(p.hosts)} (${w.percent(p.share)})`)),
	i.single_instance_apps.length > 0 && h("p", { class: "warn" },
		"No second host runs ", i.single_instance_apps.map((a) =>
			`${a.service} (${a.host})`).join(", "), "."),
	conflicts(i.conflicts), services(i),
	preview.refused && h("p", { class: "error", role: "alert" },
		preview.refused)];
}

export function planView() {
	const form = $("plan");
	const every = form?.elements.every.value || "";
	const part = form?.elements.partition.value || "";
	return [h("p", { class: "crumbs" }, h("a", { href: "#/maintenance" },
		"Maintenance")), h("h1", {}, "Plan a window"),
	h("div", { class: "board" },
		h("form", { id: "plan", class: "panel fill", "data-form": "plan" },
			label("Where", list("partition", partitions(), "")),
			label("Hosts", input("hosts", { placeholder: "h1, h2" }), null,
				{ hidden: part !== "" }),
			label("What", list("type", TYPES, "host_reboot")),
			label("Begins", input("from", { type: "datetime-local" }),
				`${zone}; now when it is left empty`),
			label("Lasts", list("lasting", SPANS, "1h")),
			label("How often", list("every", EVERY, "")),
			label("On", list("weekday", WEEK, "sun"), null,
				{ hidden: every !== "week" }),
			label("On day", list("monthday", [...Array(28).keys()].map((d) =>
				[String(d + 1), String(d + 1)]).concat([["-1", "last"]]),
			"1"), null, { hidden: every !== "month" }),
			label("Why", input("reason", { maxlength: 250, required: true })),
			label("Who is told", list("notice", NOTICES, "")),
			label("What owners must do", input("todo", { maxlength: 250,
				placeholder: "nothing" })),
			label("Your name", input("person", { maxlength: 60,
				required: true })),
			h("div", { class: "buttons" }, h("a", { class: "button",
				href: "#/maintenance" }, "Cancel"),
			h("button", { type: "submit", class: "main" }, "Plan it"))),
		h("section", { class: "panel", id: "impact", "aria-live": "polite" },
			h("h2", {}, "What it would mean"), impactView()))];
}

// ---- what would be ----

let trial = null;	// the last reply, or { wrong }

export async function tryOut(form, redraw) {
	const f = Object.fromEntries(new FormData(form));
	const body = f.partition ? { partition: f.partition } :
		{ hosts: names(f.hosts) };
	try {
		trial = await post("/v1/simulate", body);
	} catch (e) {
		trial = { wrong: e.message };
	}
	redraw();
}

function would(p) {
	const n = p.partition_hosts.eligible;
	const latches = p.latched_then && !p.latched_now;
	return h("article", { class: "card", "data-key": p.partition },
		h("h3", {}, p.partition, " ", h("span", { class: `state ${
			p.latched_then ? "held" : "good"}` }, w.mark(p.latched_then ?
			"bars" : "square", p.latched_then ? "held" : "good"),
		latches ? "the brake would latch" : p.latched_now ?
			"the brake is latched already" : "the brake would stay open")),
		h("p", {}, `${w.count(p.bad_then)} of ${w.plural(p.hosts, "host",
			"hosts")} would be bad, now ${w.count(p.bad_now)}; up to ${
			w.count(p.limit)} pass. ${w.plural(n, "host", "hosts")} may take `,
		"the load."),
		p.two_persons && h("p", { class: "warn" }, `Above ${w.count(
			p.hard_limit)} even an approved plan needs two persons.`),
		h("table", { class: "list" }, h("tbody", {}, p.items.slice(0, 50)
			.map((i) => h("tr", { "data-key": i.host },
				h("th", { scope: "row" }, w.hostLink(i.host)),
				h("td", { "data-label": "Would be" }, i.state === "none" ?
					"left alone" : i.state),
				h("td", { "data-label": "Why not" }, i.why_not
					.map((y) => y.words).join("; ")))))));
}

export function simulateView() {
	return [h("p", { class: "crumbs" }, h("a", { href: "#/evacuations" },
		"Evacuations")), h("h1", {}, "What if?"),
		h("p", { class: "lead" }, "Were these hosts about to fail: what ",
			"would be recommended, would the brake latch. Nothing changes."),
		h("form", { id: "trial", class: "panel fill", "data-form": "trial" },
			label("Where", list("partition", partitions(), "")),
			label("Hosts", input("hosts", { placeholder: "h1, h2" }), null,
				{ hidden: ($("trial")?.elements.partition.value || "") !==
					"" }),
			h("div", { class: "buttons" }, h("button", { type: "submit",
				class: "main" }, "Try it"))),
		h("div", { id: "would", "aria-live": "polite" }, trial &&
			(trial.wrong ? h("p", { class: "error", role: "alert" },
				trial.wrong) : trial.partitions.map(would)))];
}
