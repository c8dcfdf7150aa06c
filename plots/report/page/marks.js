// How points look: shapes, colours, and marks as small pictures.

const RADIUS = 4.2;
const STAMP_PX = 16;
const MAX_KINDS = 8;
const SHAPES = ["circle", "square", "triangle", "diamond", "wedge", "plus", "star", "ring"];

// The outline of a mark around the origin, as the text of an SVG path.
function markOutline(shape, r) {
  const polygon = (...points) => `M${points.map(([x, y]) => `${(x * r).toFixed(2)} ${(y * r).toFixed(2)}`).join("L")}Z`;
  const round = (size) => `M${-size} 0A${size} ${size} 0 1 0 ${size} 0A${size} ${size} 0 1 0 ${-size} 0Z`;
  switch (shape) {
    case "square": return polygon([-0.85, -0.85], [0.85, -0.85], [0.85, 0.85], [-0.85, 0.85]);
    case "triangle": return polygon([0, -1.1], [1.05, 0.8], [-1.05, 0.8]);
    case "diamond": return polygon([0, -1.2], [1.05, 0], [0, 1.2], [-1.05, 0]);
    case "wedge": return polygon([0, 1.1], [1.05, -0.8], [-1.05, -0.8]);
    case "plus": return polygon([-0.35, -1.1], [0.35, -1.1], [0.35, -0.35], [1.1, -0.35], [1.1, 0.35], [0.35, 0.35], [0.35, 1.1], [-0.35, 1.1], [-0.35, 0.35], [-1.1, 0.35], [-1.1, -0.35], [-0.35, -0.35]);
    case "star": return polygon(...Array.from({ length: 10 }, (_, i) => [Math.sin((i * Math.PI) / 5) * (i % 2 ? 0.5 : 1.25), -Math.cos((i * Math.PI) / 5) * (i % 2 ? 0.5 : 1.25)]));
    case "cross": return `M${-r} ${-r}L${r} ${r}M${-r} ${r}L${r} ${-r}`;
    default: return round(r);
  }
}

// A colour as the page's theme has it now: variables of the style sheet come as text, so a probe works them out.
function themeColours(names) {
  const probe = make("span");
  document.body.append(probe);
  const found = {};
  for (const name of names) {
    probe.style.color = `var(--${name})`;
    found[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return found;
}

// Is a colour, as the browser tells it, nearer to black than to white?
function isDarkColour(text) {
  const [red, green, blue] = text.match(/\d+/g).map(Number);
  return red + green + blue < 384;
}

// Cividis (Nuñez et al., PLOS ONE 2018) at five places: even in lightness, alike for colour-blind eyes.
const RAMP = [[0, 34, 78], [65, 77, 107], [124, 123, 120], [188, 175, 111], [253, 234, 69]];

// The end that the page's background would swallow is left out: the dark one on dark, the bright one on light.
function rampColour(share, isDark) {
  const [from, to] = isDark ? [0.25, 1] : [0, 0.88];
  const steps = Math.round(Math.min(Math.max(share, 0), 1) * 40) / 40;
  const place = (from + (to - from) * steps) * (RAMP.length - 1);
  const i = Math.min(Math.floor(place), RAMP.length - 2);
  const mix = RAMP[i].map((from, k) => Math.round(from + (place - i) * (RAMP[i + 1][k] - from)));
  return `rgb(${mix.join(",")})`;
}

// How each row looks: by the values of a column, where one is chosen.
function looksOf(column, rows, colours) {
  const colour = (i) => colours[`c${i % 8}`];
  if (!column) return { of: () => ({ colour: colour(0), shape: "circle" }), kinds: [] };
  const distinct = [...new Set(rows.map((row) => column.values[row]))].filter((value) => value !== null).sort((a, b) => a - b);
  if (distinct.length <= MAX_KINDS) {
    const place = new Map(distinct.map((value, i) => [value, i]));
    const look = (i) => ({ colour: i === undefined ? colours.faint : colour(i), shape: SHAPES[i ?? 7] });
    const name = (value) => (column.isNumber ? shortNumber(value / column.divisor) : column.texts[value]);
    return { of: (row) => look(place.get(column.values[row])), kinds: distinct.map((value, i) => ({ ...look(i), name: name(value) })), title: column.label };
  }
  const scale = new Scale(distinct.map((value) => value / (column.divisor || 1)), column.isNumber && distinct[0] > 0 && distinct[distinct.length - 1] / distinct[0] > 20);
  const [low, high] = [distinct[0], distinct[distinct.length - 1]].map((value) => scale.share(value / (column.divisor || 1)));
  const isDark = isDarkColour(colours.back);
  const share = (value) => (scale.share(value / (column.divisor || 1)) - low) / (high - low || 1);
  const of = (row) => ({ colour: column.values[row] === null ? colours.faint : rampColour(share(column.values[row]), isDark), shape: "circle" });
  const ends = [distinct[0], distinct[distinct.length - 1]].map((value) => (column.isNumber ? shortNumber(value / column.divisor) : column.texts[value]));
  return { of, kinds: [], ends, title: column.label };
}

// A mark as a small picture: thousands of copies are drawn faster than thousands of paths.
function stampOf(shape, colour, back, ratio) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = STAMP_PX * ratio;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, canvas.width / 2, canvas.width / 2);
  const path = new Path2D(markOutline(shape, shape === "cross" ? RADIUS * 0.8 : RADIUS));
  context.strokeStyle = shape === "cross" ? colour : back;
  context.lineWidth = shape === "cross" ? 1.4 : 0.7;
  context.fillStyle = colour;
  if (shape !== "cross") context.fill(path);
  context.stroke(path);
  return canvas;
}
