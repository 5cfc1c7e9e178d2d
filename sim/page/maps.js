"use strict";
// Maps and curves of many points: axes are Vega's, the points are painted on a canvas between them and what marks them.

const hex = text => [1, 3, 5].map(i => parseInt(text.slice(i, i + 2), 16));

/// Colours for the values of a quantity: `kind` is "ratio" (diverging about 1 on a log axis, equal ratios equally strong), "time" (log)
/// or "share" (linear from 0). Returns {colour(value), ink(value), ticks: [{at: 0..1, text}], gradient}.
function colourScale(kind, values, colours) {
  const stops = (kind === "ratio" ? colours.diverging : colours.sequential).map(hex), last = stops.length - 1;
  const mixed = Array.from({ length: 129 }, (_, k) => {
    const at = Math.min(last - 1e-9, k / 128 * last), i = Math.floor(at);
    return stops[i].map((low, c) => Math.round(low + (at - i) * (stops[i + 1][c] - low)));
  });
  const rgb = mixed.map(c => `rgb(${c.join(" ")})`);
  const dark = mixed.map(([r, g, b]) => 0.299 * r + 0.587 * g + 0.114 * b < 140);
  const sorted = values.filter(value => value > 0).sort((a, b) => a - b), end = sorted.length - 1;
  // The outer hundredth does not wash out the others' colours.
  const low = sorted[Math.floor(0.01 * end)] ?? 1, high = sorted[Math.ceil(0.99 * end)] ?? 1;
  let place, ticks;
  if (kind === "ratio") {
    const reach = Math.max(Math.log2(1.25), Math.abs(Math.log2(low)), Math.abs(Math.log2(high)));
    place = value => 0.5 + Math.log2(value) / (2 * reach);
    const wanted = [1, 10, 0.1, 2, 0.5, 5, 0.2, 20, 0.05, 100, 0.01, 3, 0.3, 30, 0.03, 1.5, 1.2, 0.8, 0.7].map(v => ({ at: place(v), text: v + "x" }));
    ticks = [];
    for (const tick of wanted) if (tick.at >= 0 && tick.at <= 1 && ticks.every(other => Math.abs(other.at - tick.at) > 0.14)) ticks.push(tick);
  } else if (kind === "time") {
    const span = Math.max(Math.log(high / low), 1e-9);
    place = value => Math.log(value / low) / span;
    ticks = spread(decades(low, high), 5).map(v => ({ at: place(v), text: v + " us" }));
  } else {
    const top = Math.max(high, 1e-9);
    place = value => value / top;
    ticks = [0, 0.25, 0.5, 0.75, 1].map(t => ({ at: t, text: fixed(100 * t * top, 0) + " %" }));
  }
  const index = value => Math.round(128 * Math.max(0, Math.min(1, place(value))));
  return { colour: value => rgb[index(value)], ink: value => dark[index(value)] ? "#ffffff" : "#14171b", ticks,
    gradient: `linear-gradient(to right, ${rgb.filter((_, k) => k % 8 === 0).join(", ")})` };
}

/// Round numbers between two others, equally far apart, about `count` of them.
function rounds(low, high, count) {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough)), step = ([1, 2, 5].find(k => k * power >= rough) ?? 10) * power;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.min(2 * count, Math.floor(high / step) - first + 1) || 0 }, (_, i) => Number(((first + i) * step).toPrecision(6)));
}

/// A value as a label: of a long number four digits.
const brief = text => text.replace(/-?\d+\.\d{4,}/g, number => String(Number(Number(number).toPrecision(4))));

/// The same of many, as long as they stay different.
function briefly(texts) {
  const short = texts.map(brief);
  return new Set(short).size === texts.length ? short : texts;
}

/// At most `most` of a list, evenly.
function spread(list, most) {
  const step = Math.ceil(list.length / most);
  return list.filter((_, i) => i % step === 0);
}

