"""Showing a world to people: text here; pictures and replays beside it."""


def printable(text: str) -> str:
    """A line of anybody's words, such as a scenario's title, with ``?`` for letters that would drive a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
