"use strict";
// The report: keeps its filters in the address, draws the tables and charts of the rows that they leave.

const FILTERS = ["op", "pattern", "device", "file"];
const NO_WINNER = 0.1;  // half-width of the band around 1x in which a speedup names no winner
const WORST = 8;        // waterfalls shown
const WORST_OF_GROUP = 2;  // of one operation, pattern and device, where there are several
const rows = data.rows.map(unpack);
const form = $("filters");
let shown = rows;

/// A row with its names, its errors in percent and which half of the rows its id puts it in.
function unpack(list) {
  const row = Object.fromEntries(data.columns.map((column, i) => [column, list[i]]));
  for (const name of ["file", "device", "op", "pattern", "dtype", "kernel", "bound", "reason"])
    row[name] = row[name] === null ? null : data.names[name][row[name]];
  row.lost = row.lost && row.lost.map(([term, factor]) => ({ term: data.names.term[term], factor }));
  const error = (predicted, measured) => predicted === null || measured === null ? null : 100 * Math.abs(predicted - measured) / measured;
  row.timeError = error(row.predicted_us, row.measured_us);
  row.speedupError = error(row.predicted_x, row.measured_x);
  row.error = row.timeError ?? row.speedupError;
  row.odd = /[13579]$/.test(row.id);
  return row;
}

function ranks(values) {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b]), out = [];
  for (let i = 0; i < order.length;) {
    let end = i;
    while (end < order.length && values[order[end]] === values[order[i]]) ++end;
    for (let k = i; k < end; ++k) out[order[k]] = (i + end + 1) / 2;
    i = end;
  }
  return out;
}

/// Spearman's; nothing where one side does not vary.
function rankCorrelation(a, b) {
  const x = ranks(a), y = ranks(b), mx = mean(x), my = mean(y);
  let xy = 0, xx = 0, yy = 0;
  x.forEach((value, i) => { xy += (value - mx) * (y[i] - my); xx += (value - mx) ** 2; yy += (y[i] - my) ** 2; });
  return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : null;
}

const hasWinner = row => Math.abs(row.measured_x - 1) > NO_WINNER;

function scores(members) {
  const timed = members.filter(row => row.timeError !== null), sped = members.filter(row => row.speedupError !== null);
  const errors = timed.map(row => row.timeError), decided = sped.filter(hasWinner);
  const right = decided.filter(row => (row.predicted_x - 1) * (row.measured_x - 1) > 0).length;
  const half = odd => mean(timed.filter(row => row.odd === odd).map(row => row.timeError));
  return {
    rows: members.length, failed: members.filter(row => row.reason !== null).length,
    mean: mean(errors), median: quantile(errors, 0.5), p90: quantile(errors, 0.9), odd: half(true), even: half(false),
    speedup: mean(sped.map(row => row.speedupError)), winner: decided.length ? 100 * right / decided.length : null,
    rank: sped.length ? rankCorrelation(sped.map(row => row.predicted_x), sped.map(row => row.measured_x))
      : rankCorrelation(timed.map(row => row.predicted_us), timed.map(row => row.measured_us)),
  };
}

// ---- hover

function details(row) {
  const list = element("dl");
  const add = (name, value) => { if (value) list.append(element("dt", {}, name), element("dd", {}, value)); };
  add("operation", [row.op, row.pattern, row.dtype].filter(Boolean).join(", "));
  add("sizes", row.sizes);
  add("device", row.device);
  add("kernel", row.kernel);
  if (row.measured_us !== null) add("time", `${microseconds(row.predicted_us)} for ${microseconds(row.measured_us)} measured (${percent(row.timeError)})`);
  if (row.measured_x !== null) add("speedup", `${times(row.predicted_x)} for ${times(row.measured_x)} measured (${percent(row.speedupError)})`);
  add("bound by", row.bound);
  for (const { term, factor } of (row.lost || []).filter(({ factor }) => Math.abs(factor - 1) > 0.005))
    add(term.replaceAll("_", " "), factor < 1e4 ? factor.toFixed(2) + "x" : "all of it");
  add("note", row.note);
  return [element("b", {}, row.id), list];
}

