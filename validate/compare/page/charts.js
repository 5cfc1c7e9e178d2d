"use strict";
// The charts of the report: Vega specifications.

const SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"];

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
