"""Files by a few letters: which are found, in which order, how soon it stops."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from codex_core.workspace.file_search import (
    CHECK_EVERY,
    MAX_SCORED,
    FileIndex,
    FileMatch,
    FileSearcher,
    find_files,
    list_files,
)
from codex_core.workspace.fuzzy_match import (
    BOUNDARY_DELIMITER,
    CONSECUTIVE,
    MATCH,
    query_words,
    score_path,
)


def make(root: Path, *paths: str, **texts: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("")
    for name, text in texts.items():
        (root / {"gitignore": ".gitignore", "ignore": ".ignore"}[name]).write_text(text)
    return root


def listed(root: Path, **options: object) -> list[str]:
    return sorted(list_files(str(root), environ={}, **options).paths)  # type: ignore[arg-type]


def found(paths: list[str], query: str, **options: int) -> list[str]:
    return [match.path for match in find_files(FileIndex(sorted(paths)), query, **options)]


# --- which files there are ------------------------------------------------------------------------------


def test_hidden_files_are_listed_and_directories_and_git_itself_are_not(tmp_path: Path) -> None:
    make(tmp_path, ".env", ".github/ci.yml", "src/main.py", ".git/HEAD", ".git/hooks/x")
    (tmp_path / "empty").mkdir()
    assert listed(tmp_path) == [".env", ".github/ci.yml", "src/main.py"]


def test_gitignore_counts_without_a_repository(tmp_path: Path) -> None:
    make(tmp_path, "a.pyc", "a.py", "build/x", "src/build/y", gitignore="*.pyc\nbuild/\n")
    assert listed(tmp_path) == [".gitignore", "a.py"]


def test_a_deeper_file_of_rules_overrides_and_dot_ignore_goes_before_all(tmp_path: Path) -> None:
    make(tmp_path, "a.log", "keep/b.log", "keep/c.log", "d.txt", gitignore="*.log\n", ignore="d.txt\n")
    make(tmp_path / "keep", gitignore="!b.log\n", ignore="!c.log\n")
    assert listed(tmp_path) == [
        ".gitignore", ".ignore", "keep/.gitignore", "keep/.ignore", "keep/b.log", "keep/c.log",
    ]  # fmt: skip


def test_nothing_in_an_ignored_directory_comes_back(tmp_path: Path) -> None:
    make(tmp_path, "out/keep.txt", "b", gitignore="out/\n!out/keep.txt\n")
    assert listed(tmp_path) == [".gitignore", "b"]


def test_rules_of_parents_hold_within_the_repository_only(tmp_path: Path) -> None:
    make(tmp_path, gitignore="*.md\n")
    repo = make(tmp_path / "repo", ".git/info/exclude", gitignore="*.tmp\n/sub/rooted\n")
    (repo / ".git/info/exclude").write_text("secret\n")
    sub = make(repo / "sub", "a.tmp", "rooted", "secret", "x/rooted", "read.md")
    assert listed(sub) == ["read.md", "x/rooted"]


def test_a_repository_inside_knows_nothing_of_the_rules_around_it(tmp_path: Path) -> None:
    make(tmp_path, ".git/HEAD", "a.log", gitignore="*.log\n")
    make(tmp_path / "vendor", ".git/HEAD", "b.log")
    assert listed(tmp_path) == [".gitignore", "vendor/b.log"]


@pytest.mark.parametrize("config", ["[core]\n\texcludesFile = ~/mine\n", ""])
def test_the_users_excludes_count(tmp_path: Path, config: str) -> None:
    home = make(tmp_path / "home", "mine", ".config/git/ignore", ".gitconfig")
    (home / ".gitconfig").write_text("[user]\n\texcludesfile = /nowhere\n" + config + "[alias]\n\tx = y\n")
    (home / ("mine" if config else ".config/git/ignore")).write_text("*.swp\n")
    root = make(tmp_path / "root", "a.swp", "a")
    assert list_files(str(root), environ={"HOME": str(home)}).paths == ["a"]


def test_excludes_of_the_caller_win(tmp_path: Path) -> None:
    make(tmp_path, "a.py", "b.py", gitignore="!a.py\n")
    assert listed(tmp_path, exclude=("a.py", ".gitignore")) == ["b.py"]


def test_links_are_not_followed_and_what_is_no_file_is_not_listed(tmp_path: Path) -> None:
    make(tmp_path, "real/file")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "link").symlink_to("real/file")
    (tmp_path / "dangling").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(tmp_path / "real" / ".gitignore")
    assert listed(tmp_path) == ["link", "real/file"]


def test_names_that_cannot_be_typed_are_left_out(tmp_path: Path) -> None:
    make(tmp_path, "good name", "naïve", "bad\nname", "rtl\u202ename", "esc\x1b[2J")
    with open(os.fsencode(tmp_path) + b"/\xff", "w"):
        pass
    assert listed(tmp_path) == ["good name", "naïve"]


def test_a_missing_directory_and_broken_patterns_are_no_error(tmp_path: Path) -> None:
    assert list_files(str(tmp_path / "none"), environ={}) == FileIndex([])
    make(tmp_path, "a", "b", gitignore="!\n\\\n[\n/\na\n***\x00\n")
    assert "b" in listed(tmp_path)


def test_upper_directories_come_first_when_there_are_too_many(tmp_path: Path) -> None:
    make(tmp_path, *(f"a/b/{n}" for n in range(5)), "z1", "z2", "c/x")
    index = list_files(str(tmp_path), environ={}, max_files=4)
    assert not index.is_complete
    assert list(index.paths)[:3] == ["z1", "z2", "c/x"]
    assert len(index.paths) == 4


_PATTERNS = st.sampled_from(
    ["a", "b/", "*.x", "!a", "!*.x", "/a", "a/b", "**/b", "a/**", "*", "!*/", "a?", "[ab]", "# a", "\\#", "a/*/b",
     "!/a/b/", "*a", "b.x", "a.*", "!b", "**/a/**", "a*b.x", " ", "a ", "/*", "!/b"]
)  # fmt: skip


@settings(max_examples=12, deadline=None)
@example(top=[], below=["*.x", "!*/"])
@example(top=[], below=["**/a/**", "!*.x"])
@given(top=st.lists(_PATTERNS, max_size=5), below=st.lists(_PATTERNS, max_size=3))
def test_the_list_is_gits(tmp_path_factory: pytest.TempPathFactory, top: list[str], below: list[str]) -> None:
    root = tmp_path_factory.mktemp("repo")
    paths = [f"{one}/{two}/{three}" for one in "ab" for two in "abc" for three in ("b", "ab", "a.x")]
    paths += ["a/c/#", "b/a.x", "#", "a b.x", "ab", "b.x"]
    make(root, *paths, gitignore="\n".join(top))
    make(root / "a", gitignore="\n".join(below))
    env = {"PATH": os.environ["PATH"], "HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", "init", "-q"], cwd=root, env=env, check=True)
    told = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=root, env=env, check=True, capture_output=True
    )
    assert listed(root) == sorted(told.stdout.decode().split("\0")[:-1])


def test_simple_patterns_do_not_load_the_matcher_of_others(tmp_path: Path) -> None:
    make(tmp_path, "a", "b.pyc", gitignore="*.pyc\nbuild/\n.gitignore\n")
    source = (
        "import sys\nfrom codex_core.workspace.file_search import list_files\n"
        "assert list_files(sys.argv[1], environ={}).paths == ['a']\nprint(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", source, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert not {"pathspec", "httpx", "pydantic"} & set(done.stdout.split())


# --- which fit, and in which order ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "path", "fits"),
    [
        ("read", "README.md", True),
        ("READ", "readme.md", False),
        ("Read", "docs/Readme.md", True),
        ("mdre", "README.md", False),
        ("src main", "app/src/lib/main.py", True),
        ("main src", "app/src/lib/main.py", True),
        ("src nope", "app/src/lib/main.py", False),
        ("naive", "naïve.txt", True),
        ("naïve", "naive.txt", False),
        ("naïve", "NAÏVE.txt", True),
        ("a[b]^-\\", "xa[b]^-\\y", True),
        ("", "anything", True),
    ],
)
def test_smart_case_accents_and_words(query: str, path: str, fits: bool) -> None:
    assert (score_path(path, query_words(query)) is not None) is fits


@pytest.mark.parametrize(
    ("query", "better", "worse"),
    [
        ("main", "src/main.py", "src/domain.py"),
        ("fb", "foo_bar.py", "fabric.py"),
        ("cb", "src/CodeBuffer.py", "src/codebuffer.py"),
        ("page", "docs/page10.md", "docs/p_a_g_e.md"),
        ("test", "a/test.py", "a/latest.py"),
        ("ab", "x/ab", "x/a_____b"),
        ("v2", "api-v2", "apiv2x2"),
    ],
)
def test_beginnings_of_words_and_neighbours_rank_higher(query: str, better: str, worse: str) -> None:
    assert found([better, worse], query)[0] == better


def test_equal_scores_go_by_path_and_the_limit_holds() -> None:
    paths = [f"docs/page{n}.md" for n in (10, 2, 3, 4, 5, 6, 7, 8, 9)]
    assert found(paths, "page") == sorted(paths)[:8]
    assert found(paths, "page", limit=2) == sorted(paths)[:2]


def test_the_score_of_a_word_at_the_start_of_a_name_is_the_best_there_is() -> None:
    (match,) = find_files(FileIndex(["src/abc.py"]), "abc")
    first = MATCH + 2 * BOUNDARY_DELIMITER
    assert match == FileMatch("src/abc.py", first + 2 * (MATCH + BOUNDARY_DELIMITER), (4, 5, 6))
    (inside,) = find_files(FileIndex(["xabc"]), "abc")
    assert inside.score == MATCH + 2 * (MATCH + CONSECUTIVE)


def brute_force(path: str, word: str) -> int | None:
    """The best score by trying every way to place the letters, without runs that start anew inside."""
    from itertools import combinations, pairwise

    from codex_core.workspace.fuzzy_match import BOUNDARY, GAP_EXTENSION, GAP_START, _bonuses

    bonuses = _bonuses(path)
    best: int | None = None
    for places in combinations(range(len(path)), len(word)):
        if any(path[place] != letter for place, letter in zip(places, word, strict=True)):
            continue
        score = MATCH + 2 * bonuses[places[0]]
        run = bonuses[places[0]]
        for before, place in pairwise(places):
            if place == before + 1:
                if bonuses[place] >= BOUNDARY and bonuses[place] > run:
                    run = bonuses[place]
                score += MATCH + max(run, CONSECUTIVE, bonuses[place])
            else:
                run = bonuses[place]
                score += MATCH + bonuses[place] - GAP_START - GAP_EXTENSION * (place - before - 2)
        best = score if best is None else max(best, score)
    return best


@settings(max_examples=300, deadline=None)
@given(path=st.text("ab/_B1", max_size=10), word=st.text("ab", min_size=1, max_size=3))
def test_scores_are_close_to_the_best_and_never_above(path: str, word: str) -> None:
    best = brute_force(path, word)
    got = score_path(path, query_words(word))
    if got is not None and path == path.lower():
        assert best is not None
        # A run's bonus is not part of what is compared at each letter, as in the matcher this follows.
        assert best - 12 <= got[0] <= best
    if path == path.lower():
        assert (got is None) == (best is None)


@settings(max_examples=200, deadline=None)
@given(path=st.text(max_size=30), query=st.text(max_size=6))
def test_indices_spell_the_words(path: str, query: str) -> None:
    words = query_words(query)
    got = score_path(path, words)
    fits = all(word.regex.match(word.fold(path)) for word in words)
    assert (got is not None) == fits
    if got is not None:
        assert list(got[1]) == sorted(set(got[1]))
        for word in words:
            folded = word.fold(path)
            assert len(folded) == len(path)
            spelled = "".join(folded[index] for index in got[1])
            assert re.search(".*".join(map(re.escape, word.text)), spelled, re.DOTALL)


def test_hostile_paths_take_no_more_time_than_others() -> None:
    assert found(["a" * 4000, "ab" * 2000], "a" * 100 + "c") == []
    assert len(found(["a" * 4000], "aaa")) == 1


def test_of_too_many_matches_those_with_the_word_in_one_piece_are_scored() -> None:
    paths = [f"p/a{n:05}x/g/e.txt" for n in range(MAX_SCORED + 500)] + ["zz/page.txt"]
    assert found(paths, "page")[0] == "zz/page.txt"


# --- stopping and asking again --------------------------------------------------------------------------


class Tripwire(threading.Event):
    """An event that is set by itself when it has been looked at a number of times."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    def is_set(self) -> bool:
        self.looks -= 1
        return self.looks < 0