/// Pointer and arrow keys on a scatter chart, in the order of the measured values.
function explore(chart, points) {
  const view = chart.view, sorted = [...points].sort((a, b) => a.measured - b.measured);
  let at = -1;
  view.addEventListener("mousemove", (event, item) => {
    if (item && item.datum && item.datum.row !== undefined) showTooltip(details(shown[item.datum.row]), event.clientX, event.clientY);
    else hideTooltip();
  });
  view.addEventListener("mouseout", hideTooltip);
  chart.onblur = () => { hideTooltip(); mark(null); };
  function mark(point) {
    chart.querySelectorAll(".ring").forEach(ring => ring.remove());
    if (!point) return;
    const root = chart.querySelector("svg .root"), ring = document.createElementNS("http://www.w3.org/2000/svg", "circle");
    const place = { class: "ring", cx: view.scale("x")(point.measured), cy: view.scale("y")(point.predicted), r: 8, fill: "none", stroke: "currentColor", "stroke-width": 2 };
    for (const [name, value] of Object.entries(place)) ring.setAttribute(name, value);
    root.append(ring);
    const box = ring.getBoundingClientRect();
    showTooltip(details(shown[point.row]), box.right, box.bottom);
  }
  chart.onkeydown = event => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 25, PageDown: -25 }[event.key];
    if (event.key === "Escape") { at = -1; mark(null); hideTooltip(); return; }
    if (!sorted.length || (!step && event.key !== "Home" && event.key !== "End")) return;
    event.preventDefault();
    at = event.key === "Home" ? 0 : event.key === "End" ? sorted.length - 1 : Math.max(0, Math.min(sorted.length - 1, at + step));
    mark(sorted[at]);
  };
}

// ---- parts of the page

function drawScores() {
  const s = scores(shown);
  $("scores").replaceChildren(
    tile(percent(s.mean), "mean error of time"), tile(percent(s.median), "median error of time"), tile(percent(s.p90), "90th percentile"),
    tile(percent(s.speedup), "mean error of speedup"), tile(percent(s.winner), "winner predicted"),
    tile(s.rank === null ? "\u2013" : fixed(s.rank, 3), "rank correlation"));
  $("shown").value = `${shown.length} of ${rows.length} rows` + (s.failed ? `, ${s.failed} not simulated` : "");
}

/// Colour and shape of each name of the kind that colours the charts; the same whatever the filters.
function looks(kind, colours) {
  return new Map(data.names[kind].map((name, i) => [name, { colour: colours.categories[i % COLOURS], shape: SHAPES[Math.floor(i / COLOURS) % SHAPES.length] }]));
}

const PATHS = { circle: "M11 6A5 5 0 1 1 1 6A5 5 0 1 1 11 6", square: "M1.5 1.5h9v9h-9z", "triangle-up": "M6 1L11.5 11H.5z", diamond: "M6 0L12 6L6 12L0 6z", cross: "M4 0h4v4h4v4h-4v4h-4v-4h-4v-4h4z", "triangle-down": "M6 11L.5 1h11z" };

function drawLegend(kind, look) {
  const present = new Set(shown.map(row => row[kind]));
  $("legend").replaceChildren(...data.names[kind].filter(name => present.has(name)).sort().map(name => {
    const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg"), path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    icon.setAttribute("viewBox", "0 0 12 12");
    path.setAttribute("d", PATHS[look.get(name).shape]);
    path.setAttribute("fill", look.get(name).colour);
    icon.append(path);
    const chosen = form.elements[kind].value === name;
    return element("button", { type: "button", "aria-pressed": String(chosen), title: chosen ? "Show all" : "Show these alone",
      onclick: () => { form.elements[kind].value = chosen ? "" : name; update(); } }, icon, name || "(none)");
  }));
}

function drawScatter(colours) {
  const kind = form.elements.colour.value, look = looks(kind, colours);
  drawLegend(kind, look);
  for (const [id, predicted, measured, unit] of [["time-chart", "predicted_us", "measured_us", "us"], ["speedup-chart", "predicted_x", "measured_x", "x"]]) {
    const points = shown.flatMap((row, i) => row[predicted] === null || row[measured] === null ? []
      : [{ measured: row[measured], predicted: row[predicted], row: i, ...look.get(row[kind]) }]);
    const chart = $(id);
    chart.tabIndex = points.length ? 0 : -1;
    if (!points.length) { chart.replaceChildren(element("p", { class: "none" }, "No row here has this measurement.")); continue; }
    draw(chart, scatterSpec(points, chart.clientWidth, unit, colours), `${points.length} rows, predicted over measured ${unit === "us" ? "time" : "speedup"}; arrow keys walk along them`);
    chart.querySelector("svg").setAttribute("data-rows", points.length);
    explore(chart, points);
  }
}