/// The colours' legend, and what else there is: `extra` are elements.
function ramp(scale, title, extra = []) {
  return element("div", { class: "key" }, element("span", {}, title),
    element("div", { class: "ramp" }, element("div", { style: `background: ${scale.gradient}` }),
      ...scale.ticks.map(tick => element("span", { style: `left: ${(100 * tick.at).toFixed(2)}%` }, tick.text))), ...extra);
}

const lineKey = text => element("span", { class: "line-key" }, text);

/// Whether numbers, in rising order, are spaced by ratios rather than by differences.
function geometric(numbers) {
  const low = numbers[0], high = numbers.at(-1), middle = numbers[Math.floor(numbers.length / 2)];
  return low > 0 && high / low >= 8 && Math.abs(middle - Math.sqrt(low * high)) < Math.abs(middle - (low + high) / 2);
}

/// An axis of numbers: log where they span much, unless `log` says otherwise. Returns {type, domain, ticks?}.
function numberAxis(values, title, pad = 0.04, log = true) {
  let low = Infinity, high = -Infinity;
  for (const value of values) { if (value < low) low = value; if (value > high) high = value; }
  if (!(low <= high)) { low = 0; high = 1; }
  if (log && low > 0 && high / low >= 8) {
    const by = (high / low) ** pad;
    return { type: "log", domain: [low / by, high * by], title, ticks: decades(low / by, high * by) };
  }
  const by = (high - low || Math.abs(high) || 1) * pad;
  return { type: "linear", domain: [low - by, high + by], title };
}

const ruler = document.createElement("canvas").getContext("2d");
function widest(texts) {
  ruler.font = "11px system-ui, sans-serif";
  return texts.reduce((most, text) => Math.max(most, ruler.measureText(text).width), 0);
}

/// Draws two axes and nothing between them, in a width and height that include their labels. An axis is {type: "band", labels, title} or
/// what numberAxis() returns. The chart has the place of its plot then: chart.plot = {left, top, width, height, over: an SVG above it}.
function drawPlane(chart, x, y, width, height, colours, label) {
  const labelOf = value => Number(value.toPrecision(4)).toLocaleString("en");
  const wide = axis => Math.min(150, axis.type === "band" ? widest(axis.labels) : axis.ticks ? widest(axis.ticks.map(labelOf)) : 38);
  const padding = { left: Math.ceil(wide(y)) + 34, right: 14, top: 8, bottom: 44 };
  padding.right = Math.min(40, Math.max(14, Math.ceil(wide(x) / 2)));
  const inner = width - padding.left - padding.right, step = x.type === "band" ? inner / x.labels.length : 0;
  const turned = x.type === "band" && wide(x) > step - 4 && x.labels.length <= 24;
  if (turned) padding.bottom = 36 + Math.ceil(Math.min(110, wide(x)) * 0.64);
  const plot = { left: padding.left, top: padding.top, width: inner, height: height - padding.top - padding.bottom };
  const scale = (name, axis, range) => axis.type === "band"
    ? { name, type: "band", domain: axis.labels, range, reverse: name === "y" }
    : { name, type: axis.type, domain: axis.domain, range, zero: false, nice: false };
  const axis = (orient, name, { type, title, ticks, format }) => ({
    orient, scale: name, title, ticks: type === "band", tickSize: 3, domain: false, grid: type !== "band", labelOverlap: true, labelSeparation: 4,
    labelLimit: orient === "left" ? 150 : 110, ...(ticks ? { values: ticks } : {}), ...(type === "band" ? {} : { format: format ?? "~r" }),
    ...(orient === "bottom" && turned ? { labelAngle: -35, labelAlign: "right", labelBaseline: "middle", labelOverlap: false } : {}),
  });
  draw(chart, {
    width: plot.width, height: plot.height, padding, autosize: "none", config: config(colours),
    scales: [scale("x", x, "width"), scale("y", y, "height")], axes: [axis("bottom", "x", x), axis("left", "y", y)],
  }, label);
  plot.over = svg("svg", { class: "over", width: plot.width, height: plot.height, style: `left: ${plot.left}px; top: ${plot.top}px`, "aria-hidden": "true" });
  chart.append(plot.over);
  chart.plot = plot;
}

