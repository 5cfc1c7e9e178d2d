"""Predicts the realised speedup of sparse workloads on modeled accelerators.

>>> import sparsesim
>>> result = sparsesim.run("a100", "moe64")
>>> round(result.realised_speedup, 1)
6.2
"""

from __future__ import annotations

import json as _json
import os as _os
import pathlib as _pathlib
import tempfile as _tempfile
import warnings as _warnings

from . import _core
from ._errors import ConfigError, Error, Mistake, ResultsFileError, UnsupportedError
from ._inputs import Failure as _Failure
from ._inputs import Inputs as _Inputs
from ._inputs import is_array as _is_array
from ._inputs import text_of as _text_of
from ._results import BreakevenResult, InspectResult, Machine, RecommendResult, RunResult, ServeResult, SweepResult, ValidationResult

__version__ = _core.version
__all__ = [
    "BreakevenResult", "ConfigError", "Error", "InspectResult", "Machine", "Mistake", "RecommendResult", "ResultsFileError", "RunResult",
    "ServeResult", "SweepResult", "UnsupportedError", "ValidationResult", "breakeven", "estimate", "import_config", "inspect", "load_workload", "recommend", "run", "schema",
    "serve", "show", "substrates", "sweep", "validate", "workloads",
]


def _data() -> str:
    """The folder of shipped machines and workloads: in the package, or the source tree of a build."""
    installed = _pathlib.Path(__file__).parent / "data"
    return str(installed if installed.is_dir() else _core.source)


_CORE = _core.Core(_data(), _Failure)


def _ask(inputs: _Inputs, question, request, **values):
    """Any question; the answer's JSON, its text and what else was asked for."""
    with inputs.failures():
        json, text, extra = question(request(**values))
    return _json.loads(json), text, extra


def _settings(values) -> list:
    return [_core.Setting(path, _text_of(value), f'set["{path}"]') for path, value in dict(values or {}).items()]


def run(substrate, workload, *, seed=None, seeds=None, set=None, interval=True, timeline=None) -> RunResult:
    """Simulates a workload on a machine, against its dense twin: `sparsesim run`.

    substrate, workload: a name, a path, or a dict in the language of the files; masks in a dict may be arrays.
    seed: of everything drawn; default is the workload's. seeds: so many from there on, for the spread of the times.
    set: leaves of the machine, {"memory.dram.achieved": "2 TB/s", "devices": 4}.
    interval: False leaves out the plausible range, at half the cost.
    timeline: file for the schedule as Chrome trace events, for Perfetto.
    """
    inputs = _Inputs(_CORE)
    answer, text, trace = _ask(inputs, _CORE.run, _core.Run, substrate=inputs.name(substrate, "substrate"), workload=inputs.name(workload, "workload"),
                               seed=seed, seeds=seeds or 0, set=_settings(set), interval=interval, timeline=timeline is not None)
    if timeline is not None:
        _pathlib.Path(timeline).write_text(trace)
    return RunResult(answer, text)


def _inputs_of(inputs: _Inputs, value, argument: str):
    """One input of a sweep, or several."""
    if isinstance(value, (list, tuple)):
        return [inputs.name(item, f"{argument}[{i}]") for i, item in enumerate(value)]
    return inputs.name(value, argument)


def sweep(spec=None, *, substrate=None, workload=None, vary=None, where=None, sample=None, title=None, file=None, waterfall=False,
          threads=0) -> SweepResult:
    """Simulates many points: `sparsesim sweep`.

    spec: a specification, as a path or a dict; the arguments after it stand in place of its keys.
    substrate, workload: as for run(), or lists of them.
    vary: {"workload.ops.linear.sparsity": [0.5, 0.9], "workload.seed": {"from": 1, "to": 5, "step": 1}}.
    where: conditions. sample: {"method": "sobol", "points": 100}.
    file: results (SQLite) that are kept: the same call goes on where it was interrupted, and simulates no point twice.
    """
    inputs = _Inputs(_CORE)
    given = {"title": title, "substrate": substrate, "workload": workload, "vary": vary, "where": where, "sample": sample}
    given = {key: value for key, value in given.items() if value is not None}
    if isinstance(spec, (str, _os.PathLike)):
        if given:
            raise ConfigError([Mistake("spec", f"a file says everything; {', '.join(given)} goes with a dict")])
        name = _os.fspath(spec)
    else:
        whole = {**(spec or {}), **given}
        for key in ("substrate", "workload"):
            if key in whole:
                whole[key] = _inputs_of(inputs, whole[key], key)
        if isinstance(whole.get("where"), str):
            whole["where"] = [whole["where"]]
        name = inputs.name(whole, "spec")
    with _tempfile.TemporaryDirectory(prefix="sparsesim-") as folder:
        results = _os.fspath(file) if file is not None else _os.path.join(folder, "sweep.sqlite")
        answer, text, _ = _ask(inputs, _CORE.sweep, _core.Sweep, spec=name, file=results, waterfall=waterfall, threads=threads)
    for point in answer["points"]:
        for key in ("substrate", "workload"):
            if point[key] in inputs.documents:
                point[key] = point[f"{key}_name"]
    return SweepResult(answer, text)


