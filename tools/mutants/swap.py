"""Code put into a process that runs already: a mutant, or marks that tell which statements ran."""

from __future__ import annotations

import ast
import gc
import sys
import sysconfig
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final, TypeAlias

#: (file, line of a statement) that ran.
Hit: TypeAlias = tuple[str, int]
_MARK: Final = "__mark__"


class SwapError(Exception):
    """The tool cannot do its work, which says nothing about the tests."""


class Unloadable(Exception):
    """The changed module cannot even be loaded, which any test notices."""


class Swapper:
    """The modules under trial as they are loaded in this process, and every function made of their source.

    A function that was imported elsewhere, decorated or kept in a table is the same object everywhere, so it is enough
    to give it other code. What is made when a module is loaded, such as its constants, is made anew and put into every
    module that holds the old one under the same name.

    Args:
        root: of the project.
        sources: text of each module under trial, by its path relative to ``root``.
    """

    def __init__(self, root: Path, sources: Mapping[str, str]) -> None:
        self._paths = {file: str(root / file) for file in sources}
        self._codes = {file: _compiled(source, self._paths[file]) for file, source in sources.items()}
        marked = {file: _marked(file, source) for file, source in sources.items()}
        self._marked = {file: _compiled(tree, self._paths[file]) for file, tree in marked.items()}
        self._modules = {file: import_module(file.removesuffix(".py").replace("/", ".")) for file in sources}
        installed = sysconfig.get_path("purelib")
        by_path = {str(getattr(module, "__file__", None)): module for module in list(sys.modules.values())}
        self._holders = [by_path[path] for path in by_path if Path(path).is_relative_to(root) and installed not in path]
        self._functions: dict[CodeType, list[FunctionType]] = defaultdict(list)
        paths = set(self._paths.values())
        for each in gc.get_objects():
            if isinstance(each, FunctionType) and each.__code__.co_filename in paths:
                self._functions[each.__code__].append(each)
        for file, code in self._codes.items():
            own = [const for const in code.co_consts if isinstance(const, CodeType) and const.co_flags & CO_OPTIMIZED]
            if not all(const in self._functions for const in own if const.co_name.isidentifier()):
                raise SwapError(f"{file} has changed since it was loaded; start anew")

    def put(self, file: str, tree: ast.Module, *, anew: bool = False) -> None:
        """Replace the module's code by that of ``tree``.

        Args:
            file: of the module.
            tree: its new syntax tree.
            anew: load it anew, for a change of what runs only when it is loaded.

        Raises:
            Unloadable: if loading it anew fails.
        """
        code = _compiled(tree, self._paths[file])
        # a function that needs other variables of those around it cannot take the new code
        if anew or any(old.co_freevars != new.co_freevars for old, new in _pairs(self._codes[file], code)):
            self._load(file, code)
        else:
            self._put(file, code)

    def mark(self, ran: Callable[[Hit], None]) -> None:
        """Have every function call ``ran`` with each of its statements, before it runs."""
        for file, code in self._marked.items():
            vars(self._modules[file])[_MARK] = ran
            self._put(file, code)

    def _put(self, file: str, code: CodeType) -> None:
        for old, new in _pairs(self._codes[file], code):
            for function in self._functions[old] if old != new else ():
                function.__code__ = new

    def _load(self, file: str, code: CodeType) -> None:
        """Run the module beside the loaded one, and put what differs in the place of what every module has of it."""
        before = vars(self._modules[file])
        after = {name: value for name, value in before.items() if name.startswith("__")}
        try:
            exec(code, after)
        except Exception as error:
            raise Unloadable(f"{file}: {type(error).__name__}: {error}") from error
        for name, value in after.items():
            kept = before.get(name)
            if isinstance(kept, type | ModuleType) or repr(kept) == repr(value):
                continue
            for holder in self._holders:
                if vars(holder).get(name) is kept:
                    setattr(holder, name, value)


def _compiled(source: str | ast.Module, path: str) -> CodeType:
    """As an import compiles it: without this file's own ``from __future__``."""
    code: CodeType = compile(source, path, "exec", dont_inherit=True)
    return code


def _pairs(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """Code objects of the same functions, below two modules; those on one line by their order."""
    inner: list[dict[Any, list[CodeType]]] = [defaultdict(list), defaultdict(list)]
    for found, code in zip(inner, (old, new), strict=True):
        for const in code.co_consts:
            if isinstance(const, CodeType):
                found[const.co_qualname, const.co_firstlineno].append(const)
    for name, codes in inner[0].items():
        for one, other in zip(codes, inner[1].get(name, []), strict=False):
            yield one, other
            yield from _pairs(one, other)


def _marked(file: str, source: str) -> ast.Module:
    """The module with a call before each statement within a function that tells it."""
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for node in {id(node): node for function in functions for node in ast.walk(function)}.values():
        for field in ("body", "orelse"):
            block = getattr(node, field, None)
            if isinstance(block, list) and not isinstance(node, ast.ClassDef):
                setattr(node, field, [each for stmt in block for each in (_told(file, stmt), stmt)])
    return tree


def _told(file: str, statement: ast.stmt) -> ast.stmt:
    call = ast.parse(f"{_MARK}(({file!r}, {statement.lineno}))").body[0]
    for node in ast.walk(call):
        ast.copy_location(node, statement)
    return call
