"use strict";
// Parallel coordinates: a line per point through an axis per parameter; a drag along an axis keeps the points that pass there.

const AXES_MOST = 12;        // more do not fit side by side
const LINES_MOST = 25000;    // of more points every second, third ... is painted
const LINES_AT_ONCE = 5000;  // painted between two looks at the page
const DISTINCT = 40;         // more values of a number are an axis of numbers, not a step each

/// An axis: {label, key, place(p): 0..1 from below, ticks: [{at, text}], range(low, high): the filter of a stretch, span(filter): its stretch}.
function parameterAxis(parameter) {
  const n = parameter.values.length;
  let at = k => (k + 0.5) / n, label = parameter.label, ticks;
  if (parameter.numbers && n > DISTINCT) {
    const { factor, unit } = unitOf(parameter), low = parameter.numbers[0] * factor, high = parameter.numbers[n - 1] * factor, log = geometric(parameter.numbers);
    const place = value => log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
    at = k => place(parameter.numbers[k] * factor);
    ticks = (log ? spread(decades(low, high), 12) : rounds(low, high, 8)).map(value => ({ at: place(value), text: String(value) }));
    if (unit) label += `, ${unit}`;
  } else ticks = spread(parameter.values.map((_, k) => k), 12).map(k => ({ at: at(k), text: brief(parameter.values[k]) }));
  return {
    label, ticks, key: parameter.path, place: p => at(parameter.at[p]),
    /// Values whose places lie in a stretch; one that holds none takes the nearest.
    range(low, high) {
      let first = -1, last = -1;
      for (let k = 0; k < n; ++k) if (at(k) >= low && at(k) <= high) { if (first < 0) first = k; last = k; }
      if (first < 0) { const middle = (low + high) / 2; for (let k = first = 0; k < n; ++k) if (Math.abs(at(k) - middle) < Math.abs(at(first) - middle)) first = k; last = first; }
      return [first, last];
    },
    span: ([first, last]) => [n > DISTINCT ? at(first) : at(first) - 0.5 / n, n > DISTINCT ? at(last) : at(last) + 0.5 / n],
  };
}

/// The axis of the realised speedup, logarithmic.
function speedupAxis(sweep) {
  let low = Infinity, high = 0;
  for (const value of sweep.speedup) if (value !== null) { low = Math.min(low, value); high = Math.max(high, value); }
  if (!(low < high)) { low /= 1.1; high = low * 1.21; }
  const at = value => Math.log(value / low) / Math.log(high / low), value = t => low * (high / low) ** t;
  return { label: "speedup", key: "speedup", place: p => at(sweep.speedup[p]), ticks: spread(decades(low, high), 8).map(v => ({ at: at(v), text: v + "x" })),
    range: (from, to) => [Number(value(from).toPrecision(3)), Number(value(to).toPrecision(3))],
    span: ([from, to]) => [Math.max(0, at(from)), Math.min(1, at(to))] };
}

/// all  points in the order in which they are painted; colour(p); filters by key, brush(key, filter or null). Returns when all is painted.
function drawParallel(chart, sweep, all, colour, filters, brush, colours, done) {
  const points = spread(all, LINES_MOST);
  const axes = [...sweep.varying.slice(0, AXES_MOST - 1).map(parameterAxis), speedupAxis(sweep)];
  const height = 300, top = 30, bottom = 10, side = 70, width = chart.clientWidth - 2 * side;
  const x = i => side + (axes.length > 1 ? i * width / (axes.length - 1) : width / 2), y = t => top + height * (1 - t);
  const size = { width: chart.clientWidth, height: top + height + bottom };
  const root = svg("svg", { ...size, role: "img", "aria-label": `${points.length} points as lines through ${axes.map(axis => axis.label).join(", ")}` });
  const whole = document.body.classList.contains("paper"), ratio = whole ? 2 : Math.max(1, devicePixelRatio);
  const canvas = element("canvas", { width: size.width * ratio, height: size.height * ratio, "aria-hidden": "true", style: `width: ${size.width}px; height: ${size.height}px` });
  chart.replaceChildren(canvas, root);
  axes.forEach((axis, i) => drawAxis(root, axis, x(i), y, i, axes.length, filters.get(axis.key), brush, colours, width / Math.max(1, axes.length - 1)));
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.globalAlpha = Math.max(0.12, Math.min(0.8, 60 / Math.sqrt(points.length * 4)));
  context.lineWidth = points.length > 3000 ? 0.8 : 1.1;
  const places = axes.map(axis => points.map(p => y(axis.place(p))));
  let at = 0;
  const token = chart.token = {};
  (function some() {
    if (chart.token !== token) return;
    for (const end = whole ? points.length : Math.min(points.length, at + LINES_AT_ONCE); at < end; ++at) {
      context.strokeStyle = colour(points[at]);
      context.beginPath();
      for (let i = 0; i < axes.length; ++i) context[i ? "lineTo" : "moveTo"](x(i), places[i][at]);
      context.stroke();
    }
    if (at < points.length) requestAnimationFrame(some); else done();
  })();
}

function drawAxis(root, axis, x, y, i, count, filter, brush, colours, room) {
  const first = i === 0, last = i === count - 1;
  const text = (content, attributes, most) => {
    const letters = Math.max(5, Math.floor(most / 6.2)), cut = content.length > letters;
    const out = write(root, cut ? content.slice(0, letters - 1) + "\u2026" : content, attributes, colours);
    if (cut) out.append(svg("title", {})), out.lastChild.textContent = content;
  };
  root.append(svg("line", { x1: x, x2: x, y1: y(0), y2: y(1), stroke: colours.quiet }));
  text(axis.label, { x: first ? x - 60 : last ? x + 60 : x, y: y(1) - 14, "text-anchor": first ? "start" : last ? "end" : "middle", "font-weight": 600 }, Math.min(170, room - 10));
  for (const tick of axis.ticks) {
    root.append(svg("line", { x1: x - 3, x2: x + 3, y1: y(tick.at), y2: y(tick.at), stroke: colours.quiet }));
    text(tick.text, { x: last ? x + 7 : x - 7, y: y(tick.at) + 4, "text-anchor": last ? "start" : "end" }, Math.min(64, room - 14));
  }
  const band = svg("rect", { class: "brush", x: x - 8, width: 16, y: 0, height: 0 });
  const show = (low, high) => { band.setAttribute("y", y(high)); band.setAttribute("height", Math.max(2, y(low) - y(high))); };
  if (filter) { show(...axis.span(filter)); root.append(band); }
  const grip = svg("rect", { class: "grip", "data-axis": axis.key, x: x - 16, width: 32, y: y(1) - 4, height: y(0) - y(1) + 8 });
  let start = null;
  const place = event => {
    const from = y(0), to = y(1);
    return Math.max(0, Math.min(1, (from - (event.clientY - root.getBoundingClientRect().top)) / (from - to)));
  };
  grip.addEventListener("pointerdown", event => {
    start = place(event);
    grip.setPointerCapture(event.pointerId);
    root.insertBefore(band, grip);
    show(start, start);
    event.preventDefault();
  });
  grip.addEventListener("pointermove", event => { if (start !== null) { const now = place(event); show(Math.min(start, now), Math.max(start, now)); } });
  grip.addEventListener("pointerup", event => {
    if (start === null) return;
    const low = Math.min(start, place(event)), high = Math.max(start, place(event));
    start = null;
    brush(axis.key, high - low < 0.012 ? null : axis.range(low, high));
  });
  root.append(grip);
}
