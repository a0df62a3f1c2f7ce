// The fleet as cells on a canvas: a cell a host, grouped by partition.  The
// table of hosts says the same; the line below says what the cursor is on.
import { h, reducedMotion } from "/page/dom.js";
import { look, levelLook, BROKEN, DOUBTFUL, reason, span, skew }
	from "/page/words.js";

const LABEL_PX = 20, GAP_PX = 8;

function pitchOf(n) {
	return n <= 150 ? 20 : n <= 600 ? 15 : n <= 2500 ? 11 : 8;
}

// What a cell shows: the present first, then the future.
export function cellLook(row) {
	if (BROKEN.includes(row.state) || DOUBTFUL.includes(row.state))
		return look(row.state);
	if (row.level === "imminent" || row.level === "likely")
		return levelLook(row.level);
	return look(row.state);
}

function words(row) {
	const [, , state] = look(row.state);
	const parts = [row.name, state];
	if (row.state !== "healthy" && row.reason !== "none")
		parts.push(row.behind ? `behind ${row.behind}` :
			reason(row.reason));
	if (row.level !== "none")
		parts.push(`${levelLook(row.level)[2]} to fail`);
	if (row.since && row.state !== "healthy")
		parts.push(span(Date.now() - skew.ms - Date.parse(row.since)));
	return parts.join(" \u00b7 ");
}

// ---- where everything is ----

function group(rows) {
	const groups = new Map();
	for (const row of rows) {
		if (!groups.has(row.partition))
			groups.set(row.partition, []);
		groups.get(row.partition).push(row);
	}
	return [...groups].sort((a, b) => (a[0] < b[0] ? -1 : 1));
}

function plan(rows, width) {
	const pitch = pitchOf(rows.length);
	const cols = Math.max(1, Math.floor(width / pitch));
	const out = { pitch, cols, cells: [], labels: [], at: [], height: 0 };
	let y = 0, line = 0;
	for (const [name, members] of group(rows)) {
		out.labels.push({ name, n: members.length, y });
		y += LABEL_PX;
		members.forEach((row, i) => {
			const col = i % cols, down = Math.floor(i / cols);
			out.cells.push({ row, x: col * pitch, y: y + down * pitch,
				col, line: line + down });
		});
		const lines = Math.ceil(members.length / cols);
		y += lines * pitch + GAP_PX;
		line += lines;
	}
	out.height = Math.max(LABEL_PX, y);
	return out;
}

// ---- drawing ----

function tones(e) {
	const css = getComputedStyle(e);
	const of = (name) => css.getPropertyValue(name).trim();
	return { bad: of("--bad"), warn: of("--warn"), held: of("--held"),
		dim: of("--dim"), good: of("--cell"), ink: of("--ink"),
		muted: of("--muted"), accent: of("--accent"), font: css.fontFamily };
}

export const SHAPES = {
	square(c, x, y, s) {
		const r = s * 0.36;
		c.fillRect(x - r, y - r, 2 * r, 2 * r);
	},
	disc(c, x, y, s) {
		c.beginPath();
		c.arc(x, y, s * 0.5, 0, 7);
		c.fill();
	},
	dot(c, x, y, s) {
		c.beginPath();
		c.arc(x, y, s * 0.22, 0, 7);
		c.fill();
	},
	ring(c, x, y, s) {
		c.lineWidth = Math.max(1, s * 0.14);
		c.beginPath();
		c.arc(x, y, s * 0.36, 0, 7);
		c.stroke();
	},
	half(c, x, y, s) {
		c.lineWidth = Math.max(1, s * 0.12);
		c.beginPath();
		c.arc(x, y, s * 0.44, 0, 7);
		c.stroke();
		c.beginPath();
		c.arc(x, y, s * 0.44, 0, Math.PI);
		c.fill();
	},
	cross(c, x, y, s) {
		const r = s * 0.42;
		c.lineWidth = Math.max(1.5, s * 0.2);
		c.beginPath();
		c.moveTo(x - r, y - r);
		c.lineTo(x + r, y + r);
		c.moveTo(x + r, y - r);
		c.lineTo(x - r, y + r);
		c.stroke();
	},
	stack(c, x, y, s) {
		const r = s * 0.46, line = s * 0.22;
		for (const at of [-0.46, -0.11, 0.24])
			c.fillRect(x - r, y + at * s, 2 * r, line);
	},
	bow(c, x, y, s) {
		const r = s * 0.5;
		c.beginPath();
		c.moveTo(x - r, y - r * 0.9);
		c.lineTo(x + r, y + r * 0.9);
		c.lineTo(x + r, y - r * 0.9);
		c.lineTo(x - r, y + r * 0.9);
		c.fill();
	},
	frame(c, x, y, s) {
		const r = s * 0.34;
		c.lineWidth = Math.max(1, s * 0.14);
		c.strokeRect(x - r, y - r, 2 * r, 2 * r);
	},
	triangle(c, x, y, s) {
		const r = s * 0.56;
		c.beginPath();
		c.moveTo(x, y - r);
		c.lineTo(x + r, y + r * 0.8);
		c.lineTo(x - r, y + r * 0.8);
		c.fill();
	},
	"triangle-line"(c, x, y, s) {
		const r = s * 0.46;
		c.lineWidth = Math.max(1, s * 0.12);
		c.beginPath();
		c.moveTo(x, y - r);
		c.lineTo(x + r, y + r * 0.8);
		c.lineTo(x - r, y + r * 0.8);
		c.closePath();
		c.stroke();
	},
	diamond(c, x, y, s) {
		const r = s * 0.54;
		c.beginPath();
		c.moveTo(x, y - r);
		c.lineTo(x + r, y);
		c.lineTo(x, y + r);
		c.lineTo(x - r, y);
		c.fill();
	},
	bars(c, x, y, s) {
		const r = s * 0.4;
		c.fillRect(x - r, y - r, r * 0.75, 2 * r);
		c.fillRect(x + r * 0.25, y - r, r * 0.75, 2 * r);
	},
};

