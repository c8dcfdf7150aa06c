// Puts the page together.

const PRINTED_ROWS = 40;
const THEME = "bitline-report-theme";

// A file opened from disk may have no storage.
function storedTheme() {
  try {
    return localStorage.getItem(THEME);
  } catch {
    return null;
  }
}

function storeTheme(theme) {
  try {
    localStorage.setItem(THEME, theme);
  } catch {
    // The choice lasts as long as the page, then.
  }
}

function startTheme(redraw) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const button = document.getElementById("theme");
  const now = () => document.documentElement.dataset.theme || (system.matches ? "dark" : "light");
  const name = () => (button.textContent = now() === "dark" ? "Light" : "Dark");
  const stored = storedTheme();
  if (stored === "dark" || stored === "light") document.documentElement.dataset.theme = stored;
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = now() === "dark" ? "light" : "dark";
    storeTheme(now());
    name();
    redraw();
  });
  system.addEventListener("change", () => {
    name();
    redraw();
  });
  button.hidden = false;
  name();
}

function save(text) {
  const link = make("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: "points.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function startStudy(data, blocks) {
  const points = new Points(data);
  const dialog = new PointDialog(points, blocks);
  const open = (row) => dialog.open(row);
  const drawable = points.columns.some((column) => column.isNumber && column.role !== "design" && column.role !== "workload");
  const scatter = drawable ? new Scatter(points, data, open) : null;
  if (!scatter) document.getElementById("figure-section").hidden = true;
  const count = document.getElementById("count");
  const changed = (rows) => {
    const all = points.count.toLocaleString("en");
    count.textContent = rows === null ? `${all} points` : `${rows.length.toLocaleString("en")} of ${all} points`;
    scatter?.show(rows === null ? null : new Set(rows));
  };
  const grid = new Grid(points, document.getElementById("grid"), open, changed);
  document.getElementById("clear").addEventListener("click", () => grid.clear());
  document.getElementById("save").addEventListener("click", () => save(grid.csv()));
  for (const button of document.querySelectorAll("button[data-point]")) {
    const row = points.numbers.indexOf(Number(button.dataset.point));
    if (row >= 0) button.addEventListener("click", () => open(row));
    else button.disabled = true;
  }
  // On paper: the picture in print colours and sharp, and the first rows of the table as it is sorted.
  const root = document.documentElement;
  let theme;
  addEventListener("beforeprint", () => {
    document.getElementById("print-table").replaceChildren(...grid.printed(PRINTED_ROWS));
    theme = root.dataset.theme;
    root.dataset.theme = "light";
    if (scatter) scatter.printing = true;
    scatter?.draw();
  });
  addEventListener("afterprint", () => {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    if (scatter) scatter.printing = false;
    scatter?.draw();
  });
  if (data.star !== null) showBreakdown(blocks, data.star);
  return { points, scatter, grid };
}

async function showBreakdown(blocks, row) {
  const point = await blocks.point(row);
  const note = () => [make("p", { class: "note" }, "The store of the study does not hold this point's result.")];
  document.getElementById("breakdown").replaceChildren(...(point ? breakdown(point) : note()));
}

function start() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const blocks = new Blocks(document.getElementById("blocks").textContent);
  const parts = data.kind === "study" ? startStudy(data, blocks) : {};
  if (data.kind === "run") showBreakdown(blocks, 0);
  startTheme(() => parts.scatter?.plan());
  // Frames are drawn in the order in which they were asked for: the figure stands by then.
  requestAnimationFrame(() => performance.mark("ready"));
  return parts;
}

// What a console, or a test, can ask.
const page = start();