function drawFamilies(colours) {
  const groups = new Map();
  for (const row of shown) {
    const key = JSON.stringify([row.op, row.pattern, row.device]);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(row);
  }
  const families = [...groups.keys()].sort().map(key => {
    const [op, pattern, device] = JSON.parse(key), members = groups.get(key);
    return { op, pattern, device, ...scores(members), errors: members.filter(row => row.error !== null).map(row => row.error) };
  });
  const bars = families.filter(family => family.errors.length).map(family => ({
    name: [family.op, family.pattern === "dense" ? "" : family.pattern, family.device].filter(Boolean).join(" \u00b7 "),
    mean: mean(family.errors), median: quantile(family.errors, 0.5), p90: quantile(family.errors, 0.9) }));
  const chart = $("family-chart");
  if (bars.length) {
    draw(chart, familySpec(bars, chart.clientWidth, colours), "Error of each group of rows; the table below has the same numbers");
  } else chart.replaceChildren();
  const number = (title, key, digits = 1) => ({ title, get: family => family[key], number: true, show: value => fixed(value, digits) });
  $("family-table").replaceChildren(table(families, [
    { title: "operation", get: family => family.op }, { title: "pattern", get: family => family.pattern }, { title: "device", get: family => family.device },
    number("rows", "rows", 0), { ...number("failed", "failed", 0), show: value => value ? String(value) : "" },
    number("mean time error %", "mean"), number("median", "median"), number("p90", "p90"),
    number("odd ids", "odd"), number("even ids", "even"), number("mean speedup error %", "speedup"),
    number("winner right %", "winner"), number("rank correlation", "rank", 3)]));
}

function drawWinners() {
  const outcome = row => !hasWinner(row) ? 1 : row.measured_x > 1 ? 0 : 2;
  const counts = [[0, 0], [0, 0], [0, 0]];
  for (const row of shown) if (row.speedupError !== null) ++counts[outcome(row)][row.predicted_x > 1 ? 0 : 1];
  const all = counts.flat().reduce((a, b) => a + b, 0);
  if (!all) { $("sign-matrix").replaceChildren(element("p", { class: "quiet" }, "No row here has a dense twin.")); return; }
  const kinds = [["right", "wrong"], ["neither", "neither"], ["wrong", "right"]], words = { right: "right", wrong: "wrong", neither: "not scored" };
  const names = ["measured faster than dense", "measured within 10 %", "measured slower than dense"];
  $("sign-matrix").replaceChildren(element("table", { class: "sign" },
    element("thead", {}, element("tr", {}, element("td"), element("th", { scope: "col" }, "predicted faster"), element("th", { scope: "col" }, "predicted slower"))),
    element("tbody", {}, ...counts.map((pair, i) => element("tr", {}, element("th", { scope: "row" }, names[i]),
      ...pair.map((count, k) => element("td", { class: kinds[i][k] }, element("b", {}, String(count)), words[kinds[i][k]])))))));
}

function drawVariance() {
  const chosen = data.variance.filter(entry => entry.op === "*" || ["op", "pattern"].every(kind => !form.elements[kind].value || form.elements[kind].value === entry[kind]));
  if (!chosen.length) { $("variance-table").replaceChildren(element("p", { class: "quiet" }, "No row here has a dense twin.")); return; }
  const share = (title, key) => ({ title, get: entry => entry[key], show: value => value === null ? ""
    : element("span", {}, element("span", { class: "bar" }, element("i", { style: `width:${Math.max(0, Math.min(1, value)) * 100}%` })), fixed(100 * value, 0) + " %") });
  $("variance-table").replaceChildren(
    element("div", { class: "scroll" }, table(chosen, [
      { title: "operation, pattern", get: entry => entry.op === "*" ? "all" : `${entry.op}, ${entry.pattern}` },
      { title: "rows", get: entry => entry.rows, number: true },
      share("declared sparsity", "sparsity"), share("access pattern", "features"), share("simulation", "simulation")])),
    element("p", { class: "quiet" }, "Share of the variance of the logarithm of measured speedup. The first two are least-squares fits, each row predicted by a fit to the " +
      `other four fifths; the access pattern is ${data.features}. The simulation is taken as it is. Published experience has access patterns explain about ` +
      `${fixed(100 * data.published_share, 0)} %. Over all rows of each kind, whatever the device and the file.`));
}

