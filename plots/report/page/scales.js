// Axes: from values to pixels, and where ticks stand.

class Scale {
  constructor(values, isLog) {
    let low = Infinity;
    let high = -Infinity;
    for (const value of values) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    this.isLog = isLog && low > 0;
    if (!(low <= high)) [low, high] = [0, 1];
    if (low === high) [low, high] = this.isLog ? [low / 1.2, high * 1.2] : [low - (Math.abs(low) || 1) * 0.1, high + (Math.abs(high) || 1) * 0.1];
    const from = this.place(low);
    const to = this.place(high);
    const margin = 0.05 * (to - from);
    this.from = from - margin;
    this.to = to + margin;
    // Where the values come near 0, the axis begins there.
    if (!this.isLog && low >= 0 && low < 0.3 * high) this.from = 0;
  }

  place(value) {
    return this.isLog ? Math.log10(value) : value;
  }

  // 0 to 1 along the axis.
  share(value) {
    return (this.place(value) - this.from) / (this.to - this.from);
  }

  // About so many round values; on a logarithmic axis 1, 2, 5 of each decade where they fit.
  ticks(most) {
    return this.isLog ? this.logTicks(most) : this.evenTicks(most);
  }

  evenTicks(most) {
    const raw = (this.to - this.from) / most;
    const decade = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((part) => part * decade).find((size) => size >= raw * 0.999);
    const found = [];
    for (let i = Math.ceil(this.from / step - 1e-9); i * step <= this.to + 1e-9 * step; i++) {
      found.push(Number((i * step).toPrecision(12)));
    }
    return found;
  }

  logTicks(most) {
    const within = (parts, every) => {
      const found = [];
      for (let decade = Math.floor(this.from); decade <= Math.ceil(this.to); decade++) {
        if (decade % every) continue;
        for (const part of parts) {
          const value = Number(`${part}e${decade}`);
          if (this.share(value) >= 0 && this.share(value) <= 1) found.push(value);
        }
      }
      return found;
    };
    const choices = [within([1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9], 1), within([1, 2, 3, 5, 7], 1), within([1, 2, 5], 1), within([1], 1), within([1], 2), within([1], 3)];
    const apart = (ticks) => ticks.every((tick, i) => i === 0 || this.share(tick) - this.share(ticks[i - 1]) > 0.6 / most);
    const fitting = choices.find((ticks) => ticks.length >= 2 && ticks.length <= most && apart(ticks));
    if (fitting) return fitting;
    const even = new Scale([10 ** this.from, 10 ** this.to], false);
    [even.from, even.to] = [10 ** this.from, 10 ** this.to];
    return even.evenTicks(most);
  }
}

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
