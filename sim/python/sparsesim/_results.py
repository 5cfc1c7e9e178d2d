"""What the simulator says, as dicts with the keys of its JSON, and as DataFrames."""

from __future__ import annotations

import csv
import html
import io


def frame(rows: list[dict]):
    """A DataFrame of rows. Errors: ImportError without pandas."""
    try:
        import pandas
    except ImportError:
        raise ImportError("DataFrames need pandas, which is not installed") from None
    return pandas.DataFrame(rows)


def flat(record: dict, leave: tuple[str, ...] = ()) -> dict:
    """Maps in maps become columns with dots, waterfalls `lost.TERM`."""
    row = {}
    for key, value in record.items():
        if key in leave:
            continue
        if key == "lost":
            row.update({f"lost.{term['term']}": term["factor"] for term in value})
        elif isinstance(value, dict):
            row.update({f"{key}.{inner}": item for inner, item in flat(value).items()})
        else:
            row[key] = value
    return row


class Result(dict):
    """A dict whose keys are attributes, too. As text it is the table that the program prints."""

    def __init__(self, answer: dict, text: str):
        super().__init__(answer)
        self._text = text

    def __getattr__(self, key: str):
        if key.startswith("_"):
            raise AttributeError(key)
        try:
            return self[key]
        except KeyError:
            raise AttributeError(f"{type(self).__name__} has no {key!r}; it has {', '.join(self)}") from None

    def __dir__(self):
        return [*super().__dir__(), *self]

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(self)}>"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self._text)}</pre>"

    def __reduce__(self):
        return type(self), (dict(self), self._text)


class RunResult(Result):
    """A workload on a machine (docs/output.md)."""

    def __repr__(self) -> str:
        return f"<{self.workload} on {self.substrate}: dense {self.dense_us:.1f} us, sparse {self.sparse_us:.1f} us, realised {self.realised_speedup:.2f}x of ideal {self.ideal_speedup:.2f}x>"

    def to_frame(self):
        """A row per op."""
        return frame([flat(op, ("counters",)) for op in self["ops"]])

    def lost_frame(self):
        """A row per term of the waterfall: what it divides by, and the speedup that is left."""
        rows, left = [], self["ideal_speedup"]
        for term in self["lost"]:
            left /= term["factor"]
            rows.append({**term, "speedup": left})
        return frame(rows)


class SweepResult(Result):
    """Points of a sweep (docs/sweep.md): `points` and `ops` are rows as `sparsesim export` writes them."""

    def __str__(self) -> str:
        lines = [f"{len(self['points'])} points: {self['simulated']} simulated, {self['known']} known before"]
        if self["failed"]:
            lines[0] += f", {self['failed']} that the machine cannot run"
        if self["left_out"]:
            lines[0] += f", {self['left_out']} left out by conditions"
        good = self._good()
        if good:
            lines.append(f"  sparse is faster at {sum(point['realised_speedup'] > 1 for point in good)} of {len(good)} points")
            for word, point in (("best ", self.best), ("worst", self.worst)):
                lines.append(f"  {word} {point['realised_speedup']:.2f}x")
        return "\n".join(lines) + "\n"

    def __repr__(self) -> str:
        return str(self).rstrip("\n")

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    def _good(self) -> list[dict]:
        return [point for point in self["points"] if not point["error"]]

    @property
    def best(self) -> dict | None:
        """The point with the largest realised speedup."""
        return max(self._good(), key=lambda point: point["realised_speedup"], default=None)

    @property
    def worst(self) -> dict | None:
        return min(self._good(), key=lambda point: point["realised_speedup"], default=None)

    def to_frame(self, table: str = "points"):
        """A row per point, or with "ops" per op of each point."""
        if table not in ("points", "ops"):
            raise ValueError(f'"points" or "ops", not {table!r}')
        return frame(self[table])


class RecommendResult(Result):
    """Patterns of a product, ranked (docs/recommend.md)."""

    def to_frame(self):
        """A row per pattern, format and share of zeros."""
        return frame([{**flat(candidate, ("points", "verdict")), **flat(point)}
                      for candidate in self["candidates"] for point in candidate["points"]])


class BreakevenResult(Result):
    """Where the speedup crosses a target (docs/breakeven.md)."""

    def to_frame(self):
        """A row per crossing."""
        return frame([{**flat(series, ("crossings", "scan")), **flat(crossing)}
                      for series in self["series"] for crossing in series["crossings"]])

    def scan_frame(self):
        """A row per point of the scans."""
        return frame([{**flat(series, ("crossings", "scan")), **flat(point)}
                      for series in self["series"] for point in series["scan"]])


class ValidationResult(Result):
    """Predicted against measured (docs/measurements.md)."""

    def to_frame(self):
        """A row per measured row."""
        return frame([flat(row) for row in self["rows"]])

    def summary_frame(self):
        """A row per file, and per op, pattern and device of each."""
        return frame([flat(row) for row in self["summary"]])


class ServeResult(Result):
    """A service under one load or several (docs/serving.md)."""

    def __init__(self, answer: dict, text: str, requests: str = ""):
        super().__init__(answer, text)
        self._requests = requests

    def __reduce__(self):
        return type(self), (dict(self), self._text, self._requests)

    def to_frame(self):
        """A row per rate and side, dense and sparse; latencies as columns with dots."""
        return frame([{"rate": point["rate"], "side": side, **flat(point[side])}
                      for point in self["points"] for side in ("dense", "sparse") if point[side]])

    def requests(self) -> list[dict]:
        """What became of each request: times in seconds."""
        rows = csv.DictReader(io.StringIO(self._requests))
        return [{key: value if key == "side" else _number(value) for key, value in row.items()} for row in rows]

    def requests_frame(self):
        """A row per request, rate and side."""
        return frame(self.requests())


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("-").isdigit() else float(text)


class InspectResult(Result):
    """What a mask is worth on a machine (docs/patterns.md)."""

    def __init__(self, answer: dict, text: str, svg: str = ""):
        super().__init__(answer, text)
        self._svg = svg

    def __reduce__(self):
        return type(self), (dict(self), self._text, self._svg)

    def _repr_svg_(self) -> str | None:
        return self._svg or None

    def to_frame(self):
        """A row per granule of the machine."""
        return frame([flat(granule) for granule in self["granules"]])

    def kinds_frame(self):
        """A row per kind of sparsity that the mask could be used as."""
        return frame([flat(kind) for kind in self["kinds"]])


class Machine(Result):
    """A machine with every default."""

    def __repr__(self) -> str:
        return f"<machine {self['name']}: {self.get('title', '')}>"


for _class in (RunResult, SweepResult, RecommendResult, BreakevenResult, ValidationResult, ServeResult, InspectResult, Machine):
    _class.__module__ = "sparsesim"
