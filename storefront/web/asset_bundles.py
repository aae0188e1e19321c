"""Joins the sources in `static/js` into one script and those in `static/css` into one stylesheet, and minifies both.

Browsers could load the sources directly: ES modules and stylesheets that import each other. They are joined when the
server starts, so that a page needs two requests instead of forty, without a build step.
"""

import re
from os.path import normpath
from pathlib import Path
from typing import Any

import tinycss2

_IMPORT = re.compile(r'^import\s+(?:\{([\w\s,]+)\}\s+from\s+)?"(\.{1,2}/[\w/]+\.js)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export\s+(?=(?:async\s+)?(?:function|class|const)\s+(\w+))", re.MULTILINE)
_OTHER_MODULE_SYNTAX = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
_STYLE_IMPORT = re.compile(r'@import "([\w/]+\.css)"(?: layer\((\w+)\))?;')
_NO_SPACE_BEFORE = (",", ";", "{} block", None)
"""Types of CSS tokens before which white space is insignificant; None is the end of a block."""
_NO_SPACE_AFTER = (*_NO_SPACE_BEFORE, ":", "whitespace")


class AssetError(Exception):
    """A script or stylesheet can't be joined; the message is one sentence that names the file."""


def join_scripts(entry: Path) -> str:
    """A classic script of an ES module and all that it imports, in the order in which a browser would run them.

    Each module keeps its own scope: it becomes a function that returns what the module exports. Raises `AssetError`.
    """
    modules: dict[Path, str] = {}
    _add_module(entry, entry.parent, modules, {}, ())
    return f'(()=>{{"use strict";const modules={{}};\n{"".join(modules.values())}}})();\n'


def _add_module(
    path: Path, root: Path, modules: dict[Path, str], exports: dict[Path, set[str]], importers: tuple[str, ...]
) -> None:
    """Add a module to `modules`, after those that it imports. Its name is its path below `root`."""
    name = path.relative_to(root).as_posix()
    if name in importers:
        raise AssetError(f"{path} is imported by a module that it imports itself: {' → '.join((*importers, name))}.")
    if path in modules:
        return
    source = _read(path, importers)
    for names, imported in _IMPORT.findall(source):
        other = _imported_path(path, imported)
        _add_module(other, root, modules, exports, (*importers, name))
        if missing := set(re.findall(r"\w+", names)) - exports[other]:
            raise AssetError(f"{path} imports {', '.join(sorted(missing))} from {other.name}, which doesn't export it.")

    def bound(found: re.Match[str]) -> str:
        key = _imported_path(path, found[2]).relative_to(root).as_posix()
        return f'const {{{found[1]}}} = modules["{key}"];' if found[1] else ""

    exports[path] = set(_EXPORT.findall(source))
    body = _EXPORT.sub("", _IMPORT.sub(bound, source))
    if other_syntax := _OTHER_MODULE_SYNTAX.search(body):
        raise AssetError(f"{path} can't be joined because of this line: {other_syntax[0]}")
    returned = ",".join(sorted(exports[path]))
    modules[path] = f'modules["{name}"]=(()=>{{\n{_minified_script(body, path)}\nreturn {{{returned}}}}})();\n'


def _imported_path(importer: Path, imported: str) -> Path:
    return Path(normpath(importer.parent / imported))


def _minified_script(source: str, path: Path) -> str:
    """A script without indentation, blank lines and lines that are comments. Only a parser could safely take out more;
    it would save half a kilobyte after gzip."""
    lines = [line.strip() for line in source.splitlines()]
    lines = [line for line in lines if line and not line.startswith("//")]
    if broken := next((line for line in lines if line.count("`") % 2), None):
        raise AssetError(f"{path} can't be joined because a template literal goes beyond this line: {broken}")
    return "\n".join(lines)


def join_styles(entry: Path) -> str:
    """A stylesheet with what it imports in place of its `@import` rules, without white space. Raises `AssetError`."""

    def imported(found: re.Match[str]) -> str:
        style = _minified_style(entry.parent / found[1], (entry.name,))
        return f"@layer {found[2]}{{{style}}}" if found[2] else style

    joined = _STYLE_IMPORT.sub(imported, _minified_style(entry, ()))
    if "@import" in joined:
        raise AssetError(f'{entry} may import only as in @import "file.css" layer(name); and what it imports, nothing.')
    return joined


def _minified_style(path: Path, importers: tuple[str, ...]) -> str:
    *nodes, end = tinycss2.parse_component_value_list(_read(path, importers) + "\n;", skip_comments=True)
    if end != ";":
        raise AssetError(f"{path} is broken: a block, function or comment that begins in it doesn't end.")
    return str(tinycss2.serialize(_minified_tokens(nodes, path)))


def _minified_tokens(nodes: list[Any], path: Path) -> list[Any]:
    """Return the CSS tokens without insignificant white space. Raises `AssetError`."""
    for node in nodes:
        if node.type == "error":
            raise AssetError(f"{path} is broken in line {node.source_line}: {node.message}.")
        if hasattr(node, "content"):
            node.content = _minified_tokens(node.content, path)
        elif hasattr(node, "arguments"):
            node.arguments = _minified_tokens(node.arguments, path)
    types = [None, *(node.value if node.type == "literal" else node.type for node in nodes), None]
    return [
        node
        for node, before, after in zip(nodes, types, types[2:], strict=False)
        if node.type != "whitespace" or not (before in _NO_SPACE_AFTER or after in _NO_SPACE_BEFORE)
    ]


def _read(path: Path, importers: tuple[str, ...]) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        importer = importers[-1] if importers else "every page"
        raise AssetError(f"{path} is missing, and {importer} needs it.") from None
