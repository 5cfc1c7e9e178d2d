"use strict";
// The front of a gain against a cost.

const DOTS_MOST = 25000;  // of more, every second, third ... is painted behind a front

/// Speedup against a cost, the front as a line. Dots are {point, cost, gain}; without a `title` the cost is the share of the work that
/// is kept, and the ideal is 1 over it. `chosen` is a point that is outlined.
function drawFrontChart(chart, dots, front, title, colours, tell, choose, chosen) {
  const x = numberAxis(dots.map(({ cost }) => cost), title ?? "share of the work that is kept"), y = numberAxis(dots.map(({ gain }) => gain), "realised speedup");
  if (!title) x.format = ".3~p";
  drawPlane(chart, x, y, chart.clientWidth, 330, colours, `${front.length} points on the front of ${dots.length}; the arrow keys walk along them`);
  const px = chart.view.scale("x"), py = chart.view.scale("y"), items = front.map(dot => ({ ...dot, x: px(dot.cost), y: py(dot.gain) }));
  paintPlot(chart, (context, width, height) => {
    context.fillStyle = context.strokeStyle = colours.quiet;
    context.globalAlpha = dots.length > 1000 ? 0.25 : 0.45;
    for (const { cost, gain } of spread(dots, DOTS_MOST)) context.fillRect(px(cost) - 1.25, py(gain) - 1.25, 2.5, 2.5);
    context.globalAlpha = 1;
    if (!title) {
      context.save();
      context.rect(0, 0, width, height);
      context.clip();
      context.setLineDash([4, 3]);
      context.beginPath();
      for (let k = 0; k <= 100; ++k) { const kept = px.invert(k / 100 * width); if (kept > 0) context.lineTo(px(kept), py(1 / kept)); }
      context.stroke();
      context.restore();
    }
    context.strokeStyle = context.fillStyle = colours.good;
    context.lineWidth = 2;
    context.beginPath();
    items.forEach((item, i) => { if (i) context.lineTo(item.x, items[i - 1].y); context.lineTo(item.x, item.y); });
    context.stroke();
    for (const item of items) { context.beginPath(); context.arc(item.x, item.y, 3.5, 0, 2 * Math.PI); context.fill(); }
  });
  explorePoints(chart, items, tell, choose);
  const mine = items.find(item => item.point === chosen);
  if (mine) outline(chart, mine, "chosen");
}