function draw(box) {
	const { canvas, where, cursor } = box.cells;
	const c = canvas.getContext("2d");
	const tone = tones(canvas);
	const ratio = window.devicePixelRatio || 1;
	const width = box.clientWidth;
	canvas.width = Math.round(width * ratio);
	canvas.height = Math.round(where.height * ratio);
	canvas.style.height = `${where.height}px`;
	c.scale(ratio, ratio);
	c.font = `12px ${tone.font}`;
	c.textBaseline = "middle";
	for (const l of where.labels) {
		c.fillStyle = tone.muted;
		c.fillText(`${l.name}  ${l.n}`, 0, l.y + LABEL_PX / 2, width);
	}
	const size = where.pitch - (where.pitch > 10 ? 4 : 2);
	const half = where.pitch / 2;
	for (const cell of where.cells) {
		const [shape, t] = cellLook(cell.row);
		c.fillStyle = c.strokeStyle = tone[t];
		SHAPES[shape](c, cell.x + half, cell.y + half, size);
	}
	const at = where.cells[cursor];
	if (at && (box.cells.focused || box.cells.hovering)) {
		c.lineWidth = 2;
		c.strokeStyle = tone.accent;
		c.strokeRect(at.x, at.y, where.pitch, where.pitch);
	}
}

// ---- hands ----

function point(box, i) {
	const { where, line } = box.cells;
	if (i < 0 || i >= where.cells.length)
		return;
	box.cells.cursor = i;
	line.textContent = words(where.cells[i].row);
	draw(box);
}

function cellAt(where, x, y) {
	return where.cells.findIndex((c) => x >= c.x && y >= c.y &&
		x < c.x + where.pitch && y < c.y + where.pitch);
}

// The cell nearest to the same column, one line up or down.
function vertical(where, i, by) {
	const from = where.cells[i];
	let best = -1;
	where.cells.forEach((c, k) => {
		if (c.line === from.line + by && c.col <= from.col)
			best = k;
	});
	return best;
}

function open(box) {
	const at = box.cells.where.cells[box.cells.cursor];
	if (at)
		location.hash = `#/host/${encodeURIComponent(at.row.name)}`;
}

function onKey(box, e) {
	const { where, cursor } = box.cells;
	const to = { ArrowLeft: cursor - 1, ArrowRight: cursor + 1, Home: 0,
		End: where.cells.length - 1 }[e.key];
	if (to !== undefined)
		point(box, to);
	else if (e.key === "ArrowUp" || e.key === "ArrowDown")
		point(box, vertical(where, cursor, e.key === "ArrowUp" ? -1 : 1));
	else if (e.key === "Enter")
		open(box);
	else
		return;
	e.preventDefault();
	const at = where.cells[box.cells.cursor];
	const top = box.getBoundingClientRect().top + at.y;
	if (top < 60 || top > innerHeight - 60)
		scrollBy({ top: top - innerHeight / 2,
			behavior: reducedMotion() ? "auto" : "smooth" });
}

function listen(box, canvas) {
	canvas.addEventListener("keydown", (e) => onKey(box, e));
	canvas.addEventListener("focus", () => {
		box.cells.focused = canvas.matches(":focus-visible");
		point(box, box.cells.cursor);
	});
	canvas.addEventListener("blur", () => {
		box.cells.focused = false;
		draw(box);
	});
	canvas.addEventListener("pointermove", (e) => {
		const i = cellAt(box.cells.where, e.offsetX, e.offsetY);
		canvas.classList.toggle("over", i >= 0);
		if (i >= 0 && (i !== box.cells.cursor || !box.cells.hovering)) {
			box.cells.hovering = true;
			point(box, i);
		}
	});
	canvas.addEventListener("pointerleave", () => {
		box.cells.hovering = false;
		draw(box);
	});
	canvas.addEventListener("click", (e) => {
		const i = cellAt(box.cells.where, e.offsetX, e.offsetY);
		if (i >= 0) {
			box.cells.cursor = i;
			open(box);
		}
	});
	new ResizeObserver(() => show(box, box.cells.rows, true)).observe(box);
	matchMedia("(prefers-color-scheme: dark)")
		.addEventListener("change", () => draw(box));
}

// `box` is an element with data-own; what it holds is made here, once.
export function show(box, rows, force = false) {
	if (!box.cells) {
		const canvas = h("canvas", { tabindex: 0, role: "application" });
		const line = h("p", { class: "cell-line" });
		box.replaceChildren(canvas, line);
		box.cells = { canvas, line, cursor: 0, rows, width: 0 };
		box.cells.where = plan(rows, box.clientWidth);
		listen(box, canvas);
	}
	const b = box.cells;
	if (!force && b.rows === rows && b.width === box.clientWidth)
		return;
	b.rows = rows;
	b.width = box.clientWidth;
	b.where = plan(rows, b.width);
	b.cursor = Math.min(b.cursor, Math.max(0, b.where.cells.length - 1));
	b.canvas.setAttribute("aria-label", `${rows.length} hosts as cells. ` +
		"Arrow keys move, Enter opens; the table of hosts says the same.");
	if (!b.focused && !b.hovering)
		b.line.textContent = rows.length ?
			"Point at a cell, or move with the arrow keys." : "";
	draw(box);
}
