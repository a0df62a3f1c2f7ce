// What a person does here: give the token, release a brake, acknowledge.
// Acting is slower than looking: what will happen is said first.
import { h, $, say } from "/page/dom.js";
import { post, token } from "/page/api.js";
import { now, refresh } from "/page/store.js";
import * as w from "/page/words.js";

function field(name, label, props, hint) {
	return h("label", {}, h("span", {}, label),
		h("input", { name, autocomplete: "off", spellcheck: "false",
			required: true, ...props }),
		hint && h("small", { class: "muted" }, hint));
}

// done(values) returns a promise; what it throws is shown, the form stays.
function ask({ title, text, fields, verb, done, cancel = true }) {
	const dialog = $("dialog");
	const error = h("p", { class: "error", role: "alert" });
	const form = h("form", { class: "ask" }, h("h2", {}, title), text, fields,
		error, h("div", { class: "buttons" },
			cancel && h("button", { type: "button", "data-do": "close" },
				"Cancel"),
			h("button", { type: "submit", class: "main" }, verb)));
	form.addEventListener("submit", async (e) => {
		e.preventDefault();
		const button = form.querySelector(".main");
		button.disabled = true;
		error.textContent = "";
		try {
			await done(Object.fromEntries(new FormData(form)));
			dialog.close();
		} catch (x) {
			error.textContent = x.message;
		}
		button.disabled = false;
	});
	dialog.replaceChildren(form);
	dialog.oncancel = cancel ? null : (e) => e.preventDefault();
	if (!dialog.open)
		dialog.showModal();
	form.querySelector("input")?.focus();
}

export function close() {
	$("dialog").close();
}

export function askToken(why, go) {
	ask({
		title: "Tocsin asks who you are",
		text: [why && h("p", { class: "error" }, why),
			h("p", {}, "Give a token. It stays in this tab and is ",
				"forgotten with it."),
			h("p", { class: "muted" }, "An admin\u2019s token lies on the ",
				"server in ", h("code", {}, "admin.token"), " of the state ",
				"folder; ", h("code", {},
					"tocsin token create --role viewer"),
				" makes one that can only look.")],
		fields: [field("token", "Token", { type: "password" })],
		verb: "Look", cancel: false,
		done: async ({ token: text }) => {
			token.set(text.trim());
			go();
		},
	});
}

export function release(partition) {
	const b = (now.lists.brakes || []).find((x) => x.partition === partition);
	const waiting = (now.lists.evacuations || []).filter((p) =>
		p.partition === partition && p.state === "held").length;
	if (!b)
		return;
	ask({
		title: `Release the brake of ${partition}`,
		text: [h("p", {}, `${b.reason}.`),
		h("p", {}, waiting ? `${w.plural(waiting, "held recommendation ",
			"held recommendations ")}would be open again.` :
			"No recommendation is waiting.")],
		fields: [
			field("name", "Your name", { maxlength: 60 }),
			field("reason", "Why it is safe", { maxlength: 180 }),
			field("typed", "The partition\u2019s name, to be sure",
				{ pattern: partition.replace(/[.\\+*?^$()[\]{}|/-]/g,
					"\\$&"), title: partition }, partition),
		],
		verb: "Release",
		done: async ({ name, reason, typed }) => {
			if (typed !== partition)
				throw new Error("That is not the partition\u2019s name.");
			await post(`/v1/brakes/${encodeURIComponent(partition)}/release`,
				{ person: name.trim(), reason: reason.trim() });
			say(`The brake of ${partition} is released.`);
			await refresh(true);
		},
	});
}

const LASTING = [["", "it ends"], ["1h", "an hour from now"],
	["4h", "four hours from now"], ["1d", "tomorrow"], ["7d", "in a week"]];

function until(text) {
	return h("label", {}, h("span", {}, text), h("select", { name: "lasting" },
		LASTING.map(([value, word]) => h("option", { value }, word))));
}

function said({ name, text, lasting }, member) {
	const body = { person: name.trim() };
	if (text.trim())
		body[member] = text.trim();
	if (lasting)
		body.for = lasting;
	return body;
}

export function ack(id) {
	const a = (now.lists.alerts || []).find((x) => String(x.id) === id);
	if (!a)
		return;
	ask({
		title: "Acknowledge the alert",
		text: [h("p", {}, a.summary), h("p", { class: "muted" },
			"It goes on until its cause is gone. Nobody is paged for it ",
			"meanwhile; when your time is over and it still fires, people ",
			"are told again.")],
		fields: [field("name", "Your name", { maxlength: 60 }),
			field("text", "What you will do", { maxlength: 200 }),
			until("Yours until")],
		verb: "Acknowledge",
		done: async (values) => {
			await post(`/v1/alerts/${encodeURIComponent(id)}/ack`,
				said(values, "comment"));
			say("Acknowledged.");
			await refresh(true);
		},
	});
}

function comment(title, path) {
	ask({
		title, text: [],
		fields: [field("name", "Your name", { maxlength: 60 }),
			field("text", "What others should know", { maxlength: 500 }),
			until("To be seen until")],
		verb: "Say it",
		done: async (values) => {
			await post(path, said(values, "text"));
			say("Kept.");
			await refresh(true);
		},
	});
}

export function commentHost(name) {
	comment(`Comment on ${name}`,
		`/v1/hosts/${encodeURIComponent(name)}/comments`);
}

export function commentAlert(id) {
	comment("Comment on the alert",
		`/v1/alerts/${encodeURIComponent(id)}/comments`);
}

export async function unsay(id) {
	await post(`/v1/comments/${encodeURIComponent(id)}`, undefined, "DELETE")
		.then(() => say("Gone."), (e) => say(e.message));
	await refresh(true);
}

// "notify/off/rack1"
export function turn(arg) {
	const [fn, to, ...rest] = arg.split("/");
	const partition = rest.join("/");
	ask({
		title: `Turn ${fn} ${to} in ${partition}`,
		text: [h("p", {}, to === "off" && fn === "notify" ?
			"Alerts of this partition are shown, but nobody is told." :
			to === "off" && fn === "recommend" ?
				"Nothing is recommended there until it is on." :
			to === "off" ? "No window is made or called off there." :
				"It is done again from now on.")],
		fields: [field("name", "Your name", { maxlength: 60 }),
			field("reason", "Why", { maxlength: 180 })],
		verb: `Turn ${to}`,
		done: async ({ name, reason }) => {
			await post("/v1/switches", { function: fn, partition,
				on: to === "on", reason: reason.trim(),
				person: name.trim() }, "PUT");
			say(`${fn} is ${to} in ${partition}.`);
			await refresh(true);
		},
	});
}

export function callOff(id) {
	const m = (now.lists.maintenance || []).find((x) => String(x.id) === id);
	if (!m)
		return;
	ask({
		title: "Call the window off",
		text: [h("p", {}, `${m.reason || m.type.replaceAll("_", " ")}, from ${
			w.exact(m.from)} to ${w.exact(m.to)}.`),
		h("p", {}, m.repeat ? "It does not come again." :
			m.running ? "Its hosts are paged for again at once." : "")],
		fields: [],
		verb: "Call off", cancel: true,
		done: async () => {
			await post(`/v1/maintenance/${encodeURIComponent(id)}`,
				undefined, "DELETE");
			say("Called off.");
			await refresh(true);
		},
	});
}
