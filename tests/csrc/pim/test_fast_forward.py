"""A PIM channel gives the same answers, counts and commands with and without fast-forward."""

import random
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitline.arch.dram.part import load_part
from bitline.arch.pim.device import pim_device, rows_of_body
from bitline.csrc.engine.program import Loop, Program

PAUSES = (-1, -1, -1, 0, 7, 60)
FIXED_FROM = 6000
BASES = (300, 301, 777, 4000)

# Clocks with small common divisors, refresh intervals odd and prime, down to the shortest that a part allows.
PARTS = [
    ("gddr6-aim", {}),
    ("gddr6-aim", {"timing_ck.tREFI": 997}),
    ("gddr6-aim", {"timing_ck.tREFI": 389}),
    ("gddr6-aim", {"timing_ck.tREFI": 1733, "tck_ps": 501.3}),
    ("gddr6-aim", {"timing_ck.tREFI": 751, "tck_ps": 333.25, "timing_ck.tCCDL": 3}),
    ("gddr6-aim", {"timing_ck.tRTP": 17, "timing_ck.tRP": 41, "timing_ck.tRC": 95, "timing_ck.tREFI": 1009}),
    ("hbm-pim", {}),
    ("hbm-pim", {"timing_ck.tREFI": 997}),
    ("hbm-pim", {"timing_ck.tREFI": 451, "tck_ps": 987.5}),
]


@cache
def device_of(number):
    name, changes = PARTS[number]
    return pim_device(load_part(name, changes), name)


@st.composite
def body_rows(draw, n_accesses):
    fixed = draw(st.integers(0, 9)) == 0
    offset = draw(st.integers(FIXED_FROM, FIXED_FROM + 2) if fixed else st.integers(-2, 6))
    access, bank, column = draw(st.tuples(st.integers(0, n_accesses - 1), st.integers(0, 15), st.integers(0, 30)))
    return offset, access, bank, column, draw(st.integers(0, 12)), draw(st.sampled_from(PAUSES)), int(fixed)


@st.composite
def nests(draw, n_rows, depth=0, budget=60):
    """Items over the rows of a body: rows, loops, loops in loops. `budget` bounds what they execute."""
    items = []
    for _ in range(draw(st.integers(1, 4))):
        if depth < 3 and budget > 1 and draw(st.booleans()):
            trips = draw(st.integers(0, budget))
            inner = draw(nests(n_rows, depth + 1, budget // max(1, trips)))
            items.append(Loop(trips, inner, stride=draw(st.integers(-2, 4)), marked=draw(st.integers(0, 4)) > 0))
        else:
            items.append(draw(st.integers(0, n_rows - 1)))
    return items


@st.composite
def cases(draw):
    """A part, programs, and when each is asked for with which base."""
    number = draw(st.integers(0, len(PARTS) - 1))
    rows = draw(st.lists(body_rows(len(device_of(number).accesses)), min_size=1, max_size=6))
    programs = [Program(rows_of_body(rows), draw(nests(len(rows)))) for _ in range(draw(st.integers(1, 2)))]
    asked, ps = [], 0
    for _ in range(draw(st.integers(1, 5))):
        ps += draw(st.sampled_from((0, 0, 1, 12_345, 1_000_003, 7_654_321)))
        asked.append((ps, draw(st.integers(0, len(programs) - 1)), draw(st.sampled_from(BASES))))
    return number, programs, asked, draw(st.integers(0, 9)) > 0


def on_and_off_agree(run, case):
    number, programs, asked, refresh = case
    until = asked[-1][0] + 3_333_333
    options = {"until": until, "refresh": refresh, "fixed_rows": FIXED_FROM}
    off = run(device_of(number), programs, asked, **options)
    on = run(device_of(number), programs, asked, fast_forward=True, **options)
    assert on.seen == off.seen


@settings(max_examples=150)
@given(case=cases())
def test_fast_forward_equals_full_simulation(run, case):
    on_and_off_agree(run, case)


@pytest.mark.slow
@settings(max_examples=2500)
@given(case=cases())
def test_fast_forward_equals_full_simulation_of_many_programs(run, case):
    on_and_off_agree(run, case)


def periodic_case(rng):
    """A loop over like rows of data, long beside its refresh interval, as a lowering makes them."""
    number = rng.randrange(len(PARTS))
    device = device_of(number)
    stride = rng.choice((1, 1, 2, 3))
    body = []
    for _ in range(rng.randint(1, 4)):
        access = rng.randrange(len(device.accesses))
        body.append(
            (
                rng.randrange(stride),
                access,
                rng.randrange(16),
                rng.randrange(8),
                rng.randint(1, 16),
                rng.choice(PAUSES),
                0,
            )
        )
    inner = list(range(len(body)))
    items = [Loop(rng.randint(300, 900), inner, stride=stride)]
    if rng.random() < 0.4:
        items = [
            Loop(rng.randint(20, 40), [*inner, Loop(rng.randint(5, 30), inner, stride=stride)], stride=30 * stride)
        ]
    return number, [Program(rows_of_body(body), items)], [(0, 0, 300)]


def test_it_fires_in_nine_of_ten_periodic_programs(run):
    rng = random.Random(20240607)
    fired, shares = 0, []
    for _ in range(60):
        number, programs, asked = periodic_case(rng)
        found = run(device_of(number), programs, asked, fast_forward=True, fixed_rows=FIXED_FROM)
        passed = found.statistics["replayed"] + found.statistics["simulated"]
        shares.append(found.statistics["replayed"] / passed)
        fired += found.statistics["replayed"] > 0
    assert fired > 0.9 * len(shares)
    assert sorted(shares)[len(shares) // 2] > 0.5  # and not for one iteration


def test_what_one_program_did_is_known_to_the_next(run):
    """The loop is the same one whatever its length: later programs are replayed from what earlier ones left."""
    device = device_of(0)
    row = rows_of_body([(0, 2, 0, 0, 64, -1, 0)])
    programs = [Program(row, [Loop(150 + i, [0], stride=1)]) for i in range(60)]
    alone = run(device, programs[:1], [(0, 0, 300)], fast_forward=True).statistics
    every = run(device, programs, [(0, i, 300 + 200 * i) for i in range(60)], fast_forward=True).statistics
    assert every["simulated"] < 0.5 * 60 * alone["simulated"]


def test_it_is_off_where_no_loop_is_marked(run):
    device = device_of(0)
    body = rows_of_body([(0, 2, 0, 0, 64, -1, 0)])
    plain = Program(body, [Loop(200, [0], stride=1, marked=False)])
    found = run(device, [plain], [(0, 0, 300)], fast_forward=True)
    assert found.statistics["replayed"] == 0
    assert found.seen == run(device, [plain], [(0, 0, 300)]).seen


def test_a_row_that_the_base_moves_into_reach_is_not_taken_for_another(run):
    """The inner loop leaves a row of the outer one open; what it does beside one such row says nothing of the next."""
    body = rows_of_body([(6000, 6, 0, 0, 6, -1, 1), (1, 3, 7, 0, 1, -1, 0)])
    inner = Loop(1, [0], stride=-2)
    program = Program(body, [Loop(2, [Loop(3, [inner], stride=4, marked=False), 1], marked=False)])
    device = device_of([name for name, _changes in PARTS].index("hbm-pim"))
    options = {"fixed_rows": FIXED_FROM}
    on = run(device, [program], [(0, 0, 777)], fast_forward=True, **options)
    assert on.seen == run(device, [program], [(0, 0, 777)], **options).seen
