"""Each lint passes on the repository, and fails on a sample of everything that it is there to find."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import check_coroutines
import check_files
import check_format
import check_includes


@pytest.mark.parametrize("lint", [check_includes, check_coroutines, check_files, check_format],
                         ids=lambda lint: lint.__name__)
def test_repository_passes(lint, capsys):
    status = lint.main()
    assert status == 0, capsys.readouterr().out


@pytest.mark.parametrize("name,line,expected", [
    ("src/core/a.h", '#include "net/http.h"', "core may not include net"),
    ("src/base/a.h", '#include "core/engine.h"', "base may not include core"),
    ("src/store/a.cpp", '#include "launch/launcher.h"', "store may not include launch"),
    ("src/graphql/a.cpp", '#include "core/engine.h"', "graphql may not include core"),
    ("src/api/a.cpp", '#include "store/store.h"', "api may not include store"),
    ("src/server/a.cpp", '#include "cli/main.h"', "server may not include cli"),
    ("src/core/a.cpp", '#include "../net/http.h"', "is relative"),
    ("src/core/a.cpp", '#include "engine.h"', "is not below a module"),
    ("src/api/a.cpp", "#include <boost/json.hpp>", "belongs to src/json/"),
    ("src/server/a.cpp", "#include <boost/asio/io_context.hpp>", "belongs to src/net/"),
    ("src/core/a.cpp", "#include <boost/beast/http.hpp>", "belongs to src/net/"),
    ("src/base/error.cpp", "#include <spdlog/spdlog.h>", "belongs to src/base/log.cpp"),
    ("src/server/a.cpp", "#include <sqlite3.h>", "belongs to src/store/"),
    ("src/net/a.cpp", "#include <sodium.h>", "belongs to src/api/"),
    ("src/cli/a.h", "#include <CLI/CLI.hpp>", "one .cpp file only"),
])
def test_includes_finds(name, line, expected):
    problems = check_includes.check({name: line})
    assert len(problems) == 1 and expected in problems[0]


def test_includes_finds_two_users_of_a_heavy_header():
    problems = check_includes.check({"src/cli/a.cpp": "#include <CLI/CLI.hpp>", "src/cli/b.cpp": "#include <CLI/App.hpp>"})
    assert len(problems) == 1 and "src/cli/a.cpp, src/cli/b.cpp" in problems[0]


def test_includes_accepts_what_is_right():
    assert check_includes.check({
        "src/core/a.h": '#include "base/error.h"\n#include "core/engine.h"\n#include <vector>\n',
        "src/net/a.cpp": '#include <boost/beast/http.hpp>\n#include "net/http.h"\n',
        "src/cli/a.cpp": "#include <CLI/CLI.hpp>\n"}) == []


def coroutine(body: str, parameters: str = "int a", before: str = "Task<int> f") -> str:
    return f"{before}({parameters}) {{\n{body}\n  co_return 1;\n}}\n"


@pytest.mark.parametrize("text,expected", [
    (coroutine("  if (co_await ready()) g();"), "condition of `if`"),
    (coroutine("  while (!co_await ready()) g();"), "condition of `while`"),
    (coroutine("  switch (co_await kind()) { default: break; }"), "condition of `switch`"),
    (coroutine("  for (auto x : co_await list()) g(x);"), "condition of `for`"),
    (coroutine("  const int x = co_await ready() ? 1 : 2;"), "condition of `?:`"),
    (coroutine("  co_await send({.key = 1});"), "braces inside an awaited expression"),
    (coroutine("  co_await send(Query{1, 2});"), "braces inside an awaited expression"),
    (coroutine("  co_await on([this] { return 1; });"), "capturing lambda"),
    (coroutine("  const Query q{co_await key(), 2};"), "initialiser's braces"),
    (coroutine("  use({co_await key()});"), "initialiser's braces"),
    (coroutine("  try { g(); } catch (const Error& e) { co_await h(); }"), "catch block"),
    (coroutine("  std::lock_guard lock(m);\n  co_await h();"), "lock is held"),
    (coroutine("  { std::unique_lock lock(m); if (a) { co_await h(); } }"), "lock is held"),
    (coroutine("  co_await h();", "const std::string& name"), "by reference"),
    (coroutine("  co_await h();", "std::string&& name"), "by reference"),
    (coroutine("  co_await h();", "Loop& loop", "auto g = [this]"), "by reference"),
])
def test_coroutines_finds(text, expected):
    problems = check_coroutines.check("src/net/sample.cpp", text)
    assert problems and any(expected in problem for problem in problems), problems


@pytest.mark.parametrize("text", [
    coroutine("  const bool ok = co_await ready();\n  if (ok) g();"),
    coroutine("  if (a) { co_await h(); } else { co_await k(); }"),
    coroutine("  for (int i = 0; i < a; ++i) { co_await h(table[i]); }"),
    coroutine("  { std::lock_guard lock(m); g(); }\n  co_await h();"),
    coroutine("  try { co_await h(); } catch (const Error& e) { failed = true; }"),
    coroutine("  // if (co_await x) {}\n  log(\"if (co_await x)\");\n  const auto q = Query{1};\n  co_await send(q);"),
    coroutine("  co_await h();", "Loop& loop").replace("{\n", "{  // lint: coroutine-reference the loop outlives it\n", 1),
    coroutine("  visit([&](const Job& job) { count += job.n; });\n  co_await h();"),
    "int plain(const std::string& name) {\n  if (name.empty()) return 0;\n  return Query{1, 2}.sum();\n}\n",
    "Task<std::vector<int>> f(int a) {\n  if (a) {\n    co_await h();\n  }\n}\n",
])
def test_coroutines_accepts(text):
    assert check_coroutines.check("src/net/sample.cpp", text) == []


def test_files_finds_a_long_file():
    assert check_files.check_length("src/a.cpp", "x\n" * 601)
    assert not check_files.check_length("src/a.cpp", "x\n" * 600)


@pytest.mark.parametrize("line", ["/" + "work/main/x", "/" + "home/someone/x", "https://registry" + ".npmjs.org/x"])
def test_files_finds_traces(line):
    assert len(check_files.check_traces("docs/a.md", "fine\n" + line)) == 1


def test_format_finds_bad_layout(tmp_path):
    (tmp_path / ".clang-format").write_text((check_files.ROOT / ".clang-format").read_text())
    bad, good = tmp_path / "bad.cpp", tmp_path / "good.cpp"
    bad.write_text("int   f( ){return 1 ;}\n")
    good.write_text("int f();\n")
    assert len(check_format.check([str(bad)])) == 1
    assert check_format.check([str(good)]) == []
