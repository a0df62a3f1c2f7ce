// Talking to tocsind: a bearer token of this tab alone, replies kept by their
// ETag, events as they happen.

const KEY = "tocsin.token";
const TIMEOUT_MS = 10000;
const SILENCE_MS = 35000;	// two heartbeats and a little
const kept = new Map();		// path → { etag, body }
const KEPT_MAX = 64;

export class Problem extends Error {
	constructor(status, body) {
		super(body?.detail || body?.title || `HTTP ${status}`);
		this.status = status;
		this.code = body?.code || "";
	}
}

export const token = {
	get: () => sessionStorage.getItem(KEY),
	set: (text) => sessionStorage.setItem(KEY, text),
	drop: () => {
		sessionStorage.removeItem(KEY);
		kept.clear();
	},
};

function headers(more) {
	return { Authorization: `Bearer ${token.get() || ""}`, ...more };
}

async function read(reply) {
	try {
		return await reply.json();
	} catch {
		return null;
	}
}

function keep(path, etag, body) {
	kept.delete(path);
	kept.set(path, { etag, body });
	if (kept.size > KEPT_MAX)
		kept.delete(kept.keys().next().value);
}

// The body; the same object as the last time when nothing changed.
export async function get(path) {
	const had = kept.get(path);
	const reply = await fetch(path, {
		headers: headers(had ? { "If-None-Match": had.etag } : {}),
		cache: "no-store",
		signal: AbortSignal.timeout(TIMEOUT_MS),
	});
	if (reply.status === 304 && had)
		return had.body;
	const body = await read(reply);
	if (!reply.ok || body === null)
		throw new Problem(reply.status, body);
	const etag = reply.headers.get("ETag");
	if (etag)
		keep(path, etag, body);
	return body;
}

// null when this server does not have it (an older one, or it is gone).
export async function getIfThere(path) {
	try {
		return await get(path);
	} catch (e) {
		if (e instanceof Problem && e.status === 404)
			return null;
		throw e;
	}
}

// All items of a list; null when there is no such list.
export async function list(path) {
	const first = await getIfThere(path);
	if (first === null || !first.next)
		return first?.items ?? null;
	const items = [...first.items];
	for (let next = first.next; next;) {
		const page = await get(`${path}&cursor=${encodeURIComponent(next)}`);
		items.push(...page.items);
		next = page.next;
	}
	return items;
}

function once() {
	const bytes = crypto.getRandomValues(new Uint8Array(16));
	return [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
}

export async function post(path, body, method = "POST") {
	const reply = await fetch(path, {
		method,
		headers: headers({ "Content-Type": "application/json",
			"Idempotency-Key": once() }),
		body: body === undefined ? undefined : JSON.stringify(body),
		signal: AbortSignal.timeout(TIMEOUT_MS),
	});
	const said = await read(reply);
	if (!reply.ok)
		throw new Problem(reply.status, said);
	return said;
}

// ---- events ----

function frame(text, on) {
	let kind = "message", data = "";
	for (const line of text.split("\n")) {
		if (line.startsWith("event: "))
			kind = line.slice(7);
		else if (line.startsWith("data: "))
			data += line.slice(6);
		else if (line.startsWith("id: "))
			on.last = line.slice(4);
	}
	if (data !== "")
		on.event(kind, JSON.parse(data));
}

async function pump(reader, on, alive) {
	const decoder = new TextDecoder();
	let rest = "";
	for (;;) {
		const { done, value } = await reader.read();
		if (done)
			return;
		alive();
		rest += decoder.decode(value, { stream: true });
		const frames = rest.split("\n\n");
		rest = frames.pop();
		frames.forEach((f) => frame(f, on));
	}
}

// One connection, until it ends; on = { event(kind, data), open(), last }.
// EventSource cannot send a token, and a token has no place in a URL.
export async function stream(on, stop) {
	const given_up = new AbortController();
	let watchdog = 0;
	const alive = () => {
		clearTimeout(watchdog);
		watchdog = setTimeout(() => given_up.abort(), SILENCE_MS);
		on.alive();
	};
	const end = () => given_up.abort();
	stop.addEventListener("abort", end);
	try {
		const reply = await fetch("/v1/events", {
			headers: headers({ Accept: "text/event-stream",
				...(on.last ? { "Last-Event-ID": on.last } : {}) }),
			cache: "no-store",
			signal: given_up.signal,
		});
		if (!reply.ok)
			throw new Problem(reply.status, await read(reply));
		on.open();
		alive();
		await pump(reply.body.getReader(), on, alive);
	} finally {
		clearTimeout(watchdog);
		stop.removeEventListener("abort", end);
	}
}
