"use strict";
// The page of a recommendation: patterns ranked at a share of zeros, all of them by share, the front, one point in full.

const form = $("filters");
const shareText = share => Number((100 * share).toPrecision(4)) + "\u00a0%";
const kind = verdict => verdict.replaceAll(" ", "-");
const candidates = data.candidates.map((candidate, index) => ({ ...candidate, index,
  label: candidate.format === candidate.pattern || candidate.format === "any" || candidate.format === candidate.kind ? candidate.pattern : `${candidate.pattern} ${candidate.format}`,
  points: candidate.points.map(point => ({ ...point, candidate: index, runs: point.kernel !== null })) }));
const points = candidates.flatMap(candidate => candidate.points), shares = data.levels.map(level => level.sparsity);
const labelOf = point => { const candidate = candidates[point.candidate]; return candidate.label === candidate.pattern ? point.pattern : `${point.pattern} ${candidate.format}`; };
const pointAt = (candidate, share) => candidate.points.find(point => Math.abs(point.sparsity - share) < 1e-9);
const needed = candidate => candidate.needed_sparsity ?? 2;
const fastest = candidate => Math.max(...candidate.points.map(point => point.runs ? point.realised_speedup : 0));
const byNeed = [...candidates].sort((a, b) => needed(a) - needed(b) || fastest(b) - fastest(a) || a.index - b.index);
let chosen = null;

const verdictOf = verdict => element("span", { class: `verdict ${kind(verdict)}` }, verdict);
const level = () => shares[Number(form.elements.level.value)];
const passes = candidate => !form.elements.verdict.value || candidate.verdict === form.elements.verdict.value;

function ranked() {
  return candidates.filter(passes).map(candidate => pointAt(candidate, level())).filter(point => point && point.runs)
    .sort((a, b) => b.realised_speedup - a.realised_speedup || a.candidate - b.candidate);
}

function tip(point) {
  const list = element("dl"), add = (name, value) => { if (value) list.append(element("dt", {}, name), element("dd", {}, value)); };
  add("zeros", shareText(point.sparsity));
  add("kernel", point.kernel);
  add("verdict", point.verdict);
  add("decides", point.decides?.replaceAll("_", " "));
  add("reason", point.reason);
  if (point.quality !== null) add("quality", String(point.quality));
  return [element("b", {}, `${labelOf(point)}: ${point.runs ? times(point.realised_speedup) : point.verdict}`), list];
}

// ---- parts of the page

function drawScores() {
  const names = ["free", "nearly free", "pays", "never pays", "no kernel", "too large"];
  $("scores").replaceChildren(...names.flatMap(name => {
    const labels = candidates.filter(({ verdict }) => verdict === name).map(({ label }) => label).join(", ");
    if (!labels) return [];
    const out = tile(String(candidates.filter(({ verdict }) => verdict === name).length), ["free", "nearly free"].includes(name) ? `${name}: ${labels}` : name);
    out.title = labels;
    out.firstChild.className = `verdict ${kind(name)}`;
    return out;
  }));
}

