"""From the operators of a decode token to tasks of PIM channels and their ASIC, as a policy says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bitline.arch.asic.cost import ADD, NOTHING, Passes, passes_of, vector_cost
from bitline.arch.asic.spec import AsicSpec
from bitline.arch.pim.device import PimDevice, Step, ceil_div
from bitline.arch.pim.layout import Layout, cached_tensor, matrix_of, share, slots_of, span
from bitline.csrc.engine.program import Program
from bitline.sim.schedule.classes import ChannelClass, owner_of_token
from bitline.sim.schedule.graph import ASIC, Graph, OperatorWork, Template, assemble
from bitline.sim.schedule.policy import Policy
from bitline.traces import Block, Operator, Trace

ELEMENT_BYTES = 2

Lowered = dict[int, tuple[Step, ...]]
"""Steps by channel class."""


class GraphBuilder:
    """Builds the graphs of a run; `programs` are numbered as the graphs' tasks name them."""

    def __init__(
        self,
        device: PimDevice,
        asic: AsicSpec,
        policy: Policy,
        layout: Layout,
        channels: int,
        classes: Sequence[ChannelClass],
        reserved: int,
    ) -> None:
        self.device, self.asic, self.policy, self.layout = device, asic, policy, layout
        self.channels, self.classes, self.reserved = channels, classes, reserved
        self.reserved_slots = slots_of(device, channels, reserved)
        self.programs: list[Program] = []
        self._numbers: dict[int, int] = {}

    def number(self, program: Program) -> int:
        """The number of a program."""
        if id(program) not in self._numbers:
            self._numbers[id(program)] = len(self.programs)
            self.programs.append(program)
        return self._numbers[id(program)]

    def graph(self, trace: Trace, request: int = 0) -> Graph:
        """The graph of one decode token of batch 1. Raises SpecError for an operator that nobody can run."""
        templates, work = self._templates(trace, request)
        return assemble(trace.blocks, templates, work)

    def work(self, trace: Trace) -> list[OperatorWork]:
        """What the operators of one decode token ask for, without the graph of its tasks."""
        return self._templates(trace, 0)[1]

    def _templates(self, trace: Trace, request: int) -> tuple[list[Template], list[OperatorWork]]:
        work: list[OperatorWork] = []
        return [_Block(self, block, trace.contexts[0], request, work).build() for block in trace.blocks], work