function drawWorst(colours) {
  const explained = shown.filter(row => row.lost && row.error !== null).sort((a, b) => b.error - a.error);
  const taken = new Map(), group = row => JSON.stringify([row.op, row.pattern, row.device]);
  const most = new Set(explained.map(group)).size > 1 ? WORST_OF_GROUP : WORST;
  const worst = explained.filter(row => {
    taken.set(group(row), (taken.get(group(row)) || 0) + 1);
    return taken.get(group(row)) <= most;
  }).slice(0, WORST);
  $("worst").hidden = !worst.length;
  const charts = worst.map(row => {
    const chart = element("div", { class: "chart" });
    const said = [row.measured_us === null ? "" : `${microseconds(row.predicted_us)} for ${microseconds(row.measured_us)} measured (${percent(row.timeError)})`,
      row.measured_x === null ? "" : `${times(row.predicted_x)} for ${times(row.measured_x)} measured (${percent(row.speedupError)})`].filter(Boolean).join("; ");
    return { row, chart, card: element("article", { class: "card", tabindex: 0 }, element("h3", {}, row.id),
      element("p", {}, [row.op, row.pattern, row.device].filter(Boolean).join(" \u00b7 ")), element("p", { class: "error" }, said), chart) };
  });
  $("waterfalls").replaceChildren(...charts.map(({ card }) => card));
  for (const { row, chart } of charts) {
    const speedup = row.measured_x !== null, unit = speedup ? "x" : "us";
    const fall = fallSteps(row.lost, speedup ? row.predicted_x : row.predicted_us, unit);
    draw(chart, waterfallSpec(fall, chart.clientWidth, unit, colours, speedup ? row.measured_x : row.measured_us), `From ideal to predicted ${speedup ? "speedup" : "time"} of ${row.id}`);
    chart.view.addEventListener("mousemove", (event, item) => item && item.datum && item.datum.kind ? showTooltip(details(row), event.clientX, event.clientY) : hideTooltip());
    chart.view.addEventListener("mouseout", hideTooltip);
  }
}

function drawFailures() {
  const reasons = new Map();
  for (const row of shown) if (row.reason !== null) reasons.set(row.reason, [...reasons.get(row.reason) || [], row]);
  $("failures").hidden = !reasons.size;
  $("failure-table").replaceChildren(table([...reasons], [{ title: "rows", get: ([, failed]) => failed.length, number: true },
    { title: "first", get: ([, failed]) => failed[0].id }, { title: "reason", get: ([reason]) => reason, wrap: true }]));
}

function drawChanges() {
  const c = data.changes;
  if (!c) return;
  const moved = (before, after, higherIsBetter) => {
    if (before === null || after === null) return "";
    const by = after - before, better = higherIsBetter ? by > data.same_error : by < -data.same_error, worse = higherIsBetter ? by < -data.same_error : by > data.same_error;
    return element("span", { class: better ? "better" : worse ? "worse" : null }, `${fixed(before)} \u2192 ${fixed(after)}` + (better ? " better" : worse ? " worse" : ""));
  };
  const pass = entry => entry.op === "*" || ["op", "pattern", "device"].every(kind => !form.elements[kind].value || form.elements[kind].value === entry[kind]);
  const same = q => q.better + q.worse === 0;
  const families = c.families.filter(pass).filter(f => f.op === "*" || !same(f.time) || !same(f.speedup) || f.failed_before !== f.failed_after), all = c.families[0].time;
  const row = change => [{ title: "row", get: e => e.id }, { title: "operation", get: e => e.op }, { title: "pattern", get: e => e.pattern }, { title: "device", get: e => e.device },
    { title: "what", get: e => e.what === "speedup" ? "speedup" : "time" }, { title: "measured", get: e => e.measured, number: true, show: (v, e) => e.what === "speedup" ? times(v) : microseconds(v) },
    { title: "before", get: e => e.predicted_before, number: true, show: (v, e) => e.what === "speedup" ? times(v) : microseconds(v) },
    { title: "now", get: e => e.predicted_after, number: true, show: (v, e) => e.what === "speedup" ? times(v) : microseconds(v) },
    { title: "error %", get: e => e.error_after - e.error_before, number: true, show: (v, e) => moved(e.error_before, e.error_after) }];
  const largest = (title, list) => [element("h3", {}, title), list.some(pass) ? element("div", { class: "scroll" }, table(list.filter(pass), row())) : element("p", { class: "quiet" }, "None.")];
  $("changes").hidden = false;
  $("changes").replaceChildren(element("h2", {}, `Changes against ${c.baseline}`),
    element("p", { class: "quiet" }, `${c.compared} rows compared, ${c.only_before} only there, ${c.only_after} only here, ${c.measured_anew} measured anew. ` +
      `Version ${c.version}, inputs ${c.inputs_hash}. Of the times ${all.better} are better and ${all.worse} worse by more than ${data.same_error} points. Groups without a change are left out.`),
    element("div", { class: "scroll" }, table(families, [
      { title: "operation", get: f => f.op === "*" ? "all" : f.op }, { title: "pattern", get: f => f.op === "*" ? "" : f.pattern }, { title: "device", get: f => f.op === "*" ? "" : f.device },
      { title: "rows", get: f => Math.max(f.time.rows, f.speedup.rows), number: true },
      { title: "time error %", get: f => f.time.after === null ? null : f.time.after - f.time.before, number: true, show: (v, f) => moved(f.time.before, f.time.after) },
      { title: "better", get: f => f.time.better, number: true }, { title: "worse", get: f => f.time.worse, number: true },
      { title: "speedup error %", get: f => f.speedup.after === null ? null : f.speedup.after - f.speedup.before, number: true, show: (v, f) => moved(f.speedup.before, f.speedup.after) },
      { title: "better", get: f => f.speedup.better, number: true }, { title: "worse", get: f => f.speedup.worse, number: true },
      { title: "winner right %", get: f => f.sign_accuracy_after, number: true, show: (v, f) => moved(f.sign_accuracy_before, f.sign_accuracy_after, true) }])),
    ...largest("Largest improvements", c.better), ...largest("Largest deteriorations", c.worse));
}

