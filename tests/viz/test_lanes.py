import json

from tests.page import synthetic
from viz.lanes import LaneInfo, over_message, race_message, yardstick


def test_a_race_names_its_lanes_and_whether_texts_must_be_equal():
    lanes = [LaneInfo("run-1", "plain", "Plain decoding", ""), LaneInfo("run-2", "x", "<b>", "")]
    message = json.loads(race_message(lanes, 0.0, 96))
    assert [lane["run"] for lane in message["lanes"]] == ["run-1", "run-2"]
    assert message["greedy"] and message["tokens"] == 96
    assert not json.loads(race_message(lanes, 0.7, 96))["greedy"]
    assert json.loads(over_message("Stopped.")) == {"kind": "over", "note": "Stopped."}


def test_plain_decodings_lane_measures_another_by_its_own_seconds_and_equal_tokens():
    plain, other = tuple(synthetic.rounds(5, seed=0)), tuple(synthetic.rounds(3, seed=0))
    found = yardstick(plain, other)
    assert found.tokens == sum(len(this.emitted) for this in plain)
    assert found.same_tokens == sum(len(this.emitted) for this in other)
    assert found.seconds == round(sum(this.seconds.total for this in plain), 6)
    assert yardstick(plain, tuple(synthetic.rounds(5, seed=3))).same_tokens < found.same_tokens
    assert yardstick(plain, ()).same_tokens == 0
