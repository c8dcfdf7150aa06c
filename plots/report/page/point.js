// What one point is made of: its time by operator, its energy by part, and the command that gives it again.

const POINTS_A_BLOCK = 128;

// Blocks of whole results; each is unpacked when one of its points is first looked at.
class Blocks {
  constructor(text) {
    this.packed = text.trim().split("\n");
    this.opened = new Map();
  }

  async point(row) {
    const block = Math.floor(row / POINTS_A_BLOCK);
    if (!this.opened.has(block)) this.opened.set(block, unpack(this.packed[block]));
    const { shared, points } = await this.opened.get(block);
    const point = points[row % POINTS_A_BLOCK];
    return point && opened(point, shared);
  }
}

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

// A point with its shared lists in place.
function opened(point, shared) {
  const operators = { ...point.operators };
  for (const name of ["name", "kind", "unit", "level", "bottleneck", "count"]) operators[name] = shared[operators[name]];
  const pairs = ([names, values]) => shared[names].map((name, i) => [name, values[i]]);
  return {
    ...point, operators, code: shared[point.code],
    energy: pairs(point.energy_parts_j), utilisation: pairs(point.utilisation), traffic: pairs(point.traffic_bytes), counts: pairs(point.counts),
  };
}

function bar(share, boundShare = null) {
  const full = make("i");
  full.style.width = `${(100 * Math.min(share, 1)).toFixed(2)}%`;
  const bound = boundShare === null ? null : make("i", { class: "bound" });
  if (bound) bound.style.width = `${(100 * Math.min(boundShare, 1)).toFixed(2)}%`;
  return make("div", { class: "bar", "aria-hidden": "true" }, full, bound);
}

function table(headings, rows, label) {
  const head = headings.map(([text, isNumber]) => make("th", { scope: "col", class: isNumber && "number" }, text));
  const body = rows.map((cells) => make("tr", {}, ...cells.map((cell, i) => make("td", { class: headings[i][1] ? "number" : headings[i][0] === "" && "bar-cell" }, cell))));
  return make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, make("table", { class: "plain" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body)));
}

function operatorTable(point) {
  const o = point.operators;
  const [unit, size] = prefixFor("s", Math.max(...o.time_s, ...o.bound_time_s, 0));
  const [unitJ, sizeJ] = prefixFor("J", Math.max(...o.energy_j, 0));
  const longest = Math.max(...o.time_s, ...o.bound_time_s) || 1;
  const total = o.time_s.reduce((a, b) => a + b, 0) || 1;
  const hides = o.overlapped_s.some((value) => value > 0);
  const hidden = (value) => (hides ? [shortNumber(value / size)] : []);
  const rows = o.name.map((name, i) => [
    name, bar(o.time_s[i] / longest, o.bound_time_s[i] / longest), shortNumber(o.time_s[i] / size), percent(o.time_s[i] / total), shortNumber(o.bound_time_s[i] / size),
    ...hidden(o.overlapped_s[i]), shortNumber(o.energy_j[i] / sizeJ), o.bottleneck[i], o.unit[i], String(o.count[i]),
  ]);
  const headings = [
    ["operator"], [""], [`time (${unit})`, true], ["share", true], [`bound (${unit})`, true],
    ...(hides ? [[`hidden (${unit})`, true]] : []), [`energy (${unitJ})`, true], ["bottleneck"], ["unit"], ["count", true],
  ];
  return table(headings, rows, "Operators");
}

// Names with values, the largest first, each with a bar.
function shareTable(pairs, label, text, total) {
  const there = pairs.filter(([, value]) => value > 0).sort((a, b) => b[1] - a[1]);
  if (!there.length) return null;
  const rows = there.map(([name, value]) => [name.replaceAll("_", " "), bar(value / (total || there[0][1])), text(value)]);
  return make("div", {}, make("h3", {}, label), table([["part"], [""], ["", true]], rows, label));
}

function commandLine(command) {
  const code = make("code", {}, command);
  const copy = make("button", { type: "button" }, "Copy");
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(command);
      copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
    }
  });
  return make("div", {}, make("h3", {}, "To get it again"), make("div", { class: "command" }, code, copy));
}

// Everything that is known of a point, as elements.
function breakdown(point) {
  const [unitJ, sizeJ] = prefixFor("J", point.energy_j);
  const joules = (value) => `${shortNumber(value / sizeJ)} ${unitJ}, ${percent(value / point.energy_j)}`;
  const bytes = (value) => {
    const [unit, size] = prefixFor("B", value);
    return `${shortNumber(value / size)} ${unit}`;
  };
  const halves = [
    shareTable(point.energy, "Energy by part", joules),
    shareTable(point.utilisation, "Utilisation", percent, 1),
    shareTable(point.traffic, "Traffic", bytes),
  ];
  return [
    make("h3", {}, "Time by operator"),
    make("p", { class: "note" }, "Bars: time; the thin line in them: the lower bound."),
    operatorTable(point),
    make("div", { class: "halves" }, ...halves),
    commandLine(point.command),
    make("p", { class: "note" }, [point.key && `Key ${point.key}`, point.code && `bitline ${point.code}`].filter(Boolean).join(", ")),
  ];
}

// A point in a dialog, which the browser closes on Escape, giving the focus back.
class PointDialog {
  constructor(points, blocks) {
    this.points = points;
    this.blocks = blocks;
    this.dialog = document.getElementById("point");
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
  }

  async open(row) {
    const points = this.points;
    this.row = row;
    const point = await this.blocks.point(row);
    if (this.row !== row) return;
    const known = points.columns.filter((column) => column.text(row) !== "" && column.name !== "error");
    const pairs = known.map((column) => make("div", {}, make("dt", {}, column.label), make("dd", {}, column.text(row))));
    const error = points.byName.get("error")?.text(row);
    const rest = point ? breakdown(point) : [make("p", { class: error ? "bad" : "note" }, error || "The store of the study does not hold this point's result.")];
    const close = make("button", { type: "button", onclick: () => this.dialog.close() }, "Close");
    const title = make("div", { class: "top" }, make("h2", { id: "point-title" }, `Point ${points.numbers[row]}`), close);
    this.dialog.replaceChildren(title, make("dl", { class: "pairs" }, ...pairs), ...rest);
    if (!this.dialog.open) this.dialog.showModal();
    this.dialog.scrollTop = 0;
  }
}