def test_a_cancelled_search_stops_at_the_next_look_and_has_nothing() -> None:
    flag = Tripwire(2)
    index = FileIndex([f"file{n}" for n in range(10 * CHECK_EVERY)])
    assert find_files(index, "file", cancelled=flag) == []
    assert flag.looks == -1


def test_a_cancelled_walk_has_nothing(tmp_path: Path) -> None:
    make(tmp_path, "a", "b/c")
    assert list_files(str(tmp_path), environ={}, cancelled=Tripwire(0)) == FileIndex((), is_complete=False)


def test_a_large_tree_is_searched_with_little_memory() -> None:
    import tracemalloc

    index = FileIndex([f"dir{n % 300}/sub{n % 7}/module_{n}.py" for n in range(100_000)])
    tracemalloc.start()
    matches = find_files(index, "sub3 mod_99")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(matches) == 8
    assert peak < 16_000_000


class Desk:
    """A searcher at work, and what it has found."""

    def __init__(self, root: Path, now: list[float]) -> None:
        self.answers: asyncio.Queue[tuple[str, list[str]]] = asyncio.Queue()
        self.searcher = FileSearcher(
            str(root),
            lambda query, files: self.answers.put_nowait((query, [file.path for file in files])),
            environ={},
            debounce_s=0,
            clock=lambda: now[0],
        )

    async def answer(self) -> tuple[str, list[str]]:
        async with asyncio.timeout(20):
            return await self.answers.get()