def recommend(substrate, workload, *, op=None, max_sparsity=0.95, target=2, seed=None, quality=None, threads=0) -> RecommendResult:
    """Ranks the patterns that the weights of a product could have: `sparsesim recommend`.

    op: a gemm or spmm of the workload; default is that with the most dense time.
    quality: a CSV file of what you measured (pattern, sparsity, quality), to stand beside the speedups.
    """
    inputs = _Inputs(_CORE)
    answer, text, _ = _ask(inputs, _CORE.recommend, _core.Recommend, substrate=inputs.name(substrate, "substrate"),
                           workload=inputs.name(workload, "workload"), op=op or "", max_sparsity=max_sparsity, target=target, seed=seed,
                           quality=_os.fspath(quality or ""), threads=threads)
    return RecommendResult(answer, text)


def _axis(values) -> str:
    """A range (from, to), a list, or what a command line has."""
    if isinstance(values, tuple) and len(values) == 2:
        return f"{_text_of(values[0])}:{_text_of(values[1])}"
    if isinstance(values, str):
        return values
    if hasattr(values, "__iter__"):
        return ",".join(map(_text_of, values))
    return _text_of(values)


def _one_axis(values, argument: str) -> str:
    if isinstance(values, str):
        return values
    if not isinstance(values, dict) or len(values) != 1:
        raise ConfigError([Mistake(argument, "one parameter and its values: {PATH: VALUES}")])
    [(path, axis)] = values.items()
    return f"{path}={_axis(axis)}"


def breakeven(substrate, workload, over, *, target=1, set=None, also=None, points=17, interval=True, threads=0) -> BreakevenResult:
    """Finds the values of a parameter at which the speedup crosses a target: `sparsesim breakeven`.

    over: {"workload.ops.linear.sparsity": (0.5, 0.99)}, a range; a list of values; "0.5:0.99:log".
    set: other parameters' values. also: {PATH: [values]}, one break-even for each.
    interval: False leaves out the range that the machine's constants allow, at a tenth of the cost.
    """
    inputs = _Inputs(_CORE)
    answer, text, _ = _ask(inputs, _CORE.breakeven, _core.Breakeven, substrate=inputs.name(substrate, "substrate"),
                           workload=inputs.name(workload, "workload"), over=_one_axis(over, "over"),
                           also=_one_axis(also, "also") if also else "", set=[f"{path}={_text_of(value)}" for path, value in (set or {}).items()],
                           target=target, points=points, interval=interval, threads=threads)
    return BreakevenResult(answer, inputs.readable(text))


def validate(measurements, *, only=(), substrates=None, masks=None, baseline=None, seed=1, threads=0) -> ValidationResult:
    """Compares predictions with measured times: `sparsesim validate`.

    measurements: a CSV file, or several. only: ops or devices. substrates: a folder of machines. masks: a folder of measured masks.
    baseline: the JSON of an earlier run.
    """
    inputs = _Inputs(_CORE)
    files = [measurements] if isinstance(measurements, (str, _os.PathLike)) else measurements
    answer, text, _ = _ask(inputs, _CORE.validate, _core.Validate, measurements=[_os.fspath(file) for file in files],
                           only=[only] if isinstance(only, str) else list(only), substrates=_os.fspath(substrates or ""),
                           masks=_os.fspath(masks or ""), baseline=_os.fspath(baseline or ""), seed=seed, threads=threads)
    return ValidationResult(answer, text)


