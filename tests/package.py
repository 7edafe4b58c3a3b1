#!/usr/bin/env python3
"""Builds every Lambda function for arm64 and checks what would be uploaded.

    tests/package.py

Each function is one zip of a few MB, target/lambda/<function>/bootstrap.zip, which holds one program and carries
neither another function's code nor the local runner's embedded database. cargo-lambda has to be on the PATH.
"""

import json
import os
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

# What AWS would take is ten times as much. A larger one carries something that it should not.
LARGEST = 5 * 1024 * 1024
# The local runner's embedded PostgreSQL, which Cargo's unification of features could drag along.
NOT_DEPLOYED = ("local", "tests", "bench", "pglite-oxide", "wasmer")
TARGET = "aarch64-unknown-linux-gnu"
# ELF's number of that processor.
AARCH64 = 183


def cargo(*arguments: str) -> str:
    return subprocess.run(["cargo", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def foreign_packages(function: str, functions: list[str]) -> list[str]:
    """What of the others' code this function is built from."""
    tree = cargo("tree", "--locked", "-p", function, "-e", "normal", "--target", TARGET, "--prefix", "none", "-f", "{p}")
    packages = {line.split()[0] for line in tree.splitlines() if line}
    return sorted(packages & {*NOT_DEPLOYED, *functions} - {function})


def faults_of(archive: Path) -> list[str]:
    """What is wrong with a zip."""
    faults = []
    if archive.stat().st_size > LARGEST:
        faults.append(f"is larger than {LARGEST / 1024**2:.0f} MB")
    with zipfile.ZipFile(archive) as contents:
        if contents.namelist() != ["bootstrap"]:
            return [*faults, f"holds {contents.namelist()}, not one bootstrap"]
        entry = contents.getinfo("bootstrap")
        program = contents.read(entry)
    if not (entry.external_attr >> 16) & 0o111:
        faults.append("holds a bootstrap that may not be executed")
    if program[:4] != b"\x7fELF" or struct.unpack_from("<H", program, 18) != (AARCH64,):
        faults.append("holds no program for arm64")
    return faults


def main() -> int:
    # In a member's folder, that member would be the default one.
    os.chdir(Path(__file__).resolve().parent.parent)
    metadata = json.loads(cargo("metadata", "--locked", "--no-deps", "--format-version", "1"))
    names = {package["id"]: package["name"] for package in metadata["packages"]}
    functions = sorted(names[member] for member in metadata["workspace_default_members"])
    built = Path(metadata["target_directory"]) / "lambda"

    faults = [f"{name} is built from {other}" for name in functions for other in foreign_packages(name, functions)]
    if not faults:
        # A zip of an earlier build would hide one that is missing.
        shutil.rmtree(built, ignore_errors=True)
        # Without --package: cargo-lambda then builds the default members, all in one go. The manifest asks
        # for their programs alone, as `make build` does: nothing is compiled twice.
        subprocess.run(["cargo", "lambda", "build", "--release", "--arm64", "--output-format", "zip", "--locked"], check=True)
        archives = {archive.parent.name: archive for archive in built.glob("*/bootstrap.zip")}
        if sorted(archives) != functions:
            faults.append(f"the zips are of {sorted(archives)}, the functions are {functions}")
        for name, archive in sorted(archives.items()):
            print(f"{name:<12} {archive.stat().st_size / 1024**2:6.2f} MB  {archive}")
            faults += [f"{name} {fault}" for fault in faults_of(archive)]
    for fault in faults:
        print(f"{Path(__file__).name}: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
