import pytest

from bitline.plots.commands import CLASSES, MOST_LANES, commands_table, plot_commands
from bitline.sim.run.command_timing import CommandTiming

TIMING = CommandTiming(
    tick_ps=500.0, busy={"ACT": 20.0, "RD": 4.0, "PRE": 15.0, "REFab": 90.0}, data={"RD": (18.0, 22.0)}
)


def command(cycle, name, bank_group=None, bank=None, pseudo_channel=0, rank=0, row=None, column=None):
    return {
        "cycle": cycle,
        "command": name,
        "channel": 0,
        "pseudo_channel": pseudo_channel,
        "rank": rank,
        "bank_group": bank_group,
        "bank": bank,
        "row": row,
        "column": column,
    }


ROWS = [
    command(0, "ACT", 0, 1, row=7),
    command(5, "ACT", 1, 0, row=9),
    command(20, "RD", 0, 1, column=0),
    command(26, "RD", 1, 0, column=0),
    command(40, "PRE", 0, 1),
    command(60, "PRE", 1, 0),
    command(80, "REFab"),
]


def bars(table, lane):
    return [(row["start_tick"], row["end_tick"]) for row in table if row["lane"] == lane]


def drawn(ax):
    """(lane, start, end) of everything that stands on the axes."""
    lanes = [label.get_text() for label in ax.get_yticklabels()]
    boxes = [path.get_extents() for bars in ax.collections for path in bars.get_paths()]
    return sorted((lanes[round((box.y0 + box.y1) / 2)], box.x0, box.x1) for box in boxes)


def test_with_a_parts_timing_a_bar_is_as_long_as_the_command_keeps_its_bank():
    table = commands_table(ROWS, TIMING)
    assert bars(table, "BG0 B1") == [(0, 20), (20, 24), (40, 55)]
    assert bars(table, "BG1 B0") == [(5, 25), (26, 30), (60, 75)]
    assert bars(table, "all banks") == [(80, 170)]
    assert bars(table, "data bus") == [(38, 42), (44, 48)]
    assert bars(table, "commands") == [(row["cycle"], row["cycle"] + 1) for row in ROWS]


def test_without_timing_a_bar_ends_where_the_next_command_of_its_lane_begins():
    table = commands_table(ROWS)
    assert bars(table, "BG0 B1") == [(0, 20), (20, 40), (40, 80)]
    assert bars(table, "all banks") == [(80, 81)]
    assert bars(table, "data bus") == []


def test_lanes_stand_bus_first_then_what_is_for_all_banks_then_the_banks_in_order():
    table = commands_table(ROWS, TIMING)
    assert list(dict.fromkeys(row["lane"] for row in table)) == [
        "commands",
        "data bus",
        "all banks",
        "BG0 B1",
        "BG1 B0",
    ]


def test_moves_between_buffers_keep_no_bank():
    rows = [command(0, "ACT16"), command(1, "WRGB", column=0), command(60, "MAC16", column=0)]
    table = commands_table(rows, CommandTiming(500.0, {"ACT16": 56.0, "WRGB": 2.0, "MAC16": 2.0}, {"WRGB": (1, 3)}))
    assert bars(table, "buffers") == [(1, 3)]
    assert bars(table, "all banks") == [(0, 56), (60, 62)]
    assert list(dict.fromkeys(row["lane"] for row in table)) == ["commands", "data bus", "buffers", "all banks"]


def test_each_pseudo_channel_has_its_data_bus():
    rows = [command(0, "RD", 0, 0, pseudo_channel=1), command(9, "RD", 0, 0, pseudo_channel=0)]
    lanes = list(dict.fromkeys(row["lane"] for row in commands_table(rows, TIMING)))
    assert lanes == ["commands", "data bus PC0", "data bus PC1", "PC0", "PC1"]


def test_lanes_that_would_be_called_the_same_are_named_in_full():
    rows = [command(0, "PREab", rank=0), command(4, "PREab", rank=None)]
    lanes = {row["lane"] for row in commands_table(rows)} - {"commands"}
    assert lanes == {"PC0 R0 all banks", "PC0 all banks"}


def test_many_banks_are_drawn_by_bank_group():
    rows = [command(i, "RD", group, bank) for i, (group, bank) in enumerate((g, b) for g in range(8) for b in range(8))]
    assert len(rows) > MOST_LANES
    lanes = [lane for lane in dict.fromkeys(row["lane"] for row in commands_table(rows)) if lane != "commands"]
    assert lanes == [f"BG{group}" for group in range(8)]


def test_the_figure_shows_each_bar_of_the_table_in_its_lane():
    table = commands_table(ROWS, TIMING)
    expected = sorted((row["lane"], row["start_tick"], row["end_tick"]) for row in table)
    assert drawn(plot_commands(table, tick_ps=500)) == expected


def test_colour_stands_for_the_class_of_command():
    ax = plot_commands(commands_table(ROWS, TIMING), tick_ps=500)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["activate", "read", "precharge", "refresh"]
    assert len({tuple(patch.get_facecolor()) for patch in ax.get_legend().get_patches()}) == 4


def test_a_command_that_is_not_known_is_drawn_as_other():
    assert commands_table([command(0, "NEWOP", 0, 0)])[0]["class"] == "other"


def test_no_command_has_two_classes():
    names = [name for names in CLASSES.values() for name in names]
    assert len(names) == len(set(names))


def test_names_stand_in_bars_that_are_long_enough():
    table = commands_table([command(0, "ACT", 0, 0), command(50, "RD", 0, 0), command(52, "PRE", 0, 0)])
    texts = [text.get_text() for text in plot_commands(table).texts]
    assert "ACT" in texts
    assert "RD" not in texts


def test_the_axis_gives_the_length_of_a_cycle_or_says_what_a_bar_is():
    table = commands_table(ROWS)
    assert plot_commands(table, tick_ps=312.5).get_xlabel() == "cycle (1 cycle = 0.3125 ns)"
    assert plot_commands(table).get_xlabel() == "cycle (a bar ends at its lane's next command)"


@pytest.mark.parametrize("size", ["column", "page", "slide"])
def test_no_label_leaves_the_figure_or_covers_another(faults, size):
    ax = plot_commands(commands_table(ROWS, TIMING), tick_ps=500, size=size)
    assert faults(ax) == []


def test_large_cycles_are_written_out():
    rows = [{**row, "cycle": row["cycle"] + 12_000_000} for row in ROWS]
    ax = plot_commands(commands_table(rows, TIMING), tick_ps=500, size="slide")
    ax.figure.draw_without_rendering()
    assert ax.xaxis.get_offset_text().get_text() == ""
    assert "12000000" in [label.get_text() for label in ax.get_xticklabels()]