function drawFixed() {
  const p = data.provenance;
  $("subtitle").textContent = `sparsesim ${p.version}: ${rows.length} measured rows of ${data.names.file.length} files on ${p.machines.length} machines, inputs ${p.inputs_hash}`;
  $("fitted").querySelector("summary").textContent = `${data.fitted.length} constants of these machines were fitted to measured rows; all others are data-sheet values, measurements of the machine or guesses`;
  $("fitted-table").replaceChildren(table(data.fitted, ["machine", "constant", "value", "fitted to"].map((title, i) => ({ title, get: entry => entry[i], wrap: i === 3 }))));
  const entries = [["version", p.version], ["seed", String(p.seed)], ["inputs", p.inputs_hash], ["machines", p.machines.join(", ")],
    ["files", data.names.file.map(file => `${file} (${rows.filter(row => row.file === file).length} rows)`).join(", ")],
    ["baseline", data.changes ? `${data.changes.baseline}, version ${data.changes.version}, inputs ${data.changes.inputs_hash}` : "none"]];
  $("provenance").querySelector("dl").replaceChildren(...entries.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

function drawAll() {
  const colours = palette();
  hideTooltip();
  drawScores();
  drawScatter(colours);
  drawChanges();
  drawFamilies(colours);
  drawWinners();
  drawVariance();
  drawWorst(colours);
  drawFailures();
}

// ---- filters

/// Each list offers what the other filters leave.
function fillFilters() {
  for (const kind of FILTERS) {
    const select = form.elements[kind], chosen = select.value;
    const left = new Set(rows.filter(row => FILTERS.every(other => other === kind || !form.elements[other].value || row[other] === form.elements[other].value)).map(row => row[kind]));
    select.replaceChildren(element("option", { value: "" }, "all"), ...[...new Set([...data.names[kind]])].filter(name => name && (left.has(name) || name === chosen)).sort()
      .map(name => element("option", { value: name }, name)));
    select.value = chosen;
    select.parentElement.classList.toggle("unset", !chosen);
  }
}

function update() {
  fillFilters();
  shown = rows.filter(row => FILTERS.every(kind => !form.elements[kind].value || row[kind] === form.elements[kind].value));
  const hash = new URLSearchParams([...FILTERS, "colour"].map(kind => [kind, form.elements[kind].value]).filter(([kind, value]) => value && !(kind === "colour" && value === "op")));
  writeAddress(hash);
  drawAll();
}

/// Filters from the address, as report.html#op=spmm&device=rtx-3090; names that are not there are left out.
function readAddress() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  for (const kind of FILTERS) {
    const value = wanted.get(kind) ?? "", select = form.elements[kind];
    select.replaceChildren(element("option", { value: "" }, "all"), ...data.names[kind].filter(Boolean).map(name => element("option", { value: name }, name)));
    select.value = data.names[kind].includes(value) ? value : "";
  }
  const colour = wanted.get("colour");
  form.elements.colour.value = ["op", "pattern", "device"].includes(colour) ? colour : data.names.op.length > 1 ? "op" : data.names.pattern.length > 1 ? "pattern" : "device";
  return update();
}

form.addEventListener("change", update);
form.addEventListener("submit", event => event.preventDefault());
form.addEventListener("reset", event => { event.preventDefault(); for (const kind of FILTERS) form.elements[kind].value = ""; update(); });
addEventListener("hashchange", readAddress);

redrawWith(drawAll);
drawFixed();
readAddress();
