"""When the dashboard is compiled, and what stays when that fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from openopen8.core.errors import Problem
from openopen8.server.built import Place
from openopen8.server.compiler import Say, compile_dashboard


@pytest.fixture
def place(tmp_path: Path) -> Place:
    for name in ("rxconfig.py", "openopen8/pages/tokens.py", "openopen8/core/clock.py", "assets/logo.svg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return Place(tmp_path)


class Export:
    """Stands for Reflex: writes a page, or fails as it does: with its old output gone."""

    def __init__(self, page: str = "first", fails: bool = False) -> None:
        self.page, self.fails, self.runs = page, fails, 0

    def __call__(self, place: Place, say: Say) -> None:
        self.runs += 1
        output = place.root / ".web" / "build" / "client"
        output.mkdir(parents=True, exist_ok=True)
        for old in output.iterdir():
            old.unlink()
        if self.fails:
            raise Problem(500, "not_compiled", "The dashboard could not be compiled: a reason")
        (output / "index.html").write_text(self.page)


def quiet(_line: str) -> None:
    return None


def page_of(place: Place) -> str:
    return (place.client / "index.html").read_text()


def test_it_is_compiled_once(place: Place) -> None:
    export = Export()
    assert compile_dashboard(quiet, place=place, export=export)
    assert place.is_current
    assert not compile_dashboard(quiet, place=place, export=export)
    assert (export.runs, page_of(place)) == (1, "first")


@pytest.mark.parametrize(
    "name", ["openopen8/pages/tokens.py", "openopen8/pages/new.py", "assets/logo.svg", "rxconfig.py"]
)
def test_it_is_compiled_again_when_its_source_changed(place: Place, name: str) -> None:
    compile_dashboard(quiet, place=place, export=Export())
    (place.root / name).write_text("changed")
    assert not place.is_current
    assert compile_dashboard(quiet, place=place, export=Export("second"))
    assert page_of(place) == "second"


def test_other_source_does_not_matter(place: Place) -> None:
    compile_dashboard(quiet, place=place, export=Export())
    (place.root / "openopen8/core/clock.py").write_text("changed")
    assert place.is_current


def test_a_build_that_fails_leaves_the_old_one_in_place(place: Place) -> None:
    compile_dashboard(quiet, place=place, export=Export())
    (place.root / "rxconfig.py").write_text("changed")
    with pytest.raises(Problem):
        compile_dashboard(quiet, place=place, export=Export(fails=True))
    assert (place.is_there, place.is_current, page_of(place)) == (True, False, "first")


def test_what_changes_while_it_is_compiled_is_compiled_the_next_time(place: Place) -> None:
    def export(place: Place, say: Say) -> None:
        Export()(place, say)
        (place.root / "rxconfig.py").write_text("changed meanwhile")

    compile_dashboard(quiet, place=place, export=export)
    assert not place.is_current


def test_the_dashboard_of_a_wheel_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "client").mkdir()
    (tmp_path / "stamp").write_text("of another machine")
    assert not compile_dashboard(quiet, place=Place(tmp_path, packaged=tmp_path))
