"use strict";
// The points of a sweep: columns, what a point is called, everything that is known of one.

/// A column as a list: [...], {values, index} or {value}.
function expand(column, count) {
  if (column === undefined) return new Array(count).fill(null);
  if (Array.isArray(column)) return column;
  return "value" in column ? new Array(count).fill(column.value) : column.index.map(i => column.values[i]);
}

/// A parameter with its values in order: numbers rise, other texts come as in the sweep. at[p] is the place of point p's value.
function readParameter({ path, values, numbers, index }) {
  const order = values.map((_, i) => i), place = [];
  if (numbers && numbers.some(number => number !== 0 && !(Math.abs(number) > 1e-30 && Math.abs(number) < 1e30))) numbers = null;  // nothing that an axis could show
  if (numbers) order.sort((a, b) => numbers[a] - numbers[b]);
  order.forEach((i, k) => { place[i] = k; });
  return { path, label: path, values: order.map(i => values[i]), numbers: numbers && order.map(i => numbers[i]), at: Int32Array.from(index, i => place[i]) };
}

/// Names parameters by the last two steps of their paths where these tell them apart.
function nameParameters(parameters) {
  const short = parameters.map(({ path }) => path.split(".").slice(-2).join("."));
  parameters.forEach((parameter, i) => { if (short.indexOf(short[i]) === short.lastIndexOf(short[i])) parameter.label = short[i]; });
}

function readSweep(raw) {
  const column = name => expand(raw.columns[name], raw.points);
  const sweep = { title: raw.title, count: raw.points, planned: raw.planned, parameters: raw.parameters.map(readParameter), terms: raw.terms,
    factors: raw.factors.map(factors => expand(factors, raw.points)) };
  for (const name of ["position", "substrate_name", "workload_name", "dense_us", "sparse_us", "ideal_speedup", "coverage", "bound_dense", "bound_sparse", "error", "ops"])
    sweep[name === "ops" ? "opCount" : name] = column(name);
  nameParameters(sweep.parameters);
  sweep.varying = sweep.parameters.filter(parameter => parameter.values.length > 1);
  // A file from elsewhere may hold anything: what has no times and no ideal does not run.
  const sound = p => [sweep.dense_us[p], sweep.sparse_us[p], sweep.ideal_speedup[p]].every(value => value > 1e-9 && value < 1e15);
  sweep.error = sweep.error.map((error, p) => error ?? (sound(p) ? null : "no times"));
  sweep.speedup = sweep.dense_us.map((dense, p) => sweep.error[p] !== null ? null : dense / sweep.sparse_us[p]);
  sweep.share = sweep.speedup.map((speedup, p) => speedup === null ? null : speedup / sweep.ideal_speedup[p]);
  sweep.kept = sweep.ideal_speedup.map((ideal, p) => sweep.error[p] !== null ? null : 1 / ideal);
  sweep.opStart = [0];
  for (const count of sweep.opCount) sweep.opStart.push(sweep.opStart.at(-1) + count);
  sweep.ops = raw.ops && Object.fromEntries(Object.entries(raw.ops).map(([name, values]) => [name, expand(values, sweep.opStart.at(-1))]));
  return sweep;
}

const QUANTITIES = {
  speedup: { title: "realised speedup", kind: "ratio", show: times },
  sparse_us: { title: "sparse time", kind: "time", show: microseconds, unit: "us" },
  dense_us: { title: "dense time", kind: "time", show: microseconds, unit: "us" },
  share: { title: "share of the ideal speedup", kind: "share", show: value => percent(100 * value) },
  coverage: { title: "coverage", kind: "share", show: value => percent(100 * value) },
};

/// The unit that a parameter's values are written in, and what its numbers (in SI units) are to be multiplied with for it.
function unitOf({ values, numbers }) {
  const unit = /[a-zA-Z/]+$/.exec(values[0]), k = numbers.findIndex(number => number !== 0);
  return unit && k >= 0 && values.every(value => value.endsWith(unit[0])) ? { unit: unit[0], factor: parseFloat(values[k]) / numbers[k] } : { unit: "", factor: 1 };
}

const valueOf = (parameter, p) => parameter.values[parameter.at[p]];
const settingText = (sweep, p) => sweep.varying.map(parameter => `${parameter.label} = ${brief(valueOf(parameter, p))}`).join(", ") || "the only point";

/// Children of the tooltip of a point.
function pointTip(sweep, p, more = []) {
  const list = element("dl");
  const add = (name, value) => list.append(element("dt", {}, name), element("dd", {}, value));
  for (const parameter of sweep.varying) add(parameter.label, brief(valueOf(parameter, p)));
  if (sweep.error[p] !== null) add("cannot run", sweep.error[p]);
  else {
    add("time", `${microseconds(sweep.sparse_us[p])} for ${microseconds(sweep.dense_us[p])} dense`);
    add("of the ideal", percent(100 * sweep.share[p]));
  }
  for (const [name, value] of more) add(name, value);
  return [element("b", {}, sweep.error[p] === null ? times(sweep.speedup[p]) : "does not run"), list];
}

