"use strict";
// Charts: Vega specifications, and the few lines that run Vega's modules, which are written for `require`.

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

const SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"];
const COLOURS = 8;

/// The page's colours as they are now; charts have no style sheet.
function palette() {
  const style = getComputedStyle(document.documentElement);
  const colour = name => style.getPropertyValue("--" + name).trim();
  return {
    ink: colour("ink"), quiet: colour("quiet"), line: colour("line"), grid: colour("grid"), paper: colour("paper"),
    good: colour("good"), bad: colour("bad"), bar: colour("bar"), block: colour("block"), card: colour("card"), band10: colour("band10"), band20: colour("band20"),
    categories: Array.from({ length: COLOURS }, (_, i) => colour("c" + i)),
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

/// Predicted over measured on log axes, the diagonal with its bands of 20 and 10 %.
///
/// points  {measured, predicted, category}; unit  "us" or "x"
function scatterSpec(points, width, unit, colours) {
  const values = points.flatMap(point => [point.measured, point.predicted]);
  const low = Math.min(...values) / 1.25, high = Math.max(...values) * 1.25;
  const band = share => [
    { x: low, low: low * (1 - share), high: low * (1 + share) },
    { x: high, low: high * (1 - share), high: high * (1 + share) },
  ];
  const area = (name, colour) => ({
    type: "area", from: { data: name }, interactive: false, clip: true,
    encode: { enter: { x: { scale: "x", field: "x" }, y: { scale: "y", field: "low" }, y2: { scale: "y", field: "high" }, fill: { value: colour } } },
  });
  const axis = (orient, scale, title) => ({
    orient, scale, title, values: decades(low, high), format: "~r", grid: true, ticks: false, domain: false, labelOverlap: true, zindex: 0,
  });
  const size = Math.min(width, 640);
  const diameter = points.length > 1500 ? 22 : points.length > 300 ? 34 : 50;
  const times = unit === "us" ? "time in us" : "speedup";
  return {
    width: size, height: Math.min(size - 60, 450), padding: 4, autosize: { type: "fit-x", contains: "padding" }, config: config(colours),
    data: [
      { name: "wide", values: band(0.2) }, { name: "narrow", values: band(0.1) }, { name: "points", values: points },
    ],
    scales: [
      { name: "x", type: "log", domain: [low, high], range: "width" },
      { name: "y", type: "log", domain: [low, high], range: "height" },
    ],
    axes: [axis("bottom", "x", "measured " + times), axis("left", "y", "predicted " + times)],
    marks: [
      area("wide", colours.band20), area("narrow", colours.band10),
      ...(unit === "x" && low < 1 && high > 1 ? ["x", "y"].map(scale => ({
        type: "rule", interactive: false,
        encode: { enter: scale === "x"
          ? { x: { scale: "x", value: 1 }, y: { value: 0 }, y2: { signal: "height" }, stroke: { value: colours.quiet }, strokeDash: { value: [3, 3] } }
          : { y: { scale: "y", value: 1 }, x: { value: 0 }, x2: { signal: "width" }, stroke: { value: colours.quiet }, strokeDash: { value: [3, 3] } } },
      })) : []),
      { name: "rows", type: "symbol", from: { data: "points" },
        encode: { enter: {
          x: { scale: "x", field: "measured" }, y: { scale: "y", field: "predicted" }, size: { value: diameter },
          shape: { field: "shape" }, fill: { field: "colour" }, fillOpacity: { value: points.length > 300 ? 0.55 : 0.75 },
          stroke: { value: colours.paper }, strokeWidth: { value: 0.3 }, cursor: { value: "crosshair" },
        } } },
      { type: "rule", interactive: false, encode: { enter: { x: { scale: "x", value: low }, y: { scale: "y", value: low }, x2: { scale: "x", value: high }, y2: { scale: "y", value: high }, stroke: { value: colours.ink }, strokeWidth: { value: 0.75 } } } },
    ],
  };
}

/// Errors of the groups: a bar from zero to the mean, a tick at the median, a whisker to the 90th percentile.
function familySpec(groups, width, colours) {
  const label = Math.min(268, Math.floor(width * 0.5)), step = 20;
  const worst = Math.max(30, ...groups.map(group => group.p90));
  const ticks = [0, 5, 10, 20, 40, 80, 160, 320, 640, 1280].filter(tick => tick <= worst * 1.1);
  const centre = { scale: "y", field: "name", band: 0.5 };
  return {
    width: width - label - 16, height: groups.length * step, padding: { left: label, right: 16, top: 4, bottom: 22 }, autosize: "none",
    config: config(colours), data: [{ name: "groups", values: groups }],
    scales: [
      { name: "x", type: "sqrt", domain: [0, worst * 1.05], range: "width" },
      { name: "y", type: "band", domain: groups.map(group => group.name), range: "height", padding: 0.3 },
    ],
    axes: [
      { orient: "bottom", scale: "x", values: ticks, grid: true, ticks: false, domain: false, labelOverlap: true },
      { orient: "left", scale: "y", ticks: false, domain: false, labelPadding: 8, labelLimit: label - 14, labelColor: colours.ink },
    ],
    marks: [
      ...[10, 20].map(at => ({ type: "rule", interactive: false, encode: { enter: { x: { scale: "x", value: at }, y: { value: 0 }, y2: { signal: "height" }, stroke: { value: colours.quiet }, strokeDash: { value: [2, 3] } } } })),
      { name: "means", type: "rect", from: { data: "groups" }, encode: { enter: { x: { scale: "x", value: 0 }, x2: { scale: "x", field: "mean" }, y: { scale: "y", field: "name" }, height: { scale: "y", band: 1 }, fill: { value: colours.bar }, cornerRadius: { value: 2 } } } },
      { type: "rule", from: { data: "groups" }, interactive: false, encode: { enter: { x: { scale: "x", field: "median" }, x2: { scale: "x", field: "p90" }, y: centre, stroke: { value: colours.ink }, strokeWidth: { value: 1 } } } },
      { type: "symbol", from: { data: "groups" }, interactive: false, encode: { enter: { x: { scale: "x", field: "median" }, y: centre, shape: { value: "stroke" }, angle: { value: 90 }, size: { value: 90 }, stroke: { value: colours.ink }, strokeWidth: { value: 2 } } } },
    ],
  };
}

/// From ideal to predicted on a log axis: each step a bar from before to after, then the prediction and the measured line.
///
/// steps  {name, from, to, kind}, kind one of start, loss, gain, end; unit  "us" or "x"
function waterfallSpec(steps, measured, width, unit, colours) {
  const values = [measured, ...steps.flatMap(step => [step.from, step.to])].filter(value => value > 0);
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
  const taken = step => Math.abs(pixel(step.to) - pixel(measured)) < 13;
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
      { type: "rule", interactive: false, encode: { enter: { x: { value: 0 }, x2: { signal: "width" }, y: { scale: "y", value: measured }, stroke: { value: colours.ink }, strokeWidth: { value: 1.25 }, strokeDash: { value: [4, 2] } } } },
      ...[3, 0].flatMap(halo => ends.map(step => text({ x: { scale: "x", value: step.name, band: 0.5 }, y: { scale: "y", value: step.to }, align: { value: "center" }, text: { value: rounded(step.to) } }, halo))),
      ...[3, 0].map(halo => text({ x: side.x, y: { scale: "y", value: measured }, align: { value: side.align }, text: { value: "measured " + rounded(measured) } }, halo)),
    ],
  };
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
