"""Predicts the realised speedup of sparse workloads on modeled accelerators."""

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, Protocol

from pandas import DataFrame

Path = str | PathLike[str]
Input = Path | Mapping[str, Any]
"""A name, a path, or a dict in the language of the files."""
Values = Mapping[str, Any]

class Array(Protocol):
    """NumPy's arrays, tensors of PyTorch on the CPU, and whatever else shows its memory."""

    @property
    def shape(self) -> Any: ...
    @property
    def dtype(self) -> Any: ...

__version__: str
__all__: list[str]

class Mistake:
    place: str
    message: str
    hint: str
    file: str | None
    line: int | None
    column: int | None
    def __init__(self, place: str, message: str, hint: str = ..., file: str | None = ..., line: int | None = ..., column: int | None = ...) -> None: ...

class Error(Exception): ...

class ConfigError(Error, ValueError):
    mistakes: list[Mistake]
    def __init__(self, mistakes: list[Mistake]) -> None: ...

class UnsupportedError(Error, RuntimeError): ...
class ResultsFileError(Error, OSError): ...

class Result(dict[str, Any]):
    def __getattr__(self, key: str) -> Any: ...

class RunResult(Result):
    substrate: str
    workload: str
    declared_sparsity: float
    ideal_speedup: float
    dense_us: float
    sparse_us: float
    realised_speedup: float
    quick_estimate: float
    coverage: float
    amdahl: float
    interval: dict[str, float]
    distribution: dict[str, Any]
    lost: list[dict[str, Any]]
    ops: list[dict[str, Any]]
    provenance: dict[str, Any]
    def to_frame(self) -> DataFrame: ...
    def lost_frame(self) -> DataFrame: ...

class SweepResult(Result):
    simulated: int
    known: int
    failed: int
    left_out: int
    points: list[dict[str, Any]]
    ops: list[dict[str, Any]]
    @property
    def best(self) -> dict[str, Any] | None: ...
    @property
    def worst(self) -> dict[str, Any] | None: ...
    def to_frame(self, table: str = "points") -> DataFrame: ...

class RecommendResult(Result):
    dense_us: float
    candidates: list[dict[str, Any]]
    levels: list[dict[str, Any]]
    front: list[dict[str, Any]]
    def to_frame(self) -> DataFrame: ...

class BreakevenResult(Result):
    target: float
    over: str
    series: list[dict[str, Any]]
    def to_frame(self) -> DataFrame: ...
    def scan_frame(self) -> DataFrame: ...

class ValidationResult(Result):
    rows: list[dict[str, Any]]
    summary: list[dict[str, Any]]
    def to_frame(self) -> DataFrame: ...
    def summary_frame(self) -> DataFrame: ...

class ServeResult(Result):
    substrate: str
    workload: str
    points: list[dict[str, Any]]
    def to_frame(self) -> DataFrame: ...
    def requests(self) -> list[dict[str, Any]]: ...
    def requests_frame(self) -> DataFrame: ...

class InspectResult(Result):
    granules: list[dict[str, Any]]
    kinds: list[dict[str, Any]]
    def to_frame(self) -> DataFrame: ...
    def kinds_frame(self) -> DataFrame: ...

class Machine(Result): ...

def run(
    substrate: Input,
    workload: Input,
    *,
    seed: int | None = None,
    seeds: int | None = None,
    set: Values | None = None,
    interval: bool = True,
    timeline: Path | None = None,
) -> RunResult: ...
def sweep(
    spec: Input | None = None,
    *,
    substrate: Input | Sequence[Input] | None = None,
    workload: Input | Sequence[Input] | None = None,
    vary: Values | None = None,
    where: str | Sequence[str] | None = None,
    sample: Values | None = None,
    title: str | None = None,
    file: Path | None = None,
    waterfall: bool = False,
    threads: int = 0,
) -> SweepResult: ...
def recommend(
    substrate: Input,
    workload: Input,
    *,
    op: str | None = None,
    max_sparsity: float = 0.95,
    target: float = 2,
    seed: int | None = None,
    quality: Path | None = None,
    threads: int = 0,
) -> RecommendResult: ...
def breakeven(
    substrate: Input,
    workload: Input,
    over: str | Values,
    *,
    target: float = 1,
    set: Values | None = None,
    also: str | Values | None = None,
    points: int = 17,
    interval: bool = True,
    threads: int = 0,
) -> BreakevenResult: ...
def validate(
    measurements: Path | Iterable[Path],
    *,
    only: str | Sequence[str] = (),
    substrates: Path | None = None,
    masks: Path | None = None,
    baseline: Path | None = None,
    seed: int = 1,
    threads: int = 0,
) -> ValidationResult: ...
def serve(
    substrate: Input,
    workload: Input,
    *,
    rate: float | Iterable[float] | None = None,
    requests: int | None = None,
    concurrency: int | None = None,
    trace: Path | None = None,
    input: int | str | None = None,
    output: int | str | None = None,
    ttft: str | None = None,
    tpot: str | None = None,
    set: Values | None = None,
    quality: tuple[Any, Any] | None = None,
    seed: int | None = None,
    interval: bool = True,
    threads: int = 0,
) -> ServeResult: ...
def inspect(
    mask: Array | Path,
    substrate: Input | None = None,
    *,
    tensor: str | None = None,
    dtype: str = "fp16",
    block: tuple[int, int] = (1, 1),
    svg: bool | Path = False,
) -> InspectResult: ...
def estimate(sparsity: float, cache: float = 1.0, dispatch: float = 1.0, transfer: float = 1.0) -> float: ...
def substrates() -> dict[str, str]: ...
def workloads() -> dict[str, str]: ...
def show(substrate: Input) -> Machine: ...
def load_workload(workload: Input) -> dict[str, Any]: ...
def import_config(
    config: Input | Any,
    *,
    weights: Path | None = None,
    recipe: Input | None = None,
    phase: str = "prefill",
    batch: int = 1,
    seq: int | None = None,
    keys: int | None = None,
    tensor: int = 1,
    expert: int = 1,
    pipeline: int = 1,
    data: int = 1,
    name: str | None = None,
    dtype: str | None = None,
) -> dict[str, Any]: ...
def schema(language: str) -> dict[str, Any]: ...
