"""Category names: they become folder names, so they must be good ones on every system. Pure."""

from __future__ import annotations

from classifier.errors import LabelsError

_FORBIDDEN = frozenset('<>:"/\\|?*')
_WINDOWS_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
)
_MAX_BYTES = 200  # leaves room below the 255 of most file systems


def check_names(categories: list[str], *, where: str) -> None:
    """Raise LabelsError when a category name cannot be a folder name everywhere, or two differ only in case."""
    seen: dict[str, str] = {}
    for name in categories:
        problem = _problem(name)
        if problem:
            raise LabelsError(f"{where}: the category name {name!r} {problem}; rename it")
        twin = seen.setdefault(name.casefold(), name)
        if twin != name:
            raise LabelsError(f"{where}: {twin!r} and {name!r} are one folder on Windows and macOS; rename one")


def _problem(name: str) -> str | None:
    bad = [character for character in name if character in _FORBIDDEN or not character.isprintable()]
    if bad:
        return f"contains {bad[0]!r}, which cannot be part of a folder name everywhere"
    if name[:1] in ("", ".", "_"):
        return f"begins with {name[:1]!r}, which is kept for illsort's own folders"
    if name != name.strip() or name.endswith("."):
        return "begins or ends with a space or a dot"
    if name.partition(".")[0].casefold() in _WINDOWS_DEVICES:
        return "is the name of a device on Windows"
    return "is too long" if len(name.encode(errors="surrogateescape")) > _MAX_BYTES else None
