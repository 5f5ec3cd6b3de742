"""Which texts can be stored and shown."""


def text_fault(text: str, longest: int, lines: bool = False) -> str | None:
    """Say why a text cannot be stored, or return None."""
    if len(text) > longest:
        return f"Use at most {longest} characters; this has {len(text)}."
    allowed = "\n\r\t" if lines else ""
    if any((ord(c) < 32 and c not in allowed) or ord(c) == 127 or 0xD800 <= ord(c) < 0xE000 for c in text):
        return "This holds characters that cannot be shown; type it anew."
    return None
