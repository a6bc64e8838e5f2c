#!/usr/bin/env python3
"""The rules for coroutines (docs: CONTRIBUTING, "Coroutines"): each names a construct that compilers have got wrong or that
outlives what it refers to.

It reads tokens, not the syntax tree: clang-query parses every file that includes Boost.Asio for many seconds, and the
rules are about shapes that tokens show. Where a rule cannot fit, a line says why: `// lint: coroutine-reference <reason>`.
"""

import re
import sys
from dataclasses import dataclass

from files import ROOT, report, repository_files

TOKEN = re.compile(r"[A-Za-z_]\w*|::|->|&&|\|\||[-+*/%&|^!=<>]=|\d[\w.']*|\S")
CONDITIONS = {"if", "while", "switch", "for"}
LOCKS = {"lock_guard", "unique_lock", "scoped_lock", "shared_lock"}
AWAITS = {"co_await", "co_yield", "co_return"}
ALLOW_REFERENCE = "lint: coroutine-reference "


@dataclass
class Token:
    text: str
    line: int


def strip(text: str) -> str:
    """Comments and literals out, line breaks kept."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])\'',
                         re.DOTALL)
    return pattern.sub(lambda match: '""' + "\n" * match.group(0).count("\n")
                       if match.group(0)[0] in "\"'R" else "\n" * match.group(0).count("\n"), text)


def tokens_of(text: str) -> list[Token]:
    tokens = []
    for number, line in enumerate(strip(text).split("\n"), 1):
        if not line.lstrip().startswith("#"):
            tokens += [Token(match.group(0), number) for match in TOKEN.finditer(line)]
    return tokens


def pair_brackets(tokens: list[Token]) -> dict[int, int]:
    """Index of each bracket -> index of its partner."""
    partner, stack = {}, []
    closing = {")": "(", "]": "[", "}": "{"}
    for index, token in enumerate(tokens):
        if token.text in "([{":
            stack.append(index)
        elif token.text in closing:
            while stack and tokens[stack[-1]].text != closing[token.text]:
                stack.pop()
            if stack:
                opened = stack.pop()
                partner[opened], partner[index] = index, opened
    return partner


class File:
    def __init__(self, name: str, text: str):
        self.name = name
        self.lines = text.split("\n")
        self.tokens = tokens_of(text)
        self.partner = pair_brackets(self.tokens)
        self.problems: list[str] = []

    def text(self, index: int) -> str:
        return self.tokens[index].text if 0 <= index < len(self.tokens) else ""

    def complain(self, index: int, what: str) -> None:
        problem = f"{self.name}:{self.tokens[index].line}: {what}"
        if problem not in self.problems:
            self.problems.append(problem)

    def enclosing(self, index: int):
        """Opening brackets around a token, innermost first."""
        depth = index - 1
        while depth >= 0:
            text = self.text(depth)
            if text in ")]}" and depth in self.partner:
                depth = self.partner[depth]
            elif text in "([{":
                yield depth
            depth -= 1

    def parameters_before(self, brace: int) -> int | None:
        """The opening parenthesis of the list that a block's brace follows: parameters or a condition."""
        index = brace - 1
        while index >= 0 and self.text(index) not in (";", "{", "}", "=", "(", ","):
            if self.text(index) == ")":
                opened = self.partner.get(index)
                if opened is None:
                    return None
                if self.text(opened - 1) in ("noexcept", "decltype"):
                    index = opened - 2
                    continue
                return opened
            if self.text(index) == "]":  # a lambda without a parameter list
                return None
            index -= 1
        return None

    def is_function_body(self, brace: int) -> bool:
        opened = self.parameters_before(brace)
        if opened is None:
            return self.is_lambda_without_parameters(brace)
        return self.text(opened - 1) not in CONDITIONS | {"catch", "constexpr"}

    def is_lambda_without_parameters(self, brace: int) -> bool:
        return self.text(brace - 1) == "]"

    def is_initialiser(self, brace: int) -> bool:
        """A braced list of values rather than a block of statements."""
        before = self.text(brace - 1)
        if before in (")", ";", "{", "}", "else", "do", "try", "]", ":") or self.parameters_before(brace) is not None:
            return False
        inside = brace + 1
        while inside < self.partner.get(brace, brace):
            if self.text(inside) == ";":
                return False
            if self.text(inside) in "([{" and inside in self.partner:
                inside = self.partner[inside]
            inside += 1
        return True


