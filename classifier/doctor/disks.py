"""The disks of the crawl, which is only read, and of the library to be: what they can do, and what is free."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from classifier.catalog.filesystem import is_on_network
from classifier.doctor.finding import Finding, hint, ok, problem
from classifier.errors import Message, message_of
from classifier.filing.disk_trial import DiskAbilities, try_disk


def examine_disks(out: Path, *, crawl: Path | None) -> Iterator[Finding]:
    """What can be filed at `out`, which need not exist, and how; nothing is written into the crawl."""
    folder = existing_part(out)
    if crawl is not None and is_inside(folder, crawl):
        yield hint(
            "disk.not_tried",
            Message("{folder} lies in the crawl, which is only read: what its disk can do is not tried", folder=folder),
            Message("name a folder for the library that is outside of the crawl: --out FOLDER"),
        )
        return
    try:
        can = try_disk(folder)
    except OSError as error:
        yield problem(
            "disk.read_only",
            Message("nothing can be written into {folder}: {why}", folder=folder, why=message_of(error)),
            Message("name another folder for the library (--out FOLDER), or mend its permissions"),
        )
        return
    yield from _links(folder, can, crawl)
    yield from _names(folder, can)
    if is_on_network(folder):
        yield hint(
            "disk.network",
            Message("{folder} is on a network file system, where the catalog is slower", folder=folder),
            Message("if you can, keep the library on a disk of this machine"),
        )


def _links(folder: Path, can: DiskAbilities, crawl: Path | None) -> Iterator[Finding]:
    if not can.links:
        yield hint(
            "disk.no_links",
            Message("the disk of {folder} has no hard links, so --mode link makes copies there", folder=folder),
            Message("take a disk with NTFS, ext4 or APFS for the library, or leave room for copies"),
        )
    elif crawl is not None and crawl.stat().st_dev != folder.stat().st_dev:
        yield hint(
            "disk.apart",
            Message(
                "{crawl} and {folder} are on different disks, between which there are no hard links: --mode link "
                "makes copies",
                crawl=crawl,
                folder=folder,
            ),
            Message("put the library on the disk of the crawl; or leave room for copies, or take --mode symlink"),
        )
    else:
        yield ok("disk.links", Message("{folder}: hard links are possible, which take no room", folder=folder))
    if not can.may_symlink:
        yield hint(
            "disk.symlink_right",
            Message("Windows lets you make no symbolic links, which --mode symlink needs"),
            Message("for that mode, turn on developer mode (Settings, For developers)"),
        )
    elif not can.symlinks:
        yield hint(
            "disk.no_symlinks",
            Message("the disk of {folder} has no symbolic links, which --mode symlink needs", folder=folder),
            Message("take another mode, or another disk for the library"),
        )


def _names(folder: Path, can: DiskAbilities) -> Iterator[Finding]:
    if can.distinguishes_case:
        yield ok("disk.case", Message("{folder}: names may differ in case alone", folder=folder))
    else:
        yield ok("disk.case", Message("{folder}: names that differ in case alone are one name", folder=folder))
    if can.refuses_taken_names:
        yield ok(
            "disk.rename", Message("{folder}: the system itself refuses to rename onto a taken name", folder=folder)
        )
    else:
        yield hint(
            "disk.rename",
            Message(
                "{folder}: the system does not refuse to rename onto a taken name, so each file is moved in more steps",
                folder=folder,
            ),
            Message("nothing is overwritten all the same; while a sort runs, let no other program write there"),
        )


def examine_room(out: Path, *, needed: int, copies: int | None) -> Finding:
    """Whether the disk has room for what a sort writes: `needed` bytes, and as many as pictures have if it copies."""
    folder = existing_part(out)
    free = shutil.disk_usage(folder).free
    room = Message("{folder}: {free:,.1f} GB are free", folder=folder, free=free / 1e9)
    if not needed:
        return ok("disk.room", room)
    told = Message("{room}, a sort of the crawl takes about {needed:,.1f} GB", room=room, needed=needed / 1e9)
    if copies is not None:
        told = Message("{told}, and copies {copies:,.1f} GB more", told=told, copies=copies / 1e9)
    if free < needed:
        return problem("disk.room", told, Message("make room, or take another disk for the library"))
    if copies is not None and free < needed + copies:
        return hint(
            "disk.room", told, Message("make room for the copies, or take a disk on which --mode link or symlink works")
        )
    return ok("disk.room", told)


def existing_part(folder: Path) -> Path:
    """The folder itself, or the nearest above it that is there."""
    whole = folder.absolute()
    return next(one for one in (whole, *whole.parents) if one.is_dir())


def is_inside(folder: Path, crawl: Path) -> bool:
    """Whether the folder is the crawl or lies in it."""
    return folder.resolve().is_relative_to(crawl.resolve())
