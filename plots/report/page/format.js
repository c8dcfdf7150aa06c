// Numbers and elements.

// Four digits, without an exponent where that is readable.
function shortNumber(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e7) return String(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(2).replace("e+", "e");
  const text = value.toPrecision(4);
  return text.includes("e") ? String(Math.round(value)) : text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

const PREFIXES = {
  s: [["s", 1], ["ms", 1e-3], ["µs", 1e-6], ["ns", 1e-9]],
  J: [["J", 1], ["mJ", 1e-3], ["µJ", 1e-6], ["nJ", 1e-9], ["pJ", 1e-12]],
  B: [["TB", 1e12], ["GB", 1e9], ["MB", 1e6], ["kB", 1e3], ["B", 1]],
};

// The prefix under which the largest of some values is at least 1: [unit, size].
function prefixFor(unit, largest) {
  const known = PREFIXES[unit];
  return known.find(([, size]) => largest >= size) || known[known.length - 1];
}

function percent(share) {
  return share > 0 && share < 5e-4 ? "<0.1%" : `${(100 * share).toFixed(1)}%`;
}

// An element with attributes and children; text becomes text, never markup.
function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "path", "rect", "linearGradient", "stop", "defs"].includes(tag);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") element.addEventListener("click", value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}