def serve(substrate, workload, *, rate=None, requests=None, concurrency=None, trace=None, input=None, output=None, ttft=None, tpot=None,
          set=None, quality=None, seed=None, interval=True, threads=0) -> ServeResult:
    """What the users of a served model wait for, dense and sparse: `sparsesim serve`.

    rate: requests per second, or a list of rates. The keywords up to tpot stand in place of keys of the workload's section `serving`.
    set: leaves of the machine, and of the workload: {"workload.serving.max_sequences": 64}.
    quality: what you measured of the answers, (dense, sparse), to stand beside.
    interval: False leaves out what guessed constants leave open, at a fifth of the cost.
    """
    inputs = _Inputs(_CORE)
    if rate is not None and concurrency is not None:
        raise ConfigError([Mistake("concurrency", "requests come at a rate, or from so many users")])
    section = {"requests": requests, "concurrency": concurrency, "trace": trace, "input": input, "output": output, "ttft": ttft, "tpot": tpot}
    change = [_core.Setting(f"serving.{key}", _json.dumps(_os.fspath(value)) if key == "trace" else _text_of(value), key)
              for key, value in section.items() if value is not None]
    machine = {}
    for path, value in (set or {}).items():
        if path.startswith("workload."):
            change.append(_core.Setting(path.removeprefix("workload."), _text_of(value), f'set["{path}"]'))
        else:
            machine[path] = value
    rates = [] if rate is None else [float(one) for one in (rate if hasattr(rate, "__iter__") else [rate])]
    dense, sparse = map(str, quality or ("", ""))
    answer, text, lines = _ask(inputs, _CORE.serve, _core.Serve, substrate=inputs.name(substrate, "substrate"),
                               workload=inputs.name(workload, "workload"), rates=rates, set=_settings(machine), change=change, seed=seed,
                               quality_dense=dense, quality_sparse=sparse, interval=interval, threads=threads)
    return ServeResult(answer, text, lines)


def inspect(mask, substrate=None, *, tensor=None, dtype="fp16", block=(1, 1), svg=False) -> InspectResult:
    """Says what the pattern of a mask is worth, without a run: `sparsesim inspect`.

    mask: an array (what is not zero is stored), or a file. block: weights that one place stands for.
    svg: draws the mask; the result is then a picture in notebooks, and True may be a file to write.
    """
    inputs = _Inputs(_CORE)
    array = _is_array(mask) or not isinstance(mask, (str, _os.PathLike))
    file = inputs.mask(mask, "mask") if array else _os.fspath(mask)
    machine = inputs.name(substrate, "substrate") if substrate is not None else ""
    answer, text, picture = _ask(inputs, _CORE.inspect, _core.Inspect, file=file, label="mask" if array else file, tensor=tensor or "",
                                 substrate=machine, dtype=dtype, block_rows=block[0], block_columns=block[1], svg=bool(svg))
    if isinstance(svg, (str, _os.PathLike)):
        _pathlib.Path(svg).write_text(picture)
    return InspectResult(answer, text, picture)


def estimate(sparsity, cache=1.0, dispatch=1.0, transfer=1.0) -> float:
    """The back-of-the-envelope speedup 1 / (1 - s a), a the least share of zeros on whole granules: `sparsesim estimate`."""
    return _core.estimate(sparsity, cache, dispatch, transfer)


def substrates() -> dict[str, str]:
    """Names of the shipped machines, with their titles."""
    return _CORE.substrates()


def workloads() -> dict[str, str]:
    """Names of the shipped workloads, with their titles."""
    return _CORE.workloads()


def show(substrate) -> Machine:
    """A machine with every default; as text its fingerprint, as `sparsesim show` prints it."""
    inputs = _Inputs(_CORE)
    with inputs.failures():
        machine, text = _CORE.show(inputs.name(substrate, "substrate"))
    return Machine(machine, text)


def load_workload(workload) -> dict:
    """A workload as a dict, to change and to run. Files that it names are meant from where you are."""
    inputs = _Inputs(_CORE)
    with inputs.failures():
        return _CORE.workload(inputs.name(workload, "workload"))


def import_config(config, *, weights=None, recipe=None, phase="prefill", batch=1, seq=None, keys=None, tensor=1, expert=1, pipeline=1, data=1,
                  name=None, dtype=None) -> dict:
    """A workload from a checkpoint's config, to change and to run: `sparsesim import`.

    config: config.json, the folder of a checkpoint, its content as a dict, or a config of Transformers.
    weights: safetensors whose zeros become rules and masks. recipe: rules, or a recipe of a pruning tool; a file or a dict.
    phase, batch, seq, keys: the pass; tensor, expert, pipeline, data: devices. What had to be assumed is a warning.
    """
    inputs = _Inputs(_CORE)
    if hasattr(config, "to_dict"):
        config = config.to_dict()
    path = inputs.name(config, "config")
    if _os.path.isdir(path):
        path = _os.path.join(path, "config.json")
    with inputs.failures():
        workload, notes = _CORE.import_config(_core.Import(
            config=path, weights=_os.fspath(weights or ""), recipe=inputs.name(recipe, "recipe") if recipe else "", phase=phase, batch=batch,
            seq=seq, keys=keys, tensor=tensor, expert=expert, pipeline=pipeline, data=data, name=name or "", dtype=dtype or ""))
    for note in notes.splitlines():
        _warnings.warn(inputs.readable(note), stacklevel=2)
    return workload


def schema(language: str) -> dict:
    """The JSON Schema of "substrate" or "workload"."""
    if language not in ("substrate", "workload"):
        raise ValueError(f'"substrate" or "workload", not {language!r}')
    return _json.loads(_core.schema(language == "workload"))
