"use strict";
// The page of a sweep: which axes, which points, all kept in the address.

const BEST = 12;       // rows of the table
const LISTED = 60;     // more values are no list to choose from
const form = $("filters");
let sweep = null;
let filters = new Map();  // by path: [first, last] of the values; by "speedup": [low, high]
let chosen = null;        // a point, or null for the best one

/// Points that pass the filters, those that cannot run apart.
function passing() {
  const runs = [], fail = [], bounds = filters.get("speedup");
  const tests = [...filters].filter(([key]) => key !== "speedup").map(([path, range]) => [sweep.parameters.find(parameter => parameter.path === path), range]);
  for (let p = 0; p < sweep.count; ++p) {
    if (tests.some(([parameter, [first, last]]) => parameter.at[p] < first || parameter.at[p] > last)) continue;
    if (sweep.error[p] !== null) fail.push(p);
    else if (!bounds || (sweep.speedup[p] >= bounds[0] && sweep.speedup[p] <= bounds[1])) runs.push(p);
  }
  return { runs, fail };
}

const parameterOf = path => sweep.parameters.find(parameter => parameter.path === path);
const bySpeedup = points => [...points].sort((a, b) => sweep.speedup[a] - sweep.speedup[b] || a - b);

/// Of points in one cell that which speaks for it.
function speaker(points) {
  if (points.length === 1) return points[0];
  const sorted = bySpeedup(points), of = form.elements.of.value;
  return of === "best" ? sorted.at(-1) : of === "worst" ? sorted[0] : sorted[Math.floor((sorted.length - 1) / 2)];
}

/// Cells of two parameters: {cells: Map of index -> points, nx, ny}; nothing where the points form no grid.
function gridOf(x, y, points) {
  const columns = [...new Set(points.map(p => x.at[p]))].sort((a, b) => a - b), rows = [...new Set(points.map(p => y.at[p]))].sort((a, b) => a - b);
  const nx = columns.length, ny = rows.length, column = new Map(columns.map((k, i) => [k, i])), row = new Map(rows.map((k, i) => [k, i])), cells = new Map();
  for (const p of points) {
    const cell = column.get(x.at[p]) * ny + row.get(y.at[p]);
    if (cells.has(cell)) cells.get(cell).push(p); else cells.set(cell, [p]);
  }
  const grid = nx === 1 || ny === 1 || (cells.size >= 0.2 * nx * ny && cells.size >= 1.5 * Math.max(nx, ny));
  return grid ? { cells, nx, ny, xs: briefly(columns.map(k => x.values[k])), ys: briefly(rows.map(k => y.values[k])) } : null;
}

// ---- parts of the page

function drawScores(shown) {
  const speedups = shown.runs.map(p => sweep.speedup[p]), faster = speedups.filter(value => value > 1).length, some = speedups.length > 0;
  $("scores").replaceChildren(
    tile(percent(some ? 100 * faster / speedups.length : null), `sparse is faster, at ${faster} of ${speedups.length} points`),
    tile(times(some ? speedups.reduce((a, b) => Math.max(a, b)) : null), "best speedup"), tile(times(quantile(speedups, 0.5)), "median speedup"),
    tile(times(some ? speedups.reduce((a, b) => Math.min(a, b)) : null), "worst speedup"),
    tile(percent(some ? 100 * quantile(shown.runs.map(p => sweep.share[p]), 0.5) : null), "median share of the ideal"));
  $("scores").hidden = sweep.count < 2;
  $("shown").value = `${shown.runs.length + shown.fail.length} of ${sweep.count} points` + (shown.fail.length ? `, ${shown.fail.length} cannot run` : "");
}

