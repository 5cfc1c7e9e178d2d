"use strict";
// The view of a sweep's page: lists, filters, address.

let view = null;  // what the filters leave

function drawAll() {
  if (!sweep) return;
  const colours = palette();
  hideTooltip();
  const { runs, fail } = view = passing();
  const best = bySpeedup(runs).at(-1) ?? fail[0] ?? null, at = chosen ?? best;
  drawScores(view);
  drawMap(view, colours, at);
  drawPoint(sweep, at, chosen === null ? (sweep.count === 1 ? "The point" : "The best point") : `Point ${sweep.position[at]}`, colours);
  drawFront(view, colours, at);
  keepingFocus($("best-table"), () => drawBest(view));
  drawFailures(view);
  const lines = sweep.varying.length > 1 && runs.length > 0;
  $("parallel").hidden = !lines;
  performance.mark("charts");  // all but the lines, which come in parts
  const done = () => { document.documentElement.dataset.drawn = String(Number(document.documentElement.dataset.drawn ?? 0) + 1); performance.mark("drawn"); };
  if (!lines) { done(); return; }
  const part = Math.ceil(runs.length / LINES_MOST);
  $("parallel-words").textContent = part > 1 ? `A line is a point; one in ${part} is drawn.` : "A line is a point.";
  // Lines about 1x, or of the least value, would be lost on the paper.
  const darker = { ...colours, diverging: colours.diverging.map((colour, i) => i === 2 ? colours.block : colour), sequential: [colours.block, ...colours.sequential.slice(1)] };
  const show = form.elements.show.value, scale = colourScale(QUANTITIES[show].kind, runs.map(p => sweep[show][p]), darker);
  drawParallel($("parallel-chart"), sweep, bySpeedup(runs), p => scale.colour(sweep[show][p]), filters, (key, filter) => {
    if (filter) filters.set(key, filter); else filters.delete(key);
    update();
  }, colours, done);
}

function choose(point) {
  chosen = point;
  update();
}

/// The lists of values, as the filters have them.
function fillValues() {
  const listed = sweep.varying.filter(parameter => parameter.values.length <= LISTED);
  $("values").replaceChildren(...listed.map(parameter => {
    const filter = filters.get(parameter.path), one = filter && filter[0] === filter[1];
    const select = element("select", { "data-path": parameter.path, onchange: event => {
      event.stopPropagation();
      if (select.value === "") filters.delete(parameter.path); else if (select.value !== "range") filters.set(parameter.path, [Number(select.value), Number(select.value)]);
      update();
    } }, element("option", { value: "" }, "all"), ...(filter && !one ? [element("option", { value: "range" }, `${parameter.values[filter[0]]} to ${parameter.values[filter[1]]}`)] : []),
    ...parameter.values.map((value, k) => element("option", { value: String(k) }, value)));
    select.value = filter ? (one ? String(filter[0]) : "range") : "";
    return element("label", { class: filter ? null : "unset", title: parameter.path }, parameter.label + " ", select);
  }));
}

/// What the address says is what is shown: sweep, axes, colour, line, filters, point; what is as at first is left out.
function update() {
  keepingFocus($("values"), fillValues);
  const out = new URLSearchParams(), first = defaults();
  if (data.sweeps.length > 1 && form.elements.sweep.value !== "0") out.set("sweep", form.elements.sweep.value);
  for (const name of ["x", "y", "show", "of", "line"]) if (form.elements[name].value !== first[name]) out.set(name, form.elements[name].value);
  for (const [key, [low, high]] of filters) {
    const parameter = parameterOf(key), text = k => parameter ? parameter.values[k] : String(k);
    out.set(key, low === high ? text(low) : `${text(low)}~${text(high)}`);
  }
  if (chosen !== null) out.set("point", String(sweep.position[chosen]));
  writeAddress(out);
  drawAll();
}

/// Axes at first: zeros, then whatever number has the most values.
function defaults() {
  const rank = ({ path, numbers, values }) => path === "workload.seed" ? -1
    : (/sparsity$/.test(path) ? 1e9 : 0) + (numbers ? 4e8 : 0) + (path.startsWith("workload.") ? 2e8 : 0) + values.length;
  const order = [...sweep.varying].sort((a, b) => rank(b) - rank(a));
  return { x: order[0]?.path ?? "", y: order[1]?.path ?? "speedup", show: "speedup", of: "best", line: "1" };
}