/// Where a value lies along an axis, in pixels: the middle of its band.
function pixels(view, name, axis) {
  const scale = view.scale(name);
  if (axis.type !== "band") return scale;
  const half = scale.bandwidth() / 2;
  return label => scale(label) + half;
}

const SVG = "http://www.w3.org/2000/svg";
function svg(tag, attributes) {
  const out = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) out.setAttribute(name, value);
  return out;
}

/// Paints on a chart's plot: paint(context, width, height) in its pixels.
function paintPlot(chart, paint) {
  const { left, top, width, height } = chart.plot;
  const ratio = document.body.classList.contains("paper") ? 2 : Math.max(1, devicePixelRatio);
  const canvas = element("canvas", { width: Math.ceil(width * ratio), height: Math.ceil(height * ratio), "aria-hidden": "true",
    style: `left: ${left}px; top: ${top}px; width: ${width}px; height: ${height}px` });
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  paint(context, width, height);
  chart.insertBefore(canvas, chart.plot.over);
}

/// Adds an SVG element above all else of a plot.
function above(chart, tag, attributes) {
  const out = svg(tag, attributes);
  chart.plot.over.append(out);
  return out;
}

/// Writes into an SVG element, with a rim that keeps the text apart from what is below it.
function write(parent, content, attributes, colours) {
  const out = svg("text", { "font-size": 11, "font-family": "system-ui, sans-serif", fill: colours.ink, stroke: colours.paper, "stroke-width": 3, "paint-order": "stroke", ...attributes });
  out.textContent = content;
  parent.append(out);
  return out;
}

const CELL_TEXT = [40, 17];  // least width and height of a cell that holds its number

/// Paints a heat map's cells {x, y, w, h}, their numbers where they have room. value(cell) is null where there is none; show(value) is its text.
function paintCells(chart, cells, scale, value, show, colours) {
  if (!cells.length) return;
  const { w, h } = cells[0], gap = Math.min(w, h) > 9 ? 1 : -0.5, written = w >= CELL_TEXT[0] && h >= CELL_TEXT[1];
  paintPlot(chart, context => {
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const cell of cells) {
      const v = value(cell);
      context.fillStyle = v === null ? colours.none : scale.colour(v);
      context.fillRect(cell.x - w / 2, cell.y - h / 2, w - gap, h - gap);
      if (!written) continue;
      context.fillStyle = v === null ? colours.quiet : scale.ink(v);
      context.fillText(v === null ? "\u2013" : show(v), cell.x, cell.y);
    }
  });
  chart.dataset.cells = cells.length;
}

/// Segments [x0, y0, x1, y1], in cells from the lower left corner, along which a grid of values passes a target. Smooth: between
/// the middles of cells, on a log scale; else along the borders of cells. value(i, j) is null where there is none.
function contour(nx, ny, value, target, smooth) {
  const out = [];
  const side = (i, j) => { const v = i < 0 || j < 0 || i >= nx || j >= ny ? null : value(i, j); return v === null ? null : v > target; };
  if (!smooth) {
    const differ = (a, b) => a !== null && b !== null && a !== b;
    for (let i = 0; i < nx; ++i)
      for (let j = 0; j < ny; ++j) {
        if (differ(side(i, j), side(i + 1, j))) out.push([i + 1, j, i + 1, j + 1]);
        if (differ(side(i, j), side(i, j + 1))) out.push([i, j + 1, i + 1, j + 1]);
      }
    return out;
  }
  const inside = (k, n) => Math.max(0, Math.min(n - 1, k)), place = (k, n) => Math.max(0, Math.min(n, k + 0.5));
  for (let i = -1; i < nx; ++i)
    for (let j = -1; j < ny; ++j) {
      const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]].map(([a, b]) => {
        const v = value(inside(a, nx), inside(b, ny));
        return v === null ? null : { x: place(a, nx), y: place(b, ny), v: Math.log(v / target), pays: v > target };
      });
      const cuts = [];
      for (let k = 0; k < 4; ++k) {
        const a = corners[k], b = corners[(k + 1) % 4];
        if (!a || !b || a.pays === b.pays) continue;
        const t = a.v / (a.v - b.v);
        cuts.push([a.x + t * (b.x - a.x), a.y + t * (b.y - a.y)]);
      }
      if (corners.includes(null)) {  // beside a cell without a value the line ends in the middle
        const middle = [(place(i, nx) + place(i + 1, nx)) / 2, (place(j, ny) + place(j + 1, ny)) / 2];
        for (const cut of cuts) out.push([...cut, ...middle]);
        continue;
      }
      for (let k = 0; k + 1 < cuts.length; k += 2) out.push([...cuts[k], ...cuts[k + 1]]);
    }
  return out;
}

