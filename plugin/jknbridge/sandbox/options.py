"""Switches of a simulated target, each declared once: type, default, choices, description.

The declaration feeds validation, `GET|POST /_sandbox/options` and the docs. Not for the bridge's own settings.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

Value = str | int | bool


class OptionError(ValueError):
    """An unknown switch or a value it does not take. The message lists what is possible."""


@dataclass(frozen=True, slots=True)
class Option:
    """One switch. `source` names the contract paragraph whose silence or disagreement it stands for."""

    name: str
    default: Value
    description: str
    source: str
    choices: tuple[Value, ...] = ()

    @property
    def type(self) -> str:
        return {bool: "boolean", int: "integer", str: "string"}[type(self.default)]

    def check(self, value: Value) -> Value:
        """The value, or `OptionError`. `true` is no integer here, though Python says so."""
        if type(value) is not type(self.default):
            raise OptionError(f"{self.name} takes a {self.type}, not {value!r}")
        if self.choices and value not in self.choices:
            raise OptionError(f"{self.name} is one of {list(self.choices)}, not {value!r}")
        return value


class Options:
    """The declared switches of one target and their present values: `options["duplicate_code"]`."""

    def __init__(self, declared: Iterable[Option]) -> None:
        self._declared = {option.name: option for option in declared}
        self._values: dict[str, Any] = {}
        self.reset()

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[Option]:
        return iter(self._declared.values())

    def check(self, changes: Any) -> dict[str, Value]:
        """The changes, all valid, or `OptionError`."""
        if not isinstance(changes, dict):
            raise OptionError("options are an object {name: value}")
        unknown = sorted(set(changes) - set(self._declared))
        if unknown:
            raise OptionError(f"unknown option {', '.join(unknown)}; known: {', '.join(self._declared)}")
        return {name: self._declared[name].check(value) for name, value in changes.items()}

    def update(self, changes: Any) -> None:
        """All or nothing."""
        self._values.update(self.check(changes))

    def reset(self) -> None:
        self._values = {option.name: option.default for option in self}

    def describe(self) -> dict[str, dict[str, Any]]:
        return {
            option.name: {
                "value": self._values[option.name],
                "default": option.default,
                "type": option.type,
                "choices": list(option.choices),
                "description": option.description,
                "source": option.source,
            }
            for option in self
        }
