"use strict";
// The page of a break-even: the speedup along a parameter, where it crosses the target; a map where there is a second parameter.

const form = $("filters");
const short = path => path.split(".").slice(-2).join(".");
const precise = value => Number(value.toPrecision(4)) + "x";
const series = data.series.map(entry => ({ also: "", ...entry, good: entry.scan.filter(point => point.error === undefined) }));
const interval = series.some(({ good }) => good.some(point => point.interval));
let chosen = 0;

/// Texts as numbers of one unit and one name in front; null where they are none.
function numbersOf(texts) {
  const parts = texts.map(text => /^((?:[\w-]+:)?)(-?\d[\d.]*(?:e[+-]?\d+)?)\s*([a-zA-Z/]*)$/i.exec(text));
  if (parts.some(part => !part || part[1] !== parts[0][1] || part[3] !== parts[0][3])) return null;
  return { numbers: parts.map(part => Number(part[2])), unit: parts[0]?.[3] ?? "" };
}

const places = [...new Set(series.flatMap(entry => entry.scan.map(point => point.value)))];
const known = numbersOf([...places, ...series.flatMap(({ crossings }) => crossings.flatMap(c => [c.value, c.beside.value]))]);
const along = text => known ? numbersOf([text]).numbers[0] : text;
const title = short(data.over) + (known?.unit ? `, ${known.unit}` : "");
// A list has no crossings between its values.
const listed = series.some(({ verdict, crossings }) => verdict === "crosses" && !crossings.length) || !known;

function answerOf(entry) {
  if (entry.verdict === "unknown") return "cannot run";
  if (entry.verdict !== "crosses") return entry.verdict === "always" ? "pays everywhere" : "pays nowhere";
  if (listed) return "pays at " + entry.good.filter(point => point.speedup > data.target).map(point => point.value).join(", ");
  return entry.crossings.map(c => `pays ${c.direction === "pays_above" ? "from" : "up to"} ${c.value}`).join(", ");
}

function intervalText(range) {
  return range ? `${range.low ?? "< " + places[0]} to ${range.high ?? "> " + places.at(-1)}` : "";
}

function drawAnswer(entry) {
  const speedups = entry.good.map(point => point.speedup), low = Math.min(...speedups), high = Math.max(...speedups);
  const words = [];
  if (entry.crossings.length && interval) words.push("interval " + entry.crossings.map(c => intervalText(c.interval)).join("; "));
  const { low: least, high: most } = entry.verdict_of_interval ?? { low: entry.verdict, high: entry.verdict }, say = verdict => verdict === "crosses" ? "crosses" : `pays ${verdict}`;
  if (!entry.crossings.length && (least !== entry.verdict || most !== entry.verdict)) words.push(`the low end of the interval ${say(least)}, the high end ${say(most)}`);
  if (speedups.length) words.push(`speedup ${precise(low)} to ${precise(high)} over the scan`);
  $("answer").replaceChildren(element("b", {}, (data.also ? `${short(data.also)} = ${entry.also}: ` : "") + answerOf(entry)), element("span", {}, words.join("; ")));
}

