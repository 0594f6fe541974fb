import json
from threading import Thread
from time import monotonic, sleep

import pytest

from engine.config import DecodeConfig
from tests.page import fakes
from ui.loader import Loader
from ui.runner import LOADING, STOP_SECONDS, Runner
from ui.settings import Wish
from ui.stage_run import STANDS, STOPPED


@pytest.fixture
def decoder():
    return fakes.FakeDecoder(count=6)


@pytest.fixture
def runner(decoder):
    loader = Loader(fakes.bundle)
    loader.start()
    assert loader.wait(5)
    return Runner(loader, decoder)


def wish(method="suffix", compare=True):
    return Wish("Why?", DecodeConfig(method=method), compare)


def kinds(messages):
    return [json.loads(message)["kind"] for message in messages]


def test_a_run_is_a_header_its_rounds_and_an_end_that_comes_again_with_the_yardstick(runner):
    played = [*runner.play("me", wish()), *runner.measure("me")]
    assert kinds(played) == ["status", "header", *["round"] * 6, "end", "status", "end"]
    first, last = json.loads(played[8]), json.loads(played[-1])
    assert first["record"]["plain"] is None
    labels = [message["panels"]["facts"][1]["label"] for message in (first, last)]
    assert labels == ["of plain, being measured", "of plain, measured"]
    assert last["record"]["plain"]["tokens"] == last["record"]["tokens"]


def test_messages_of_a_run_carry_its_name_and_no_other_run_has_it(runner):
    names = [
        {json.loads(m).get("run") for m in runner.play("me", wish())} - {None} for _ in range(2)
    ]
    assert all(len(name) == 1 for name in names)
    assert names[0] != names[1]


@pytest.mark.parametrize(("method", "compare"), [("plain", True), ("suffix", False)])
def test_plain_decoding_is_not_measured_against_itself_nor_unasked(runner, method, compare):
    assert kinds(runner.play("me", wish(method, compare)))[-2:] == ["round", "end"]
    assert kinds(runner.measure("me")) == []


def test_a_run_is_measured_once_and_not_after_the_next_has_begun(runner):
    list(runner.play("me", wish()))
    runner.settle("me")
    assert kinds(runner.measure("me")) == ["end"]  # without the figure that was promised
    assert kinds(runner.measure("me")) == []
    list(runner.play("me", wish()))
    assert kinds(runner.measure("me")) == ["status", "end"]
    assert kinds(runner.measure("me")) == []
    assert kinds(runner.measure("nobody")) == []


def test_a_run_that_another_took_the_stage_from_is_not_measured(runner):
    """Its turn comes behind the next run's: what that is on the stage is not said of it."""
    list(runner.play("me", wish()))
    list(runner.play("me", wish("plain")))
    assert kinds(runner.measure("me")) == []


def test_what_is_said_of_a_measurement_names_its_run(runner):
    *_, end = runner.play("me", wish())
    said, _ = map(json.loads, runner.measure("me"))
    assert said["run"] == json.loads(end)["run"]


def test_a_run_settled_while_its_measurement_waits_for_the_decoder_keeps_its_end(runner):
    list(runner.play("me", wish(), asked=1.0))
    told = []
    with runner._device:  # somebody else's step
        measuring = Thread(target=lambda: told.extend(runner.measure("me")))
        measuring.start()
        sleep(0.1)
        runner.spare("me", asked=2.0)
    measuring.join(5)
    (end,) = map(json.loads, told)
    assert end["panels"]["facts"][1]["label"] == "of plain, not measured"


def test_a_run_that_will_not_be_measured_after_all_ends_without_a_promise(runner, decoder):
    """The next one is refused before it is on the stage, or the measurement breaks off."""

    def label(message):
        return json.loads(message)["panels"]["facts"][1]["label"]

    list(runner.play("me", wish()))
    runner.settle("me")
    *_, end, problem = runner.play("me", wish("draft"))
    assert json.loads(problem)["kind"] == "problem" and label(end) == "of plain, not measured"
    list(runner.play("me", wish()))
    decoder.measure_plain = refuse
    *_, end, problem = runner.measure("me")
    assert "no room" in problem and label(end) == "of plain, not measured"
    assert kinds(runner.play("me", wish("draft"))) == ["problem"]  # it is said once


def refuse(*_):
    raise ValueError("no room")


def test_the_wish_for_another_run_ends_a_measurement_and_no_run(runner, decoder):
    run = runner.play("me", wish())
    next(run)
    runner.spare("me")
    assert kinds(run).count("round") == 6
    measuring = runner.measure("me")
    next(measuring)  # it says so, and begins
    runner.spare("me")
    (end,) = measuring
    assert json.loads(end)["record"]["plain"] is None


def test_what_the_wish_before_ended_is_measured_anew_for_the_next_run(runner):
    for asked in (10.0, 20.0):
        list(runner.play("me", wish(), asked))
        runner.spare("me", asked - 1)  # comes late
        *_, end = runner.measure("me")
        assert json.loads(end)["record"]["plain"] is not None


