"""The command that a preview prints asks for what the preview was asked, in any folder, and so files the same."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from classifier.catalog.stats import library_stats
from classifier.project import PROJECT_FILE
from classifier.records import Mode
from classifier.report.preview_sheet import write_preview_sheet
from classifier.settings import ImageSettings, RuntimeSettings, Settings, SortSettings
from classifier.sort.last_preview import LastPreview, last_preview
from classifier.sort.pipeline import sort
from classifier.sort.preview import preview
from kit.bundles import color_bundle
from kit.commands import illsort
from kit.interrupt import Stop, Stopping
from kit.pictures import COLORS, encoded, plain, varied
from kit.tree import make_tree

_BLENDS = [
    tuple(round(a + (b - a) * share / 9) for a, b in zip(COLORS["red"], COLORS["blue"], strict=True))
    for share in range(10)
]
CRAWL = {f"{number}.png": encoded(plain(color), "PNG") for number, color in enumerate(_BLENDS)}  # type: ignore[arg-type]
CRAWL |= {"gray.png": encoded(plain((120, 120, 120)), "PNG"), "a.gif": encoded(varied(COLORS["red"], seed=1), "GIF")}
CRAWL |= {"large.png": encoded(varied(COLORS["green"], seed=2, size=(300, 200)), "PNG"), "0.png.txt": b"words"}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return color_bundle(tmp_path_factory.mktemp("model") / "colors").folder


def words_in(line: str) -> list[str]:
    """The words of a printed command, without `illsort`."""
    return shlex.split(line)[1:] if os.name != "nt" else line.split()[1:]


def found_in(library: Path) -> LastPreview:
    found = last_preview(library)
    assert found is not None
    return found


def counts(library: Path) -> tuple[dict[str, int], dict[str, int], int]:
    stats = library_stats(library)
    return stats.filed, stats.review, stats.unknown


def planned(found: LastPreview) -> tuple[dict[str, int], dict[str, int], int]:
    table = found.numbers["table"]
    filed, review = ({row["category"]: row[key] for row in table if row[key]} for key in ("filed", "review"))
    return filed, review, sum(row["unknown"] for row in table)


@pytest.mark.parametrize(
    "asked",
    [
        ("--threshold", "0.3", "--set", "sort.unknown=false"),
        ("--set", "sort.threshold=0.3000000001", "--exclude", "*.gif", "--set", "images.max_megapixels=0.05"),
        ("--max-error", "0.4", "--set", "sort.unknown_share=0.5"),
        ("--mode", "link", "--set", "sort.sidecars=true", "--no-embeddings"),
    ],
)
def test_the_printed_command_files_what_was_previewed(tmp_path: Path, bundle: Path, asked: tuple[str, ...]) -> None:
    crawl, library = make_tree(tmp_path / "crawl", CRAWL), tmp_path / "sorted"
    previewed = illsort("sort", crawl, "--out", library, "--model", bundle, "-j", "0", "--dry-run", *asked)
    line = previewed.stdout.splitlines()[-1]
    expected = planned(found_in(library))
    illsort(*words_in(line[line.index("illsort sort") :]), "-j", "0")

    assert expected == counts(library)
    assert ("sort.sidecars=true" in asked) == bool(list(library.rglob("*.png.txt")))


def test_what_a_project_says_is_in_the_command_for_any_folder(
    tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crawl, library = make_tree(tmp_path / "crawl", CRAWL), tmp_path / "sorted"
    for folder, text in (("one", "threshold = 0.3\nunknown = false"), ("two", "threshold = 0.99\nmode = 'copy'")):
        make_tree(tmp_path / folder, {PROJECT_FILE: f"[sort]\n{text}\n[images]\nexclude = ['/{folder}']\n".encode()})
    monkeypatch.chdir(tmp_path / "one")
    illsort("sort", crawl, "--out", library, "--model", bundle, "-j", "0", "--dry-run", "--mode", "link")
    found = found_in(library)
    monkeypatch.chdir(tmp_path / "two")
    illsort(*words_in(found.sort_command()), "-j", "0")

    assert planned(found) == counts(library)
    assert " --mode link --set sort.unknown=false " in found.sort_command()
    assert (library / "red" / "0.png").samefile(crawl / "0.png")


def test_every_step_of_the_sheet_keeps_the_other_options(tmp_path: Path, bundle: Path) -> None:
    crawl, library = make_tree(tmp_path / "crawl", CRAWL), tmp_path / "sorted"
    settings = Settings(sort=SortSettings(unknown=False), runtime=RuntimeSettings(workers=0))
    preview(crawl, library=library, bundle=bundle, settings=settings, threshold=0.3, restore_deleted=True)
    page = (write_preview_sheet(library) or Path()).read_text(encoding="utf-8")

    assert "--threshold 0.999 --set sort.unknown=false --restore-deleted" in page
    assert "--threshold 0.3 --set sort.unknown=false --restore-deleted" in page


def test_a_stopped_sort_is_gone_on_with_or_not_as_previewed(tmp_path: Path, bundle: Path) -> None:
    crawl, library = make_tree(tmp_path / "crawl", {"a.png": CRAWL["0.png"]}), tmp_path / "sorted"
    settings = Settings(
        sort=SortSettings(mode=Mode.COPY), images=ImageSettings(exclude=("*.gif",)), runtime=RuntimeSettings(workers=0)
    )
    with pytest.raises(Stop):
        sort(crawl, library=library, bundle=bundle, settings=settings, threshold=0.7, progress=Stopping())
    plain_settings = Settings(runtime=RuntimeSettings(workers=0))
    preview(crawl, library=library, bundle=None, settings=plain_settings)
    resumed = found_in(library)
    preview(crawl, library=library, bundle=None, settings=plain_settings, restart=True)

    assert " --threshold 0.7 --mode copy " in resumed.sort_command()
    assert words_in(resumed.sort_command())[-4:] == ["--set", "images.exclude=[]", "--exclude", "*.gif"]
    assert words_in(resumed.sort_command(0.5))[-1] == "--restart"
    assert found_in(library).sort_command().endswith(" --restart")
