"use strict";
// What every page has: its data, elements made of text nodes alone, tables that sort, a tooltip, colours, paper.

const data = JSON.parse(document.getElementById("data").textContent);
const $ = id => document.getElementById(id);

function element(tag, attributes = {}, ...children) {
  const out = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) out.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) out.setAttribute(name, value === true ? "" : value);
  }
  out.append(...children.filter(child => child !== null && child !== undefined));
  return out;
}

const fixed = (value, digits = 1) => value === null || value === undefined || Number.isNaN(value) ? "" : value.toFixed(digits);
const percent = value => value === null || value === undefined ? "\u2013" : fixed(value) + "\u00a0%";
const microseconds = value => value === null ? "\u2013" : value >= 100 ? value.toFixed(0) + "\u00a0us" : value.toPrecision(3) + "\u00a0us";
const times = value => value === null ? "\u2013" : value.toFixed(2) + "x";

function mean(values) { return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null; }

/// Linear between ranks, as the program's own.
function quantile(values, share) {
  if (!values.length) return null;
  const sorted = [...values].sort((a, b) => a - b), at = share * (sorted.length - 1), low = Math.floor(at);
  return sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
}

/// A number with what it is.
const tile = (value, text) => element("div", { class: "tile" }, element("b", {}, value), element("span", {}, text));

/// columns  {title, get(item), number, show(value), sort: false}; `get` may return an element. Titles sort where there is more than one row.
/// attributes  {fixed: titles do not sort; choose(item): called for a click on a row, whose first cell becomes a button}
function table(items, columns, attributes = {}) {
  let by = null, down = true;
  const body = element("tbody"), heads = [];
  function fill() {
    const order = [...items];
    if (by) order.sort((a, b) => {
      const x = by.get(a), y = by.get(b);
      if (x === null || y === null) return (x === null) - (y === null);
      return (typeof x === "number" ? x - y : String(x).localeCompare(String(y))) * (down ? -1 : 1);
    });
    const choose = attributes.choose;
    body.replaceChildren(...order.map(item => element("tr", { class: choose ? "pick" : null, ...(choose ? { onclick: () => choose(item) } : {}) }, ...columns.map((column, i) => {
      const value = column.get(item), text = column.show ? column.show(value, item) : value ?? "";
      return element("td", { class: column.number ? "number" : column.wrap ? "wrap" : null }, choose && i === 0 ? element("button", { type: "button", class: "plain" }, text) : text);
    }))));
    heads.forEach((head, i) => head.setAttribute("aria-sort", columns[i] === by ? (down ? "descending" : "ascending") : "none"));
  }
  for (const column of columns) {
    const sort = () => { down = by === column ? !down : Boolean(column.number); by = column; fill(); };
    heads.push(element("th", { scope: "col", class: column.number ? "number" : null },
      items.length > 1 && !attributes.fixed ? element("button", { type: "button", onclick: sort }, column.title) : column.title));
  }
  fill();
  return element("table", {}, element("thead", {}, element("tr", {}, ...heads)), body);
}


function showTooltip(children, x, y) {
  const tip = $("tooltip");
  tip.replaceChildren(...children);
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = Math.max(8, x + 16 + box.width > innerWidth ? x - box.width - 16 : x + 16) + "px";
  tip.style.top = Math.max(8, Math.min(y + 14, innerHeight - box.height - 8)) + "px";
}

function hideTooltip() { $("tooltip").hidden = true; }

/// Draws what is in an element anew; whoever had the focus there, by number, has it again.
function keepingFocus(container, drawn) {
  const controls = () => [...container.querySelectorAll("button, select")], at = controls().indexOf(document.activeElement);
  drawn();
  if (at >= 0) controls()[at]?.focus({ preventScroll: true });
}

/// The part of the address behind #, as parameters; the same view again when it is opened.
function writeAddress(parameters) {
  const address = parameters.toString() ? "#" + parameters : location.pathname + location.search;
  try { history.replaceState(null, "", address); } catch { /* a viewer that keeps its own address */ }
}

// ---- colours, width, paper

const prefersDark = matchMedia("(prefers-color-scheme: dark)");
let theme = "auto";
function applyTheme(name) {
  theme = name;
  document.documentElement.dataset.theme = name === "auto" ? (prefersDark.matches ? "dark" : "light") : name;
  for (const button of document.querySelectorAll(".theme button")) button.setAttribute("aria-pressed", String(button.dataset.theme === name));
}
applyTheme("auto");

/// Calls `draw` whenever colours or width change, and for paper, which is white and narrow.
function redrawWith(draw) {
  for (const button of document.querySelectorAll(".theme button"))
    button.addEventListener("click", () => { applyTheme(button.dataset.theme); draw(); });
  prefersDark.addEventListener("change", () => { if (theme === "auto") { applyTheme("auto"); draw(); } });
  addEventListener("scroll", hideTooltip, { passive: true });
  let width = innerWidth, timer = null, before = null;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    clearTimeout(timer);
    timer = setTimeout(draw, 120);
  });
  addEventListener("beforeprint", () => {
    before = theme;
    document.body.classList.add("paper");
    applyTheme("light");
    draw();
  });
  addEventListener("afterprint", () => {
    document.body.classList.remove("paper");
    applyTheme(before ?? "auto");
    before = null;
    draw();
  });
}
