from itertools import islice

from train.requests import requests


def test_requests_are_the_same_for_the_same_seed_and_never_come_twice():
    first, again = (list(islice(requests(3), 500)) for _ in range(2))
    assert first == again and len(set(first)) == 500
    assert list(islice(requests(4), 500)) != first


def test_no_blank_is_left_unfilled():
    assert not any("{" in text or "}" in text for text in islice(requests(0), 2000))
