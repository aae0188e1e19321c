"""Scripts and styles are joined in the order in which a browser would load them; an error names the source file."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from storefront.web.asset_bundles import AssetError, join_scripts, join_styles
from storefront.web.static_files import SCRIPT, SCRIPTS, STATIC_FOLDER, STYLE, STYLES

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(**sources: str) -> Path:
        """Write files (`a_js` becomes `a.js`). Returns the folder."""
        for name, source in sources.items():
            stem, _, ending = name.rpartition("_")
            (tmp_path / f"{stem}.{ending}").write_text(source)
        return tmp_path

    return write


def joined(folder: Path) -> str:
    return join_scripts(folder / "entry.js")


def test_modules_are_joined_in_the_order_of_their_imports(write: Write) -> None:
    folder = write(
        entry_js='import "./b.js";\nimport "./a.js";\nlast();',
        a_js='import { one, two } from "./c.js";\nfirst(one, two);',
        b_js='import { one } from "./c.js";\nsecond(one);',
        c_js="export const one = 1;\nexport function two() {}\nexport class Three {}\nexport async function four() {}",
    )
    script = joined(folder)
    assert re.findall(r'^modules\["(\w+)\.js"\]=', script, re.MULTILINE) == ["c", "b", "a", "entry"]
    assert "return {Three,four,one,two}" in script
    assert not re.search(r"\b(import|export)\b", script)


def test_module_has_access_to_its_imports_only(write: Write) -> None:
    folder = write(
        entry_js='import {\n  one,\n} from "./c.js";\nuse(one);', c_js="export const one = 1;\nconst own = 2;"
    )
    script = joined(folder)
    assert "={};" in script and script.startswith("(()=>{") and script.endswith("})();\n")
    assert re.search(r"const \{\s*one,\s*\} = modules\[\"c\.js\"\];", script)
    assert "return {one}" in script


def test_comments_are_removed_and_strings_kept(write: Write) -> None:
    source = """// a comment
const url = "https://example.com//x";

  // another
const words = `two  spaces // ${url ? `nested  ${url}` : ""}`;
  const pattern = url.replace(/\\s+\\/ {2}/g, "  ");
"""
    script = joined(write(entry_js=source))
    assert "comment" not in script and "another" not in script
    assert "\n\n" not in script and "\n " not in script
    for kept in ('"https://example.com//x"', "`two  spaces // ${", "`nested  ${url}`", r"/\s+\/ {2}/g", '"  "'):
        assert kept in script, kept


BROKEN_SCRIPTS = {
    "a missing file": ({"entry_js": 'import "./gone.js";'}, "gone.js is missing, and entry.js needs it"),
    "a name that isn't exported": (
        {"entry_js": 'import { two } from "./c.js";', "c_js": "export const one = 1;"},
        "entry.js imports two from c.js, which doesn't export it",
    ),
    "a circular import": (
        {"entry_js": 'import "./a.js";', "a_js": 'import "./b.js";', "b_js": 'import "./a.js";'},
        "entry.js → a.js → b.js → a.js",
    ),
    "a default export": (
        {"entry_js": "export default function () {}"},
        "entry.js can't be joined because of this line",
    ),
    "a template literal over two lines": (
        {"entry_js": "const words = `a\n  b`;"},
        "entry.js can't be joined because a template literal goes beyond this line: const words = `a",
    ),
    "an import of everything": (
        {"entry_js": 'import * as c from "./c.js";', "c_js": ""},
        "entry.js can't be joined because of this line: import * as c",
    ),
}


@pytest.mark.parametrize(("sources", "sentence"), BROKEN_SCRIPTS.values(), ids=list(BROKEN_SCRIPTS))
def test_error_names_the_script(write: Write, sources: dict[str, str], sentence: str) -> None:
    with pytest.raises(AssetError, match=re.escape(sentence)):
        joined(write(**sources))


def style(folder: Path) -> str:
    return join_styles(folder / "entry.css")


def test_styles_replace_their_imports(write: Write) -> None:
    folder = write(
        entry_css='/* Why. */\n@layer one, two;\n\n@import "a.css" layer(one);\n@import "b.css";\n',
        a_css="a {\n  color: red;\n}\n",
        b_css="b,\nc {\n  margin: 0 auto;\n}\n",
    )
    assert style(folder) == "@layer one,two;@layer one{a{color:red;}}b,c{margin:0 auto;}"


def test_insignificant_white_space_is_removed(write: Write) -> None:
    source = """