@pytest.mark.parametrize("ends", ["stop", "spare"])
def test_a_measurement_that_waits_ends_as_one_that_goes_on_does(runner, ends):
    list(runner.play("me", wish(), asked=10.0))
    getattr(runner, ends)("me", asked=20.0)
    (end,) = map(json.loads, runner.measure("me"))
    assert end["record"]["plain"] is None
    assert end["panels"]["facts"][1]["label"] == "of plain, not measured"


def test_stop_ends_the_run_with_the_round_in_hand(runner, decoder):
    run = runner.play("me", wish())
    for _ in range(4):  # status, header, two rounds
        next(run)
    stopping = Thread(target=runner.stop, args=("me",))
    stopping.start()
    while not runner._visitors["me"].cancelled.is_set():
        pass
    (end,) = map(json.loads, run)
    stopping.join(5)
    assert not stopping.is_alive()
    assert (end["kind"], end["note"]) == ("end", "Stopped after 2 rounds.")
    assert end["panels"]["facts"][1]["label"] == "of plain, stopped"
    assert decoder.runs[0].closed_after == 2
    assert decoder.runs[0].end.reason == "cancelled"


def test_stop_takes_the_runs_along_that_wait_and_none_that_comes_later(runner, decoder):
    """They stay in the queue, and end when their turn comes."""
    list(runner.play("me", wish(compare=False), asked=10.0))
    runner.stop("me", asked=30.0)
    (said,) = map(json.loads, runner.play("me", wish(), asked=20.0))
    assert (said["kind"], said["text"]) == ("status", STOPPED)
    runner.stop("me", asked=15.0)  # late on its way: it takes nothing back
    assert kinds(runner.play("me", wish(), asked=25.0)) == ["status"] and len(decoder.runs) == 1
    assert "round" in kinds(runner.play("me", wish(), asked=31.0))
    assert "round" in kinds(runner.play("somebody else", wish(), asked=20.0))


def test_who_stops_his_first_run_while_it_waits_is_heard(runner, decoder):
    before = monotonic()
    runner.stop("new", asked=30.0)
    assert monotonic() - before < STOP_SECONDS / 2  # there is nothing to wait for
    assert kinds(runner.play("new", wish(), asked=20.0)) == ["status"] and decoder.runs == []
    for asked, count in ((20.0, 1), (31.0, 2)):  # a race or a proof
        job = runner.work("new race", lambda visitor: iter(["one", "two"]), asked)
        runner.stop("new race", asked=30.0)
        assert len(list(job)) == count


@pytest.mark.parametrize("moment", ["round", "end"])
def test_stop_with_the_last_round_keeps_plain_decoding_from_being_measured(runner, moment):
    run, seen = runner.play("me", wish(), asked=10.0), []
    for message in run:
        seen.append(json.loads(message)["kind"])
        if seen.count("round") == 6 and seen[-1] == moment:
            runner._visitors["me"].idle.set()  # whoever presses Stop does not wait here
            runner.stop("me", asked=20.0)
    assert "status" not in kinds(runner.measure("me"))


@pytest.mark.parametrize("after", [1, 2])
def test_what_is_stopped_before_its_first_round_has_none(runner, decoder, after):
    run = runner.play("me", wish())
    for _ in range(after):  # it reads the prompt; its header
        next(run)
    runner._visitors["me"].cancelled.set()
    assert "round" not in kinds(run) and len(decoder.runs) == after - 1


