// What stands around the points: axes, and the legend.

// The axes of a figure, whose scales are `x` and `y` and whose pixels `toX` and `toY` tell.
function drawAxes(context, figure) {
  const { left, right, top, bottom } = figure.frame;
  context.clearRect(0, 0, ...figure.size);
  context.font = '12px system-ui, -apple-system, "Segoe UI", "Liberation Sans", "DejaVu Sans", sans-serif';
  context.lineWidth = 1;
  context.strokeStyle = figure.colours.line;
  context.fillStyle = figure.colours.soft;
  context.textAlign = "center";
  context.textBaseline = "top";
  const line = (...ends) => {
    context.beginPath();
    context.moveTo(Math.round(ends[0]) + 0.5, Math.round(ends[1]) + 0.5);
    context.lineTo(Math.round(ends[2]) + 0.5, Math.round(ends[3]) + 0.5);
    context.stroke();
  };
  for (const tick of figure.xScale.ticks(Math.max(2, Math.floor((right - left) / 75)))) {
    line(figure.toX(tick), top, figure.toX(tick), bottom);
    context.fillText(shortNumber(tick), figure.toX(tick), bottom + 6);
  }
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const tick of figure.yScale.ticks(Math.max(2, Math.floor((bottom - top) / 42)))) {
    line(left, figure.toY(tick), right, figure.toY(tick));
    context.fillText(shortNumber(tick), left - 7, figure.toY(tick));
  }
  context.strokeStyle = figure.colours.soft;
  line(left, bottom, right, bottom);
  line(left, top, left, bottom);
  context.fillStyle = figure.colours.ink;
  context.textAlign = "center";
  context.textBaseline = "bottom";
  context.fillText(figure.xs.label, (left + right) / 2, figure.size[1] - 6);
  context.save();
  context.translate(12, (top + bottom) / 2);
  context.rotate(-Math.PI / 2);
  context.textBaseline = "middle";
  context.fillText(figure.ys.label, 0, 0);
  context.restore();
}

// What marks and lines mean, below the figure.
function writeLegend(figure) {
  const legend = document.getElementById("legend");
  const swatch = (shape, colour, filled) =>
    make("svg", { viewBox: "-7 -7 14 14", "aria-hidden": "true" }, make("path", { d: markOutline(shape, 5), fill: filled ? colour : "none", stroke: filled ? "none" : colour, "stroke-width": "1.4" }));
  const items = figure.look.kinds.map((kind) => make("li", {}, swatch(kind.shape, kind.colour, true), kind.name));
  if (figure.look.title) items.unshift(make("li", {}, `${figure.look.title}:`));
  if (figure.look.ends) {
    const stops = RAMP.map((_, i) => make("stop", { offset: `${25 * i}%`, "stop-color": rampColour(i / 4, isDarkColour(figure.colours.back)) }));
    const ramp = make("svg", { class: "ramp", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, make("defs", {}, make("linearGradient", { id: "ramp" }, ...stops)), make("rect", { width: 100, height: 10, fill: "url(#ramp)" }));
    items.push(make("li", {}, figure.look.ends[0], ramp, figure.look.ends[1]));
  }
  if (figure.fronts.length) items.push(make("li", {}, swatch("circle", figure.colours.ink, false), figure.fronts.length > 1 ? "front of each workload" : "front"));
  if (figure.rows.some((row) => !figure.points.isFeasible(row))) items.push(make("li", {}, swatch("cross", figure.colours.soft, false), "breaks a constraint"));
  if (figure.boundRows.length) items.push(make("li", {}, swatch("circle", figure.colours.faint, false), "lower bound only"));
  legend.replaceChildren(...items);
  figure.canvas.setAttribute("aria-label", `${figure.ys.label} over ${figure.xs.label}, ${figure.rows.length} points`);
}
