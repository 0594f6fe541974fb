import json

from tests.page import synthetic
from viz.facts import UNSTEADY
from viz.lanes import LaneInfo, race_message, yardstick


def test_a_race_names_its_lanes():
    lanes = [
        LaneInfo("run-1", 1, "plain", "Plain decoding", ""),
        LaneInfo("run-2", 3, "x", "<b>", ""),
    ]
    message = json.loads(race_message(lanes, 96))
    assert [lane["run"] for lane in message["lanes"]] == ["run-1", "run-2"]
    assert [lane["number"] for lane in message["lanes"]] == [1, 3]
    assert message["tokens"] == 96 and message["unsteady"] == UNSTEADY


def test_plain_decodings_lane_measures_another_by_its_own_seconds_and_equal_tokens():
    plain, other = tuple(synthetic.rounds(5, seed=0)), tuple(synthetic.rounds(3, seed=0))
    found = yardstick(plain, other)
    assert found.tokens == sum(len(this.emitted) for this in plain)
    assert found.same_tokens == sum(len(this.emitted) for this in other)
    assert found.seconds == round(sum(this.seconds.total for this in plain), 6)
    assert yardstick(plain, tuple(synthetic.rounds(5, seed=3))).same_tokens < found.same_tokens
    assert yardstick(plain, ()).same_tokens == 0
