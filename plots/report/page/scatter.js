// The points of a study over two quantities, with the front of each workload.

const NEAR_PX = 16;
// Of a longer front the line alone is drawn.
const MOST_RINGS = 60;

class Scatter {
  constructor(points, data, open) {
    this.points = points;
    this.open = open;
    this.canvas = document.getElementById("scatter");
    this.tip = document.getElementById("tip");
    this.bound = data.bound.length ? new Map(data.bound.map((column) => [column.name, new Column(column)])) : null;
    this.boundWorkload = data.bound_workload;
    this.choice = this.firstChoice(data);
    this.allowed = null;
    this.marked = null;
    this.base = document.createElement("canvas");
    this.addControls(document.getElementById("choices"));
    this.listen();
    new ResizeObserver(() => this.plan()).observe(this.canvas.parentElement);
    this.plan();
  }

  // Draw before the next frame, once, however often it is asked for.
  plan() {
    this.planned ??= requestAnimationFrame(() => this.draw());
  }

  firstChoice(data) {
    const wanted = [...Object.keys(data.objectives), "time_per_token_s", "energy_j", "power_w", "tokens_per_s"];
    const known = [...new Set(wanted)].filter((name) => this.points.byName.get(name)?.isNumber);
    const [x, y] = [known[0], known[1] || known[0]];
    return { x, y, colour: data.colour || "", workload: "", xLog: this.spreads(x), yLog: this.spreads(y) };
  }

  // Do values of a column spread over more than a decade?
  spreads(name) {
    const there = this.points.byName.get(name).values.filter((value) => value !== null);
    const least = there.reduce((a, b) => Math.min(a, b), Infinity);
    const most = there.reduce((a, b) => Math.max(a, b), -Infinity);
    return least > 0 && most / least > 10;
  }

  addControls(root) {
    const select = (label, key, options) => {
      const box = make("select", { id: `choose-${key}` }, ...options.map(([value, text]) => make("option", { value }, text)));
      box.value = this.choice[key];
      box.addEventListener("change", () => {
        this.choice[key] = box.value;
        for (const axis of ["x", "y"]) {
          if (key === axis) root.querySelector(`#log-${axis}`).checked = this.choice[`${axis}Log`] = this.spreads(box.value);
        }
        this.plan();
      });
      root.append(make("label", {}, label, box));
    };
    const tick = (axis) => {
      const box = make("input", { type: "checkbox", id: `log-${axis}` });
      box.checked = this.choice[`${axis}Log`];
      box.addEventListener("change", () => {
        this.choice[`${axis}Log`] = box.checked;
        this.plan();
      });
      root.append(make("label", {}, box, "log"));
    };
    const numbers = this.points.columns.filter((column) => column.isNumber && column.varies).map((column) => [column.name, column.label]);
    const colours = this.points.columns.filter((column) => column.varies && column.name !== "error").map((column) => [column.name, column.label]);
    select("x", "x", numbers);
    tick("x");
    select("y", "y", numbers);
    tick("y");
    select("colour", "colour", [["", "none"], ...colours]);
    if (this.points.workloads.length > 1) {
      select("workload", "workload", [["", "all"], ...this.points.workloads.map((text, i) => [String(i), text])]);
    }
  }

  // Only these rows stand out; null: all.
  show(rows) {
    if (rows === null && this.allowed === null) return;
    this.allowed = rows;
    this.plan();
  }

  draw() {
    cancelAnimationFrame(this.planned);
    this.planned = null;
    const box = this.canvas.parentElement.getBoundingClientRect();
    if (box.width < 60) return;
    this.size = [box.width, box.height];
    this.ratio = this.printing ? 3 : Math.max(window.devicePixelRatio || 1, 1);
    for (const canvas of [this.canvas, this.base]) {
      canvas.width = Math.round(box.width * this.ratio);
      canvas.height = Math.round(box.height * this.ratio);
    }
    const context = this.base.getContext("2d");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    this.colours = themeColours(["back", "ink", "soft", "line", "faint", "bad", "c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"]);
    this.lay();
    drawAxes(context, this);
    this.drawBound(context);
    this.drawPoints(context);
    this.drawFronts(context);
    writeLegend(this);
    this.paint();
  }

