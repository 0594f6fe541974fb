import pytest

from engine.stats import Tally
from tests.viz.runs import COUNTS, run, words
from viz.rounds import BARS, plot_rounds


@pytest.mark.parametrize("count", COUNTS.values(), ids=COUNTS)
def test_bars_add_up_to_the_rounds(count):
    trace = run(count)
    figure = plot_rounds(trace)
    *bars, mean = figure.data or [None]
    for index, this in enumerate(trace.rounds):
        assert sum(bar.y[index] for bar in bars) == len(this.emitted)
    if count:
        length = Tally.of(trace.rounds).mean_accepted_length
        assert mean.y[-1] == pytest.approx(length.value, abs=1e-3)
        assert f"{length.part} token" in mean.hovertext[-1]
        assert f"{length.whole} target pass" in mean.hovertext[-1]
    else:
        assert "no round yet" in words(figure)


def test_every_origin_is_a_bar_and_says_its_denominator():
    trace = run(200)
    for bar in plot_rounds(trace).data[:-1]:
        for index in (0, 117, 199):
            emitted = trace.rounds[index].emitted
            number = emitted.origin.count(bar.name)
            assert bar.y[index] == number
            assert bar.hovertext[index].startswith(f"{number} {bar.name} of {len(emitted)} token")
            assert bar.hovertext[index].endswith(f"round {index + 1}")


def test_plain_rounds_are_sampled_tokens():
    bar, mean = plot_rounds(run(3, drafted=0)).data
    assert bar.name == "sampled" and list(bar.y) == [1, 1, 1] and list(mean.y) == [1, 1, 1]


def test_a_very_long_run_shares_bars_and_loses_no_token():
    trace = run(2 * BARS + 7, drafted=4)
    *bars, mean = plot_rounds(trace).data
    assert len(mean.x) <= BARS and mean.x[-1] == len(trace.rounds)
    spans = [3] * (len(mean.x) - 1) + [len(trace.rounds) - 3 * (len(mean.x) - 1)]
    tokens = sum(y * span for bar in bars for y, span in zip(bar.y, spans, strict=True))
    assert tokens == pytest.approx(len(trace.token_ids), abs=0.3)  # heights travel in thousandths
    assert "rounds 1 to 3" in bars[0].hovertext[0]
