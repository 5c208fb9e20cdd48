"use strict";
// The trust dial: everything it shows was computed before, at some weights of the path, and is
// interpolated linearly between the two nearest ones.

// Where a trust lies among the weights, as a number from 0 to their count less one.
function placeOf(trust, weights) {
  let i = 0;
  while (i < weights.length - 2 && weights[i + 1] < trust) i += 1;
  const part = (trust - weights[i]) / (weights[i + 1] - weights[i] || 1);
  return i + Math.min(Math.max(part, 0), 1);
}

// A curve, or a list of curves, between two weights; null where it is not known.
function between(values, place) {
  const i = Math.min(Math.floor(place), Math.max(values.length - 2, 0));
  const part = place - i, a = values[i], b = values[Math.min(i + 1, values.length - 1)];
  if (Array.isArray(a)) return a.map((x, k) => mix(x, b[k], part));
  return mix(a, b, part);
}

function mix(a, b, part) {
  if (part === 0) return a;
  if (part === 1) return b;
  return a === null || b === null ? null : a + part * (b - a);
}

function shown(x, digits = 3) {
  if (x === null) return "–";
  if (x !== 0 && (Math.abs(x) < 1e-4 || Math.abs(x) >= 1e9)) return x.toExponential(digits - 1);
  const rounded = Number(x.toPrecision(digits));
  return rounded.toLocaleString("en", { maximumSignificantDigits: Math.max(digits, 1),
    useGrouping: Math.abs(rounded) >= 1e4 });
}

function percent(p) {
  if (p === null) return "–";
  const near = Math.min(p, 1 - p);
  if (near > 0 && near < 0.001) return p < 0.5 ? "less than 0.1%" : "more than 99.9%";
  return (100 * p).toFixed(1) + "%";
}

function svg(name, attributes, parent) {
  const out = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) out.setAttribute(key, value);
  if (parent) parent.append(out);
  return out;
}

function element(name, attributes, text, parent) {
  const out = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) out.setAttribute(key, value);
  if (text !== null) out.textContent = text;
  if (parent) parent.append(out);
  return out;
}

const WIDE = 300, HIGH = 150, FLOOR = 112, TOP = 8;

// One panel: the density now, that without the answers, the interval and the mean.
function panel(quantity, prob, parent) {
  const box = element("figure", { class: "panel" }, null, parent);
  element("b", {}, quantity.label, box);
  const picture = svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, "aria-hidden": "true" }, box);
  const [low, high] = quantity.grid, points = quantity.density[0].length;
  const x = v => 6 + (WIDE - 12) * (v - low) / (high - low || 1);
  const line = (curve, most) => curve.map((d, k) =>
    `${(x(low + (high - low) * k / (points - 1))).toFixed(1)},` +
    `${(FLOOR - (FLOOR - TOP) * (d || 0) / most).toFixed(1)}`);
  const now = svg("path", { class: "now" }, picture);
  const before = svg("path", { class: "before" }, picture);
  const interval = svg("line", { class: "interval", y1: FLOOR + 10, y2: FLOOR + 10 }, picture);
  const mean = svg("circle", { class: "mean", r: 5, cy: FLOOR + 10 }, picture);
  for (const [value, anchor] of [[low, "start"], [(low + high) / 2, "middle"], [high, "end"]]) {
    svg("text", { class: "axis", x: x(value), y: HIGH - 6, "text-anchor": anchor }, picture)
      .textContent = shown(value);
  }
  const words = element("output", {}, "", box);
  return place => {
    const curve = between(quantity.density, place), first = quantity.density[0];
    const most = Math.max(...curve, ...first, 1e-300);
    now.setAttribute("d", `M${x(low)},${FLOOR}L${line(curve, most).join("L")}L${x(high)},${FLOOR}Z`);
    before.setAttribute("d", `M${line(first, most).join("L")}`);
    const [m, a, b] = ["mean", "lower", "upper"].map(k => between(quantity[k], place));
    const inside = v => Math.min(Math.max(x(v), 0), WIDE);
    interval.setAttribute("x1", inside(a));
    interval.setAttribute("x2", inside(b));
    mean.setAttribute("cx", inside(m));
    words.textContent =
      `mean ${shown(m)}, ${Math.round(100 * prob)}% interval ${shown(a)} to ${shown(b)}`;
  };
}

// One row: a statement, a bar, its probability, and whether it holds.
function claim(statement, level, parent) {
  const row = element("tr", {}, null, parent);
  element("th", { scope: "row" }, statement.label, row);
  const bar = element("i", {}, null,
    element("div", { class: "bar", "aria-hidden": "true" }, null, element("td", {}, null, row)));
  const words = element("td", { class: "probability" }, "", row);
  const verdict = element("td", {}, "", row);
  return place => {
    const p = between(statement.probability, place);
    bar.style.width = `${100 * (p || 0)}%`;
    words.textContent = percent(p);
    verdict.textContent = p === null ? "" : p >= level ? "holds" : p <= 1 - level ? "false" : "open";
  };
}

function start() {
  const data = JSON.parse(document.getElementById("dial-data").textContent);
  const find = id => document.getElementById(id);
  const slider = find("dial-trust"), now = find("dial-now"), last = data.weights.length - 1;
  const panels = find("dial-panels"), claims = find("dial-claims"), marks = find("dial-marks");
  const moved = [
    ...data.quantities.map(q => panel(q, data.ci_prob, panels)),
    ...data.statements.map(s => claim(s, data.level, claims)),
  ];
  const buttons = data.marks.map(mark => {
    const place = placeOf(mark.trust, data.weights);
    const tick = element("i", {}, null, find("dial-ticks"));
    tick.style.left = `calc(${100 * place / last}% - 1px)`;
    const button = element("button", { type: "button" }, `${mark.label} (${shown(mark.trust)})`,
      marks);
    button.addEventListener("click", () => { slider.value = place; show(); });
    return [button, place];
  });
  function show() {
    const place = Number(slider.value), near = Math.round(place);
    const trust = between(data.weights, place), worth = between(data.worth, place);
    const evidence = between(data.log_evidence, place);
    const reliable = data.reliable[Math.floor(place)] && data.reliable[Math.ceil(place)];
    const line = `Trust ${shown(trust)}: the answers count for ${shown(worth)} real observations ` +
      `beside ${data.n_real} real ones; log evidence ${shown(evidence, 2)} against trust 0.` +
      (reliable ? "" : " A check of the path fails here: do not rely on these numbers.");
    now.textContent = line;
    slider.setAttribute("aria-valuetext",
      `trust ${shown(trust)}, worth ${shown(worth)} real observations`);
    for (const [button, at] of buttons) {
      button.setAttribute("aria-pressed", String(Math.abs(at - place) < 1e-6));
    }
    for (const move of moved) move(place);
  }
  slider.max = last;
  slider.value = placeOf(data.start, data.weights);
  slider.addEventListener("input", show);
  find("dial").hidden = false;
  show();
}

if (typeof document !== "undefined") start();