function drawCurve(colours) {
  const chart = $("curve-chart"), entry = series[chosen];
  $("curve").querySelector("h2").textContent = `Speedup along ${short(data.over)}` + (data.also ? `, ${short(data.also)} = ${entry.also}` : "");
  if (!entry.good.length) { chart.replaceChildren(element("p", { class: "none" }, "No point of this curve can run.")); $("curve-key").replaceChildren(); return; }
  const ends = entry.good.flatMap(point => point.interval ? [point.interval.low, point.interval.high] : [point.speedup]);
  const x = known ? numberAxis(places.map(along), title, 0.02, geometric(places.map(along))) : { type: "band", labels: places, title };
  const y = numberAxis([data.target, ...series.flatMap(({ good }) => good.map(point => point.speedup)), ...ends], "realised speedup");
  drawPlane(chart, x, y, chart.clientWidth, 400, colours, `Speedup along ${data.over}: ${answerOf(entry)}; the arrow keys walk along the points`);
  const px = pixels(chart.view, "x", x), py = chart.view.scale("y"), at = point => [px(along(point.value)), py(point.speedup)];
  paintPlot(chart, (context, width) => {
    const trace = points => { context.beginPath(); for (const point of points) context.lineTo(...point); };
    if (interval && !listed) {
      const edge = end => entry.good.map(point => [px(along(point.value)), py(point.interval[end])]);
      trace([...edge("high"), ...edge("low").reverse()]);
      context.fillStyle = colours.band10;
      context.globalAlpha = 0.7;
      context.fill();
      context.globalAlpha = 1;
    }
    context.strokeStyle = colours.quiet;
    context.globalAlpha = 0.45;
    if (!listed) series.forEach((other, i) => { if (i !== chosen) { trace(other.good.map(at)); context.stroke(); } });
    context.globalAlpha = 1;
    context.strokeStyle = colours.ink;
    context.setLineDash([5, 4]);
    trace([[0, py(data.target)], [width, py(data.target)]]);
    context.stroke();
    context.setLineDash([]);
    context.strokeStyle = context.fillStyle = colours.categories[0];
    context.lineWidth = 2;
    if (!listed) { trace(withCrossings(entry).map(at)); context.stroke(); }
    for (const point of entry.good) {
      if (listed && point.interval) { trace([[px(along(point.value)), py(point.interval.low)], [px(along(point.value)), py(point.interval.high)]]); context.stroke(); }
      context.beginPath();
      context.arc(...at(point), entry.good.length > 60 ? 1.5 : 3.5, 0, 2 * Math.PI);
      context.fill();
    }
  });
  entry.crossings.forEach(crossing => markCrossing(chart, crossing, px, py, colours));
  const items = entry.good.map(point => ({ point, x: at(point)[0], y: at(point)[1] }));
  explorePoints(chart, items, ({ point }) => tip(entry, point), () => {});
  const key = element("div", { class: "key" }, element("span", { class: "dash-key" }, `target ${data.target}x`));
  if (interval) key.append(element("span", { class: "band-key" }, "what the machine's constants allow"));
  if (entry.crossings.length) key.append(lineKey("break-even" + (interval ? ", with its interval" : "")));
  if (data.also && !listed) key.append(element("span", {}, `thin: other values of ${short(data.also)}`));
  $("curve-key").replaceChildren(key);
}

/// The scan and the two sides of every crossing, along the parameter.
function withCrossings(entry) {
  const sides = entry.crossings.flatMap(c => [{ value: c.value, speedup: c.speedup }, c.beside]);
  return [...entry.good, ...sides].sort((a, b) => along(a.value) - along(b.value));
}

function markCrossing(chart, crossing, px, py, colours) {
  const { width, height } = chart.plot, x = px(along(crossing.value)), y = py(data.target);
  const line = (x1, y1, x2, y2, wide) => above(chart, "line", { class: "crossing", x1, y1, x2, y2, stroke: colours.ink, "stroke-width": wide });
  line(x, y - 26, x, height, 1.5);
  if (interval && crossing.interval) {
    const low = crossing.interval.low === null ? 0 : px(along(crossing.interval.low)), high = crossing.interval.high === null ? width : px(along(crossing.interval.high));
    line(low, y, high, y, 5);
    for (const end of [low, high]) line(end, y - 6, end, y + 6, 2);
  }
  const left = x > width * 0.7;
  write(chart.plot.over, `${crossing.direction === "pays_above" ? "from" : "up to"} ${crossing.value}`,
    { x: x + (left ? -6 : 6), y: y - 15, "font-size": 12, "font-weight": 600, "text-anchor": left ? "end" : "start", "stroke-width": 4 }, colours);
}

function tip(entry, point) {
  const list = element("dl"), add = (name, value) => list.append(element("dt", {}, name), element("dd", {}, value));
  add(short(data.over), point.value);
  if (data.also) add(short(data.also), entry.also);
  if (point.error !== undefined) add("cannot run", point.error);
  else if (point.interval) add("interval", `${precise(point.interval.low)} to ${precise(point.interval.high)}`);
  return [element("b", {}, point.error === undefined ? precise(point.speedup) : "does not run"), list];
}