def awaited(file: File, start: int) -> range:
    """Tokens of the awaited expression."""
    index = start + 1
    while index < len(file.tokens) and file.text(index) not in (";", ")", "]", "}", ",", "?", "&&", "||"):
        if file.text(index) in "([{" and index in file.partner:
            index = file.partner[index]
        index += 1
    return range(start + 1, index)


def check_awaited(file: File, index: int) -> None:
    for inside in awaited(file, index):
        text = file.text(inside)
        if text == "{":
            file.complain(index, "braces inside an awaited expression; give the value a name first")
        if text == "[" and file.text(inside + 1) != "]":
            before = file.text(inside - 1)
            if not (re.match(r"[A-Za-z_]\w*$|\)$|\]$", before) and before != "co_await"):
                file.complain(index, "a capturing lambda inside an awaited expression; give it a name first")


def check_surroundings(file: File, index: int) -> None:
    """Condition, initialiser, catch and locks around a co_await, up to the function's own brace."""
    for opened in file.enclosing(index):
        text = file.text(opened)
        if text == "(" and (file.text(opened - 1) in CONDITIONS or file.text(opened - 2) == "if"):
            file.complain(index, f"co_await in the condition of `{file.text(opened - 1)}`; await into a name first")
        if text != "{":
            continue
        if file.is_initialiser(opened):
            file.complain(index, "co_await inside an initialiser's braces; await into a name first")
        parameters = file.parameters_before(opened)
        if parameters is not None and file.text(parameters - 1) == "catch":
            file.complain(index, "co_await in a catch block; remember the error and await after the block")
        if locked_before(file, opened, index):
            file.complain(index, "a lock is held across co_await; end its block first")
        if file.is_function_body(opened):
            return
    end = index + 1
    while end < len(file.tokens) and file.text(end) not in (";", "?"):
        end += 1


def locked_before(file: File, block: int, index: int) -> bool:
    """True when a lock declared directly in this block is alive at `index`."""
    inside = block + 1
    while inside < index:
        if file.text(inside) == "{" and file.partner.get(inside, index) < index:
            inside = file.partner[inside]
        elif file.text(inside) in LOCKS:
            return True
        inside += 1
    return False


def check_ternary(file: File, index: int) -> None:
    end = awaited(file, index).stop
    if file.text(end) == "?":
        file.complain(index, "co_await in the condition of `?:`; await into a name first")


def check_parameters(file: File, index: int) -> None:
    """The parameters of the coroutine that a co_ keyword stands in."""
    body = next((opened for opened in file.enclosing(index)
                 if file.text(opened) == "{" and file.is_function_body(opened)), None)
    if body is None:
        return
    opened = file.parameters_before(body)
    if opened is None:
        return
    for inside in range(opened + 1, file.partner[opened]):
        if file.text(inside) in ("&", "&&"):
            line = file.tokens[inside].line
            near = "\n".join(file.lines[max(0, line - 2):line])
            if ALLOW_REFERENCE not in near:
                file.complain(inside, "a coroutine takes a parameter by reference; take it by value")


def check(name: str, text: str) -> list[str]:
    file = File(name, text)
    for index, token in enumerate(file.tokens):
        if token.text == "co_await":
            check_awaited(file, index)
            check_surroundings(file, index)
            check_ternary(file, index)
        if token.text in AWAITS:
            check_parameters(file, index)
    return file.problems


def main() -> int:
    problems = []
    for path in sorted(repository_files(".h", ".cpp")):
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(("src/", "tests/", "bench/")):
            problems += check(name, path.read_text())
    return report(problems, "coroutines")


if __name__ == "__main__":
    sys.exit(main())
