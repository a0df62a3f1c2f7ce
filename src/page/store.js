// What is known of the fleet, and how fresh it is.  The summary is asked for
// every few seconds; lists only when its generation rose or an event came.
import * as api from "/page/api.js";
import { BROKEN, DOUBTFUL, skew } from "/page/words.js";

const POLL_MS = 5000;
const RETRY_MS = [1000, 2000, 5000, 10000];
const EVENTS_KEPT = 400;
const ONE_BY_ONE = 16;		// more changed hosts than this: the whole list
const SMALL_FLEET = 500;
const STORM_MS = 2000;		// the whole list of a large one at most so often
export const UNITS_MOST = 1000;

export const now = {
	summary: null,
	hosts: new Map(),	// name → row
	stamp: 0,		// rises when a row changed
	details: new Map(),	// of the hosts broken last
	lists: { predictions: null, evacuations: null, brakes: null,
		alerts: null, maintenance: null, partitions: null,
		switches: null, comments: null, units: null },
	events: [],		// newest first
	host: null,		// of the host's own view
	unit: null,		// a VM or role, of its own view
	branches: new Map(),	// host → its VMs and roles, of the tree
	score: null,		// { at, card }
	prediction: null,
	audit: null,		// { items } or { refused }
	contact: 0,		// when the server last answered, our clock
	behind: 0,		// how old its truth was then
	live: false,		// events come as they happen
	trouble: "",		// why there is no answer
	refused: 0,		// the token: the status
};

const PATHS = {
	predictions: "/v1/predictions?limit=1000",
	evacuations: "/v1/evacuations?limit=1000",
	brakes: "/v1/brakes",
	alerts: "/v1/alerts?limit=1000",
	maintenance: "/v1/maintenance",
	partitions: "/v1/partitions?limit=1000",
	switches: "/v1/switches",
	comments: "/v1/comments",
};
// The VMs and roles that are not well, the first of them.
const UNITS = `/v1/units?state=${[...BROKEN, ...DOUBTFUL, "stale"].join(",")
}&limit=${UNITS_MOST}`;

let changed = () => {};
let wanted = { view: "now", arg: "" };
let generation = -1;		// of the lists
let dirty = new Set();		// hosts that events named
let loadedAt = 0;		// the whole list of hosts
let owed = false;		// it is to be loaded as soon as may be
let counted = null;		// the rows, by state and level
let again = 0;
let running = null;
let life = null;		// of this token

function touch() {
	now.contact = Date.now();
	now.trouble = "";
}

// ---- the lists ----

function count(rows) {
	const sum = { hosts: 0, counts: {}, levels: {} };
	for (const r of rows) {
		sum.hosts++;
		sum.counts[r.state] = (sum.counts[r.state] || 0) + 1;
		sum.levels[r.level] = (sum.levels[r.level] || 0) + 1;
	}
	return sum;
}

// The summary counts at another moment than the lists: in a storm the first
// line would say more, or fewer, than stand below it.  What is shown is
// counted from what is shown.
export function tally() {
	if (now.hosts.size === 0)
		return now.summary;
	counted ??= count(now.hosts.values());
	return counted;
}

async function loadAllHosts() {
	loadedAt = Date.now();
	owed = false;
	const rows = await api.list("/v1/hosts?limit=10000");
	now.hosts = new Map(rows.map((r) => [r.name, r]));
	counted = null;
}

async function loadHostRow(name) {
	const row = await api.getIfThere(`/v1/hosts/${encodeURIComponent(name)}`);
	if (row === null)
		now.hosts.delete(name);
	else
		now.hosts.set(name, row);
	counted = null;
}

async function loadHosts(names) {
	const large = now.hosts.size > SMALL_FLEET;
	const left = loadedAt + STORM_MS - Date.now();
	if (large && !owed && names.size > 0 && names.size <= ONE_BY_ONE) {
		await Promise.all([...names].map(loadHostRow));
	} else if (large && left > 0) {
		// megabytes: not with every event of a storm
		if (!owed)
			setTimeout(() => life && refresh(true), left);
		owed = true;
	} else {
		await loadAllHosts();
	}
}

// What fails on the hosts that the first screen names.
async function loadBroken() {
	const rows = [...now.hosts.values()]
		.filter((r) => BROKEN.includes(r.state))
		.sort((a, b) => Date.parse(b.since) - Date.parse(a.since))
		.slice(0, 10);
	const details = await Promise.all(rows.map((r) =>
		api.getIfThere(`/v1/hosts/${encodeURIComponent(r.name)}`)));
	now.details = new Map(details.filter(Boolean).map((d) => [d.name, d]));
}

async function loadLists() {
	const names = dirty;
	dirty = new Set();
	await Promise.all([
		loadHosts(names).then(() => now.stamp++).then(loadBroken),
		...Object.keys(PATHS).map(async (key) => {
			now.lists[key] = await api.list(PATHS[key]);
		}),
		api.getIfThere(UNITS).then((body) => {
			now.lists.units = body?.items ?? null;
		}),
	]);
}

// ---- what one view needs besides ----

async function loadHostView(name) {
	const base = `/v1/hosts/${encodeURIComponent(name)}`;
	const detail = await api.getIfThere(base);
	if (detail === null)
		return { name, gone: true };
	const [evidence, whyNot] = await Promise.all([
		api.getIfThere(`${base}/evidence`),
		api.getIfThere(`${base}/why-not`),
	]);
	return { name, detail, evidence: evidence?.items ?? [], whyNot };
}

