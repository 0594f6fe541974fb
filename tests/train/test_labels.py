import numpy as np
import pytest

from train.corpus import Row
from train.feed import feed, gather
from train.labels import Labels, LabelStore, common_tokens, is_held_out, text_facts
from train.measure import held_out_answers
from train.ranks import held_out_parts
from train.state_feed import Part
from train.states import StateStore

ROWS = [Row([3 + i, 6, 7, 8][: 2 + i % 3], 1, i % 2 == 0) for i in range(40)]


def filled(folder, rows=ROWS, done=None):
    """A store whose law at every token is its id and the next one."""
    store = LabelStore.create(folder, rows, 2, {})
    for row in range(len(rows)) if done is None else done:
        ids = store.row_ids(row)
        store.write(row, np.stack([ids, ids + 1], 1), np.full((len(ids), 2), -1.0))
    return store


def test_a_store_gives_back_what_was_written(tmp_path):
    filled(tmp_path)
    labels = LabelStore.open(tmp_path).read(2)
    assert labels.ids.tolist() == [5, 6, 7, 8]
    assert labels.top_ids.tolist() == [[5, 6], [6, 7], [7, 8], [8, 9]]
    assert labels.greedy and labels.first == 1


def test_a_row_counts_only_once_the_target_has_read_it(tmp_path):
    filled(tmp_path, done=[3])
    assert np.flatnonzero(LabelStore.open(tmp_path).done).tolist() == [3]


def test_an_epoch_deals_every_finished_training_row_once_and_no_held_out_one(tmp_path):
    store = filled(tmp_path, done=range(1, 40))
    tokens = 0
    for epoch, batch in feed([store], 12, seed=0):
        if epoch:
            break
        tokens += len(batch.where)
    learnt = [row for row in ROWS[1:] if not is_held_out(np.array(row.ids[:1]))]
    assert 30 < len(learnt) < 39 and tokens == sum(len(row.ids) - 1 for row in learnt)
    assert text_facts([store], [store.done]) == {"rows": len(learnt), "unique": tokens}


def test_a_request_that_is_held_out_in_one_store_is_learnt_from_in_none(tmp_path):
    """Every new store draws from the same requests: at other places, with other answers."""
    asked = [[number, 2] for number in range(1, 81)]
    first = filled(tmp_path / "a", [Row([*prompt, 3], 2, True) for prompt in asked])
    second = filled(tmp_path / "b", [Row([*prompt, 4, 5], 2, True) for prompt in asked[::-1]])
    learnt: set[int] = set()
    for epoch, batch in feed([first, second], 12, seed=0):
        if epoch:
            break
        learnt |= set(batch.ids[:, 0].tolist())
    answers = held_out_answers([first, second])
    held = {int(answer.ids[0]) for answer in answers}
    assert held and held | learnt == set(range(1, 81)) and not held & learnt
    assert len(answers) == 2 * len(held)
    parts = [
        Part(store, StateStore.create(tmp_path / name, store, 2))
        for name, store in (("a", first), ("b", second))
    ]
    for part in parts:
        part.states.done[:] = True
    rows = held_out_parts(parts, 99)
    assert {int(part.labels.row_ids(row)[0]) for part, row in rows} == held


def test_the_same_seed_deals_the_same_batches(tmp_path):
    store = filled(tmp_path)
    first, second = feed([store], 12, seed=3), feed([store], 12, seed=3)
    for _ in range(30):
        assert next(first)[1].ids.equal(next(second)[1].ids)


def test_a_batch_asks_for_the_law_before_each_token_of_the_assistant():
    law = np.arange(5)[:, None]
    long = Labels(np.arange(10, 15), 3, True, law, np.zeros((5, 1), np.float16))
    short = Labels(np.array([20, 21]), 1, True, law[:2] + 70, np.zeros((2, 1), np.float16))
    batch = gather([short, long])
    assert batch.ids.flatten()[batch.where].tolist() == [20, 12, 13]
    assert batch.top_ids.flatten().tolist() == [70, 2, 3]
    assert batch.ids[0].tolist() == [20, 21, 0, 0, 0]


def test_where_there_is_nothing_to_train_on_that_is_said():
    with pytest.raises(ValueError, match="no row to train on"):
        next(feed([], 40, 0))


def test_held_out_rows_have_no_say_in_which_tokens_are_common(tmp_path):
    held = next(number for number in range(6, 99) if is_held_out(np.array([number])))
    assert not is_held_out(np.array([3]))
    rows = [Row([3, 3], 1, True)] * 19 + [Row([held, *[5] * 89], 1, True)]
    store = LabelStore.create(tmp_path, rows, 1, {})
    for row in range(20):
        store.write(row, np.full((len(store.row_ids(row)), 1), 3), np.full((1, 1), -np.inf))
    counts, common = common_tokens([store], 8, 1)
    assert common == [3] and counts[5] == 0 and counts[3] == 38