function drawMap(shown, colours, at) {
  $("map").hidden = !sweep.varying.length;
  if (!sweep.varying.length) return;
  const chart = $("map-chart"), show = form.elements.show.value, quantity = QUANTITIES[show], line = Number(form.elements.line.value) || 1;
  const x = parameterOf(form.elements.x.value), y = parameterOf(form.elements.y.value), values = sweep[show];
  const all = [...shown.runs, ...shown.fail], grid = y && x !== y && gridOf(x, y, all);
  document.querySelector(".several").hidden = !grid || grid.cells.size === all.length;
  const what = (y ? quantity : QUANTITIES[form.elements.y.value]).title;
  $("map").querySelector("h2").textContent = `${what[0].toUpperCase()}${what.slice(1)} by ${x.label}${y && y !== x ? ` and ${y.label}` : ""}`;
  if (!all.length) { chart.replaceChildren(element("p", { class: "none" }, "No point is left.")); $("map-key").replaceChildren(); chart.view = null; return; }
  const picture = grid ? heatMap(chart, grid, x, y, quantity, values, line, colours) : scatter(chart, shown.runs, x, y, quantity, values, line, colours);
  $("map-key").replaceChildren(ramp(picture.scale, quantity.title, picture.keys));
  explorePoints(chart, picture.items, item => pointTip(sweep, item.point, item.more), item => choose(item.point));
  const mine = picture.items.find(item => item.point === at);
  if (mine) outline(chart, mine, "chosen");
}

/// What the tooltip of a cell says besides its point.
function severalText(points) {
  if (points.length < 2) return [];
  const speedups = points.map(p => sweep.speedup[p]);
  return [["of several", `${points.length} points here, ${times(speedups.reduce((a, b) => Math.min(a, b)))} to ${times(speedups.reduce((a, b) => Math.max(a, b)))}`]];
}

function heatMap(chart, grid, x, y, quantity, values, line, colours) {
  const { nx, ny, xs, ys } = grid, band = (labels, title) => ({ type: "band", labels, title });
  drawPlane(chart, band(xs, x.label), band(ys, y.label), Math.min(chart.clientWidth, 190 + 130 * nx), Math.max(230, Math.min(520, 90 + 64 * ny)), colours,
    `Heat map of ${quantity.title} by ${x.label} and ${y.label}; the arrow keys walk along the cells`);
  const total = chart.plot.height, w = chart.plot.width / nx, h = total / ny;
  const cells = [...grid.cells].map(([cell, points]) => {
    const runs = points.filter(p => sweep.error[p] === null), i = Math.floor(cell / ny), j = cell % ny;
    return { cell, point: runs.length ? speaker(runs) : points[0], runs: runs.length > 0, x: (i + 0.5) * w, y: total - (j + 0.5) * h, w, h, more: severalText(runs) };
  });
  const scale = colourScale(quantity.kind, cells.filter(({ runs }) => runs).map(({ point }) => values[point]), colours);
  paintCells(chart, cells, scale, ({ runs, point }) => runs ? values[point] : null, value => quantity.show(value).replace(/\u00a0us$/, ""), colours);
  const speedups = new Map(cells.filter(({ runs }) => runs).map(({ cell, point }) => [cell, sweep.speedup[point]]));
  const segments = contour(nx, ny, (i, j) => speedups.get(i * ny + j) ?? null, line, Boolean(x.numbers && y.numbers));
  drawContour(chart, segments.map(([a, b, c, d]) => [a * w, total - b * h, c * w, total - d * h]), colours);
  const keys = [segments.length ? lineKey(`${line === 1 ? "break-even" : "speedup of"} ${line}x`) : element("span", {}, `nowhere ${line}x`)];
  if (cells.some(({ runs }) => !runs)) keys.push(element("span", { class: "none-key" }, "cannot run"));
  return { scale, keys, items: cells };
}

/// An axis of a parameter, or of a quantity where `parameter` is none, and each point's value on it.
function scatterAxis(parameter, key, points) {
  if (!parameter) {
    const quantity = QUANTITIES[key], values = p => sweep[key][p];
    return { axis: numberAxis(points.map(values), quantity.title + (quantity.unit ? `, ${quantity.unit}` : "")), values };
  }
  if (!parameter.numbers) return { axis: { type: "band", labels: parameter.values, title: parameter.label }, values: p => valueOf(parameter, p) };
  const { unit, factor } = unitOf(parameter), values = p => parameter.numbers[parameter.at[p]] * factor;
  return { axis: numberAxis(points.map(values), parameter.label + (unit ? `, ${unit}` : ""), 0.04, geometric(parameter.numbers)), values };
}

