"""Strict reading of TOML: values have declared types, unknown keys are faults, all faults come at once."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from idv.domain.errors import ModelError

Choice = TypeVar("Choice", bound=StrEnum)


class TableFaults:
    """The faults of one file, in the order they were found."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, fault: str) -> None:
        """Note a fault."""
        self.found.append(fault)

    def raise_any(self, code: str, file: str) -> None:
        """Raise one ModelError with every fault, if there is any."""
        if self.found:
            raise ModelError(code, f"{file}: " + "; ".join(self.found))


def read_toml(path: Path, *, code: str, faults: TableFaults) -> "Table":
    """The root table of a file. Raises ModelError `code` when it is no TOML at all."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ModelError(code, f"{path.name}: {error}") from error
    return Table(values, where="", faults=faults)


class Table:
    """One TOML table. Each getter takes a key away; `done` reports what nobody asked for.

    A wrong or missing value is noted as a fault and replaced by an empty one, so that reading goes on.
    """

    def __init__(self, values: Mapping[str, Any], *, where: str, faults: TableFaults) -> None:
        self._values = dict(values)
        self._where = where
        self._faults = faults

    def fault(self, sentence: str) -> None:
        """Note a fault of this table."""
        self._faults.add(f"{self._where}: {sentence}" if self._where else sentence)

    def text(self, key: str, *, default: str | None = None) -> str:
        """A text, not empty unless that is its default."""
        value = self._take(key, default)
        if isinstance(value, str) and (value or default == ""):
            return value
        self._wrong(key, value, "a text")
        return ""

    def integer(self, key: str, *, default: int | None = None) -> int:
        """An integer, zero or more."""
        value = self._take(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        self._wrong(key, value, "an integer, zero or more")
        return 0

    def flag(self, key: str, *, default: bool | None = None) -> bool:
        """A truth value."""
        value = self._take(key, default)
        if isinstance(value, bool):
            return value
        self._wrong(key, value, "true or false")
        return False

    def choice(self, key: str, kind: type[Choice]) -> Choice:
        """A member of a closed vocabulary."""
        value = self._take(key, None)
        if value in set(kind):
            return kind(value)
        self._wrong(key, value, "one of " + ", ".join(kind))
        return next(iter(kind))

    def texts(self, key: str, *, default: Sequence[str] | None = None) -> tuple[str, ...]:
        """A list of texts."""
        value = self._take(key, default)
        if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
            return tuple(value)
        self._wrong(key, value, "a list of texts")
        return ()

    def integers(self, key: str, *, default: Sequence[int] | None = None) -> tuple[int, ...]:
        """A list of integers."""
        value = self._take(key, default)
        if isinstance(value, (list, tuple)) and all(type(item) is int for item in value):
            return tuple(value)
        self._wrong(key, value, "a list of integers")
        return ()

    def numbers(self, key: str, *, default: Sequence[float] | None = None) -> tuple[float, ...]:
        """A list of numbers."""
        value = self._take(key, default)
        if isinstance(value, (list, tuple)) and all(type(item) in (int, float) for item in value):
            return tuple(float(item) for item in value)
        self._wrong(key, value, "a list of numbers")
        return ()

    def shape(self, key: str) -> tuple[int | str, ...]:
        """Dimensions of a tensor: a positive integer, or a name where the dimension is dynamic."""
        value = self._take(key, None)
        good = isinstance(value, list) and all(
            (type(item) is int and item > 0) or (isinstance(item, str) and item) for item in value
        )
        if good:
            return tuple(value)
        self._wrong(key, value, "a list of positive integers and names")
        return ()

    def table(self, key: str, *, optional: bool = False) -> "Table | None":
        """A table; None where it is absent and may be."""
        value = self._take(key, {} if optional else None)
        if optional and value == {}:
            return None
        if not isinstance(value, dict):
            self._wrong(key, value, "a table")
            return None
        return Table(value, where=self._name(key), faults=self._faults)

    def tables(self, key: str) -> "tuple[Table, ...]":
        """A list of tables, empty when absent; each is named after its `name` or `id` in faults."""
        value = self._take(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self._wrong(key, value, "a list of tables")
            return ()
        return tuple(
            Table(
                item,
                where=self._name(f"{key} {item.get('name', item.get('id', index))}"),
                faults=self._faults,
            )
            for index, item in enumerate(value)
        )

    def done(self) -> None:
        """Report the keys that nobody asked for."""
        for key in self._values:
            self.fault(f"unknown key {key!r}")

    def _take(self, key: str, default: Any) -> Any:
        return self._values.pop(key, default)

    def _wrong(self, key: str, value: Any, expected: str) -> None:
        self.fault(f"{key} is missing" if value is None else f"{key} must be {expected}")

    def _name(self, key: str) -> str:
        return f"{self._where}, {key}" if self._where else key


Value = str | int | Sequence[str] | Sequence[int]
"""What lock files and cards write."""


def toml_text(values: Mapping[str, Value]) -> str:
    """Key-value lines of a table with text, integers and lists of them.

    JSON's literals for these are TOML's, apart from DEL, which no value here contains.
    """
    return "".join(f"{key} = {_literal(value)}\n" for key, value in values.items())


def _literal(value: Value) -> str:
    if isinstance(value, (str, int)):
        return json.dumps(value, ensure_ascii=False)
    return "[" + ", ".join(json.dumps(item, ensure_ascii=False) for item in value) + "]"