async def test_the_searcher_answers_the_latest_query_and_walks_again_after_a_while(tmp_path: Path) -> None:
    now = [0.0]
    desk = Desk(make(tmp_path, "alpha", "beta"), now)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(desk.searcher.run())
        desk.searcher.ask("a")
        desk.searcher.ask("alp")
        assert await desk.answer() == ("alp", ["alpha"])
        make(tmp_path, "alpine")
        desk.searcher.ask("alpi")
        assert await desk.answer() == ("alpi", [])
        now[0] = 60.0
        desk.searcher.ask("al")
        assert await desk.answer() == ("al", ["alpha", "alpine"])
        desk.searcher.ask("")
        desk.searcher.ask("bet")
        assert await desk.answer() == ("bet", ["beta"])
        task.cancel()
    assert desk.answers.empty()


async def test_a_running_search_for_something_else_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from codex_core.workspace import file_search

    desk = Desk(make(tmp_path, "alpha", "beta"), [0.0])
    started = threading.Event()
    stopped: list[str] = []
    real = file_search.find_files

    def slow(index: FileIndex, query: str, *, limit: int, cancelled: threading.Event) -> list[FileMatch]:
        if query == "alp":
            started.set()
            assert cancelled.wait(20)
            stopped.append(query)
        return real(index, query, limit=limit, cancelled=cancelled)

    monkeypatch.setattr(file_search, "find_files", slow)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(desk.searcher.run())
        desk.searcher.ask("alp")
        await asyncio.to_thread(started.wait, 20)
        desk.searcher.ask("bet")
        assert await desk.answer() == ("bet", ["beta"])
        task.cancel()
    assert stopped == ["alp"]
