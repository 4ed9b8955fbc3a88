"""Settings: strict, frozen, one way to override, and a default file that is true."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.errors import SettingsError
from classifier.records import Mode
from classifier.settings import Settings, as_toml, excluding, load

DEFAULT_TOML = Path(__file__).resolve().parents[1] / "configs" / "default.toml"


def test_the_default_file_is_what_the_settings_say() -> None:
    """To write it anew: python scripts/write_default_config.py."""
    assert as_toml(Settings()) == DEFAULT_TOML.read_text(encoding="utf-8")


def test_the_default_file_gives_the_defaults() -> None:
    assert Settings() == load(DEFAULT_TOML)


def test_an_override_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    config = tmp_path / "a.toml"
    config.write_text("[train]\nepochs = 3\nseed = 7\n", encoding="utf-8")
    loaded = load(config, ["train.epochs=5"])

    assert (5, 7, Settings().train.batch_size) == (loaded.train.epochs, loaded.train.seed, loaded.train.batch_size)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("labels.folder=C:\\new\\labels", Path("C:\\new\\labels")),
        ("labels.folder='quoted'", Path("quoted")),
        ("labels.folder=~/labels", Path.home() / "labels"),
        ("labels.folder=图片/标签", Path("图片/标签")),
    ],
)
def test_a_path_needs_no_quotes_on_the_command_line(override: str, expected: Path) -> None:
    assert expected == load(None, [override]).labels.folder


@pytest.mark.parametrize(
    "name", ["2024", "1.10", "2024-05-01", "2024-05-01T10:00:00", "07:30:00", "true", "0x10", "1_0"]
)
def test_a_folder_may_be_named_like_a_number_or_a_date(name: str) -> None:
    loaded = load(None, [f"labels.folder={name}", f"labels.csv='{name}'", f"model.backbone={name}"])

    assert (Path(name), Path(name), name) == (loaded.labels.folder, loaded.labels.csv, loaded.model.backbone)


def test_whole_numbers_and_dates_in_a_file_are_text_where_text_is_meant(tmp_path: Path) -> None:
    config = tmp_path / "a.toml"
    config.write_text("[labels]\nfolder = 2024\ncsv = 2024-05-01\n[runtime]\ndevice = 7\n", encoding="utf-8")
    loaded = load(config)

    assert (Path("2024"), Path("2024-05-01"), "7") == (loaded.labels.folder, loaded.labels.csv, loaded.runtime.device)


def test_a_given_setting_differs_from_a_default_of_the_same_value() -> None:
    """A sort takes the model's own threshold unless one was asked for."""
    assert {"mode"} == load(None, ["sort.mode=copy", "runtime.workers=1"]).sort.model_fields_set


def test_a_setting_of_an_earlier_version_is_passed_over_in_a_file(tmp_path: Path) -> None:
    config = tmp_path / "a.toml"
    config.write_text("[labels]\nnear_duplicate_bits = 6\ndepth = 2\n", encoding="utf-8")

    assert Settings().model_copy(update={"labels": load(config).labels}) == load(None, ["labels.depth=2"])
    with pytest.raises(SettingsError, match=r"there is no setting 'labels\.near_duplicate_bits' any more"):
        load(None, ["labels.near_duplicate_bits=6"])


def test_a_file_saved_by_notepad_is_read(tmp_path: Path) -> None:
    """Windows' editor puts a byte order mark first."""
    config = tmp_path / "a.toml"
    config.write_text('[sort]\nmode = "move"\n', encoding="utf-8-sig")

    assert Mode.MOVE is load(config).sort.mode


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("train.epoch=3", "unknown setting 'train.epoch'; did you mean 'train.epochs'?"),
        ("tran.epochs=3", "unknown setting 'tran'; did you mean 'train'?"),
        ("train.epochs=-1", "train.epochs = -1: give 0 or more"),
        ("train.epochs=many", "train.epochs = 'many'"),
        ("sort.threshold=1.5", "sort.threshold = 1.5: give less than 1"),
        ("sort.mode=steal", "sort.mode = 'steal'"),
        ("train.epochs", "expected section.key=value"),
        ("epochs=3", "expected section.key=value"),
    ],
)
def test_a_bad_override_is_one_line_that_names_it(override: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(None, [override])
    assert says in str(caught.value)
    assert f"--set {override}" in str(caught.value)
    assert 1 == len(str(caught.value).splitlines())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[train]\nepoch = 3\n", "unknown setting 'train.epoch'"),
        ("[train\n", "is no TOML"),
        ("train = 3\n", "train = 3"),
    ],
)
def test_a_bad_file_is_one_line_that_names_it(tmp_path: Path, text: str, says: str) -> None:
    config = tmp_path / "bad.toml"
    config.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load(config)
    assert str(caught.value).startswith(f"{config}: ")
    assert says in str(caught.value)


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no such file"):
        load(tmp_path / "none.toml")


def test_every_setting_says_what_it_is() -> None:
    for section, field in Settings.model_fields.items():
        for key, inner in type(field.default).model_fields.items():
            assert inner.description, f"{section}.{key} has no docstring"


@pytest.mark.parametrize("recipe", sorted(DEFAULT_TOML.parent.glob("*.toml")), ids=lambda path: path.name)
def test_every_ready_recipe_is_read_and_says_how_it_is_used(recipe: Path) -> None:
    load(recipe)

    assert recipe == DEFAULT_TOML or f"--config {recipe.stem} " in recipe.read_text(encoding="utf-8")


def test_what_the_command_line_excludes_is_added_to_what_the_file_does(tmp_path: Path) -> None:
    config = tmp_path / "a.toml"
    config.write_text('[images]\nexclude = ["*.gif"]\n', encoding="utf-8")
    chosen = excluding(load(config, ["sort.mode=copy"]), ["drafts/", "#old"])

    assert ("*.gif", "drafts/", "#old") == chosen.images.exclude
    assert {"mode"} == chosen.sort.model_fields_set
    assert load(config) == excluding(load(config), [])


def test_a_pattern_that_matches_nothing_is_one_line_that_names_it() -> None:
    for wrong in (lambda: excluding(Settings(), ["/"]), lambda: load(None, ['images.exclude=["/"]'])):
        with pytest.raises(SettingsError, match="the pattern '/' matches nothing") as caught:
            wrong()
        assert 1 == len(str(caught.value).splitlines())


@pytest.mark.parametrize(
    "path", [r"C:\Users\me", r"C:\new\models", r"\\nas\share", r"models\mine", "C:\\", r"D:\temp\\x"], ids=ascii
)
@pytest.mark.parametrize("key", ["folder = ", "folder="])
def test_a_windows_path_in_double_quotes_is_named_with_what_mends_it(tmp_path: Path, key: str, path: str) -> None:
    config = tmp_path / "a.toml"
    config.write_text(f'# "C:\\comment"\n[labels]\n{key}"{path}"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=r"a.toml, line 3: .* in single quotes, 'C:\\pictures'"):
        load(config)


@pytest.mark.parametrize("value", [r"'C:\new'", r'"C:\\new"', r'"\\\\nas\\share"', '"C:/new"', r'"a\u732b"'])
def test_a_windows_path_that_is_written_right_is_read(tmp_path: Path, value: str) -> None:
    config = tmp_path / "a.toml"
    config.write_text(f"[labels]\nfolder = {value}\n", encoding="utf-8")
    assert "new" in str(load(config).labels.folder) or "nas" in value or "u732b" in value