  // Which rows are drawn, and where.
  lay() {
    const { x, y, workload, xLog, yLog } = this.choice;
    const points = this.points;
    this.xs = points.byName.get(x);
    this.ys = points.byName.get(y);
    const asked = workload === "" ? null : Number(workload);
    this.rows = [];
    for (let row = 0; row < points.count; row++) {
      if (points.isDone(row) && (asked === null || points.workload[row] === asked) && !isNaN(this.xs.number(row)) && !isNaN(this.ys.number(row))) this.rows.push(row);
    }
    this.boundRows = [];
    // A metric that the bound level does not know is 0 there.
    const bx = this.bound?.get(x);
    const by = this.bound?.get(y);
    if (bx && by) {
      for (let row = 0; row < bx.values.length; row++) {
        if ((asked === null || this.boundWorkload[row] === asked) && bx.values[row] && by.values[row]) this.boundRows.push(row);
      }
    }
    const at = (row, column, own) => column.values[row] / own.divisor;
    this.xScale = new Scale([...this.rows.map((row) => this.xs.number(row)), ...this.boundRows.map((row) => at(row, bx, this.xs))], xLog);
    this.yScale = new Scale([...this.rows.map((row) => this.ys.number(row)), ...this.boundRows.map((row) => at(row, by, this.ys))], yLog);
    const [width, height] = this.size;
    this.frame = { left: 64, right: width - 16, top: 14, bottom: height - 46 };
    this.pixelX = this.rows.map((row) => this.toX(this.xs.number(row)));
    this.pixelY = this.rows.map((row) => this.toY(this.ys.number(row)));
    this.boundPixels = this.boundRows.map((row) => [this.toX(at(row, bx, this.xs)), this.toY(at(row, by, this.ys))]);
  }

  toX(value) {
    return this.frame.left + this.xScale.share(value) * (this.frame.right - this.frame.left);
  }

  toY(value) {
    return this.frame.bottom - this.yScale.share(value) * (this.frame.bottom - this.frame.top);
  }

