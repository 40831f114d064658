"""The rules as a WebAssembly module: numba's own LLVM code of them, which LLVM translates for another machine.

Nothing is written a second time. numba lowers ``reset_worlds`` and ``step_worlds`` to LLVM code as it does for this
processor, LLVM's WebAssembly backend, which comes with llvmlite, makes an object of it, and an object whose only
unknown symbols are its memory and its stack is a module as it stands but for its exports, which :func:`exported` adds.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import llvmlite.binding as llvm
import numpy as np
from numba import types

import sd_env
from sd_env.rules import turn
from sd_env.rules.compiled import rules_fingerprint
from tools.browser import elementary

_TRIPLE: Final = "wasm32-unknown-unknown"
_FEATURES: Final = "+bulk-memory,+sign-ext,+nontrapping-fptoint"  # what every browser has had since 2021
#: What is known under other names in a browser: numba frees no memory of arrays that it was lent.
_GLUE: Final = """
define double @{name}(double %x) {{
  %result = alloca double
  %trouble = alloca ptr
  %status = call i32 @{function}(ptr %result, ptr %trouble, double %x)
  %y = load double, ptr %result
  ret double %y
}}
declare i32 @{function}(ptr, ptr, double)
"""
_NO_MEMORY: Final = "define void @NRT_MemInfo_call_dtor(ptr %x) {\n  unreachable\n}\n"
_OWN: Final = {"exp": "exact_exp", "log": "exact_log"}
#: Sections of a module that are needed, in their order; an object has others for linkers.
_IMPORTS, _FUNCTIONS, _EXPORTS, _DATA, _CUSTOM = 2, 3, 7, 11, 0
_KEPT: Final = (1, _IMPORTS, _FUNCTIONS, 12, 10, _DATA)


def engine(folder: Path) -> dict[str, Any]:
    """The compiled engine, kept in a folder until the rules or what compiles them change.

    Returns:
        ``module``: WebAssembly, base64; ``data``: bytes of memory that it fills; ``arguments``: of ``reset`` and
        ``step``, a list of names and, of an array, how many dimensions it has, else 0.
    """
    digest = hashlib.sha256(rules_fingerprint().encode())
    for path in (Path(__file__), Path(elementary.__file__)):
        digest.update(path.read_bytes())
    digest.update(f"{version('numba')} {version('llvmlite')}".encode())
    kept = folder / f"engine-{digest.hexdigest()[:16]}.json"
    if not kept.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("engine-*.json"):
            old.unlink()
        with tempfile.TemporaryDirectory() as cache:
            # unoptimized, since what is optimized for this processor's memory layout fits no other's
            env = {**os.environ, "NUMBA_OPT": "0", "NUMBA_CACHE_DIR": cache, "NUMBA_DISABLE_JIT": "0"}
            command = [sys.executable, "-W", "ignore:Cannot cache", "-m", "tools.browser.compile", str(kept)]
            subprocess.run(command, env=env, check=True, cwd=Path(__file__).parents[2])
    found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def compiled() -> dict[str, Any]:
    """What :func:`engine` returns, compiled now, in a process in which nothing has been compiled otherwise."""
    worlds = sd_env.Worlds(sd_env.load_scenario({}), seed=0)
    worlds.step(np.zeros((1, worlds.num_states, len(worlds.heads.kinds)), np.int64))
    elementary.exp(1.0), elementary.log(2.0)
    entries = {"reset": turn.reset_worlds, "step": turn.step_worlds}
    pieces, names = [_NO_MEMORY], {}
    for own, function in (("exp", elementary.exp), ("log", elementary.log)):
        pieces += [_GLUE.format(name=_OWN[own], function=f'"{_symbol(function)}"'), _code(function)]
    for name, function in entries.items():
        pieces.append(_code(function))
        names[name] = _symbol(function)
    module, data = exported(_object(pieces, set(names.values())), names)
    return {
        "module": base64.b64encode(module).decode(),
        "data": data,
        "arguments": {name: list(_arguments(function)) for name, function in entries.items()},
    }


def _symbol(function: Any) -> str:
    [overload] = function.overloads.values()
    return str(overload.fndesc.llvm_func_name)


def _code(function: Any) -> str:
    """LLVM code of a compiled function, with exp and log of ours."""
    [signature] = function.signatures
    code = str(function.inspect_llvm(signature))
    for name, own in _OWN.items():
        code = re.sub(rf"@llvm\.{name}\.f64\b", f"@{own}", code)
    return re.sub(r"^target (datalayout|triple) = .*$", "", code, flags=re.MULTILINE)


def _arguments(function: Any) -> Iterator[tuple[str, int]]:
    [signature] = function.signatures
    names = function.py_func.__code__.co_varnames
    for name, kind in zip(names, signature, strict=False):
        yield name, kind.ndim if isinstance(kind, types.Array) else 0


def _object(pieces: list[str], entries: set[str]) -> bytes:
    """One WebAssembly object of all pieces, of which only the entries are seen from outside."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple(_TRIPLE).create_target_machine(opt=3, features=_FEATURES)
    head = f'target datalayout = "{machine.target_data}"\ntarget triple = "{_TRIPLE}"\n'
    whole = llvm.parse_assembly(head)
    for piece in pieces:
        whole.link_in(llvm.parse_assembly(head + piece))
    for value in (*whole.functions, *whole.global_variables):
        if not value.is_declaration and value.name not in entries:
            value.linkage = "internal"
    tuning = llvm.create_pipeline_tuning_options(speed_level=2)
    tuning.loop_vectorization = tuning.slp_vectorization = False
    passes = llvm.create_pass_builder(machine, tuning)
    passes.getModulePassManager().run(whole, passes)
    return bytes(machine.emit_object(whole))


