// A small line chart of one metric of one device, with its table beside it.
import { h, svg } from "/page/dom.js";
import { get } from "/page/api.js";
import { count, exact, metricName, number } from "/page/words.js";

const DAYS = 30;
const KEEP_MS = 60000;
const W = 320, H = 76, PAD = 6, LEFT = 44;
const loaded = new Map();	// key → { at, points, failed }
const KEPT_MAX = 100;

function load(key, path, redraw) {
	const entry = { at: Date.now(), points: loaded.get(key)?.points || null };
	loaded.delete(key);
	loaded.set(key, entry);
	if (loaded.size > KEPT_MAX)
		loaded.delete(loaded.keys().next().value);
	get(path).then((body) => {
		const at = body.columns.indexOf("value") >= 0 ?
			body.columns.indexOf("value") : body.columns.indexOf("mean");
		entry.points = (body.series[0]?.points || [])
			.map((p) => [p[0], p[at]]).filter((p) => p[1] !== null);
	}, () => {
		entry.points ??= [];
	}).then(redraw);
}

function curve(points, from, to) {
	const ys = points.map((p) => p[1]);
	const low = Math.min(...ys), high = Math.max(...ys);
	const span = high - low || 1;
	const x = (ms) => LEFT + (W - LEFT - PAD) * (ms - from) / (to - from);
	const y = (v) => H - PAD - (H - 2 * PAD) * (v - low) / span;
	return { low, high, x, path: points.map(([ms, v], i) =>
		`${i ? "L" : "M"}${x(ms).toFixed(1)} ${y(v).toFixed(1)}`).join(""),
	dots: points.length < 40 ? points.map(([ms, v]) =>
		svg("circle", { cx: x(ms).toFixed(1), cy: y(v).toFixed(1),
			r: 1.8 })) : [] };
}

function table(points) {
	return h("details", {}, h("summary", {}, "as a table"),
		h("table", { class: "plain" }, h("thead", {}, h("tr", {},
			h("th", { scope: "col" }, "When"),
			h("th", { scope: "col" }, "Value"))),
		h("tbody", {}, points.slice(-50).reverse().map(([ms, v]) =>
			h("tr", {}, h("td", {}, exact(ms)),
				h("td", { class: "num" }, number(v)))))));
}

// `moment` (ISO) is marked: when the level was reached.
export function chart({ host, device, metric, moment }, redraw) {
	const key = `${host}/${device}/${metric}`;
	const now = Date.now();
	const had = loaded.get(key);
	if (!had || now - had.at > KEEP_MS)
		load(key, `/v1/series?host=${encodeURIComponent(host)}&device=${
			encodeURIComponent(device)}&metric=${
			encodeURIComponent(metric)}&from=${
			now - DAYS * 86400000}&to=${now}&limit=5000`, redraw);
	const points = loaded.get(key)?.points;
	const name = metricName(metric);
	const caption = h("figcaption", {}, h("b", {}, name));
	if (!points || points.length < 2)
		return h("figure", { "data-key": key }, caption,
			h("p", { class: "muted chart-empty" }, points ?
				"Too few samples for a curve." : "Loading\u2026"));
	const from = Math.min(points[0][0], now - 86400000);
	const c = curve(points, from, now);
	const at = Date.parse(moment);
	return h("figure", { "data-key": key }, caption,
		svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", class: "chart",
			"aria-label": `${name}: from ${number(points[0][1])} to ${
				number(points.at(-1)[1])} in ${count(points.length)
			} samples` },
		at > from && svg("line", { class: "moment", x1: c.x(at).toFixed(1),
			x2: c.x(at).toFixed(1), y1: 0, y2: H }),
		svg("path", { d: c.path }), c.dots,
		svg("text", { x: LEFT - 6, y: PAD + 6 }, number(c.high)),
		c.low !== c.high && svg("text", { x: LEFT - 6, y: H - PAD + 1 },
			number(c.low))),
		table(points));
}
