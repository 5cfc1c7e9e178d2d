"use strict";
// What charts share: the few lines that run Vega's modules, which are written for `require`; colours, axes, waterfalls.

const vega = (() => {
  const loaded = {};
  const names = { "vega-selections": "vega-selection" };
  function require(name) {
    const file = names[name] || name;
    if (!loaded[file]) {
      if (!modules[file]) return {};
      const module = { exports: {} };
      loaded[file] = module;
      modules[file].call(module.exports, module.exports, module, require);
    }
    return loaded[file].exports;
  }
  const { transforms } = require("vega-dataflow");
  for (const name of ["vega-transforms", "vega-view-transforms", "vega-encode"]) Object.assign(transforms, require(name));
  return { parse: require("vega-parser").parse, View: require("vega-view").View };
})();

const COLOURS = 8;

/// The page's colours as they are now; charts have no style sheet.
function palette() {
  const style = getComputedStyle(document.documentElement);
  const colour = name => style.getPropertyValue("--" + name).trim();
  return {
    ink: colour("ink"), quiet: colour("quiet"), line: colour("line"), grid: colour("grid"), paper: colour("paper"),
    good: colour("good"), bad: colour("bad"), bar: colour("bar"), block: colour("block"), card: colour("card"), none: colour("none-wash"), band10: colour("band10"), band20: colour("band20"),
    categories: Array.from({ length: COLOURS }, (_, i) => colour("c" + i)),
    diverging: [0, 1, 2, 3, 4].map(i => colour("d" + i)), sequential: [0, 1, 2].map(i => colour("s" + i)),
  };
}

function config(colours) {
  return {
    background: "transparent",
    axis: {
      labelColor: colours.quiet, titleColor: colours.quiet, gridColor: colours.grid, domainColor: colours.line,
      tickColor: colours.line, labelFont: "system-ui, sans-serif", titleFont: "system-ui, sans-serif", labelFontSize: 11,
      titleFontSize: 11.5, titleFontWeight: "normal", titlePadding: 8,
    },
    text: { font: "system-ui, sans-serif" },
  };
}

function decades(low, high) {
  const out = [];
  for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); ++e)
    for (const step of high / low < 3000 ? [1, 2, 5] : [1]) {
      const value = step * 10 ** e;
      if (value >= low && value <= high) out.push(Number(value.toPrecision(3)));
    }
  return out;
}

/// Steps of a waterfall: from the ideal through every term {term, factor} to `end`, a speedup ("x") or a time ("us").
/// What is all of the time (an exchange that ideally takes none) starts the fall.
function fallSteps(lost, end, unit) {
  const before = (value, factor) => unit === "x" ? value * factor : value / factor;
  const after = (value, factor) => unit === "x" ? value / factor : value * factor;
  let value = lost.reduce((product, { factor }) => before(product, factor), end), terms = lost;
  const first = terms.findIndex(({ factor }) => factor > 1e4);
  if (first >= 0) { value = terms.slice(first + 1).reduce((product, { factor }) => product / factor, end); terms = terms.slice(first + 1); }
  const out = [{ name: first >= 0 ? lost[first].term.replaceAll("_", " ") : "ideal", from: value, to: value, kind: "start" }];
  for (const { term, factor } of terms) {
    const next = after(value, factor);
    if (Math.abs(factor - 1) >= 0.005) out.push({ name: term.replaceAll("_", " "), from: value, to: next, kind: factor > 1 ? "loss" : "gain" });
    value = next;
  }
  out.push({ name: "predicted", from: end, to: end, kind: "end" });
  return out;
}