/// A word of a POSIX shell.
const quoted = text => /^[\w.,:/=+-]+$/.test(text) ? text : "'" + text.replaceAll("'", "'\\''") + "'";

/// The command that simulates this point alone with its waterfall.
function waterfallCommand(sweep, p) {
  const value = text => /[,:[\]{}#&*!|>'"%@`]|^\s|\s$/.test(text) ? JSON.stringify(text) : text;
  const words = sweep.parameters.map(parameter => ["substrate", "workload"].includes(parameter.path)
    ? `--${parameter.path} ${quoted(valueOf(parameter, p))}` : `--vary ${quoted(`${parameter.path}=${value(valueOf(parameter, p))}`)}`);
  return ["sparsesim sweep", ...words, "--waterfall --out point.sqlite --html point.html"].join(" ");
}

/// Everything known of a point, in the page's card. `why` says how it was chosen.
function drawPoint(sweep, p, why, colours) {
  const card = $("point");
  if (p === null) { card.replaceChildren(element("p", { class: "quiet" }, "No point is left.")); return; }
  const list = element("dl"), add = (name, value) => { if (value !== null && value !== "") list.append(element("dt", {}, name), element("dd", {}, value)); };
  const runs = sweep.error[p] === null, speedup = sweep.speedup[p];
  if (runs) {
    add("sparse", microseconds(sweep.sparse_us[p]) + (sweep.bound_sparse[p] ? `, bound by ${sweep.bound_sparse[p]}` : ""));
    add("dense", microseconds(sweep.dense_us[p]) + (sweep.bound_dense[p] ? `, bound by ${sweep.bound_dense[p]}` : ""));
    add("ideal", `${times(sweep.ideal_speedup[p])}, of which ${percent(100 * sweep.share[p])} come true`);
    add("coverage", `sparse kernels replace ${percent(100 * sweep.coverage[p])} of the dense time`);
  } else add("reason", sweep.error[p]);
  const setting = element("dl");
  for (const parameter of sweep.parameters) setting.append(element("dt", { title: parameter.path }, parameter.label), element("dd", {}, valueOf(parameter, p)));
  const chart = element("div", { class: "chart" });
  card.replaceChildren(element("h2", {}, why),
    element("div", { class: "speedup" + (runs && speedup > 1 ? " better" : runs && speedup < 1 ? " worse" : "") },
      runs ? times(speedup) : "cannot run", runs ? element("small", {}, " as fast as dense") : null),
    setting, list, ...opTable(sweep, p), ...(runs ? [element("h3", {}, "From ideal to realised"), chart] : []));
  if (!runs) return;
  const known = sweep.terms.map((term, i) => ({ term, factor: sweep.factors[i][p] })).filter(({ factor }) => factor !== null);
  const lost = known.length ? known : [{ term: "lost", factor: sweep.ideal_speedup[p] / speedup }];
  drawFall(chart, lost, speedup, colours);
  if (!known.length)
    card.append(element("p", { class: "quiet hint" }, "The sweep was run without --waterfall. What took the rest of this point:"), element("code", {}, waterfallCommand(sweep, p)));
}

function opTable(sweep, p) {
  const from = sweep.opStart[p], to = sweep.opStart[p + 1];
  if (from === to) return [];
  if (!sweep.ops) return [element("p", { class: "quiet" }, `${to - from} ops, which are too many for this page with all points: sparsesim export --table ops has them.`)];
  const o = sweep.ops, rows = Array.from({ length: to - from }, (_, i) => from + i);
  const reasons = rows.filter(i => o.fallback[i]);
  if (rows.length === 1 && !reasons.length) return [element("p", { class: "quiet" }, `One op: ${o.name[from]}, ${o.kind[from]}${o.pattern[from] ? ", " + o.pattern[from] : ""}`)];
  return [element("h3", {}, `${rows.length} op${rows.length > 1 ? "s" : ""}`), element("div", { class: "scroll" }, table(rows, [
    { title: "op", get: i => o.name[i] + (o.repeat[i] > 1 ? ` \u00d7 ${o.repeat[i]}` : "") }, { title: "kind", get: i => [o.kind[i], o.pattern[i]].filter(Boolean).join(", ") },
    { title: "dense us", get: i => o.dense_us[i], number: true, show: value => microseconds(value).replace("\u00a0us", "") },
    { title: "sparse us", get: i => o.sparse_us[i], number: true, show: value => microseconds(value).replace("\u00a0us", "") },
    { title: "speedup", get: i => o.dense_us[i] / o.sparse_us[i], number: true, show: times }])),
    ...reasons.map(i => element("p", { class: "quiet fallback" }, `${o.name[i]} runs densely: ${o.fallback[i]}`))];
}