function drawRanking(colours, at) {
  const chart = $("ranking-chart"), order = ranked();
  $("ranking").querySelector("h2").textContent = `Ranking at ${shareText(level())} zeros`;
  if (!order.length) { chart.replaceChildren(element("p", { class: "none" }, "No pattern with this verdict runs at this share of zeros.")); return; }
  const reach = 3 * order[0].realised_speedup;  // ideals beyond are not shown
  const labels = order.map(labelOf).reverse(), top = 1.22 * Math.max(data.target, order[0].realised_speedup, ...order.map(point => Math.min(point.ideal_speedup, reach)));
  const x = { type: "linear", domain: [0, top], title: "realised speedup", ticks: rounds(0, top, 7) };
  drawPlane(chart, x, { type: "band", labels, title: "" }, chart.clientWidth, 62 + 20 * order.length, colours,
    `Patterns by speedup at ${shareText(level())} zeros: ${order.slice(0, 5).map(point => `${labelOf(point)} ${times(point.realised_speedup)}`).join(", ")}`);
  const px = chart.view.scale("x"), step = chart.plot.height / order.length;
  const line = (value, y1, y2, attributes) => above(chart, "line", { x1: px(value), x2: px(value), y1, y2, ...attributes });
  const items = order.map((point, i) => ({ point, x: chart.plot.width / 2, y: (i + 0.5) * step, w: chart.plot.width, h: step }));
  line(1, 0, chart.plot.height, { stroke: colours.ink, "stroke-width": 1 });
  if (data.target <= top) line(data.target, 0, chart.plot.height, { stroke: colours.ink, "stroke-width": 1, "stroke-dasharray": "4 3" });
  for (const { point, y } of items) {
    const better = point.realised_speedup > 1;
    above(chart, "rect", { class: "bar", x: 0, y: y - step * 0.34, width: px(point.realised_speedup), height: step * 0.68, rx: 2,
      fill: better ? colours.bar : colours.paper, stroke: better ? colours.bar : colours.bad });
    if (point.ideal_speedup <= top) line(point.ideal_speedup, y - step * 0.36, y + step * 0.36, { stroke: colours.line, "stroke-width": 3 });
    write(chart.plot.over, times(point.realised_speedup) + (chart.plot.width > 300 ? `  ${point.verdict}` : ""), { x: px(point.realised_speedup) + 5, y: y + 4 }, colours);
  }
  explorePoints(chart, items, item => tip(item.point), item => choose(item.point));
  const mine = items.find(item => item.point === at);
  if (mine) outline(chart, mine, "chosen");
}

function drawMap(colours, at) {
  const scale = colourScale("ratio", points.filter(point => point.runs).map(point => point.realised_speedup), colours);
  $("map-key").replaceChildren(ramp(scale, "realised speedup", [element("span", { class: "none-key" }, "no kernel, or too large")]));
  const cell = share => ({ title: shareText(share), get: candidate => pointAt(candidate, share)?.realised_speedup ?? null, number: true, show: (_, candidate) => {
    const point = pointAt(candidate, share);
    if (!point) return "";
    const style = point.runs ? `background: ${scale.colour(point.realised_speedup)}; color: ${scale.ink(point.realised_speedup)}` : null;
    return element("button", { type: "button", class: (point.runs ? "" : "none") + (point === at ? " chosen" : ""), onclick: () => choose(point), title: point.reason, style },
      point.runs ? times(point.realised_speedup) : "\u2013");
  } });
  const made = table(byNeed.filter(passes), [{ title: "pattern", get: candidate => candidate.pattern }, { title: "format", get: candidate => candidate.format }, ...shares.map(cell),
    { title: `${data.target}x from`, get: candidate => candidate.needed_sparsity, number: true, show: value => value === null ? "\u2013" : shareText(value) },
    { title: "verdict", get: candidate => candidate.verdict, show: verdictOf }, { title: "decides", get: candidate => (candidate.decides ?? "").replaceAll("_", " ") }]);
  for (const td of made.querySelectorAll("td:has(> button)")) td.className = "cell";
  $("map-table").replaceChildren(made);
}

function drawFronts(colours, at) {
  const rated = points.filter(point => point.runs && point.quality !== null);
  $("quality").hidden = !rated.length;
  const dot = point => ({ point, cost: 1 - point.sparsity, gain: point.realised_speedup });
  const front = data.front.map(place => candidates[place.candidate].points.find(point => Math.abs(1 - point.sparsity - place.kept) < 1e-9));
  drawFrontChart($("front-chart"), points.filter(point => point.runs).map(dot), front.map(dot), null, colours, item => tip(item.point), item => choose(item.point), at);
  if (!rated.length) return;
  const sorted = [...rated].sort((a, b) => b.quality - a.quality || b.realised_speedup - a.realised_speedup), best = [];
  for (const point of sorted) if (!best.length || point.realised_speedup > best.at(-1).realised_speedup) best.push(point);
  const rating = point => ({ point, cost: point.quality, gain: point.realised_speedup });
  drawFrontChart($("quality-chart"), rated.map(rating), best.map(rating), "quality", colours, item => tip(item.point), item => choose(item.point), at);
}