.fold {
  width: calc(100% - (1rem + 2px));
  font: 600 1rem / 1.2 "Segoe  UI", sans-serif; /* a comment with a } */
  background: url(../fonts/x.woff2);

  summary :first-child::after {
    content: " ▾ /* kept */";
  }

  & + & {
    color: oklch(30% 0.05 var(--hue) / 0.2);
  }

  @media (width <= 560px) and (scripting: enabled) {
    > :is(.a .b, .c):not(:has(~ :focus)) {
      --x: 1px;
    }
  }
}
"""
    assert style(write(entry_css=source)) == (
        '.fold{width:calc(100% - (1rem + 2px));font:600 1rem / 1.2 "Segoe  UI",sans-serif;'
        "background:url(../fonts/x.woff2);"
        'summary :first-child::after{content:" ▾ /* kept */";}& + &{color:oklch(30% 0.05 var(--hue) / 0.2);}'
        "@media (width <= 560px) and (scripting:enabled){> :is(.a .b,.c):not(:has(~ :focus)){--x:1px;}}}"
    )


BROKEN_STYLES = {
    "a missing file": ({"entry_css": '@import "gone.css";'}, "gone.css is missing, and entry.css needs it"),
    "a brace too many": ({"entry_css": '@import "a.css";', "a_css": "a {}\n}\n"}, "a.css is broken in line 2"),
    "a brace too few": ({"entry_css": '@import "a.css";', "a_css": "a {\nb {}\n"}, "a.css is broken: a block"),
    "a comment without an end": ({"entry_css": "a {}\n/* b {}"}, "entry.css is broken: a block, function or comment"),
    "a string without an end": ({"entry_css": 'a { content: "x;\n}'}, "entry.css is broken in line 1"),
    "an import of an import": (
        {"entry_css": '@import "a.css";', "a_css": '@import "b.css";', "b_css": ""},
        "entry.css may import only as in",
    ),
}


@pytest.mark.parametrize(("sources", "sentence"), BROKEN_STYLES.values(), ids=list(BROKEN_STYLES))
def test_error_names_the_stylesheet(write: Write, sources: dict[str, str], sentence: str) -> None:
    with pytest.raises(AssetError, match=re.escape(sentence)):
        style(write(**sources))


def test_bundles_contain_every_source_file() -> None:
    scripts = {script: join_scripts(STATIC_FOLDER / script) for script in SCRIPTS}
    parts = {name: re.findall(r'^modules\["([\w./]+)"\]=', text, re.MULTILINE) for name, text in scripts.items()}
    sources = {path.relative_to(STATIC_FOLDER / "js").as_posix() for path in (STATIC_FOLDER / "js").rglob("*.js")}
    assert {name for names in parts.values() for name in names} == sources
    assert not [name for name in parts[SCRIPT] if name.startswith("admin")]
    imported = {style: imports_of(style) for style in STYLES}
    files = {path.relative_to(STATIC_FOLDER / "css").as_posix() for path in (STATIC_FOLDER / "css").rglob("*.css")}
    assert {name for names in imported.values() for name in names} | {"style.css", "admin.css", "document.css"} == files
    assert all(len(names) == len(set(names)) for names in imported.values())
    assert not [name for name in imported[STYLE] if name.startswith("admin/")]
    assert len(join_styles(STATIC_FOLDER / STYLE)) > 20_000


def imports_of(style: str) -> list[str]:
    return re.findall(r'^@import "([\w/.]+)"', (STATIC_FOLDER / style).read_text(), re.MULTILINE)
