// What is typed over a column, as a test of its rows.

const NUMBER = "([-+]?(?:\\d+\\.?\\d*|\\.\\d+)(?:e[-+]?\\d+)?)";
const COMPARISON = new RegExp(`^(>=|<=|>|<|=)?\\s*${NUMBER}$`, "i");
const RANGE = new RegExp(`^${NUMBER}\\s*\\.\\.\\s*${NUMBER}$`, "i");

// Numbers are compared as they are shown: what looks equal is equal.
function numberTest(text) {
  const range = RANGE.exec(text);
  if (range) return (value) => value >= Number(range[1]) && value <= Number(range[2]);
  const comparison = COMPARISON.exec(text);
  if (!comparison) return null;
  const limit = Number(comparison[2]);
  return {
    ">": (value) => value > limit,
    "<": (value) => value < limit,
    ">=": (value) => value >= limit,
    "<=": (value) => value <= limit,
    "=": (value) => shortNumber(value) === shortNumber(limit),
  }[comparison[1] || "="];
}

// A function of a row; null for text that says nothing about numbers.
function filterFor(column, text) {
  const asked = text.trim();
  if (column.isNumber) {
    const test = numberTest(asked);
    return test && ((row) => column.values[row] !== null && test(column.number(row)));
  }
  const part = asked.toLowerCase().replace(/^!/, "");
  const wanted = !asked.startsWith("!");
  const hits = column.texts.map((one) => one.toLowerCase().includes(part) === wanted);
  return (row) => (column.values[row] === null ? !wanted : hits[column.values[row]]);
}
