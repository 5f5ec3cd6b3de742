"""User text made safe for a calendar: no character on which some client would start a new line."""

import re

ELLIPSIS = "…"

# Every one of these starts a new line somewhere: in str.splitlines(), and so in clients written in Python.
_BREAKS = re.compile("\r\n|[\r\n\x0b\x0c\x85\u2028\u2029]")
# The other control characters (C0, DEL, C1) and lone surrogates, which cannot be written as UTF-8.
_UNWRITABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_BLANKS = re.compile("[ \t]+")


def one_line(text: str, limit: int) -> str:
    """Return the text as a single line of at most `limit` characters."""
    return shorten(_tidy(_BREAKS.sub(" ", text)), limit)


def many_lines(text: str, limit: int) -> str:
    """Return the text with its line breaks as plain newlines, at most `limit` characters."""
    lines = (_tidy(line) for line in _BREAKS.split(text))
    return shorten("\n".join(lines).strip("\n"), limit)


def shorten(text: str, limit: int) -> str:
    """Cut a text that is too long and mark the cut with an ellipsis."""
    if len(text) <= limit:
        return text
    return text[: limit - 1].rstrip() + ELLIPSIS


def _tidy(line: str) -> str:
    return _BLANKS.sub(" ", _UNWRITABLE.sub("", line)).strip(" ")
