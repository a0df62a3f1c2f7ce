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

export function ack(id) {
	const a = (now.lists.alerts || []).find((x) => String(x.id) === id);
	if (!a)
		return;
	ask({
		title: "Acknowledge the alert",
		text: [h("p", {}, a.summary), h("p", { class: "muted" },
			"It goes on until its cause is gone; others see that somebody ",
			"looks after it.")],
		fields: [field("name", "Your name", { maxlength: 60 }),
			field("comment", "What you will do", { maxlength: 200 })],
		verb: "Acknowledge",
		done: async ({ name, comment }) => {
			await post(`/v1/alerts/${encodeURIComponent(id)}/ack`,
				{ person: name.trim(), comment: comment.trim() });
			say("Acknowledged.");
			await refresh(true);
		},
	});
}
