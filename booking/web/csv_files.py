"""Tables as CSV files, safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence

from werkzeug.wrappers import Response

# What a spreadsheet may take for a formula, in plain and in full width, also after white space.
_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20\t\r\n")


def csv_file(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """Return a table as a file to keep; no cell of it runs as a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"}
    return Response("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)


def safe_cell(value: object) -> str:
    """Return a cell's text; what looks like a formula is marked as text."""
    text = "" if value is None else str(value)
    begins = text.lstrip(" \u00a0\u3000")
    return f"'{text}" if begins.startswith(_FORMULA) else text