const AUDIT_ROWS = 200;
async function loadAudit() {
	try {
		now.audit = await api.get(`/v1/audit?last=${AUDIT_ROWS}`);
	} catch (e) {
		if (!(e instanceof api.Problem && e.status === 403))
			throw e;
		now.audit = { refused: true };
	}
}

async function loadBranches(hosts) {
	const had = now.branches;
	now.branches = new Map(await Promise.all(hosts.map(async (name) =>
		[name, (await api.getIfThere(`/v1/hosts/${encodeURIComponent(name)
		}/vms`))?.items ?? had.get(name) ?? []])));
}

const SCORE_MS = 60000;		// it is reckoned from the whole history
async function loadScore() {
	if (now.score && Date.now() - now.score.at < SCORE_MS)
		return;
	now.score = { at: Date.now(),
		card: await api.getIfThere("/v1/predictor/scorecard") };
}

async function loadView() {
	const { view, arg } = wanted;
	if (view === "host") {
		const host = await loadHostView(arg);
		if (wanted.arg === arg)
			now.host = host;
	} else if (view === "unit") {
		const u = await api.getIfThere(
			`/v1/units/${encodeURIComponent(arg)}`);
		if (wanted.arg === arg)
			now.unit = u ?? { id: arg, gone: true };
	} else if (view === "tree") {
		await loadBranches(wanted.hosts());
	} else if (view === "scorecard" || view === "predictions") {
		await loadScore();
	} else if (view === "audit") {
		await loadAudit();
	} else if (view === "prediction") {
		const p = await api.getIfThere(
			`/v1/predictions/${encodeURIComponent(arg)}`);
		if (wanted.arg === arg)
			now.prediction = p ?? { id: arg, gone: true };
	}
}

// ---- the loop ----

async function round(force) {
	const asked = Date.now();
	const summary = await api.get("/v1/summary");
	now.summary = summary;
	now.behind = summary.age_ms;
	skew.ms = (asked + Date.now()) / 2 - Date.parse(summary.generated_at);
	if (Math.abs(skew.ms) < 2000)
		skew.ms = 0;	// the way there and back, not a clock
	touch();
	const lists = force || owed || dirty.size ||
		summary.generation !== generation;
	if (lists) {
		await loadLists();
		generation = summary.generation;
	}
	await loadView();
	touch();
}

function failed(e) {
	if (e instanceof api.Problem && (e.status === 401 || e.status === 403)) {
		now.refused = e.status;
		now.trouble = e.message;
		stop();
	} else {
		now.trouble = e instanceof api.Problem ? e.message :
			"no answer from the server";
	}
}

// One round at a time; a wish during a round is one more round.
export function refresh(force = false) {
	if (running) {
		again = Math.max(again, force ? 2 : 1);
		return running;
	}
	running = round(force).catch(failed).finally(() => {
		running = null;
		changed();
		if (again && life) {
			const f = again === 2;
			again = 0;
			refresh(f);
		}
	});
	return running;
}

let soon = 0;
function refreshSoon() {
	if (soon)
		return;
	// the snapshot follows the event within a tick: look twice
	soon = setTimeout(() => {
		soon = 0;
		refresh(true);
		setTimeout(() => life && refresh(true), 1200);
	}, 150);
}

const listener = {
	last: null,
	open() {
		now.live = true;
		changed();
	},
	alive() {
		now.contact = Date.now();
	},
	event(kind, e) {
		if (kind === "reset") {
			listener.last = null;
			generation = -1;
		} else {
			now.events.unshift(e);
			now.events.length = Math.min(now.events.length, EVENTS_KEPT);
			dirty.add(String(e.subject || "").split("/")[0]);
		}
		refreshSoon();
	},
};

function pause(ms, signal) {
	return new Promise((done) => {
		setTimeout(done, ms);
		signal.addEventListener("abort", done);
	});
}

async function listen(signal) {
	for (let n = 0; !signal.aborted;) {
		try {
			await api.stream(listener, signal);
			n = 0;
		} catch (e) {
			if (e instanceof api.Problem && e.status === 404)
				return;		// this server has none: polling
		}
		now.live = false;
		changed();
		await pause(RETRY_MS[Math.min(n++, RETRY_MS.length - 1)], signal);
	}
}

async function poll(signal) {
	while (!signal.aborted) {
		if (!document.hidden)
			await refresh();
		await pause(POLL_MS, signal);
	}
}

// The last events, so that a fresh page has a past.
async function loadPast() {
	const tip = await api.getIfThere("/v1/events?after=0&limit=1");
	const after = Math.max(0, (tip?.newest ?? 0) - 200);
	const page = await api.get(`/v1/events?after=${after}&limit=200`);
	const known = new Set(now.events.map((e) => e.seq));
	now.events.push(...page.items.filter((e) => !known.has(e.seq)).reverse());
}

// hosts(): those whose VMs and roles the view wants to be loaded.
export function look(view, arg, hosts = () => []) {
	wanted = { view, arg, hosts };
	if (view === "unit" && String(now.unit?.id) !== arg)
		now.unit = null;
	if (view === "host" && now.host?.name !== arg)
		now.host = null;
	if (view === "prediction" && String(now.prediction?.id) !== arg)
		now.prediction = null;
	if (life)
		refresh();
}

export function start(onChange) {
	changed = onChange;
	stop();
	now.refused = 0;
	life = new AbortController();
	generation = -1;
	poll(life.signal);
	listen(life.signal);
	loadPast().then(() => changed(), () => {});
}

export function stop() {
	life?.abort();
	life = null;
	now.live = false;
}
