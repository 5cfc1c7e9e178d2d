"""Names, paths, dicts and arrays on their way to the simulator."""

from __future__ import annotations

import json
import os
import re
from contextlib import contextmanager

from . import _core
from ._errors import ConfigError, Error, Mistake, ResultsFileError, UnsupportedError

PLAIN_KEY = re.compile(r"[A-Za-z_][\w.-]*\Z")
OPTION = re.compile(r"--(\w+) ?")


def is_array(value) -> bool:
    """Two dimensions or more: the places of a matrix. A shorter one is a list of numbers."""
    return getattr(value, "ndim", 0) >= 2


def plain(value):
    """NumPy's scalars and short arrays as Python's."""
    if hasattr(value, "tolist") and not isinstance(value, (str, bytes)):
        return value.tolist()
    return value


class Inputs:
    """What one call was given. Dicts and arrays are known to the simulator by names, as long as this lives."""

    def __init__(self, core: _core.Core):
        self.core = core
        self.held = []
        self.documents = {}  # name -> place of each of its lines

    def name(self, value, argument: str) -> str:
        """What the simulator reads: a name or path as it is, or the name of a dict's text."""
        if isinstance(value, (str, os.PathLike)):
            return os.fspath(value)
        if not isinstance(value, dict):
            raise ConfigError([Mistake(argument, f"a name, a path or a dict, not {type(value).__name__}")])
        kind = argument.partition("[")[0]
        if kind in ("substrate", "workload") and "name" not in value:
            value = {"name": kind, **value}
        return self.hold(Writer(self, argument).document(value))

    def hold(self, writer: "Writer") -> str:
        held = _core.text("\n".join(writer.lines) + "\n")
        self.held.append(held)
        self.documents[held.name] = writer.places
        return held.name

    def mask(self, array, place: str) -> str:
        """The name of an array's mask. Its memory is read where it lies."""
        buffer, floating = self.buffer(array)
        try:
            with self.failures(place):
                held = self.core.mask(buffer, floating)
        except ConfigError:
            raise
        except (TypeError, ValueError, BufferError) as error:
            raise ConfigError([Mistake(place, str(error))]) from None
        self.held.append(held)
        return held.name

    @staticmethod
    def buffer(array):
        """Something with the buffer protocol, and whether its integers are floating point in disguise."""
        if hasattr(array, "detach"):  # a tensor of PyTorch
            array = array.detach()
            if str(array.dtype) == "torch.bfloat16":  # NumPy has no such type: the same bytes as integers
                import torch

                return array.view(torch.int16).numpy(), True
            return array.numpy(), False
        try:
            return memoryview(array), False
        except TypeError:
            pass
        import numpy

        if str(getattr(array, "dtype", "")) in ("bfloat16", "float8_e4m3fn", "float8_e5m2"):  # of ml_dtypes
            array = numpy.asarray(array)
            return array.view(f"u{array.dtype.itemsize}"), True
        return numpy.asarray(array), False

    @contextmanager
    def failures(self, argument: str = ""):
        """Failures of the simulator become exceptions that say which key of which dict is at fault."""
        try:
            yield
        except Failure as failure:
            kind, text, mistakes = failure.args
        else:
            return
        if kind == "stopped":
            raise KeyboardInterrupt from None
        if kind == "config":
            found = [self.mistake(*mistake, argument) for mistake in mistakes] or [Mistake(argument, text)]
            raise ConfigError(found) from None
        raise {"unsupported": UnsupportedError, "results": ResultsFileError}.get(kind, Error)(self.readable(text)) from None

    def mistake(self, file: str, line: int, column: int, message: str, hint: str, argument: str) -> Mistake:
        message, hint = self.readable(message), self.readable(hint)
        if file in self.documents:
            place = self.place(file, line)
            if message.startswith("missing key"):  # of a map, which stands where its first key does
                place = place[: place.rindex("[")] if "[" in place else place
            return Mistake(place, message, hint)
        file = OPTION.sub(r"\1 ", self.readable(file)).strip() if file.startswith("--") else self.readable(file)
        if not file:
            return Mistake(argument, message, hint)
        if line <= 0:
            return Mistake(file, message, hint, file)
        return Mistake(f"{file}:{line}:{column}", message, hint, file, line, column)

    def place(self, document: str, line: int) -> str:
        places = self.documents[document]
        return places[line - 1] if 0 < line <= len(places) else places[0]

    def readable(self, text: str) -> str:
        """A text of the simulator with names of dicts replaced by what the caller knows."""
        for name, places in self.documents.items():
            known = re.compile(re.escape(name) + r"(?::(\d+)(?::\d+)?)?")
            text = known.sub(lambda found: self.place(name, int(found[1] or 0)), text)
        return text


class Failure(Exception):
    """What the simulator raises: (kind, text, mistakes)."""


class Writer:
    """A dict as YAML, one value per line, and which key each line comes from."""

    def __init__(self, inputs: Inputs, argument: str):
        self.inputs, self.argument = inputs, argument
        self.lines, self.places = [], []

    def document(self, value: dict) -> "Writer":
        self.map(value, "", self.argument)
        if not self.lines:
            self.add("{}", self.argument)
        return self

    def add(self, line: str, place: str):
        self.lines.append(line)
        self.places.append(place)

    def map(self, value: dict, indent: str, place: str, lead: str | None = None):
        for key, item in value.items():
            if item is None:  # as if it were absent
                continue
            here = f"{place}[{key!r}]".replace("'", '"')
            if not isinstance(key, (str, int)):
                raise ConfigError([Mistake(here, "keys are text")])
            key = str(key)  # JSON has numbers as text
            start = lead if lead is not None else indent
            self.value(f"{start}{key if PLAIN_KEY.match(key) else json.dumps(key, ensure_ascii=False)}:", item, indent, here)
            lead = None

    def value(self, start: str, value, indent: str, place: str):
        """`start` is the key or the dash before it."""
        if is_array(value):
            return self.add(f"{start} {json.dumps(self.inputs.mask(value, place))}", place)
        value = plain(value)
        if isinstance(value, dict):
            if not any(item is not None for item in value.values()):
                return self.add(f"{start} {{}}", place)
            if start.endswith("-"):  # the first key stands beside the dash
                return self.map(value, indent + "  ", place, lead=start + " ")
            self.add(start, place)
            return self.map(value, indent + "  ", place)
        if isinstance(value, (list, tuple, range)):
            return self.list(start, list(value), indent, place)
        self.add(f"{start} {self.scalar(value, place)}", place)

    def list(self, start: str, items: list, indent: str, place: str):
        if not items:
            return self.add(f"{start} []", place)
        if not any(is_array(item) or isinstance(plain(item), (dict, list, tuple, range)) for item in items):
            inner = ", ".join(self.scalar(plain(item), place) for item in items)
            return self.add(f"{start} [{inner}]", place)
        self.add(start, place)
        for i, item in enumerate(items):
            self.value(f"{indent}  -", item, indent + "  ", f"{place}[{i}]")

    def scalar(self, value, place: str) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (int, float)):
            return repr(value)
        if isinstance(value, (str, os.PathLike)):
            return json.dumps(os.fspath(value), ensure_ascii=False)
        raise ConfigError([Mistake(place, f"{type(value).__name__} is no value here: numbers, texts, lists, dicts and arrays are")])


def text_of(value) -> str:
    """A value as a command line has it."""
    value = plain(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