// ---- the map

/// Where a value lies among the scan's places, in cells.
function cellOf(text) {
  const value = along(text), numbers = places.map(along);
  let k = 0;
  while (k + 2 < numbers.length && numbers[k + 1] < value) ++k;
  return k + 0.5 + (numbers.length > 1 ? (value - numbers[k]) / (numbers[k + 1] - numbers[k]) : 0);
}

function drawMap(colours) {
  $("map").hidden = !data.also;
  if (!data.also) return;
  $("map-words").textContent = listed ? "; of a list, the borders of the cells" : interval ? "; bars are its intervals" : "";
  const chart = $("map-chart"), nx = places.length, ny = series.length, labels = series.map(({ also }) => also);
  $("map").querySelector("h2").textContent = `Speedup over ${short(data.over)} and ${short(data.also)}`;
  const band = (texts, name) => ({ type: "band", labels: briefly(texts), title: name });
  drawPlane(chart, band(places, title), band(labels, short(data.also)), chart.clientWidth, Math.max(200, Math.min(620, 90 + 44 * ny)), colours,
    `Heat map of the speedup by ${data.over} and ${data.also}; the arrow keys walk along the cells`);
  const { width, height } = chart.plot, w = width / nx, h = height / ny;
  const cells = series.flatMap((entry, j) => entry.scan.map(point => ({ entry, point, j, w, h, x: (places.indexOf(point.value) + 0.5) * w, y: height - (j + 0.5) * h })));
  const runs = cells.filter(({ point }) => point.error === undefined), scale = colourScale("ratio", runs.map(({ point }) => point.speedup), colours);
  paintCells(chart, cells, scale, ({ point }) => point.speedup ?? null, times, colours);
  drawContour(chart, breakEvenLine(nx, ny).map(([a, b, c, d]) => [a * w, height - b * h, c * w, height - d * h]), colours);
  const bar = (crossing, j) => {
    const { low, high } = crossing.interval, from = low === null ? 0 : cellOf(low) * w, to = high === null ? width : cellOf(high) * w, y = height - j * h - Math.min(8, h * 0.2);
    for (const [stroke, wide] of [[colours.paper, 4], [colours.ink, 1.5]])
      above(chart, "path", { class: "interval", d: `M${from} ${y}H${to}M${from} ${y - 4}v8M${to} ${y - 4}v8`, stroke, "stroke-width": wide, fill: "none" });
  };
  if (interval && !listed) series.forEach((entry, j) => entry.crossings.forEach(crossing => bar(crossing, j)));
  const keys = [lineKey(`break-even ${data.target}x`), cells.length > runs.length ? element("span", { class: "none-key" }, "cannot run") : null];
  $("map-key").replaceChildren(ramp(scale, "realised speedup", keys));
  explorePoints(chart, cells, cell => tip(cell.entry, cell.point), cell => { chosen = cell.j; update(); });
  outline(chart, { x: width / 2, y: height - (chosen + 0.5) * h, w: width, h }, "chosen");
}

/// The break-even in cells: exact in every row, joined where neighbours have one in the same direction; of a list the cells' borders.
function breakEvenLine(nx, ny) {
  if (listed) {
    const speedups = new Map(series.flatMap((entry, j) => entry.good.map(point => [places.indexOf(point.value) * ny + j, point.speedup])));
    return contour(nx, ny, (i, j) => speedups.get(i * ny + j) ?? null, data.target, false);
  }
  const ways = new Set(series.flatMap(({ crossings }) => crossings.map(({ direction }) => direction))), above = ways.has("pays_above");
  const border = verdict => (verdict === "always") === above ? 0 : nx;
  const single = ({ verdict, crossings }) => verdict === "unknown" || crossings.length > 1 ? null : crossings.length ? cellOf(crossings[0].value) : border(verdict);
  const out = series.flatMap((entry, j) => entry.crossings.map(({ value }) => [cellOf(value), j, cellOf(value), j + 1]));
  if (ways.size === 1)
    for (let j = 0; j + 1 < ny; ++j) {
      const a = single(series[j]), b = single(series[j + 1]);
      if (a !== null && b !== null && a !== b) out.push([a, j + 1, b, j + 1]);
    }
  return out;
}