class _Block:
    """One block of alike layers."""

    def __init__(self, owner: GraphBuilder, block: Block, context: int, request: int, work: list[OperatorWork]) -> None:
        self.owner, self.block, self.context, self.request, self.work = owner, block, context, request, work
        self.device, self.layout = owner.device, owner.layout
        self.template = Template()
        self.first_work = len(work)
        self.key_writes: dict[int, list[int]] = {}
        self.value_writes: dict[int, int] = {}
        self.values_to_write: tuple[Operator, str] | None = None
        self.score_chunks: dict[int, list[tuple[int, int]]] = {}

    def build(self) -> Template:
        """All operators, in order."""
        lower = {
            "matmul": self._matmul,
            "embedding": self._embedding,
            "kv_append": self._kv_append,
            "attention": self._attention,
        }
        for operator in self.block.operators:
            name = operator.name.split(".", 1)[1] if operator.layer >= 0 else operator.name
            unit = self.owner.policy.unit_of(operator.kind)
            self.work.append(
                OperatorWork(
                    operator,
                    name,
                    operator.kind,
                    unit,
                    self.block.repeats,
                    float(operator.flops),
                    float(operator.bytes),
                )
            )
            self.template.finals.append(lower.get(operator.kind, self._vector)(operator))
        return self.template

    # --- tasks ---

    def _work(self, operator: Operator) -> OperatorWork:
        return self.work[self.first_work + operator.id]

    def _in_banks(self, operator: Operator, lowered: Lowered, tensor: str, item: int) -> list[dict[int, int]]:
        """Tasks of each step, by class, on the `item`-th matrix or request of a tensor."""
        place = self.layout.places[tensor]
        row = place.row + item * place.rows
        found: list[dict[int, int]] = []
        for i in range(max((len(steps) for steps in lowered.values()), default=0)):
            tasks = {}
            # A channel with a smaller share may be done earlier.
            now = {alike: steps[i] for alike, steps in lowered.items() if i < len(steps)}
            for alike, step in now.items():
                number, base = self.owner.number(step.program), row + step.offset
                tasks[alike] = self.template.add(self.first_work + operator.id, 1 + alike, number, base, place.stride)
            self._work(operator).steps.append({alike: step.program for alike, step in now.items()})
            found.append(tasks)
        return found

    def _on_asic(self, operator: Operator, passes: Passes, rows: int, elements: int) -> int:
        cycles = vector_cost(self.owner.asic, passes, rows, elements).cycles
        return self.template.add(self.first_work + operator.id, ASIC, cycles)

    def _gather(self, operator: Operator, tasks: Sequence[int], additions: int = 0, outputs: int = 0) -> int:
        """The ASIC takes the results of tasks, and adds to each of `outputs` so many numbers."""
        if additions:
            self._work(operator).sums[additions, outputs] += 1
        task = self._on_asic(operator, ADD if additions else NOTHING, additions, outputs)
        self.template.wait(task, tasks)
        return task

    def _pass_over(self, operator: Operator, rows: int, elements: int) -> int:
        """The ASIC goes over rows of elements as a vector operator does."""
        self._work(operator).vectors[rows, elements] += 1
        return self._on_asic(operator, passes_of(self.owner.asic, operator), rows, elements)

    def _through_sram(self, operator: Operator, elements: int) -> None:
        self._work(operator).sram_bytes += elements * ELEMENT_BYTES

    # --- operators in the banks ---

    def _matmul(self, operator: Operator) -> list[int]:
        tensor, count, outputs, inputs = matrix_of(operator)
        channels = self.owner.channels
        groups = ceil_div(outputs, self.device.outputs_at_once)
        # Every channel has its chunks at the rows of the fullest one.
        fullest = self.device.matrix(inputs, ceil_div(groups, channels)).steps
        lowered: Lowered = {}
        for i, alike in enumerate(self.owner.classes):
            mine = share(alike.channel, channels, groups)
            if mine:
                steps = self.device.matrix(inputs, mine).steps
                lowered[i] = tuple(replace(step, offset=full.offset) for step, full in zip(steps, fullest))
        biased = any(tensor.role == "weight" and len(tensor.shape) == 1 for tensor in operator.inputs)
        products = operator.m * (operator.heads or 1)
        gather = -1
        for product in range(products):
            # Which experts a token meets is not known: the first ones stand for any.
            steps_of_product = self._in_banks(operator, lowered, tensor.name, product % count)
            for i, tasks in enumerate(steps_of_product):
                for task in tasks.values():
                    self.template.wait_for_operators(task, operator.dependencies)
                additions = fullest[i].partials - (i == 0) + (biased and i == len(steps_of_product) - 1)
                gather = self._gather(operator, list(tasks.values()), additions, outputs)
        self._through_sram(operator, products * (inputs + (2 * len(fullest) - 1) * outputs))
        return [gather]

    def _embedding(self, operator: Operator) -> list[int]:
        tensor, _count, outputs, inputs = matrix_of(operator)
        groups = ceil_div(ceil_div(outputs, self.device.outputs_at_once), self.owner.channels)
        # Which row is looked up does not matter to the time: the first one, on the first channel.
        steps = self._in_banks(operator, {0: self.device.read_row(inputs, groups)}, tensor.name, 0)
        tasks = [task for step in steps for task in step.values()]
        for task in tasks:
            self.template.wait_for_operators(task, operator.dependencies)
        self._through_sram(operator, inputs)
        return [self._gather(operator, tasks)]

    def _kv_append(self, operator: Operator) -> list[int]:
        token, at_once = self.context - 1, self.device.tokens_at_once
        key, value = (tensor for tensor in operator.outputs if tensor.role == "kv")
        heads = self.layout.heads[key.name]
        slot = token // at_once // self.owner.channels
        owner = owner_of_token(self.device, self.owner.channels, token)
        mine = next(i for i, alike in enumerate(self.owner.classes) if alike.channel == owner)
        steps = self.device.append_key(heads, slot, token % at_once, self.owner.reserved_slots)
        tasks = self._in_banks(operator, {mine: steps}, key.name, self.request)
        self.key_writes = {mine: [task for step in tasks for task in step.values()]}
        for task in self.key_writes[mine]:
            self.template.wait_for_operators(task, operator.dependencies)
        self._through_sram(operator, operator.n)
        self.values_to_write = (operator, value.name)
        if self.owner.policy.value_append == "before_score":
            self._append_values({})
        return self.key_writes[mine]

    def _append_values(self, after: dict[int, int]) -> None:
        """Write the new token's values, each class after its task in `after`."""
        if self.values_to_write is None:
            return
        operator, name = self.values_to_write
        self.values_to_write = None
        heads = self.layout.heads[name]
        groups = self.device.value_groups(heads)
        lowered: Lowered = {}
        for i, alike in enumerate(self.owner.classes):
            mine = span(alike.channel, self.owner.channels, groups, groups // heads.kv)[1]
            if mine:
                lowered[i] = self.device.append_value(mine, self.context - 1, self.owner.reserved)
        for tasks in self._in_banks(operator, lowered, name, self.request):
            for i, task in tasks.items():
                self.template.wait_for_operators(task, operator.dependencies)
                if i in after:
                    self.template.wait(task, [after[i]])
                self.value_writes[i] = task

    def _attention(self, operator: Operator) -> list[int]:
        return self._score(operator) if operator.part == "score" else self._context(operator)

    def _seen(self, operator: Operator) -> int:
        return min(self.context, operator.window) if operator.window else self.context

    def _without_append(self, operator: Operator) -> list[int]:
        """Dependencies but for appends, which bind each channel by itself."""
        return [i for i in operator.dependencies if i < 0 or self.block.operators[i].kind != "kv_append"]

    def _score(self, operator: Operator) -> list[int]:
        name = cached_tensor(operator).name
        groups = ceil_div(self._seen(operator), self.device.tokens_at_once)
        chunks = {}
        for i, alike in enumerate(self.owner.classes):
            slots = share(alike.channel, self.owner.channels, groups)
            if slots:
                chunks[i] = self.device.score(self.layout.heads[name], slots, self.owner.reserved_slots)
        dependencies = self._without_append(operator)
        gathers: list[tuple[int, int]] = []
        last: dict[int, int] = {}
        for c, chunk in enumerate(next(iter(chunks.values()))):
            lowered = {i: found[c].steps for i, found in chunks.items()}
            steps = self._in_banks(operator, lowered, name, self.request)
            for tasks in steps:
                for i, task in tasks.items():
                    self.template.wait_for_operators(task, dependencies)
                    self.template.wait(task, self.key_writes.get(i, ()))
                    last[i] = task
            tasks_of_chunk = [task for tasks in steps for task in tasks.values()]
            additions = chunk.steps[0].partials - 1
            gather = self._gather(operator, tasks_of_chunk, additions, chunk.queries * self._seen(operator))
            gathers.append((gather, chunk.queries))
        self._through_sram(operator, operator.heads * (operator.k + self._seen(operator)))
        self.score_chunks[operator.id] = gathers
        self._append_values(last)
        return [gather for gather, _queries in gathers]

    def _context(self, operator: Operator) -> list[int]:
        name = cached_tensor(operator).name
        heads, seen = self.layout.heads[name], self._seen(operator)
        groups = self.device.value_groups(heads)
        lowered: Lowered = {}
        for i, alike in enumerate(self.owner.classes):
            first, mine = span(alike.channel, self.owner.channels, groups, groups // heads.kv)
            if mine:
                lowered[i] = self.device.context(heads, first, mine, seen, self.owner.reserved)
        dependencies = self._without_append(operator)
        steps = self._in_banks(operator, lowered, name, self.request)
        for tasks in steps:
            for i, task in tasks.items():
                self.template.wait_for_operators(task, dependencies)
                if i in self.value_writes:
                    self.template.wait(task, [self.value_writes[i]])
        results = sum(
            step.results * self.owner.classes[i].multiplicity for i, steps in lowered.items() for step in steps
        )
        outputs = operator.heads * operator.n
        additions = max(0, ceil_div(results, groups * self.device.outputs_at_once * heads.queries) - 1)
        self._through_sram(operator, operator.heads * (seen + operator.n))
        return [self._gather(operator, [task for tasks in steps for task in tasks.values()], additions, outputs)]

    # --- operators on the ASIC ---

    def _vector(self, operator: Operator) -> list[int]:
        self._work(operator).sram_bytes += operator.activation_read_bytes + operator.activation_write_bytes
        chunks = self._score_before(operator)
        if chunks:
            tasks = [self._pass_over(operator, queries, self._seen(operator)) for _gather, queries in chunks]
            for task, (gather, _queries) in zip(tasks, chunks):
                self.template.wait(task, [gather])
            return tasks
        rows = operator.m * operator.heads if operator.kind == "softmax" else operator.m
        task = self._pass_over(operator, rows, operator.n)
        self.template.wait_for_operators(task, operator.dependencies)
        return [task]

    def _score_before(self, operator: Operator) -> list[tuple[int, int]]:
        """The chunks of scores that a softmax can follow one by one."""
        if operator.kind != "softmax" or self.owner.policy.softmax == "whole" or len(operator.dependencies) != 1:
            return []
        return self.score_chunks.get(operator.dependencies[0], [])