function drawPoint(point, colours) {
  const card = $("point");
  if (!point) { card.replaceChildren(element("p", { class: "quiet" }, "Nothing runs here.")); return; }
  const list = element("dl"), add = (name, value) => { if (value !== null && value !== undefined) list.append(element("dt", {}, name), element("dd", {}, value)); };
  add("zeros", shareText(point.sparsity));
  add("format", candidates[point.candidate].format);
  add("kernel", point.kernel);
  if (point.runs) {
    add("time", `${microseconds(point.sparse_us)} for ${microseconds(data.dense_us)} dense`);
    add("ideal", `${times(point.ideal_speedup)}, of which ${percent(100 * point.realised_speedup / point.ideal_speedup)} come true`);
  }
  add("verdict", verdictOf(point.verdict));
  add("decides", point.decides?.replaceAll("_", " "));
  add("reason", point.reason);
  if (point.quality !== null) add("quality", String(point.quality));
  const chart = element("div", { class: "chart" }), speedup = point.realised_speedup;
  const side = !point.runs || speedup === 1 ? "" : speedup > 1 ? " better" : " worse";
  card.replaceChildren(element("h2", {}, labelOf(point)),
    element("div", { class: "speedup" + side }, point.runs ? times(speedup) : point.verdict, point.runs ? element("small", {}, " as fast as dense") : null),
    list, ...(point.lost.length ? [element("h3", {}, "From ideal to realised"), chart] : []));
  if (point.lost.length) drawFall(chart, point.lost, speedup, colours);
}

function drawAll() {
  const colours = palette(), at = chosen ?? ranked()[0] ?? null;
  hideTooltip();
  $("shown").value = `${candidates.filter(passes).length} of ${candidates.length} patterns`;
  drawScores();
  drawPoint(at, colours);
  drawRanking(colours, at);
  keepingFocus($("map-table"), () => drawMap(colours, at));
  drawFronts(colours, at);
  document.documentElement.dataset.drawn = "1";
}

// ---- view

function choose(point) {
  chosen = point;
  update();
}

function update() {
  const out = new URLSearchParams();
  if (form.elements.level.value !== "0") out.set("zeros", String(level()));
  if (form.elements.verdict.value) out.set("verdict", form.elements.verdict.value);
  if (chosen) out.set("point", `${labelOf(chosen)}@${chosen.sparsity}`);
  writeAddress(out);
  drawAll();
}

function readAddress() {
  const wanted = new URLSearchParams(location.hash.slice(1)), at = shares.findIndex(share => String(share) === wanted.get("zeros")), verdict = wanted.get("verdict") ?? "";
  form.elements.level.value = String(Math.max(0, at));
  form.elements.verdict.value = candidates.some(candidate => candidate.verdict === verdict) ? verdict : "";
  chosen = points.find(point => `${labelOf(point)}@${point.sparsity}` === wanted.get("point")) ?? null;
  update();
}

$("subtitle").textContent = `${data.op} of ${data.workload} on ${data.substrate}: activations ${data.m} x ${data.k} ` +
  `times weights ${data.k} x ${data.n}, ${data.dtype}; dense ${microseconds(data.dense_us)}, seed ${data.seed}`;
form.elements.level.replaceChildren(...shares.map((share, i) => element("option", { value: String(i) }, shareText(share))));
form.elements.verdict.replaceChildren(element("option", { value: "" }, "all"),
  ...[...new Set(candidates.map(({ verdict }) => verdict))].map(verdict => element("option", { value: verdict }, verdict)));
form.addEventListener("change", event => { if (event.target.name === "level") chosen = null; update(); });
form.addEventListener("submit", event => event.preventDefault());
addEventListener("hashchange", readAddress);
redrawWith(drawAll);
readAddress();
