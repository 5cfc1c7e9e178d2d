"""What can go wrong, as exceptions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """One mistake of an input. `place` is FILE:LINE:COLUMN, or for a dict the key: workload["ops"][0]["sparsity"]."""

    place: str
    message: str
    hint: str = ""
    file: str | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        text = f"{self.place}: {self.message}" if self.place else self.message
        return f"{text}\n  {self.hint}" if self.hint else text


class Error(Exception):
    """Everything below."""


class ConfigError(Error, ValueError):
    """An input is wrong; `mistakes` has every mistake that was found."""

    def __init__(self, mistakes: list[Mistake]):
        self.mistakes = mistakes
        super().__init__("\n".join(map(str, mistakes)))

    def __reduce__(self):
        return type(self), (self.mistakes,)


class UnsupportedError(Error, RuntimeError):
    """The machine cannot run it, not even densely."""


class ResultsFileError(Error, OSError):
    """A results file of sweeps cannot be used: another sweep writes to it, the disk is full, it is no such file."""


for _class in (Mistake, Error, ConfigError, UnsupportedError, ResultsFileError):
    _class.__module__ = "sparsesim"  # where users find them, and what tracebacks say
