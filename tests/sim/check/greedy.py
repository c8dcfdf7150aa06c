"""A scheduler that walks clock by clock: legal command logs of PIM and ordinary traffic, straight from a rule set.

It reads the same rules as the checker but evaluates them the other way round, forward and command by command. With
`dice` it draws among the ready commands, for varied logs; without, a request takes as few clocks as greed allows, so
that its end is a reference for how tight a controller schedules: PIM first, then accesses, activates, precharges, each
kind by age.

A memory request is `(rank, bank_group, bank, row, is_write)`. A PIM step is `("GWRITE", (rank, bank_group, bank),
row)`, `("GEMV", row, comps)` with one number of COMPs for each READRES, or `("TRAFFIC", n)`: wait for n more requests.
"""

from collections import deque

from bitline.sim.check import CommandLog
from bitline.sim.check.pim_distances import COMPOSITE, COMPUTES, LAST_COLUMN, SOME_BANK
from bitline.sim.check.rule import Buffer, Level, Window

NEVER = -(1 << 40)
READS, WRITES = ("RD", "RDA"), ("WR", "WRA")


class Earliest:
    """When a command may issue at the earliest, after all that was issued. Commands are (name, rank, group, bank)."""

    def __init__(self, checker):
        self.part, self.rules = checker.part, checker.rules
        self.sizes = (1, 1, self.part.ranks, self.part.bank_groups, self.part.banks)
        self.last = [{} for _ in self.rules.rules]
        self.windows = [{} for _ in self.rules.rules]
        self.by_bank = {}
        self.composite = (NEVER, 0)
        self.bursts = deque(maxlen=8)
        numbered = list(enumerate(self.rules.rules))
        self.after = {name: [at for at in numbered if name in _after(at[1])] for name in self.rules.kinds}
        self.before = {name: [at for at in numbered if name in _before(at[1])] for name in self.rules.kinds}

    def nodes(self, command, level):
        """The node of a command at a level, or for banks all that it touches."""
        name, *cells = command
        cells = (0, 0, *cells)
        if level is not Level.BANK:
            return [self._node(cells, level)]
        span = self.rules.kinds[name].span
        first, count = self._node(cells, span), 1
        for size in self.sizes[span + 1 :]:
            first, count = first * size, count * size
        return range(first, first + count)

    def _node(self, cells, level):
        node = 0
        for cell, size in zip(cells[: level + 1], self.sizes):
            node = node * size + cell
        return node

    def __call__(self, command, now):
        name, cycle = command[0], now
        for number, rule in self.after[name]:
            if isinstance(rule, Window):
                window = self.windows[number].get(self.nodes(command, rule.level)[0], ())
                if len(window) == rule.count:
                    cycle = max(cycle, window[0] + rule.ticks)
                continue
            last, relation = self.last[number], rule.relation
            other = self._node((0, 0, *command[1:]), relation.differ) if relation.differ is not None else None
            for node in self.nodes(command, relation.same):
                for differ, time in last.get(node, {}).items():
                    if other is None or differ != other:
                        cycle = max(cycle, time + rule.ticks)
        for rule, check in self.rules.distances.items():
            cycle = max(cycle, self._distance(rule, check.keywords, command))
        latency = self.rules.data_bus.latency.get(name)
        while latency is not None and any(
            abs(burst - cycle - latency) < self.rules.data_bus.ticks for burst in self.bursts
        ):
            cycle += 1
        return cycle

    def _distance(self, rule, numbers, command):
        issued, comps = self.composite
        if rule == COMPOSITE and command[0] in COMPUTES:
            return issued + numbers["pace"] * (max(comps, 6) + 1)
        if rule == LAST_COLUMN and command[0] in numbers["precharges"]:
            return issued + numbers["pace"] * (max(comps, 1) - 1) + numbers["recovery"]
        if rule == SOME_BANK and command[0] == "G_ACT":
            waits = [(name, ticks) for names, ticks in numbers["waits"] for name in names]
            banks = self.nodes(command, Level.BANK)
            return min(max(self.by_bank.get((name, bank), NEVER) + ticks for name, ticks in waits) for bank in banks)
        return NEVER

    def issue(self, command, cycle, comps=0):
        name = command[0]
        for number, rule in self.before[name]:
            if isinstance(rule, Window):
                node = self.nodes(command, rule.level)[0]
                self.windows[number].setdefault(node, deque(maxlen=rule.count)).append(cycle)
                continue
            differ = rule.relation.differ
            other = self._node((0, 0, *command[1:]), differ) if differ is not None else 0
            for node in self.nodes(command, rule.relation.same):
                self.last[number].setdefault(node, {})[other] = cycle
        if self.rules.kinds[name].span is Level.BANK:
            self.by_bank[name, self.nodes(command, Level.BANK)[0]] = cycle
        if name == "COMPS_READRES":
            self.composite = (cycle, comps)
        if name in self.rules.data_bus.latency:
            self.bursts.append(cycle + self.rules.data_bus.latency[name])