  drawBound(context) {
    context.strokeStyle = this.colours.faint;
    context.globalAlpha = 0.5;
    context.lineWidth = 1;
    for (const [x, y] of this.boundPixels) {
      context.beginPath();
      context.arc(x, y, 2.4, 0, 2 * Math.PI);
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  drawPoints(context) {
    this.look = looksOf(this.points.byName.get(this.choice.colour), this.rows, this.colours);
    const stamps = new Map();
    const draw = (i, faint) => {
      const row = this.rows[i];
      const look = this.look.of(row);
      const shape = this.points.isFeasible(row) ? look.shape : "cross";
      const name = `${shape} ${look.colour}`;
      if (!stamps.has(name)) stamps.set(name, stampOf(shape, look.colour, this.colours.back, this.ratio));
      context.globalAlpha = faint ? 0.12 : this.rows.length > 1500 ? 0.75 : 0.92;
      context.drawImage(stamps.get(name), this.pixelX[i] - STAMP_PX / 2, this.pixelY[i] - STAMP_PX / 2, STAMP_PX, STAMP_PX);
    };
    const isFaint = (i) => this.allowed !== null && !this.allowed.has(this.rows[i]);
    for (let i = 0; i < this.rows.length; i++) if (isFaint(i)) draw(i, true);
    for (let i = 0; i < this.rows.length; i++) if (!isFaint(i)) draw(i, false);
    context.globalAlpha = 1;
  }

  // A staircase along each workload's front, where both axes have a better end.
  drawFronts(context) {
    const goal = (name) => ({ min: 1, max: -1 })[this.points.goals[name]];
    const [xSign, ySign] = [goal(this.choice.x), goal(this.choice.y)];
    this.fronts = [];
    if (!xSign || !ySign || this.choice.x === this.choice.y) return;
    const groups = new Map();
    for (const row of this.rows) {
      if (!this.points.isFeasible(row)) continue;
      const key = this.points.workload[row];
      if (groups.has(key)) groups.get(key).push(row);
      else groups.set(key, [row]);
    }
    context.strokeStyle = this.colours.ink;
    context.lineWidth = 1.3;
    for (const rows of groups.values()) {
      const front = frontOf(rows, (row) => this.xs.number(row), (row) => this.ys.number(row), xSign, ySign);
      this.fronts.push(front);
      context.beginPath();
      front.forEach((row, i) => {
        const [x, y] = [this.toX(this.xs.number(row)), this.toY(this.ys.number(row))];
        if (i === 0) context.moveTo(x, y);
        else {
          const before = this.toY(this.ys.number(front[i - 1]));
          context.lineTo(x, before);
          context.lineTo(x, y);
        }
      });
      context.stroke();
      for (const row of front.length <= MOST_RINGS ? front : []) {
        context.beginPath();
        context.arc(this.toX(this.xs.number(row)), this.toY(this.ys.number(row)), RADIUS + 2.2, 0, 2 * Math.PI);
        context.stroke();
      }
    }
  }

  // The finished picture, and a ring around the marked point.
  paint() {
    const context = this.canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.drawImage(this.base, 0, 0);
    const i = this.marked === null ? -1 : this.rows.indexOf(this.marked);
    this.tip.hidden = i < 0;
    if (i < 0) return;
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.lineWidth = 2.4;
    context.strokeStyle = this.colours.ink;
    context.beginPath();
    context.arc(this.pixelX[i], this.pixelY[i], RADIUS + 4, 0, 2 * Math.PI);
    context.stroke();
    this.writeTip(this.marked, this.pixelX[i], this.pixelY[i]);
  }

  writeTip(row, x, y) {
    const points = this.points;
    const shown = points.columns.filter((column) => column.role === "derived" || ["time_per_token_s", "energy_j", "bottleneck", "feasible"].includes(column.name) || [this.xs, this.ys].includes(column));
    const lines = shown.map((column) => make("div", {}, `${column.label}: ${column.text(row)}`));
    this.tip.replaceChildren(make("b", {}, `Point ${points.numbers[row]}`), make("div", {}, points.describe(row)), ...lines);
    const width = this.tip.offsetWidth;
    const height = this.tip.offsetHeight;
    this.tip.style.left = `${Math.max(4, x + 14 + width > this.size[0] ? x - width - 14 : x + 14)}px`;
    this.tip.style.top = `${Math.max(4, Math.min(y + 10, this.size[1] - height - 4))}px`;
  }

  mark(row) {
    if (row === this.marked) return;
    this.marked = row;
    this.paint();
  }

  // The point nearest to a place, if one is near.
  near(x, y) {
    let found = null;
    let least = NEAR_PX ** 2;
    for (let i = 0; i < this.rows.length; i++) {
      const distance = (this.pixelX[i] - x) ** 2 + (this.pixelY[i] - y) ** 2;
      if (distance < least && (this.allowed === null || this.allowed.has(this.rows[i]))) {
        least = distance;
        found = this.rows[i];
      }
    }
    return found;
  }

  listen() {
    const canvas = this.canvas;
    const under = (event) => {
      const box = canvas.getBoundingClientRect();
      return this.near(event.clientX - box.left, event.clientY - box.top);
    };
    canvas.addEventListener("pointermove", (event) => this.mark(under(event)));
    canvas.addEventListener("pointerleave", () => this.mark(null));
    canvas.addEventListener("blur", () => this.mark(null));
    canvas.addEventListener("click", (event) => {
      const row = under(event);
      if (row !== null) this.open(row);
    });
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  // Arrow keys go along x from mark to mark; up and down along y.
  key(event) {
    const along = { ArrowRight: [this.xs, 1], ArrowLeft: [this.xs, -1], ArrowUp: [this.ys, 1], ArrowDown: [this.ys, -1] }[event.key];
    if (along) {
      const [column, step] = along;
      const order = this.rows.filter((row) => this.allowed === null || this.allowed.has(row)).sort((a, b) => column.number(a) - column.number(b) || a - b);
      const at = order.indexOf(this.marked);
      if (order.length) this.mark(order[at < 0 ? 0 : Math.min(Math.max(at + step, 0), order.length - 1)]);
    } else if (event.key === "Enter" && this.marked !== null) this.open(this.marked);
    else if (event.key === "Escape") this.mark(null);
    else return;
    event.preventDefault();
  }
}
