"""What an error of somebody else's library says, in one line of ours."""

MOST = 300  # characters


def first_line(error: Exception) -> str:
    """The first line of the message: the rest is advice for the library's own users."""
    return _lines(error)[0][:MOST]


def last_line(error: Exception) -> str:
    """The last line: where a compiler says what it could not do."""
    return _lines(error)[-1][:MOST]


def _lines(error: Exception) -> list[str]:
    """The message's; the error's kind where it has none."""
    return str(error).strip().splitlines() or [type(error).__name__]