def _after(rule):
    return rule.commands if isinstance(rule, Window) else rule.after


def _before(rule):
    return rule.commands if isinstance(rule, Window) else rule.before


class Greedy:
    """One channel. `reach`: how many of the oldest requests are looked at. `composite`: COMPS_READRES, not COMPs.

    `first_refresh`: when the first refresh of each rank is due; by default the ranks take turns. `in_order`: a header
    waits until the GWRITE before it is over, as in NewtonSim.
    """

    def __init__(
        self, checker, requests, steps, *, dice=None, reach=32, composite=True, first_refresh=None, in_order=False
    ):
        self.earliest, self.part = Earliest(checker), checker.part
        self.dice, self.reach, self.composite = dice, reach, composite
        self.buffer_written, self.gwrite = 0, checker.part.timing["tGWRITE"] if in_order else 0
        self.dual = checker.rules.kinds["G_ACT"].buffer is Buffer.PIM
        self.banks = [
            (rank, group, bank)
            for rank in range(self.part.ranks)
            for group in range(self.part.bank_groups)
            for bank in range(self.part.banks)
        ]
        self.memory = {}
        self.pim = {} if self.dual else self.memory
        self.requests, self.steps = list(requests), deque(steps)
        self.announced, self.computes, self.waiting_for = None, deque(), None
        interval = checker.rules.refresh.interval
        self.interval = interval
        self.due = list(first_refresh or [interval * (n + 1) // self.part.ranks for n in range(self.part.ranks)])
        self.now, self.rows = 0, []

    def run(self):
        """The log, and the clock of its last command."""
        while self.requests or self.steps:
            offers = self._offers()
            assert offers or self.now < self.buffer_written or not (self.requests or self.steps), self.now
            times = [self.earliest(offer[1], self.now) for offer in offers]
            events = (*self.due, self.buffer_written)
            self.now = min([*times, *(event for event in events if event > self.now)])
            ready = [offer for offer, time in zip(offers, times) if time == self.now]
            if ready:
                self._issue(self.dice.choice(ready) if self.dice else min(ready, key=lambda offer: offer[0]))
                self.now += 1
        return self.log(), self.rows[-1][0]

    def log(self):
        cells = zip(*(row[2:] for row in self.rows))
        names = ("rank", "bank_group", "bank", "row", "column")
        columns = dict(zip(names, (list(cell) for cell in cells)))
        return CommandLog.from_columns(
            [row[0] for row in self.rows], [row[1] for row in self.rows], channel=0, **columns
        )

    # --- what could go next: (priority, command, row, column)

    def _offers(self):
        late = {rank for rank, due in enumerate(self.due) if self.now >= due}
        offers = [] if self.announced is not None else [offer for rank in late for offer in self._refresh(rank)]
        offers += self._pim(late)
        locked = not self.dual and self.steps and self.steps[0][0] == "GEMV" and not late
        if not locked and (self.dual or self.announced is None):
            offers += self._memory(late)
        return offers

    def _refresh(self, rank):
        banks = [bank for bank in self.banks if bank[0] == rank]
        offers = [((0, 0), ("PRE", *bank), -1, -1) for bank in banks if bank in self.memory]
        if self.dual:
            offers += [((0, 0), ("PIM_PRECHARGE", *bank), -1, -1) for bank in banks if bank in self.pim]
        return offers or [((0, 0), ("REFab", rank, 0, 0), -1, -1)]

    def _pim(self, late):
        if not self.steps:
            return []
        kind, *what = self.steps[0]
        if kind == "TRAFFIC":
            if self.waiting_for is None:
                self.waiting_for = max(0, len(self.requests) - what[0])
            if len(self.requests) <= self.waiting_for:
                self.waiting_for = None
                self.steps.popleft()
                return self._pim(late)
            return []
        if kind == "GWRITE":
            bank, row = what
            return [] if bank[0] in late else [self._towards((1, 0), ("GWRITE", *bank), row, 0)]
        return [] if late and self.announced is None else self._gemv(what[0], what[1])

    def _towards(self, priority, access, row, column):
        held = self.memory.get(access[1:])
        if held is None:
            return priority, ("ACT", *access[1:]), row, -1
        return (priority, access, row, column) if held == row else (priority, ("PRE", *access[1:]), -1, -1)

    def _gemv(self, row, comps):
        if self.announced is None:
            if self.now < self.buffer_written:
                return []
            wrong = [bank for bank, held in self.pim.items() if held != row or self._half_open(bank)]
            name = "PIM_PRECHARGE" if self.dual or (self.dice and self.dice.random() < 0.5) else "PRE"
            closing = [((1, 0), (name, *bank), -1, -1) for bank in wrong]
            if self.dual:
                closing += [((1, 0), ("PRE", *bank), -1, -1) for bank, held in self.memory.items() if held == row]
            return closing or [((1, 0), ("P_HEADER", 0, 0, 0), row, sum(comps))]
        closed = [bank for bank in self.banks if bank[2] == 0 and bank not in self.pim]
        if closed:
            return [((1, 0), ("G_ACT", *bank), row, -1) for bank in closed]
        name, count = self.computes[0]
        return [((1, 0), (name, 0, 0, 0), row, count)]

    def _half_open(self, bank):
        return any((*bank[:2], other) not in self.pim for other in range(self.part.banks))

    def _memory(self, late):
        step, bank_or_row = self.steps[0][:2] if self.steps else (None, None)
        offers, oldest, hits = [], {}, set()
        for age, (*bank, row, is_write) in enumerate(self.requests[: self.reach]):
            bank = tuple(bank)
            if bank[0] in late or (step == "GWRITE" and bank == bank_or_row):
                continue
            if self.dual and step == "GEMV" and row == bank_or_row:
                continue
            if self.dual and row == self.pim.get(bank):
                if self.announced is None:
                    offers.append(((2, age), ("PIM_PRECHARGE", *bank), -1, -1))
            elif self.memory.get(bank) == row:
                offers.append(((2, age), (self._access(bank, row, is_write), *bank), row, age))
                hits.add(bank)
            else:
                oldest.setdefault(bank, (age, row))
        for bank, (age, row) in oldest.items():
            if bank not in hits:
                priority = (4 if bank in self.memory else 3, age)
                offers.append(self._towards(priority, ("RD", *bank), row, age))
        return offers

    def _access(self, bank, row, is_write):
        last = sum(request[:4] == (*bank, row) for request in self.requests[: self.reach]) == 1
        close = self.dice is not None and last and self.dice.random() < 0.3
        return (WRITES if is_write else READS)[close]

    # --- what it does

    def _issue(self, offer):
        _, command, row, column = offer
        name, *bank = command
        bank = tuple(bank)
        self.earliest.issue(command, self.now, column)
        if name in (*READS, *WRITES):
            self.requests.pop(column)
            column = row % 16
        if name == "ACT":
            self.memory[bank] = row
        elif name in ("PRE", "RDA", "WRA"):
            self.memory.pop(bank, None)
        elif name == "PIM_PRECHARGE":
            self.pim.pop(bank, None)
        elif name == "G_ACT":
            self.pim.update({(*bank[:2], other): row for other in range(self.part.banks)})
        elif name == "REFab":
            self.due[bank[0]] += self.interval
        elif name == "P_HEADER":
            self.announced = row
            self.computes = deque(self._sequence(self.steps[0][2]))
        elif name == "GWRITE":
            self.buffer_written = self.now + self.gwrite
            self.steps.popleft()
        elif name in COMPUTES:
            self.computes.popleft()
            if not self.computes:
                self.announced = None
                self.steps.popleft()
        self.rows.append((self.now, name, *bank, row, column))

    def _sequence(self, comps):
        for count in comps:
            if self.composite:
                yield "COMPS_READRES", count
            else:
                yield from [("COMP", at) for at in range(count)]
                yield "READRES", -1


def schedule(checker, requests, steps=(), **options):
    """The log of `requests` and PIM `steps`, and the clock of its last command."""
    return Greedy(checker, requests, steps, **options).run()


def random_requests(dice, count, rows=(2, 3, 2000, 2001, 2002)):
    """Requests over all banks to a few rows, some of them rows that PIM uses."""
    return [
        (dice.randrange(2), dice.randrange(4), dice.randrange(4), dice.choice(rows), dice.random() < 0.4)
        for _ in range(count)
    ]


def random_steps(dice, count):
    """GWRITEs and GEMVs on a few rows, with traffic between."""
    steps = []
    for _ in range(count):
        bank = (dice.randrange(2), dice.randrange(4), dice.randrange(4))
        steps.append(("GWRITE", bank, 100 + dice.randrange(3)))
        for _ in range(dice.randrange(1, 4)):
            comps = [dice.choice((1, 4, 7, 8, 16, 32)) for _ in range(dice.randrange(1, 5))]
            steps.append(("GEMV", dice.choice((2, 3, 4)), comps))
        steps.append(("TRAFFIC", dice.randrange(0, 60)))
    return steps
