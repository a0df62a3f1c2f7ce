// The frame: routes, keys, the age of what is shown.
import { $, h, morphKids } from "/page/dom.js";
import { token } from "/page/api.js";
import * as store from "/page/store.js";
import * as deeds from "/page/deeds.js";
import * as fleet from "/page/fleet.js";
import * as host from "/page/host.js";
import * as lists from "/page/lists.js";
import * as first from "/page/now.js";
import * as people from "/page/people.js";
import * as plans from "/page/plans.js";
import * as score from "/page/score.js";
import * as units from "/page/units.js";
import { plural, span, tick } from "/page/words.js";

const OLD_MS = 20000;	// older than this is said aloud
const { now } = store;

// ---- routes ----

const VIEWS = {
	"": { title: "Now", show: () => first.view() },
	hosts: { title: "Hosts", show: (r) => fleet.view(r.query) },
	host: { title: "Host", up: "hosts",
		show: (r) => host.view(r.arg, render) },
	tree: { title: "Layers", up: "hosts",
		show: (r) => units.tree(r.query) },
	unit: { title: "VM or role", up: "hosts", name: () => now.unit?.path,
		show: (r) => units.unitView(r.arg) },
	scorecard: { title: "How often we were right", up: "predictions",
		show: score.view },
	predictions: { title: "Predictions", show: lists.predictions },
	prediction: { title: "Prediction", up: "predictions",
		show: (r) => host.predictionView(r.arg, render) },
	evacuations: { title: "Evacuations", show: lists.evacuations },
	evacuation: { title: "Plan", up: "evacuations",
		show: (r) => lists.evacuation(r.arg) },
	brakes: { title: "Brakes", show: lists.brakes },
	alerts: { title: "Alerts", show: lists.alerts },
	maintenance: { title: "Maintenance", show: plans.maintenance },
	plan: { title: "Plan a window", up: "maintenance",
		show: plans.planView },
	simulate: { title: "What if?", up: "evacuations",
		show: plans.simulateView },
	switches: { title: "Switches", up: "brakes", show: people.switches },
	audit: { title: "Who did what", up: "events", show: people.audit },
	events: { title: "Events", show: lists.events },
};
const NAV = ["", "hosts", "predictions", "evacuations", "brakes", "alerts",
	"maintenance", "events"];

function decode(text) {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}

function route() {
	const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
	const [view, ...rest] = path.split("/");
	return { view: VIEWS[view] ? view : "", arg: decode(rest.join("/")),
		query: new URLSearchParams(query) };
}

// ---- what is always there ----

function badges() {
	const open = (list, f) => (list || []).filter(f).length;
	return {
		predictions: open(now.lists.predictions, (p) => p.level ===
			"imminent" || p.level === "likely"),
		evacuations: open(now.lists.evacuations, () => true),
		brakes: open(now.lists.brakes, (b) => b.latched),
		alerts: open(now.lists.alerts, (a) => !a.acked_by),
	};
}

function nav(r) {
	const at = VIEWS[r.view].up ?? r.view;
	const n = badges();
	morphKids($("nav"), NAV.map((v) => h("a", { href: `#/${v}`,
		"aria-current": v === at ? "page" : null }, VIEWS[v].title,
	n[v] > 0 && h("b", {}, String(n[v])))));
}

function age() {
	const old = Date.now() - now.contact + now.behind;
	const lost = now.contact > 0 && (old > OLD_MS || now.trouble !== "");
	const where = now.live ? "live" : "asked every 5 s";
	document.body.classList.toggle("old", lost);
	$("age").textContent = !now.contact ? "" : `${span(old)} ago`;
	$("age").title = now.contact ? where : "";
	$("age").classList.toggle("live", now.live && !lost);
	$("banner").hidden = !lost;
	const text = `This is what was known ${span(old)} ago` +
		`${now.trouble ? ` (${now.trouble})` : ""}. Trying again.`;
	if (lost && $("banner").textContent !== text)
		$("banner").textContent = text;
}