// ---- tables

function drawTables() {
  const also = data.also ? [{ title: short(data.also), get: ({ entry }) => entry.also }] : [];
  const rows = series.flatMap((entry, j) => entry.crossings.length ? entry.crossings.map(crossing => ({ entry, j, crossing })) : [{ entry, j, crossing: null }]);
  const number = (title, get) => ({ title, get: row => get(row) ?? null, number: true, show: value => value === null ? "" : precise(value) });
  const each = series.flatMap((entry, j) => entry.good.map(point => ({ entry, j, point })));  // of a list
  $("crossing-table").replaceChildren(table(listed ? each : rows, [...also, ...(listed ? [
    { title: short(data.over), get: ({ point }) => point.value }, { title: "", get: ({ point }) => point.speedup > data.target ? "pays" : "does not pay" },
    number("speedup", ({ point }) => point.speedup), ...(interval ? [number("low", ({ point }) => point.interval.low), number("high", ({ point }) => point.interval.high)] : [])] : [
    { title: short(data.over), get: ({ entry, crossing }) => crossing ? `pays ${crossing.direction === "pays_above" ? "from" : "up to"} ${crossing.value}` : answerOf(entry) },
    ...(interval ? [{ title: "interval", get: ({ crossing }) => intervalText(crossing?.interval) }] : []), number("speedup there", ({ crossing }) => crossing?.speedup),
    { title: "beside it", get: ({ crossing }) => crossing?.beside.value ?? "" }, number("speedup", ({ crossing }) => crossing?.beside.speedup)])],
    data.also ? { choose: ({ j }) => { chosen = j; update(); } } : {}));
  $("crossings").querySelector("h2").textContent = listed ? "Values" : "Break-even values";
  $("scan").hidden = listed;
  const failed = series.flatMap(entry => entry.scan.filter(point => point.error !== undefined).map(point => ({ entry, point })));
  $("failures").hidden = !failed.length;
  $("failure-table").replaceChildren(table(failed, [...also, { title: short(data.over), get: ({ point }) => point.value },
    { title: "reason", get: ({ point }) => point.error, wrap: true }]));
}

function drawAll() {
  const colours = palette(), entry = series[chosen];
  hideTooltip();
  drawAnswer(entry);
  drawCurve(colours);
  drawMap(colours);
  $("scan-table").replaceChildren(table(entry.good, [{ title: short(data.over), get: point => along(point.value), show: (_, point) => point.value },
    { title: "speedup", get: point => point.speedup, number: true, show: precise },
    ...(interval ? ["low", "high"].map(end => ({ title: end, get: point => point.interval[end], number: true, show: precise })) : [])]));
  document.documentElement.dataset.drawn = "1";
}

function update() {
  form.elements.also.value = String(chosen);
  const out = new URLSearchParams();
  if (chosen) out.set("also", series[chosen].also);
  writeAddress(out);
  drawAll();
}

function readAddress() {
  chosen = Math.max(0, series.findIndex(({ also }) => also === new URLSearchParams(location.hash.slice(1)).get("also")));
  update();
}

const inputs = Object.entries(data.set ?? {}).map(([path, value]) => ["substrate", "workload"].includes(path) ? value : `${path} = ${value}`);
$("subtitle").textContent = `${inputs.join(", ")}: where sparse is more than ${data.target}x as fast, over ${data.over}, ` +
  (listed ? `${places.length} values` : `${places[0]} to ${places.at(-1)}`) + (data.also ? `, and ${data.also}` : "");
form.hidden = !data.also;
form.elements.also.replaceChildren(...series.map(({ also }, i) => element("option", { value: String(i) }, also)));
$("which").textContent = data.also ? short(data.also) : "";
form.addEventListener("change", () => { chosen = Number(form.elements.also.value); update(); });
form.addEventListener("submit", event => event.preventDefault());
addEventListener("hashchange", readAddress);
redrawWith(drawAll);
drawTables();
readAddress();
