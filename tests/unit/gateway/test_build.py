"""The page for each place and language, out of what was built."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from services.gateway.build import Build, Look, Part

INDEX = '<html lang="en"><head><!--head--></head><body><div id="root"><!--shell--></div></body></html>'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A build in two languages."""
    (tmp_path / "index.html").write_text(INDEX)
    (tmp_path / ".vite").mkdir()
    manifest = {
        "index.html": {"file": "assets/index-1.js", "css": ["assets/index-2.css"]},
        "src/main.tsx": {"file": "assets/main-4.js"},
        "node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2": {"file": "assets/inter-3.woff2"},
    }
    (tmp_path / ".vite" / "manifest.json").write_text(json.dumps(manifest))
    shells = {"room": {"en": "<h1>{room}</h1>Opening", "de": "<h1>{room}</h1>Wird geöffnet"}}
    (tmp_path / ".vite" / "shells.json").write_text(json.dumps(shells))
    return tmp_path


def test_a_room_is_shown_by_its_name_in_the_language_and_theme_of_who_opens_it(folder: Path) -> None:
    page = Build(folder).built().page(Part.ROOM, Look("de", "dark"), head="<meta>", shell="room", room="friday")
    assert page.startswith('<html lang="de" data-theme="dark"><head><meta></head>')
    assert '<div id="root"><h1>friday</h1>Wird geöffnet</div>' in page


def test_a_place_without_a_shell_and_an_unknown_language_have_the_bare_page(folder: Path) -> None:
    page = Build(folder).built().page(Part.DOCTOR, Look("fr"))
    assert '<html lang="en"><head>' in page
    assert '<div id="root"></div>' in page


def test_a_page_that_may_outlive_its_server_is_to_have_every_part_of_itself(folder: Path) -> None:
    build = Build(folder).built()
    page = build.page(Part.ROOM, Look("en"), whole=True)
    for name in ("index-1.js", "index-2.css", "main-4.js"):
        assert f'<link rel="prefetch" href="/assets/{name}" />' in page
    assert ".woff2" not in page
    assert "prefetch" not in build.page(Part.ROOM, Look("en"))


def test_what_every_place_needs_is_named_for_early_hints(folder: Path) -> None:
    assert Build(folder).built().first() == (
        "</assets/index-2.css>; rel=preload; as=style; crossorigin, </assets/index-1.js>; rel=modulepreload, "
        "</assets/main-4.js>; rel=modulepreload, </assets/inter-3.woff2>; rel=preload; as=font; crossorigin"
    )


def test_a_new_build_is_read_and_an_old_one_is_not_read_again(folder: Path) -> None:
    build = Build(folder)
    first = build.built()
    assert build.built() is first
    (folder / "index.html").write_text("new")
    os.utime(folder / "index.html", ns=(1, 1))
    assert build.built().index == "new"


def test_a_build_that_tells_nothing_of_itself_is_a_page_still(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(INDEX)
    (tmp_path / ".vite").mkdir()
    (tmp_path / ".vite" / "manifest.json").write_text("[")
    built = Build(tmp_path).built()
    assert "<head></head>" in built.page(Part.ROOM, Look(), shell="room", room="r")
    assert built.first() == ""


def test_no_build_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Build(tmp_path).built()
