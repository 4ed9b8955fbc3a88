"""What goes wrong is told to the page in Chinese too, whatever a category, a folder or a picture is called."""

# ruff: noqa: RUF001 - Chinese has its own punctuation

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from classifier.active.learner import Learner
from classifier.catalog import runs
from classifier.catalog.connection import NAME, open_catalog, read_catalog
from classifier.catalog.lock import hold_lock
from classifier.errors import IllsortError, Message, located_message
from classifier.filing.executor import execute
from classifier.i18n import Language, translate
from classifier.records import Action, AnnotationKind, ImageId, Method
from classifier.web import audit_service
from classifier.web.history import Answer
from classifier.web.learner_process import LearnerStatus
from classifier.web.responses import in_both_languages
from classifier.web.security import KEY_HEADER
from classifier.web.session import ReviewSession
from fault_injection.faulty_disks import Failing
from kit.browser import CHROMIUM, Traffic, browser
from kit.filing import move_of
from kit.reviewing import served, waiting_library
from kit.serving import server

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = ("chibi", "it's", 'say "hi"', "both ' and \"", "四格漫画", "{0} is called")
WAITING = [(Action.FILE, "cat", 0.9), (Action.REVIEW, "cat", 0.4)]


def told(work: Callable[[], object]) -> str:
    """What the page says of work that is refused, in Chinese."""
    with pytest.raises(IllsortError) as caught:
        work()
    return in_chinese(caught.value.message)


def in_chinese(message: str) -> str:
    return translate(message, Language.CHINESE)


@pytest.mark.parametrize("name", NAMES)
def test_an_invalid_answer_about_a_category_is_reported_with_its_name(tmp_path: Path, name: str) -> None:
    library, (_, waiting) = waiting_library(tmp_path, WAITING)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        answer = Answer(image_id=waiting, kind=AnnotationKind.RIGHT, category=name)
        assert f"没有“{name}”这个类别" == told(lambda: session.record([answer]))
        assert f"没有“{name}”这个类别" == told(lambda: session.rename_category(name, "dog"))


@pytest.mark.parametrize("name", ["it's", "四格漫画", "{0} is called"])
def test_a_taken_name_is_reported(tmp_path: Path, name: str) -> None:
    library, _ = waiting_library(tmp_path, WAITING)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        session.make_category(name)
        assert f"类别“{name}”已经有了" == told(lambda: session.make_category(name))
        assert f"这个类别已经叫“{name}”了" == told(lambda: session.rename_category(name, name))
        session.rename_category(name, "dog")
        assert f"“{name}”现在叫“dog”；请换一个名称" == told(lambda: session.make_category(name))


@pytest.mark.parametrize(
    ("name", "chinese"),
    [
        ("", "类别名称“”是空的；请换一个"),
        ("_review", "类别名称“_review”以“_”开头，那是留给 illsort 自己的文件夹的；请换一个"),
        ("四?格", "类别名称“四?格”含有“?”，不是所有系统的文件夹名都能用；请换一个"),
        ("四格/", "类别名称“四格/”有一层没有名称；请换一个"),
        ("一/二/三/四", "类别名称“一/二/三/四”有 4 层，最多 3 层；请换一个"),
        ("四格/con", "类别名称“四格/con”在 Windows 上是设备名；请换一个"),
        ("a\\b", "类别名称“a\\b”含有“\\”，不是所有系统的文件夹名都能用；请换一个"),
        ('"', '类别名称“"”含有“"”，不是所有系统的文件夹名都能用；请换一个'),
        ("x.", "类别名称“x.”以空格或点开头或结尾；请换一个"),
        ("con", "类别名称“con”在 Windows 上是设备名；请换一个"),
        ("长" * 70, f"类别名称“{'长' * 70}”太长；请换一个"),
        ("CAT", "“cat”和“CAT”在 Windows 和 macOS 上是同一个文件夹；请改其中一个的名称"),
    ],
)
def test_a_name_that_no_folder_can_have_is_reported_with_the_reason(tmp_path: Path, name: str, chinese: str) -> None:
    library, _ = waiting_library(tmp_path, WAITING)
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        assert chinese == told(lambda: session.make_category(name))


@pytest.mark.parametrize("folder", ["plain", "a: is in use", "我的 库"])
def test_an_unusable_library_is_reported_with_its_path(tmp_path: Path, folder: str) -> None:
    library, _ = waiting_library(tmp_path / folder, WAITING[1:])
    empty = tmp_path / folder / "nothing"

    def again() -> None:
        with hold_lock(library):
            pass

    with hold_lock(library):
        assert told(again).startswith(f"{library} 正被 illsort 使用（进程 ")
    assert f"{empty}：没有这个文件夹" == told(lambda: read_catalog(empty))
    empty.mkdir()
    assert f"{empty} 不是 illsort 的图库：没有 .illsort/{NAME}" == told(lambda: read_catalog(empty))
    assert f"{library} 里还没有归类任何图片，没有可抽查的" == told(lambda: audit_service.begin(library, None))
    (library / ".illsort" / NAME).write_bytes(b"no database, but long enough to be looked at" * 99)
    assert told(lambda: open_catalog(library)).startswith(
        f"目录库 {library / '.illsort' / NAME} 已损坏（不是数据库文件）"
    )