function title(r) {
	const n = now.summary ? first.brokenCount() : 0;
	const what = VIEWS[r.view].name?.() || r.arg || VIEWS[r.view].title;
	document.title = `${n ? `(${plural(n, "broken", "broken")}) ` : ""}${
		what} \u00b7 Tocsin`;
}

function unanswered() {
	return [h("h1", {}, "There is nothing to show yet"),
		h("p", {}, `The server says: ${now.trouble}. Asking again every `,
			"5 s.")];
}

function render() {
	if (now.refused) {
		token.drop();
		deeds.askToken(now.refused === 401 ?
			"The server does not know this token." :
			`This token may not look: ${now.trouble}.`, begin);
		return;
	}
	const r = route();
	nav(r);
	title(r);
	age();
	if (!now.summary) {
		morphKids($("main"), now.trouble ? unanswered() : []);
		return;
	}
	const kids = VIEWS[r.view].show(r).flat(Infinity).filter(Boolean);
	morphKids($("main"), kids);
	first.shown($("main"));
}

let before = "";
function go() {
	const r = route();
	const place = `${r.view}/${r.arg}`;
	store.look(r.view, r.arg, units.openHosts);
	render();
	if (place !== before) {
		scrollTo(0, 0);
		const here = $("nav").querySelector("[aria-current]");
		$("nav").scrollLeft = here ? here.offsetLeft - 64 : 0;
		$("search").value = r.query.get("q") || "";
	}
	before = place;
}

// ---- hands ----

const DEEDS = {
	release: deeds.release,
	ack: deeds.ack,
	close: deeds.close,
	turn: deeds.turn,
	unsay: deeds.unsay,
	"comment-host": deeds.commentHost,
	"comment-alert": deeds.commentAlert,
	"call-off": deeds.callOff,
	"more-tree"(name) {
		units.moreTree(name);
		render();
	},
	"more-rows"() {
		fleet.moreRows();
		render();
	},
};

function onClick(e) {
	const button = e.target.closest("[data-do]");
	if (button)
		DEEDS[button.dataset.do]?.(button.dataset.arg);
}

const FORMS = {
	plan: { submit: plans.submit, changed: plans.changed },
	trial: { submit: plans.tryOut, changed: (form, redraw) => redraw() },
};

function onForm(e) {
	const form = e.target.form || e.target.closest("form");
	const of = FORMS[form?.dataset.form];
	if (!of)
		return;
	if (e.type === "submit") {
		e.preventDefault();
		of.submit(form, render);
	} else {
		of.changed(form, render);
	}
}

function onToggle(e) {
	if (e.target.dataset?.branch && units.toggled(e.target)) {
		render();
		store.refresh();
	}
}

function onKey(e) {
	const typing = e.target.closest("input, textarea, dialog");
	if (e.key === "/" && !typing && !e.ctrlKey && !e.metaKey) {
		e.preventDefault();
		$("search").focus();
		$("search").select();
	} else if (e.key === "Escape" && e.target === $("search")) {
		$("search").blur();
	}
}

function onFind(e) {
	e.preventDefault();
	const q = $("search").value.trim();
	const found = fleet.select(new URLSearchParams({ q }));
	const same = now.hosts.get(q.toLowerCase()) ||
		(found.length === 1 ? found[0] : null);
	location.hash = same ? `#/host/${encodeURIComponent(same.name)}` :
		`#/hosts?${new URLSearchParams({ q })}`;
	$("main").focus();
}

function begin() {
	store.start(render);
	go();
}

addEventListener("hashchange", go);
addEventListener("click", onClick);
addEventListener("keydown", onKey);
addEventListener("submit", onForm);
addEventListener("toggle", onToggle, true);	// it does not bubble
addEventListener("input", onForm);
addEventListener("visibilitychange", () => {
	if (!document.hidden && token.get())
		store.refresh();
});
$("find").addEventListener("submit", onFind);
setInterval(() => {
	tick();
	age();
}, 1000);
nav(route());
if (token.get())
	begin();
else
	deeds.askToken("", begin);
