#!/usr/bin/env python3
"""Checks that the crates and their files build on each other in one direction only.

    tests/layers.py

Between crates: `cargo metadata` has to show the arrows of ARROWS and no other. Between the files of a crate: no cycle,
but for those of ONE_THOUGHT. A file depends on another if it names something of it, tests aside.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "traceability-"
# What each crate of shared/ may use of the others, from below to above.
ARROWS = {
    "core": "",
    "content": "core",
    "db": "core",
    "facts": "core",
    "runtime": "core",
    "steps": "",
    "litellm": "core content db facts",
    "index": "core db facts litellm",
    "access": "core db litellm",
    "queries": "core content db facts litellm index",
    "report": "core db facts litellm queries",
    "http": "core content db access queries runtime",
}
# What a function must not be built from, beside the other functions.
WITHOUT = {
    "indexer": ("axum", "traceability-http", "traceability-report", "traceability-queries"),
    "cost-report": ("axum", "traceability-http", "traceability-access"),
    "sessions": ("traceability-report",),
    "requests": ("traceability-report",),
    "analytics": ("traceability-report",),
    "health": ("traceability-report",),
    "dashboard": ("traceability-report",),
}
# Files of a crate that need each other, and why they are one thought in several files.
ONE_THOUGHT = {
    "shared/db": {
        "backend pool": "the pool keeps what cancels statements, which connects as the pool does",
    },
    "shared/queries": {
        "source::database source::source_connection": "a connection to the index opens the log in the same databases where it needs it",
        "sessions::search sessions::search_indexed": "one search in two ways: over the log and over the index",
    },
}


def cargo(*arguments: str) -> str:
    return subprocess.run(["cargo", *arguments], check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout


def wrong_arrows() -> list[str]:
    packages = json.loads(cargo("metadata", "--locked", "--no-deps", "--format-version", "1"))["packages"]
    found = {
        package["name"].removeprefix(PREFIX): {
            dependency["name"].removeprefix(PREFIX)
            for dependency in package["dependencies"]
            if dependency["name"].startswith(PREFIX)
        }
        for package in packages
        if package["name"].startswith(PREFIX)
    }
    faults = [f"the crate {name} is in no layer: add it to ARROWS" for name in sorted(found.keys() - ARROWS.keys())]
    for name, allowed in ARROWS.items():
        uses = found.get(name, set())
        faults += [f"{name} must not use {other}" for other in sorted(uses - set(allowed.split()))]
        faults += [f"{name} does not use {other}: take it out of ARROWS" for other in sorted(set(allowed.split()) - uses)]
    return faults


def heavy_functions() -> list[str]:
    faults = []
    for name, without in WITHOUT.items():
        tree = cargo("tree", "--locked", "-p", name, "-e", "normal", "--prefix", "none", "-f", "{p}")
        built_from = {line.split()[0] for line in tree.splitlines() if line}
        faults += [f"the function {name} is built from {other}" for other in sorted(built_from & set(without))]
    return faults


# Items that a file defines, and the trees of its `use` declarations.
ITEM = re.compile(
    r"^\s*(?:pub(?:\([a-z]+\))? )?(?:(?:async|const|unsafe) )*(?:fn|struct|enum|trait|const|static|type|macro_rules!) (\w+)",
    re.MULTILINE,
)
USE = re.compile(r"^\s*(pub(?:\([a-z]+\))? )?use ([^;]+);", re.MULTILINE)
PATH = re.compile(r"(?<![\w:])((?:crate|super|self)(?:::\w+)+)")


def leaves(tree: str, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The paths of a `use` declaration: `a::{b, c::d}` is `a::b` and `a::c::d`."""
    head, brace, rest = tree.strip().partition("{")
    if not brace:
        return [prefix + tuple(part.strip() for part in head.split(" as ")[0].split("::") if part.strip())]
    prefix += tuple(part.strip() for part in head.split("::") if part.strip())
    found, depth, start, inner = [], 0, 0, rest.rsplit("}", 1)[0] + ","
    for at, letter in enumerate(inner):
        depth += (letter == "{") - (letter == "}")
        if letter == "," and depth == 0:
            if inner[start:at].strip():
                found += leaves(inner[start:at], prefix)
            start = at + 1
    return found


class Crate:
    """The files of a crate as modules, and what they name of each other."""

    def __init__(self, source: Path):
        self.code: dict[tuple[str, ...], str] = {}
        for file in source.rglob("*.rs"):
            parts = file.relative_to(source).with_suffix("").parts
            module = parts[:-1] if parts[-1] in ("mod", "lib", "main") else parts
            if "tests" in module:
                continue
            code = re.sub(r"//[^\n]*", "", file.read_text())
            self.code[module] = code.split("#[cfg(test)]\nmod tests {")[0]
        self.exports = {
            (module, path[-1]): target
            for module, code in self.code.items()
            for public, tree in USE.findall(code)
            if public
            for path in leaves(tree)
            if (target := self.module_of(path, module)) != module
        }

    def module_of(self, path: tuple[str, ...], here: tuple[str, ...]) -> tuple[str, ...]:
        """The module that a path names something of."""
        if path and path[0] in ("crate", "super", "self"):
            at = () if path[0] == "crate" else here
            while path and path[0] in ("crate", "super", "self"):
                at, path = (at[:-1] if path[0] == "super" else at), path[1:]
        elif path and here + path[:1] in self.code:
            at = here
        else:
            return here
        while path and at + path[:1] in self.code:
            at, path = at + path[:1], path[1:]
        if path and hasattr(self, "exports"):
            return self.exports.get((at, path[0]), at)
        return at

    def uses(self, module: tuple[str, ...]) -> set[tuple[str, ...]]:
        """The modules that one depends on. A folder's `mod.rs` and its files are one module, so that going up does not count."""
        code = self.code[module]
        paths = [path for public, tree in USE.findall(code) if not public for path in leaves(tree)]
        paths += [tuple(path.split("::")) for path in PATH.findall(USE.sub("", code))]
        found = {self.module_of(path, module) for path in paths}
        return {other for other in found if module[: len(other)] != other}

    def cycles(self) -> list[list[tuple[str, ...]]]:
        """The strongly connected components of more than one module."""
        edges = {module: self.uses(module) for module in self.code}
        reached: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
        for module in edges:
            seen, todo = set(), list(edges[module])
            while todo:
                if (other := todo.pop()) not in seen:
                    seen.add(other)
                    todo += edges.get(other, ())
            reached[module] = seen
        cycles, done = [], set()
        for module in sorted(edges):
            if module not in done and module in reached[module]:
                cycle = sorted({module} | {other for other in reached[module] if module in reached.get(other, ())})
                done.update(cycle)
                cycles.append(cycle)
        return cycles


def file_cycles() -> list[str]:
    faults = []
    for source in sorted([*ROOT.glob("shared/*/src"), *ROOT.glob("functions/*/src")]):
        crate = str(source.parent.relative_to(ROOT))
        allowed = dict(ONE_THOUGHT.get(crate, {}))
        for cycle in Crate(source).cycles():
            names = " ".join("::".join(module) or "lib" for module in cycle)
            if allowed.pop(names, None) is None:
                faults.append(f"{crate}: these files depend on each other: {names}")
        faults += [f"{crate}: there is no such cycle any more, take it out of ONE_THOUGHT: {names}" for names in allowed]
    return faults


def main() -> int:
    faults = wrong_arrows() + heavy_functions() + file_cycles()
    for fault in faults:
        print(f"{Path(__file__).name}: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
