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