def test_a_full_disk_and_a_missing_image_are_reported(tmp_path: Path) -> None:
    library, crawl = tmp_path / "sorted", tmp_path / "crawl"
    crawl.mkdir()
    (crawl / "1.png").write_bytes(b"1")
    move = move_of(crawl / "1.png", method=Method.COPY)
    with hold_lock(library), open_catalog(library) as catalog:
        run = runs.begin(catalog, kind="sort", crawl=crawl, mode="copy", model="m", bundle=crawl, settings={})
        full = Failing("copy", errno.ENOSPC)
        stopped = told(lambda: execute(catalog, library=library, run=run, moves=[move], disk=full))
        (crawl / "1.png").unlink()
        (gone,) = execute(catalog, library=library, run=run, moves=[move])

    assert stopped.startswith("磁盘已满：")
    assert stopped.endswith("。已完成的都有记录；再次运行即可继续")
    assert "它已不在原处" == in_chinese(gone.reason)


def test_learner_and_filing_failures_are_reported_in_both_languages(tmp_path: Path) -> None:
    with open_catalog(tmp_path):
        pass
    learning = LearnerStatus(tmp_path, None)
    assert "还没有学到可以用来归类的" == told(learning.file)
    with pytest.raises(IllsortError) as caught:
        Learner(tmp_path)
    learning._heard({"notFiled": located_message(OSError(errno.ENOSPC, "No space left on device", "/it's/x"))})
    learning._heard({"cannot": caught.value.message})
    state = learning.state

    assert str(caught.value) == state["why"]
    assert f"还没有向 {tmp_path} 整理过，所以没有可学习的模型" == state["why_zh"]
    assert "/it's/x：磁盘已满" == state["outcome"]["notFiled_zh"]


def test_the_page_gets_a_message_in_both_languages_with_nothing_that_acts() -> None:
    assert {"why": "/x\\xff: is no JSON object", "why_zh": "/x\\xff 不是 JSON 对象"} == in_both_languages(
        "why", Message("{path}: is no JSON object", path="/x\udcff")
    )


def test_the_server_answers_in_both_languages(tmp_path: Path) -> None:
    library, _ = waiting_library(tmp_path, WAITING)
    with served(library) as client:
        named = client.post("/api/categories", json={"rename": "it's", "to": "dog"})
        with hold_lock(library):
            client.post("/api/say", json={"answers": [{"picture": ImageId("0" * 64), "said": "skipped"}]})
            filed = client.post("/api/file", json={})
        unsaid = client.post("/api/say", json={"answers": [{"picture": 7}]})
        folder = client.get("/api/queue?folder=7")
        foreign = client.get("/api/state", headers={"Origin": "http://example.org"})
        del client.headers[KEY_HEADER]
        unknown, picture = client.get("/api/state"), client.get(f"/picture/{'0' * 64}/small")

    assert (409, {"error": 'there is no category "it\'s"', "error_zh": "没有“it's”这个类别"}) == (
        named.status_code,
        named.json(),
    )
    assert "正被 illsort 使用" in filed.json()["error_zh"]
    assert (400, True) == (unsaid.status_code, unsaid.json()["error_zh"].startswith("看不懂这个请求："))
    assert (400, "没有这个文件夹") == (folder.status_code, folder.json()["error_zh"])
    assert (403, "其他网页不能在这里请求") == (foreign.status_code, foreign.json()["error_zh"])
    assert (401, "请打开终端里最后打印的地址") == (unknown.status_code, unknown.json()["error_zh"])
    assert "illsort: open the address that was printed last in the terminal\n" == picture.text


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process")
def test_the_page_shows_what_goes_wrong_in_its_language(tmp_path: Path) -> None:
    library, _ = waiting_library(tmp_path, WAITING)
    traffic = Traffic()
    with server(library) as first, browser(traffic, locale="zh-CN") as page:
        page.goto(first.address)
        page.locator("#language").wait_for()
        for name, shown in (
            ("四?格", "类别名称“四?格”含有“?”"),
            ("a/", "the category name 'a/' has a level without a name"),
        ):
            page.keyboard.press("c")
            page.keyboard.press("n")
            page.locator("#dialog input").fill(name)
            page.keyboard.press("Enter")
            page.locator("#notification.bad").get_by_text(shown).wait_for()
            page.keyboard.press("Escape")
            page.locator("#language").click()

    assert {f"127.0.0.1:{first.port}"} == traffic.hosts
    # The browser's own words about the two refusals, beside the picture that is nowhere.
    refused = [one for one in traffic.console if "404 (Not Found)" not in one]
    assert ["409 (Conflict)"] * 2 == [one.rpartition("status of ")[2] for one in refused]
