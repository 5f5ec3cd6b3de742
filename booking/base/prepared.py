"""Statements compiled once and sent straight to the driver, past SQLAlchemy's own way of running them.

For what every request asks. What SQLAlchemy knows is used as it is: the dialect's SQL, how values are
bound and columns are read. Source: https://docs.sqlalchemy.org/en/20/core/internals.html (SQLCompiler).
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, cast

from sqlalchemy import ClauseElement, Dialect, Executable
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.selectable import ReturnsRows

Values = Mapping[str, Any]
Process = Callable[[Any], Any]
AT_MOST = 1000  # prepared statements that are kept


class _Slot(NamedTuple):
    """Where one value of the SQL text comes from: a given value, one of a list of them, or a constant."""

    name: str
    source: str | None
    member: int | None
    process: Process | None
    constant: Any


class _Text:
    """The SQL for lists of certain lengths, and its values in the driver's form."""

    def __init__(self, compiled: SQLCompiler, given: Values, defaults: Values) -> None:
        state = compiled.construct_expanded_state(given)
        member_of = {
            member: (name, index)
            for name, members in state.parameter_expansion.items()
            for index, member in enumerate(members)
        }

        types = {name: bind.type for bind, name in compiled.bind_names.items()}

        def slot(name: str) -> _Slot:
            source, index = member_of.get(name, (name, None))
            process = types[source].dialect_impl(compiled.dialect).bind_processor(compiled.dialect)
            if source in given:
                return _Slot(name, source, index, process, None)
            constant = defaults[name] if name in defaults else state.parameters[name]
            return _Slot(name, None, None, None, process(constant) if process else constant)

        self.sql = state.statement
        self._in_order = state.positiontup is not None
        self._slots = [slot(name) for name in state.positiontup or state.parameters]

    def values(self, given: Values) -> tuple[Any, ...] | Values:
        """Return the values of one execution, in order or by name as the driver wants them."""
        bound = tuple(_value(slot, given) for slot in self._slots)
        if self._in_order:
            return bound
        return {slot.name: value for slot, value in zip(self._slots, bound, strict=True)}


def _value(slot: _Slot, given: Values) -> Any:
    if slot.source is None:
        return slot.constant
    value = given[slot.source] if slot.member is None else given[slot.source][slot.member]
    return slot.process(value) if slot.process else value


class Prepared:
    """One statement for one dialect, for values of these names."""

    def __init__(self, statement: Executable, dialect: Dialect, names: tuple[str, ...]) -> None:
        compiled = cast(ClauseElement, statement).compile(dialect=dialect, column_keys=list(names))
        self._compiled = cast(SQLCompiler, compiled)
        self._statement, self._dialect = statement, dialect
        lists = {self._compiled.bind_names[bind] for bind in self._compiled.post_compile_params}
        self._lists = sorted(lists & set(names))
        self._texts: dict[tuple[int, ...], _Text] = {}
        self._read: Callable[[Any], list[Any]] | None = None
        filled: Any = [*self._compiled.insert_prefetch, *self._compiled.update_prefetch]
        self._defaults = {one.key: one.default.arg for one in filled if one.default.is_scalar}
        self._computes = len(self._defaults) < len(filled)

    def rows(self, connection: Connection, given: Values) -> list[Any]:
        """Run a query and return its rows as named tuples."""
        text = self._text(given)
        cursor = send(connection, text.sql, text.values(given))
        self._read = self._read or _reader(self._statement, self._dialect, cursor.description)
        return self._read(cursor.fetchall())

    def run(self, connection: Connection, many: Sequence[Values]) -> None:
        """Run a statement that answers nothing, once for each set of values."""
        if self._computes:  # a default that is not the same each time is SQLAlchemy's to find
            connection.execute(self._statement, many)
            return
        text = self._text(many[0])
        values = [text.values(given) for given in many]
        send(connection, text.sql, values if len(values) > 1 else values[0], many=len(values) > 1)

    def _text(self, given: Values) -> _Text:
        lengths = tuple(len(given[name]) for name in self._lists)
        text = self._texts.get(lengths)
        if text is None:
            if len(self._texts) >= AT_MOST:
                self._texts.clear()
            text = self._texts[lengths] = _Text(self._compiled, given, self._defaults)
        return text


def _reader(
    statement: Executable, dialect: Dialect, description: Iterable[Sequence[Any]]
) -> Callable[[list[Any]], list[Any]]:
    columns = cast(ReturnsRows, statement).exported_columns
    row = namedtuple("Row", columns.keys(), rename=True)  # type: ignore[misc]
    processes = [
        (number, process)
        for number, (column, told) in enumerate(zip(columns, description, strict=True))
        if (process := column.type.dialect_impl(dialect).result_processor(dialect, told[1]))
    ]

    def read(found: list[Any]) -> list[Any]:
        if not processes:
            return [row._make(values) for values in found]
        return [row._make(_processed(values, processes)) for values in found]

    return read


def _processed(values: Iterable[Any], processes: Iterable[tuple[int, Process]]) -> list[Any]:
    changed = list(values)
    for number, process in processes:
        changed[number] = process(changed[number])
    return changed


def send(connection: Connection, sql: str, values: Any, many: bool = False) -> Any:
    """Send SQL to the driver and return its cursor; its errors are raised as SQLAlchemy's."""
    dialect = connection.dialect
    driver: Any = dialect.dbapi
    cursor = connection.connection.cursor()
    try:
        if many:
            cursor.executemany(sql, values)
        else:
            cursor.execute(sql, values)
    except driver.Error as error:
        raise DBAPIError.instance(sql, values, error, driver.Error, dialect=dialect, ismulti=many) from error
    return cursor


def prepared(statement: Executable, dialect: Dialect, names: tuple[str, ...]) -> Prepared:
    """Return the prepared form of a statement that is the same object each time."""
    _dialects.setdefault(dialect.name, dialect)
    return _prepared(statement, dialect.name, names)


_dialects: dict[str, Dialect] = {}  # the same for every engine of a kind: so are the statements


@lru_cache(maxsize=AT_MOST)
def _prepared(statement: Executable, dialect: str, names: tuple[str, ...]) -> Prepared:
    return Prepared(statement, _dialects[dialect], names)