def exported(linkable: bytes, names: dict[str, str]) -> tuple[bytes, int]:
    """A module that exports functions, and how much memory its data fills.

    LLVM writes into an object what each relocation would come to if it were linked with nothing else, so that all that
    it lacks is a section of exports.

    Args:
        linkable: an object.
        names: of functions as exported, and as the object has them.
    """
    sections = dict(_sections(linkable))
    symbols = dict(_functions(sections["linking"]))
    entries = [_text(name) + b"\0" + _leb(symbols[symbol]) for name, symbol in names.items()]
    sections[_EXPORTS] = _leb(len(entries)) + b"".join(entries)
    module = linkable[:8]
    for kind in (*_KEPT[:3], _EXPORTS, *_KEPT[3:]):
        if kind in sections:
            module += bytes([kind]) + _leb(len(sections[kind])) + sections[kind]
    return module, _end_of_data(sections[_DATA])


def _leb(number: int) -> bytes:
    """A whole number, seven bits a byte."""
    found = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        found.append(low | (0x80 if number else 0))
        if not number:
            return bytes(found)


def _text(text: str) -> bytes:
    return _leb(len(text.encode())) + text.encode()


class _Reader:
    """Reads numbers and texts, one after the other."""

    def __init__(self, source: bytes, at: int = 0) -> None:
        self.source, self.at = source, at

    def number(self) -> int:
        found = shift = 0
        while True:
            byte = self.source[self.at]
            self.at += 1
            found |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return found

    def bytes(self) -> bytes:
        size = self.number()
        self.at += size
        return self.source[self.at - size : self.at]

    @property
    def more(self) -> bool:
        return self.at < len(self.source)


def _sections(module: bytes) -> Iterator[tuple[int | str, bytes]]:
    """Sections by number, those for tools by name."""
    reader = _Reader(module, 8)
    while reader.more:
        kind = reader.number()
        content = reader.bytes()
        if kind == _CUSTOM:
            inner = _Reader(content)
            name = inner.bytes().decode()
            yield name, content[inner.at :]
        else:
            yield kind, content


def _functions(linking: bytes) -> Iterator[tuple[str, int]]:
    """Functions that an object defines, by name, with their indices, from its table of symbols."""
    reader = _Reader(linking)
    reader.number()  # version
    while reader.more:
        kind, content = reader.number(), reader.bytes()
        if kind != 8:
            continue
        table = _Reader(content)
        for _ in range(table.number()):
            what, flags = table.number(), table.number()
            undefined, named = flags & 0x10, flags & 0x40
            if what == 1:  # data
                table.bytes()
                if not undefined:
                    table.number(), table.number(), table.number()
            elif what == 3:  # a section
                table.number()
            else:
                index = table.number()
                if not undefined or named:
                    name = table.bytes().decode()
                    if what == 0:
                        yield name, index


def _end_of_data(section: bytes) -> int:
    """Where the data end in memory: every segment begins at a constant, i32.const n end."""
    reader, end = _Reader(section), 0
    for _ in range(reader.number()):
        reader.number(), reader.number()
        start = reader.number()
        reader.number()
        end = max(end, start + len(reader.bytes()))
    return end


def main() -> None:
    """Command line: compile, and write what was compiled."""
    parser = argparse.ArgumentParser(prog="python -m tools.browser.compile", description=__doc__)
    parser.add_argument("out", type=Path, help="JSON")
    out = parser.parse_args().out
    out.write_text(json.dumps(compiled()), encoding="utf-8")


if __name__ == "__main__":
    main()