def test_one_step_at_a_time_is_taken_whatever_the_queue_lets_begin(runner, decoder):
    """Gradio frees the queue of a run that was taken out by force; its step goes on."""
    under_way, most = [], []

    def job(visitor):
        for _ in range(4):
            under_way.append(1)
            most.append(len(under_way))
            sleep(0.02)
            under_way.pop()
            yield "round"

    threads = [Thread(target=lambda n=n: list(runner.work(f"v{n}", job))) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(most) == 12 and max(most) == 1


def test_work_that_fails_before_its_first_step_keeps_the_decoder_from_nobody(runner):
    def job(visitor):
        raise ValueError("no room")

    (said,) = map(json.loads, runner.work("me", job))
    assert (said["kind"], said["text"]) == ("problem", "no room")
    assert kinds(runner.play("somebody else", wish())).count("round") == 6


def test_who_stops_while_another_has_the_decoder_does_not_wait_for_him(runner, decoder):
    with runner._device:
        run = runner.play("me", wish())
        told = []
        waiting = Thread(target=lambda: told.extend(run))
        waiting.start()
        while "me" not in runner._visitors:
            sleep(0.01)
        runner.stop("me")
        waiting.join(5)
        assert not waiting.is_alive()
    assert kinds(told) == ["status"] and decoder.runs == []


def test_a_run_that_is_stopped_while_another_has_the_decoder_keeps_its_end(runner, decoder):
    run = runner.play("me", wish())
    for _ in range(4):  # status, header, two rounds
        next(run)
    with runner._device:
        runner._visitors["me"].cancelled.set()
        assert kinds(run) == ["end"]


def test_visitors_are_forgotten_when_there_are_too_many(runner, monkeypatch):
    monkeypatch.setattr("ui.visitor.MOST", 3)
    busy = runner.play("busy", wish())
    next(busy)
    for number in range(10):
        runner.stop(f"visitor {number}")
    assert len(runner._visitors) == 3 and "busy" in runner._visitors
    assert kinds(busy).count("round") == 6


def test_a_run_that_breaks_off_keeps_its_rounds_and_says_so(runner, decoder, capsys):
    decoder.breaks = 3
    played = list(runner.play("me", wish()))
    assert kinds(played) == ["status", "header", *["round"] * 3, "end", "problem"]
    words = json.loads(played[-1])["text"]
    assert fakes.BROKEN in words and words.endswith(STANDS)
    assert "Traceback" in capsys.readouterr().err  # the log says where
    decoder.breaks = fakes.FakeRun.breaks
    assert kinds(runner.play("me", wish())).count("round") == 6


def test_stop_is_for_the_visitor_who_pressed_it(runner, decoder):
    run = runner.play("me", wish(compare=False))
    next(run)
    runner.stop("somebody else")
    assert kinds(run).count("round") == 6


def test_a_run_that_is_dropped_frees_the_decoder(runner, decoder):
    run = runner.play("me", wish())
    for _ in range(3):
        next(run)
    run.close()
    assert decoder.runs[0].closed_after == 1


def test_a_closed_tab_ends_its_run(runner, decoder):
    run = runner.play("me", wish())
    for _ in range(3):
        next(run)
    runner.leave("me")
    assert kinds(run) == ["end"]
    assert decoder.runs[0].closed_after == 1
    runner.leave("me")


def test_who_stops_while_the_model_loads_is_told_so(decoder):
    """Else the line that the run starts by itself stays for good."""
    runner = Runner(Loader(fakes.bundle), decoder)  # it never loads
    run = runner.play("me", wish())
    assert json.loads(next(run))["text"] == LOADING
    runner._visitors["me"].cancelled.set()
    assert [json.loads(line)["text"] for line in run] == [STOPPED]
    assert decoder.runs == []


def test_every_visitor_has_a_bundle_of_his_own(runner):
    for name in ("one", "two"):
        list(runner.play(name, wish()))
    one, two = (runner._visitors[name].bundle for name in ("one", "two"))
    assert one is not two and one is not runner.loader.bundle


@pytest.mark.parametrize("method", ["draft", "no such method"])
def test_a_method_that_cannot_run_does_not_start(runner, decoder, method):
    (message,) = runner.play("me", wish(method))
    assert json.loads(message)["kind"] == "problem"
    assert decoder.runs == []


def test_what_the_engine_refuses_is_a_problem_on_the_page():
    class Refusing(fakes.FakeDecoder):
        def decode(self, *_):
            raise ValueError("The prompt has 9,000 tokens.")

    loader = Loader(fakes.bundle)
    loader.start()
    assert loader.wait(5)
    *_, last = Runner(loader, Refusing()).play("me", wish())
    assert json.loads(last) | {"serial": 0} == {
        "kind": "problem",
        "text": "The prompt has 9,000 tokens.",
        "serial": 0,
    }


def test_without_a_model_the_run_says_what_is_missing():
    def nothing():
        raise OSError("gone")

    loader = Loader(nothing)
    loader.start()
    assert loader.wait(5)
    *_, last = Runner(loader, fakes.FakeDecoder()).play("me", wish())
    assert json.loads(last)["kind"] == "problem"
    assert json.loads(last)["text"] == loader.problem != ""


def test_rounds_played_before_memory_gave_out_are_kept_and_the_run_has_its_end(runner, decoder):
    decoder.room = 3
    played = list(runner.play("me", wish()))
    assert kinds(played) == ["status", "header", *["round"] * 3, "end", "problem"]
    assert json.loads(played[-2])["record"]["reason"] == "memory"
    assert json.loads(played[-1])["text"] == fakes.NO_ROOM
    decoder.room = 10
    assert kinds(runner.play("me", wish())).count("round") == 6


def test_who_stops_while_his_prompt_is_read_is_told_so_and_the_next_run_begins(runner, decoder):
    run = runner.play("me", wish())
    assert json.loads(next(run))["kind"] == "status"
    decoder.reading = lambda _: runner._visitors["me"].cancelled.set()  # Stop comes then
    (said,) = map(json.loads, run)
    assert said["kind"] == "status" and said["text"] == "Stopped while the prompt was read."
    decoder.reading = lambda _: None
    assert decoder.runs == [] and kinds(runner.play("me", wish())).count("round") == 6
