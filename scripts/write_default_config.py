"""Writes configs/default.toml from the settings; a test keeps it true."""

from __future__ import annotations

from pathlib import Path

from classifier.settings import Settings, as_toml

TARGET = Path(__file__).resolve().parent.parent / "configs" / "default.toml"
TARGET.write_text(as_toml(Settings()), encoding="utf-8")
print(TARGET)