function fillLists() {
  const options = list => list.map(([value, text]) => element("option", { value }, text));
  const parameters = sweep.varying.map(parameter => [parameter.path, parameter.label]);
  form.elements.x.replaceChildren(...options(parameters));
  form.elements.y.replaceChildren(...options([...parameters, ...["speedup", "sparse_us", "dense_us", "share"].map(key => [key, QUANTITIES[key].title])]));
  form.elements.show.replaceChildren(...options(Object.entries(QUANTITIES).map(([key, { title }]) => [key, title])));
  for (const label of document.querySelectorAll("#filters .look")) label.hidden = !sweep.varying.length;
  form.hidden = sweep.count < 2 && data.sweeps.length < 2;
  document.querySelector(".sweep").hidden = data.sweeps.length < 2;
}

const several = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;

function openSweep(number) {
  sweep = readSweep(data.sweeps[number]);
  filters = new Map();
  chosen = null;
  fillLists();
  for (const [name, value] of Object.entries(defaults())) form.elements[name].value = value;
  const title = sweep.title || "Sweep", fixedOnes = sweep.parameters.filter(parameter => parameter.values.length === 1);
  document.title = document.querySelector("h1").textContent = title;
  $("subtitle").textContent = `sparsesim ${data.version}: ${several(sweep.count, "point")}` + (sweep.count < sweep.planned ? ` of ${sweep.planned}; the sweep is not complete` : "") +
    (sweep.varying.length ? `, ${several(sweep.varying.length, "parameter")}` : "") + fixedOnes.map(parameter => `, ${parameter.label} = ${parameter.values[0]}`).join("");
  const names = list => [...new Set(list)].filter(Boolean).join(", ");
  const rows = [["points", `${sweep.count} of ${sweep.planned}`], ...sweep.parameters.map(parameter => [parameter.path, parameter.values.length > 12
    ? `${parameter.values.length} values, ${parameter.values[0]} to ${parameter.values.at(-1)}` : parameter.values.join(", ")]),
    ["machines", names(sweep.substrate_name)], ["workloads", names(sweep.workload_name)], ["version", data.version]];
  $("provenance").querySelector("dl").replaceChildren(...rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

/// What the address asks for; names that are not there are left out.
function readAddress() {
  const wanted = new URLSearchParams(location.hash.slice(1)), number = wanted.get("sweep");
  if (!data.sweeps.length) { $("content").replaceChildren(element("p", {}, "There is no sweep in this file.")); form.hidden = true; return; }
  form.elements.sweep.value = data.sweeps[number] ? number : "0";
  openSweep(Number(form.elements.sweep.value));
  if (!sweep.count) { $("content").replaceChildren(element("p", {}, "No point of this sweep has been simulated yet.")); form.hidden = true; return; }
  for (const name of ["x", "y", "show", "of"]) {
    const value = wanted.get(name);
    if (value !== null && [...form.elements[name].options].some(option => option.value === value)) form.elements[name].value = value;
  }
  if (Number(wanted.get("line")) > 0) form.elements.line.value = wanted.get("line");
  for (const parameter of sweep.varying) {
    const text = wanted.get(parameter.path), place = value => parameter.values.indexOf(value);
    if (text === null) continue;
    const one = place(text), parts = text.split("~").map(place), range = one >= 0 ? [one, one] : parts;
    if (range.length === 2 && range[0] >= 0 && range[1] >= range[0]) filters.set(parameter.path, range);
  }
  const bounds = wanted.get("speedup")?.split("~").map(Number);
  if (bounds?.length === 2 && bounds[0] <= bounds[1]) filters.set("speedup", bounds);
  const point = sweep.position.indexOf(Number(wanted.get("point") ?? NaN));
  chosen = point >= 0 ? point : null;
  update();
}

form.elements.sweep.replaceChildren(...data.sweeps.map(({ title }, i) => element("option", { value: String(i) }, title || `sweep ${i + 1}`)));
form.addEventListener("change", event => {
  if (event.target.name === "sweep") openSweep(Number(form.elements.sweep.value));
  update();
});
form.addEventListener("submit", event => event.preventDefault());
form.addEventListener("reset", event => {
  event.preventDefault();
  filters.clear();
  chosen = null;
  update();
});
addEventListener("hashchange", readAddress);
redrawWith(drawAll);
readAddress();
