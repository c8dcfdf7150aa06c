import dataclasses

import pytest

from bitline.plots.report.facts import Facts, bottleneck_shares
from bitline.plots.report.words import summary


def said(facts):
    star = facts.star
    result = None if star is None else facts.record.result_of(facts.record.keys[star])
    return {one.about: one.text for one in summary(facts, result)}


def test_the_best_of_each_workload_is_the_least_feasible(small_record):
    facts = Facts(small_record)
    rows = small_record.rows
    assert len(facts.best) == 2
    for workload, best in facts.best.items():
        rivals = [row for row in rows if row["model"] == workload[0] and row["status"] == "done" and row["feasible"]]
        assert rows[best]["time_per_token_s"] == min(row["time_per_token_s"] for row in rivals)


def test_no_point_of_the_front_is_beaten_within_its_workload(small_record):
    facts = Facts(small_record)
    for i in facts.front:
        row = small_record.rows[i]
        for other in (small_record.rows[j] for j in facts.candidates):
            if other["model"] == row["model"]:
                better = [other[name] <= row[name] for name in ("time_per_token_s", "energy_j")]
                assert not all(better) or all(other[n] == row[n] for n in ("time_per_token_s", "energy_j"))


def test_the_best_design_finished_in_all_workloads(small_record):
    facts = Facts(small_record)
    design = facts.best_design
    names = small_record.design_names
    assert dict(zip(names, design.values))["memory.channels"] == 32
    assert design.mean_ratio == design.worst_ratio == 1
    assert (
        "In each it has the least time per token of all points that meet the constraints." in said(facts)["Best design"]
    )


def test_failures_that_differ_in_their_numbers_are_one(small_record):
    (reason,) = Facts(small_record).failures
    assert reason.count == 4
    assert reason.example == "gpt2-xl does not fit 4 channels"
    assert said(Facts(small_record))["Failed"] == "4: gpt2-xl does not fit 4 channels."


def test_a_failed_point_says_nothing_of_its_policy(small_record):
    assert "policy" not in Facts(small_record).varying(small_record.parameters)


def test_the_words_say_what_the_rows_say(toys):
    record = toys.make_record([4, 8], [64, 256], [1], constraints=["power_w < 30"])
    words = said(Facts(record))
    assert words["Points"] == "4 points: 4 simulated cycle by cycle."
    assert words["Best point"].startswith(
        "Point 4, with asic.adders 256, memory.channels 8: least time per token, 669 µs"
    )
    assert words["What limits it"].startswith("Point 4 is held back by ")
    assert "It takes 1.67 times its lower bound." in words["What limits it"]
    assert "The largest part of its energy, 70.0%, goes to compute." in words["What limits it"]
    assert words["What matters"].startswith(
        "memory.channels: from 4 to 8, the time per token falls by a factor of 1.74"
    )
    assert words["Constraints"] == "4 of 4 points meet power_w < 30."
    assert "Failed" not in words


def test_a_study_without_a_feasible_point_says_so(toys):
    record = toys.make_record([4, 8], [64, 256], [1])
    for row in record.rows:
        row["feasible"] = False
    facts = Facts(record)
    words = said(facts)
    assert facts.star is None
    assert words["Best point"] == "No point that meets the constraints has a time per token."
    assert words["Constraints"].startswith("0 of 4 points meet")
    assert "Front" not in words


def test_a_study_of_which_all_failed_still_has_a_summary(toys):
    record = toys.make_record([4, 8], [64], [1])
    for row in record.rows:
        row.update(status="failed", error="too small", time_per_token_s=None, feasible=None)
    words = said(Facts(record))
    assert words["Points"] == "2 points: 0 simulated cycle by cycle, 2 failed."
    assert words["Failed"] == "2: too small."


def test_the_most_is_best_where_the_study_wants_it(toys):
    record = toys.make_record([4, 8], [64, 256], [1], objectives={"tokens_per_s": "max"})
    facts = Facts(record)
    assert facts.star == max(range(4), key=lambda i: record.rows[i]["tokens_per_s"])
    words = said(facts)
    assert "most tokens/s" in words["Best point"]
    assert words["What matters"].startswith("memory.channels: from 4 to 8, the tokens/s rises by a factor of 1.74")


@pytest.mark.parametrize("objective", [{"tokens_per_s": "max"}, {"time_per_token_s": "min"}])
def test_the_best_design_is_shown_under_its_hardest_workload(toys, objective):
    record = toys.make_record([4, 8], [64, 256], [1], models=("gpt2", "gpt2-xl"), objectives=objective)
    facts = Facts(record)
    assert facts.best_design is not None
    assert record.rows[facts.star]["model"] == "gpt2-xl"


def test_a_screen_is_judged_in_words(toys):
    quality = {"objectives": {"time_per_token_s": {"spearman": 0.987}}, "front_recall": 0.75}
    screen = {"points": 1000, "kept": 10, "checked": 5, "quality": quality}
    record = dataclasses.replace(toys.make_record([4, 8], [64], [1]), screen=screen)
    assert said(Facts(record))["Screen"] == (
        "The bound level looked at 1,000 points; 10 points on or near the front went on to the cycle level, and 5 of"
        " the others, drawn at random, to check it. Rank correlation of bound and cycle level: time per token 0.99 (1"
        " is perfect). Of the front of all simulated points it had kept 75.0%."
    )
    unchecked = {**screen, "checked": 0, "quality": {"objectives": {}, "front_recall": None}}
    text = said(Facts(dataclasses.replace(record, screen=unchecked)))["Screen"]
    assert text.endswith("No other point was simulated, so what it dropped is not known to be worse.")


def test_bottleneck_shares_sum_to_one(small_record):
    shares = bottleneck_shares(small_record.result_of(small_record.keys[0]))
    assert sum(shares.values()) == pytest.approx(1)
    assert list(shares.values()) == sorted(shares.values(), reverse=True)


def test_where_not_all_points_fit_fronts_and_the_best_stay(large_record):
    facts = Facts(large_record)
    kept = set(facts.shown[:300])
    assert set(facts.front) <= kept
    assert set(facts.best.values()) <= kept
    assert sorted(facts.shown) == list(range(5000))