/// From ideal to predicted on a log axis: each step a bar from before to after, then the prediction and the line of what
/// was measured, if it was.
///
/// steps  {name, from, to, kind}, kind one of start, loss, gain, end; unit  "us" or "x"
function waterfallSpec(steps, width, unit, colours, measured = null) {
  const values = [...(measured === null ? [] : [measured]), ...steps.flatMap(step => [step.from, step.to])].filter(value => value > 0);
  const low = Math.min(...values) / 1.3, high = Math.max(...values) * 1.3;
  const fill = { start: colours.block, end: colours.block, loss: colours.bad, gain: colours.good };
  const bars = steps.map(step => ({
    ...step, top: Math.max(step.from, step.to), bottom: step.kind === "start" || step.kind === "end" ? low : Math.min(step.from, step.to),
    fill: step.kind === "gain" ? colours.card : fill[step.kind], stroke: fill[step.kind],
  }));
  const rounded = value => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)) + (unit === "x" ? "x" : "");
  const ends = steps.filter(step => step.kind === "start" || step.kind === "end");
  // The measured value is written at the right, unless the label of a bar is there: then at the left or between them.
  const height = 118, pixel = value => height * Math.log(value / low) / Math.log(high / low);
  const taken = step => measured !== null && Math.abs(pixel(step.to) - pixel(measured)) < 13;
  const side = !taken(ends[1]) ? { x: { signal: "width" }, align: "right" } : !taken(ends[0]) ? { x: { value: 0 }, align: "left" } : { x: { signal: "width / 2" }, align: "center" };
  const text = (place, halo) => ({ type: "text", interactive: false, encode: { enter: {
    ...place, dy: { value: -4 }, fontSize: { value: 10 }, fill: { value: colours.ink },
    ...(halo ? { stroke: { value: colours.card }, strokeWidth: { value: halo } } : {}) } } });
  return {
    width: width - 52, height, padding: { left: 44, right: 8, top: 16, bottom: 62 }, autosize: "none", config: config(colours),
    data: [{ name: "steps", values: bars }],
    scales: [
      { name: "x", type: "band", domain: steps.map(step => step.name), range: "width", padding: 0.25 },
      { name: "y", type: "log", domain: [low, high], range: "height" },
    ],
    axes: [
      { orient: "left", scale: "y", values: decades(low, high).slice(0, 8), format: "~r", grid: true, ticks: false, domain: false, labelOverlap: true, labelFontSize: 10 },
      { orient: "bottom", scale: "x", ticks: false, domain: false, labelAngle: -40, labelAlign: "right", labelBaseline: "middle", labelFontSize: 10, labelLimit: 90, labelPadding: 4 },
    ],
    marks: [
      { name: "bars", type: "rect", from: { data: "steps" }, encode: { enter: {
        x: { scale: "x", field: "name" }, width: { scale: "x", band: 1 }, y: { scale: "y", field: "top" }, y2: { scale: "y", field: "bottom" },
        fill: { field: "fill" }, stroke: { field: "stroke" }, strokeWidth: { value: 1 }, tooltip: { field: "text" },
      } } },
      ...(measured === null ? [] : [{ type: "rule", interactive: false, encode: { enter: { x: { value: 0 }, x2: { signal: "width" }, y: { scale: "y", value: measured }, stroke: { value: colours.ink }, strokeWidth: { value: 1.25 }, strokeDash: { value: [4, 2] } } } }]),
      ...[3, 0].flatMap(halo => ends.map(step => text({ x: { scale: "x", value: step.name, band: 0.5 }, y: { scale: "y", value: step.to }, align: { value: "center" }, text: { value: rounded(step.to) } }, halo))),
      ...(measured === null ? [] : [3, 0]).map(halo => text({ x: side.x, y: { scale: "y", value: measured }, align: { value: side.align }, text: { value: "measured " + rounded(measured) } }, halo)),
    ],
  };
}

/// Draws the waterfall of a speedup, terms {term, factor}.
function drawFall(chart, lost, speedup, colours) {
  draw(chart, waterfallSpec(fallSteps(lost, speedup, "x"), chart.clientWidth, "x", colours), "Waterfall from the ideal to the realised speedup: " +
    lost.map(({ term, factor }) => `${term.replaceAll("_", " ")} ${factor.toFixed(2)}x`).join(", "));
}

/// Draws a specification into an element as SVG; the view that was there goes. Returns the view.
function draw(element, spec, label) {
  if (element.view) element.view.finalize();
  element.replaceChildren();
  const view = new vega.View(vega.parse(spec), { renderer: "svg", container: element, hover: false, logLevel: 1 });
  view.tooltip(() => {});
  view.run();
  const svg = element.querySelector("svg");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  element.view = view;
  return view;
}