function scatter(chart, points, x, y, quantity, values, line, colours) {
  const across = scatterAxis(x, null, points), up = scatterAxis(y, form.elements.y.value, points);
  drawPlane(chart, across.axis, up.axis, chart.clientWidth, 460, colours, `${points.length} points by ${across.axis.title} and ${up.axis.title}; the arrow keys walk along them`);
  const px = pixels(chart.view, "x", across.axis), py = pixels(chart.view, "y", up.axis);
  const items = bySpeedup(points).map(point => ({ point, x: px(across.values(point)), y: py(up.values(point)) }));
  const scale = colourScale(quantity.kind, points.map(p => values[p]), colours), radius = points.length > 3000 ? 2 : points.length > 400 ? 3 : 4.5;
  const curve = !y && new Set(points.map(p => x.at[p])).size === points.length && x.numbers;
  paintPlot(chart, (context, width) => {
    context.strokeStyle = colours.quiet;
    if (curve) {
      context.beginPath();
      for (const item of [...items].sort((a, b) => a.x - b.x)) context.lineTo(item.x, item.y);
      context.stroke();
    }
    if (!y && form.elements.y.value === "speedup") {
      context.setLineDash([4, 3]);
      context.beginPath();
      context.moveTo(0, py(line));
      context.lineTo(width, py(line));
      context.stroke();
      context.setLineDash([]);
    }
    context.lineWidth = 0.6;
    for (const item of items) {
      context.beginPath();
      context.arc(item.x, item.y, radius, 0, 2 * Math.PI);
      context.fillStyle = scale.colour(values[item.point]);
      context.fill();
      if (points.length < 3000) context.stroke();
    }
  });
  chart.dataset.cells = items.length;
  return { scale, items, keys: [] };
}

/// The front: nobody keeps as little work, or has as quick a dense twin, and gains more.
function drawFront(shown, colours, at) {
  const kept = new Set(shown.runs.map(p => sweep.kept[p])).size > 1, cost = kept ? sweep.kept : sweep.dense_us, chart = $("front-chart");
  $("front").hidden = shown.runs.length < 2;
  if (shown.runs.length < 2) return;
  const sorted = [...shown.runs].sort((a, b) => (kept ? cost[b] - cost[a] : cost[a] - cost[b]) || sweep.speedup[b] - sweep.speedup[a] || a - b), front = [];
  for (const p of sorted) if (!front.length || sweep.speedup[p] > sweep.speedup[front.at(-1)]) front.push(p);
  $("front").querySelector("h2").textContent = kept ? "Speedup for the work that is kept" : "Speedup over a quick dense twin";
  $("front-words").textContent = kept ? "Line: the front; no point keeps as much of the work and is faster. Dashed: the ideal, 1 over what is kept."
    : "Line: the front; no point has as quick a dense twin and a larger speedup.";
  const dot = point => ({ point, cost: cost[point], gain: sweep.speedup[point] });
  drawFrontChart(chart, shown.runs.map(dot), front.map(dot), kept ? null : "dense time, us", colours,
    item => pointTip(sweep, item.point, kept ? [["kept", percent(100 * item.cost)]] : []), item => choose(item.point), at);
}

function drawBest(shown) {
  const sorted = bySpeedup(shown.runs).reverse().slice(0, BEST);
  $("best").hidden = !sorted.length || sweep.count < 2;
  $("best-table").replaceChildren(table(sorted, [{ title: "speedup", get: p => sweep.speedup[p], number: true, show: times },
    ...sweep.varying.map(parameter => ({ title: parameter.label, get: p => parameter.numbers ? parameter.numbers[parameter.at[p]] : valueOf(parameter, p),
      show: (_, p) => brief(valueOf(parameter, p)) })),
    { title: "sparse us", get: p => sweep.sparse_us[p], number: true, show: value => microseconds(value).replace("\u00a0us", "") },
    { title: "of ideal", get: p => sweep.share[p], number: true, show: value => percent(100 * value) }, { title: "bound by", get: p => sweep.bound_sparse[p] }], { choose }));
}

function drawFailures(shown) {
  const reasons = new Map();
  for (const p of shown.fail) reasons.set(sweep.error[p], [...reasons.get(sweep.error[p]) ?? [], p]);
  $("failures").hidden = !reasons.size;
  $("failure-table").replaceChildren(table([...reasons], [{ title: "points", get: ([, points]) => points.length, number: true },
    { title: "first", get: ([, points]) => settingText(sweep, points[0]), wrap: true }, { title: "reason", get: ([reason]) => reason, wrap: true }]));
}
