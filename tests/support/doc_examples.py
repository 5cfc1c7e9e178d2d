"""Runs the examples of the README and of docs/, or rewrites them.

A fenced block marked `console` holds commands ("$ sparsesim ...") and what they print, standard error included; a line "..."
stands for any lines. A block marked `yaml` whose first line is "# file: NAME" becomes that file beside the commands; so does one
marked `text`, without that line.
"""
import os
import pathlib
import re
import shlex
import subprocess
import tempfile

BLOCK = re.compile(r"^```(console|yaml|text)\n(.*?)^```$", re.M | re.S)
FILE = re.compile(r"# file: (\S+)\n")


def documents(root: pathlib.Path) -> list[pathlib.Path]:
    return [root / "README.md", *sorted((root / "docs").rglob("*.md"))]


def run(command: str, program: str, folder: str) -> str:
    words = shlex.split(command)
    if words[0] != "sparsesim":
        raise ValueError(f"only sparsesim commands are run, not {words[0]}")
    done = subprocess.run([program, *words[1:]], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=120, env={**os.environ, "LC_ALL": "C.UTF-8"})
    return done.stdout


def split(block: str) -> list[tuple[str, str]]:
    """(command, expected output) pairs of a console block."""
    pairs: list[tuple[str, str]] = []
    for line in block.splitlines(keepends=True):
        if line.startswith("$ "):
            pairs.append((line[2:].strip(), ""))
        elif pairs:
            pairs[-1] = (pairs[-1][0], pairs[-1][1] + line)
    return pairs


def matches(expected: str, actual: str) -> bool:
    pattern = "".join(r"(?:.*\n)*?" if line == "...\n" else re.escape(line) for line in expected.splitlines(keepends=True))
    return re.fullmatch(pattern, actual) is not None


def write_files(text: str, folder: str) -> None:
    for kind, body in BLOCK.findall(text):
        if kind != "console" and (named := FILE.match(body)):
            (pathlib.Path(folder) / named[1]).write_text(body if kind == "yaml" else body[named.end():])


def check(document: pathlib.Path, program: str) -> list[tuple[str, bool, str]]:
    """(command, passed, what it printed) for every command of a document."""
    text = document.read_text()
    results = []
    with tempfile.TemporaryDirectory() as folder:
        write_files(text, folder)
        for kind, body in BLOCK.findall(text):
            for command, expected in split(body) if kind == "console" else []:
                actual = run(command, program, folder)
                results.append((command, matches(expected, actual), actual))
    return results


def rewrite(document: pathlib.Path, program: str) -> bool:
    """Puts today's output into a document; blocks with a "..." line keep it if they still match. True if it changed."""
    text = document.read_text()
    with tempfile.TemporaryDirectory() as folder:
        write_files(text, folder)

        def renew(block: re.Match) -> str:
            if block[1] != "console":
                return block[0]
            body = ""
            for command, expected in split(block[2]):
                actual = run(command, program, folder)
                body += f"$ {command}\n" + (expected if "...\n" in expected and matches(expected, actual) else actual)
            return f"```console\n{body}```"

        renewed = BLOCK.sub(renew, text)
    if renewed != text:
        document.write_text(renewed)
    return renewed != text
