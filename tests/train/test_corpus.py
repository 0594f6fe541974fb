import json
import lzma

import pytest

from train.corpus import Chat, frame, read_chats


class LetterTokenizer:
    """One token a character; the template opens with 1 2 and asks for the reply with 3."""

    eos_token_id = 0

    def apply_chat_template(self, messages, add_generation_prompt, return_dict):
        assert add_generation_prompt and return_dict
        said = "".join(message["content"] for message in messages)
        return {"input_ids": [1, 2, *map(ord, said), 3]}

    def __call__(self, text, add_special_tokens):
        assert not add_special_tokens
        return {"input_ids": list(map(ord, text))}


def write(folder, name, text):
    with lzma.open(folder / name, "wt", encoding="utf-8") as file:
        file.write(text)


def contents(chat):
    return [(message["role"], message["content"]) for message in chat.messages]


def test_a_reply_is_a_chat_of_two_messages(tmp_path):
    line = {"prompt": "Hi", "reply": "Ho", "finished": False, "temperature": 0.0}
    write(tmp_path, "smollm2_replies.jsonl.xz", json.dumps(line) + "\n")
    (chat,) = read_chats(tmp_path, "replies")
    assert contents(chat) == [("user", "Hi"), ("assistant", "Ho")]
    assert chat.greedy and not chat.finished


def test_a_dialogue_ends_with_the_assistants_last_turn(tmp_path):
    text = "User: a\nAssistant: b: c\nUser: thanks\n<|end|>\nAssistant: x\nUser: y\n<|end|>\n"
    write(tmp_path, "dialogue.txt.xz", text)
    (chat,) = read_chats(tmp_path, "dialogue")
    assert contents(chat) == [("user", "a"), ("assistant", "b: c")]


def test_a_problem_is_parted_at_its_reply_line(tmp_path):
    write(tmp_path, "maths.txt.xz", "1+\n1?\n<|reply|>\nIt is\n2\n<|end|>\nno answer\n<|end|>\n")
    (chat,) = read_chats(tmp_path, "maths")
    assert contents(chat) == [("user", "1+\n1?"), ("assistant", "It is\n2")]


@pytest.mark.parametrize(("finished", "end"), [(True, [0]), (False, [])])
def test_a_row_ends_in_the_end_token_only_where_the_answer_does(finished, end):
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "bc"}]
    row = frame(LetterTokenizer(), Chat(messages, finished, True), 99)
    assert row.ids == [1, 2, ord("a"), 3, ord("b"), ord("c"), *end]
    assert row.ids[row.first] == ord("b")


def test_a_long_row_is_cut_at_its_end():
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "bcdef"}]
    row = frame(LetterTokenizer(), Chat(messages, True, True), 6)
    assert row.ids == [1, 2, ord("a"), 3, ord("b"), ord("c")]
