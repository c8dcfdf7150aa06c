// The points of a study as columns.

class Column {
  constructor(data) {
    Object.assign(this, data);
    this.isNumber = this.kind === "number";
  }

  // What is drawn and filtered: numbers in the unit of the label.
  number(row) {
    const value = this.values[row];
    return value === null ? NaN : value / this.divisor;
  }

  // For order: numbers by size, texts by their place in the sorted list.
  rank(row) {
    const value = this.values[row];
    return value === null ? NaN : value;
  }

  text(row) {
    const value = this.values[row];
    if (value === null) return "";
    return this.isNumber ? shortNumber(value / this.divisor) : this.texts[value];
  }
}

class Points {
  constructor(data) {
    this.numbers = data.numbers;
    this.count = data.numbers.length;
    this.columns = data.columns.map((column) => new Column(column));
    this.byName = new Map(this.columns.map((column) => [column.name, column]));
    this.goals = data.goals;
    this.workload = data.workload;
    this.workloads = data.workloads;
    this.front = new Set(data.front);
    const feasible = this.byName.get("feasible");
    const status = this.byName.get("status");
    this.isDone = (row) => status.text(row) === "done";
    this.isFeasible = (row) => !feasible || feasible.text(row) === "yes";
  }

  // What the points differ in, in one line.
  describe(row) {
    const varying = this.columns.filter((column) => column.varies && ["workload", "design"].includes(column.role));
    return varying.map((column) => `${column.name} ${column.text(row)}`).join(", ");
  }
}

// Of rows with two coordinates, those that no other beats in both; in order of x. Signs: 1 if less is better.
function frontOf(rows, x, y, xSign, ySign) {
  const order = rows.slice().sort((a, b) => xSign * (x(a) - x(b)) || ySign * (y(a) - y(b)));
  const front = [];
  let best = Infinity;
  for (const row of order) {
    if (ySign * y(row) < best) {
      best = ySign * y(row);
      front.push(row);
    }
  }
  return front;
}
