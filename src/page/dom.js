// Elements are made of data, never of markup: whatever a host, a plugin or a
// disk calls itself is text.  A new tree is laid over the old one (morph), so
// that focus, scrolling and selection survive an update.

const SVG = "http://www.w3.org/2000/svg";

function fill(e, props, kids) {
	for (const [k, v] of Object.entries(props || {})) {
		if (v !== null && v !== undefined && v !== false)
			e.setAttribute(k, v === true ? "" : String(v));
	}
	for (const kid of kids.flat(Infinity)) {
		if (kid !== null && kid !== undefined && kid !== false &&
		    kid !== "")
			e.append(kid instanceof Node ? kid : String(kid));
	}
	return e;
}

export function h(tag, props, ...kids) {
	return fill(document.createElement(tag), props, kids);
}

export function svg(tag, props, ...kids) {
	return fill(document.createElementNS(SVG, tag), props, kids);
}

export function $(id) {
	return document.getElementById(id);
}

function sameKind(a, b) {
	return a.nodeType === b.nodeType && a.nodeName === b.nodeName &&
		(a.nodeType !== 1 ||
		a.getAttribute("data-key") === b.getAttribute("data-key"));
}

function morphAttributes(from, to) {
	for (const { name } of [...from.attributes]) {
		// what the reader opened stays open
		if (!to.hasAttribute(name) && name !== "open")
			from.removeAttribute(name);
	}
	for (const { name, value } of to.attributes) {
		if (from.getAttribute(name) !== value && name !== "open")
			from.setAttribute(name, value);
	}
	// unless the page itself keeps what is open
	if (to.hasAttribute("data-branch"))
		from.open = to.open;
}

// Makes `from` look like `to`; `to` is used up.  A node with data-own keeps
// its children: it draws itself.
export function morph(from, to) {
	if (from.nodeType !== 1) {
		if (from.nodeValue !== to.nodeValue)
			from.nodeValue = to.nodeValue;
		return;
	}
	morphAttributes(from, to);
	if (!to.hasAttribute("data-own"))
		morphKids(from, [...to.childNodes]);
}

export function morphKids(from, wanted) {
	const keyed = new Map();
	for (const kid of from.children) {
		const key = kid.getAttribute("data-key");
		if (key !== null)
			keyed.set(key, kid);
	}
	let at = from.firstChild;
	for (const want of wanted) {
		const key = want.nodeType === 1 ?
			want.getAttribute("data-key") : null;
		const had = key !== null ? keyed.get(key) : at;
		if (had && sameKind(had, want)) {
			keyed.delete(key);
			if (had === at)
				at = at.nextSibling;
			else
				from.insertBefore(had, at);
			morph(had, want);
		} else {
			from.insertBefore(want, at);
		}
	}
	while (at) {
		const next = at.nextSibling;
		at.remove();
		at = next;
	}
}

// For those who hear the page.
export function say(text) {
	$("said").textContent = text;
}

export function reducedMotion() {
	return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
