// The table of all points: only the rows in sight are in the page. Focus stays on the grid, aria-activedescendant moves.

const ROW_PX = 28;
const SPARE_ROWS = 6;

class Grid {
  constructor(points, root, open, changed) {
    this.points = points;
    this.root = root;
    this.open = open;
    this.changed = changed;
    this.columns = points.columns.filter((column) => column.varies || ["metric", "derived"].includes(column.role));
    this.filters = new Map();
    this.sort = null;
    this.active = { row: 0, column: 0 };
    this.lines = new Map();
    this.build();
    this.refresh();
  }

  get width() {
    return this.columns.length + 1;
  }

  build() {
    const root = this.root;
    for (const [name, value] of Object.entries({ role: "grid", tabindex: 0, "aria-label": "Points", "aria-describedby": "grid-help", "aria-colcount": this.width })) root.setAttribute(name, value);
    const widths = [64, ...this.columns.map((column) => this.widthOf(column))];
    const columns = make("colgroup", {}, ...widths.map(() => make("col")));
    columns.childNodes.forEach((column, i) => (column.style.width = `${widths[i]}px`));
    this.headings = [this.heading("point", 0, true), ...this.columns.map((column, i) => this.heading(column.label, i + 1, column.isNumber))];
    const inputs = this.columns.map((column) => make("th", { role: "gridcell" }, this.filterInput(column)));
    [this.above, this.below] = [0, 1].map(() => make("tr", { class: "space", role: "presentation" }, make("td", { colspan: this.width })));
    this.body = make("tbody", { role: "rowgroup" }, this.above, this.below);
    const head = make("thead", { role: "rowgroup" }, make("tr", { role: "row", "aria-rowindex": 1 }, ...this.headings), make("tr", { role: "row", "aria-rowindex": 2 }, make("th", { role: "gridcell" }), ...inputs));
    const table = make("table", { role: "presentation" }, columns, head, this.body);
    table.style.width = `${widths.reduce((a, b) => a + b, 0)}px`;
    root.replaceChildren(table);
    this.head = head;
    let waiting = false;
    root.addEventListener("scroll", () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        this.fill();
      });
    });
    root.addEventListener("keydown", (event) => this.key(event));
    this.body.addEventListener("click", (event) => this.click(event));
    new ResizeObserver(() => this.fill()).observe(root);
  }

  widthOf(column) {
    let longest = 0;
    if (column.isNumber) for (let row = 0; row < Math.min(this.points.count, 300); row++) longest = Math.max(longest, column.text(row).length);
    else longest = Math.max(...column.texts.map((text) => text.length));
    return Math.round(Math.min(Math.max(9 * longest + 20, 7.8 * column.label.length + 34, 78), 260));
  }

  heading(label, place, isNumber) {
    const button = make("button", { type: "button", tabindex: -1 }, label);
    const heading = make("th", { role: "columnheader", id: `head-${place}`, class: isNumber && "number", "aria-sort": "none", "aria-colindex": place + 1, title: label }, button);
    heading.addEventListener("click", () => this.sortBy(place));
    return heading;
  }

  filterInput(column) {
    const input = make("input", { type: "text", "aria-label": `Filter ${column.label}`, "data-column": column.name, spellcheck: "false", autocomplete: "off" });
    input.addEventListener("input", () => {
      const test = input.value.trim() === "" ? undefined : filterFor(column, input.value);
      input.setAttribute("aria-invalid", String(test === null));
      if (test === null) return;
      if (test) this.filters.set(column.name, test);
      else this.filters.delete(column.name);
      this.refresh();
    });
    return input;
  }

  clear() {
    for (const input of this.head.querySelectorAll("input")) {
      input.value = "";
      input.removeAttribute("aria-invalid");
    }
    this.filters.clear();
    this.refresh();
  }

  // Up, down, then as in the table of the sweep.
  sortBy(place) {
    const falls = this.sort && this.sort.place === place && this.sort.falls;
    const again = this.sort && this.sort.place === place;
    this.sort = falls ? null : { place, falls: Boolean(again) };
    this.headings.forEach((heading, i) => {
      const mine = this.sort && this.sort.place === i;
      heading.setAttribute("aria-sort", mine ? (this.sort.falls ? "descending" : "ascending") : "none");
      heading.firstChild.textContent = heading.title + (mine ? (this.sort.falls ? " ▼" : " ▲") : "");
    });
    this.refresh();
  }

  refresh() {
    const tests = [...this.filters.values()];
    this.order = [];
    for (let row = 0; row < this.points.count; row++) if (tests.every((test) => test(row))) this.order.push(row);
    if (this.sort && this.sort.place > 0) {
      const column = this.columns[this.sort.place - 1];
      const sign = this.sort.falls ? -1 : 1;
      // What has no value goes last either way.
      this.order.sort((a, b) => {
        const [x, y] = [column.rank(a), column.rank(b)];
        if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y) || a - b;
        return sign * (x - y) || a - b;
      });
    } else if (this.sort && this.sort.falls) this.order.reverse();
    this.root.setAttribute("aria-rowcount", this.order.length + 2);
    this.active.row = Math.min(this.active.row, this.order.length - 1);
    this.root.scrollTop = 0;
    this.lines.forEach((line) => line.remove());
    this.lines.clear();
    this.fill();
    this.changed(this.filters.size ? this.order : null);
  }

  // The rows in sight, between two empty ones as high as all the others. What stays in sight stays as it is.
  fill() {
    const first = Math.max(0, Math.floor(this.root.scrollTop / ROW_PX) - SPARE_ROWS);
    const last = Math.min(this.order.length, first + Math.ceil((this.root.clientHeight || 480) / ROW_PX) + 2 * SPARE_ROWS);
    for (const [place, line] of this.lines) {
      if (place >= first && place < last) continue;
      line.remove();
      this.lines.delete(place);
    }
    let next = this.below;
    for (let place = last - 1; place >= first; place--) {
      if (!this.lines.has(place)) {
        const line = this.row(place);
        this.lines.set(place, line);
        next.before(line);
      }
      next = this.lines.get(place);
    }
    this.above.firstChild.style.height = `${first * ROW_PX}px`;
    this.below.firstChild.style.height = `${(this.order.length - last) * ROW_PX}px`;
    this.point();
  }

  row(place) {
    const row = this.order[place];
    const cell = (text, at, isNumber) => make("td", { role: "gridcell", id: `cell-${place}-${at}`, class: isNumber && "number", title: text.length > 28 && text, "aria-colindex": at + 1 }, text);
    const cells = this.columns.map((column, i) => cell(column.text(row), i + 1, column.isNumber));
    const front = this.points.front.has(row);
    return make("tr", { role: "row", "aria-rowindex": place + 3, "data-place": place, class: front && "is-front" }, cell(String(this.points.numbers[row]), 0, true), ...cells);
  }

  click(event) {
    const line = event.target.closest("tr[data-place]");
    if (!line) return;
    this.active = { row: Number(line.dataset.place), column: Math.max(0, [...line.children].indexOf(event.target.closest("td"))) };
    this.point();
    this.open(this.order[this.active.row]);
  }

  // Row -1 is the headings.
  key(event) {
    if (event.target !== this.root) return;
    const page = Math.max(1, Math.floor(this.root.clientHeight / ROW_PX) - 3);
    const { row, column } = this.active;
    const far = event.ctrlKey || event.metaKey;
    const to = {
      ArrowDown: [row + 1, column], ArrowUp: [row - 1, column], ArrowRight: [row, column + 1], ArrowLeft: [row, column - 1],
      PageDown: [row + page, column], PageUp: [Math.max(row - page, 0), column],
      Home: far ? [0, column] : [row, 0], End: far ? [this.order.length - 1, column] : [row, this.width - 1],
    }[event.key];
    if (to) {
      this.active = { row: Math.min(Math.max(to[0], -1), this.order.length - 1), column: Math.min(Math.max(to[1], 0), this.width - 1) };
      this.reveal();
    } else if (event.key === "Enter" || event.key === " ") {
      if (row >= 0) this.open(this.order[row]);
      else this.sortBy(column);
    } else return;
    event.preventDefault();
  }

  // Scroll so that the active cell is in sight, below the headings.
  reveal() {
    const root = this.root;
    const head = this.head.offsetHeight;
    const top = this.active.row * ROW_PX;
    if (this.active.row >= 0) {
      if (top < root.scrollTop) root.scrollTop = top;
      else if (top + ROW_PX + head > root.scrollTop + root.clientHeight) root.scrollTop = top + ROW_PX + head - root.clientHeight;
    }
    const heading = this.headings[this.active.column];
    if (heading.offsetLeft < root.scrollLeft) root.scrollLeft = heading.offsetLeft;
    else if (heading.offsetLeft + heading.offsetWidth > root.scrollLeft + root.clientWidth) root.scrollLeft = heading.offsetLeft + heading.offsetWidth - root.clientWidth;
    this.fill();
    this.point();
  }

  point() {
    this.root.querySelectorAll(".active").forEach((cell) => cell.classList.remove("active"));
    const { row, column } = this.active;
    const cell = row < 0 ? this.headings[column] : document.getElementById(`cell-${row}-${column}`);
    if (cell) {
      cell.classList.add("active");
      this.root.setAttribute("aria-activedescendant", cell.id);
    } else this.root.removeAttribute("aria-activedescendant");
  }

  // The first rows in the present order, for paper; why points failed stands in the summary.
  printed(most) {
    const columns = this.columns.filter((column) => column.name !== "error");
    const headings = ["point", ...columns.map((column) => column.label)].map((label, i) => make("th", { class: (i === 0 || columns[i - 1].isNumber) && "number" }, label));
    const rows = this.order.slice(0, most).map((row) =>
      make("tr", {}, make("td", { class: "number" }, String(this.points.numbers[row])), ...columns.map((column) => make("td", { class: column.isNumber && "number" }, column.text(row)))));
    const left = this.order.length - rows.length;
    const note = left > 0 ? [make("p", { class: "note" }, `${left} more points are left out on paper.`)] : [];
    return [make("table", { class: "plain" }, make("thead", {}, make("tr", {}, ...headings)), make("tbody", {}, ...rows)), ...note];
  }

  csv() {
    const quote = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const full = (column, row) => (column.values[row] === null ? "" : column.isNumber ? String(column.values[row]) : column.texts[column.values[row]]);
    const columns = this.points.columns;
    const lines = this.order.map((row) => [String(this.points.numbers[row]), ...columns.map((column) => quote(full(column, row)))].join(","));
    return [["point", ...columns.map((column) => quote(column.name))].join(","), ...lines, ""].join("\n");
  }
}