/// The line on a chart, in the plot's pixels, with a rim that keeps it apart from any colour.
function drawContour(chart, segments, colours) {
  if (!segments.length) return;
  const path = segments.map(([a, b, c, d]) => `M${a.toFixed(1)} ${b.toFixed(1)}L${c.toFixed(1)} ${d.toFixed(1)}`).join("");
  for (const [stroke, width] of [[colours.paper, 5], [colours.ink, 2.25]])
    above(chart, "path", { class: "break-even", d: path, fill: "none", stroke, "stroke-width": width, "stroke-linecap": "round" });
}

/// Pointer and keys on points of a chart. items  {x, y} in the plot's pixels, with {w, h} where they are cells; `tell(item)` gives the
/// tooltip's children, `choose(item)` is called for a click, Enter or Space; arrow keys go to the nearest item in their direction.
function explorePoints(chart, items, tell, choose) {
  const { left, top } = chart.plot;
  let at = null, ring = null;
  function mark(item) {
    at = item;
    ring?.remove();
    ring = null;
    if (item) ring = outline(chart, item, "ring");
  }
  function under(event) {
    const box = chart.getBoundingClientRect(), x = event.clientX - box.left - left, y = event.clientY - box.top - top;
    let best = null, nearest = 12 ** 2;
    for (const item of items) {
      if (item.w) { if (Math.abs(x - item.x) * 2 <= item.w && Math.abs(y - item.y) * 2 <= item.h) return item; continue; }
      const far = (x - item.x) ** 2 + (y - item.y) ** 2;
      if (far < nearest) { nearest = far; best = item; }
    }
    return best;
  }
  chart.onmousemove = event => {
    const item = under(event);
    chart.style.cursor = item ? "pointer" : "";
    if (item === at && item) return;
    mark(item);
    if (item) showTooltip(tell(item), event.clientX, event.clientY); else hideTooltip();
  };
  chart.onmouseleave = chart.onblur = () => { mark(null); hideTooltip(); };
  chart.onclick = event => { const item = under(event); if (item) choose(item); };
  const ways = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  chart.onkeydown = event => {
    if (event.key === "Escape") { mark(null); hideTooltip(); return; }
    if ((event.key === "Enter" || event.key === " ") && at) { event.preventDefault(); choose(at); return; }
    const way = ways[event.key];
    if (!way || !items.length) return;
    event.preventDefault();
    let next = at ? null : items[0], least = Infinity;
    if (at) for (const item of items) {
      const along = (item.x - at.x) * way[0] + (item.y - at.y) * way[1], aside = Math.abs((item.x - at.x) * way[1]) + Math.abs((item.y - at.y) * way[0]);
      if (along > 0.01 && along + 8 * aside < least) { least = along + 8 * aside; next = item; }
    }
    if (!next) return;
    mark(next);
    const box = chart.getBoundingClientRect();
    showTooltip(tell(next), box.left + left + next.x + (next.w ?? 0) / 2, box.top + top + next.y + (next.h ?? 0) / 2);
  };
}

/// Outlines a cell or a dot.
function outline(chart, item, name) {
  return item.w
    ? above(chart, "rect", { class: name, x: item.x - item.w / 2, y: item.y - item.h / 2, width: item.w, height: item.h })
    : above(chart, "circle", { class: name, cx: item.x, cy: item.y, r: 7 });
}
