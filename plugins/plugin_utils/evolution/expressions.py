# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The expression language of `when:` and `evolve_constraints`.

Comparison, arithmetic, `and`/`or`/`not`, `in [...]`, `min`, `max` and dotted parameter names; nothing else, and nothing
is ever handed to Python's own `eval`. Names that hold other characters stand in backquotes: ```net.br-1.x```. Fractions
that agree to nine digits are equal, so `0.1 + 0.2 == 0.3` holds.

    expression = parse("app.buffers_mib <= 0.5 * vm.memory_mib and vm.disk.cache in ['none', 'writeback']")
    expression.holds(values)        # True or False
    expression.violation(values)    # 0.0 where it holds, else how far away (relative, for numeric comparisons)
"""

from __future__ import annotations

import math
import operator
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Values = Mapping[str, Any]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?(?![\w.]))
      | (?P<string>'[^']*'|"[^"]*")
      | (?P<quoted>`[^`]+`)
      | (?P<name>[A-Za-z_]\w*(?:\.\w+)*)
      | (?P<operator><=|>=|==|!=|//|[-+*/%<>()\[\],])
    )""",
    re.VERBOSE,
)
_KEYWORDS = {"and", "or", "not", "in", "true", "false", "True", "False"}


def _equal(left: Any, right: Any) -> bool:
    """Equality that forgives the rounding of fractions; whole numbers and texts are compared exactly."""
    if left == right or isinstance(left, str) or isinstance(right, str):
        return bool(left == right)
    return (isinstance(left, float) or isinstance(right, float)) and math.isclose(left, right, abs_tol=1e-12)


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda left, right: left < right and not _equal(left, right),
    "<=": lambda left, right: left <= right or _equal(left, right),
    ">": lambda left, right: left > right and not _equal(left, right),
    ">=": lambda left, right: left >= right or _equal(left, right),
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
}
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {"min": min, "max": max}
# Far beyond what anyone writes; they keep hostile texts from exhausting the stack, the memory or the patience.
_MAX_DEPTH = 25
_MAX_LENGTH = 10_000
_MAX_NUMBER = 1e100


class ExpressionError(ValueError):
    """The text is not an expression of this language, or cannot be evaluated on the values given."""


class UndefinedError(ExpressionError):
    """The expression has no value for these parameter values, as in a division by zero."""


class InactiveParameterError(LookupError):
    """The expression speaks of a parameter that has no value in this configuration."""


class Node(ABC):
    """A part of an expression. `names` yields the parameters it mentions."""

    def names(self) -> Iterator[str]:
        yield from ()

    @abstractmethod
    def value(self, values: Values) -> Any:
        """What it is worth for these parameter values."""

    def violation(self, values: Values) -> float:
        """Distance from holding: 0.0 where it holds, 1.0 where nothing better is known."""
        return 0.0 if self.value(values) else 1.0


@dataclass(frozen=True)
class _Literal(Node):
    literal: Any

    def value(self, values: Values) -> Any:
        return self.literal


@dataclass(frozen=True)
class _Name(Node):
    name: str

    def names(self) -> Iterator[str]:
        yield self.name

    def value(self, values: Values) -> Any:
        try:
            return values[self.name]
        except KeyError:
            raise InactiveParameterError(self.name) from None


@dataclass(frozen=True)
class _Call(Node):
    function: str
    arguments: tuple[Node, ...]

    def names(self) -> Iterator[str]:
        for argument in self.arguments:
            yield from argument.names()

    def value(self, values: Values) -> Any:
        return _FUNCTIONS[self.function](*(_number(a.value(values), self.function) for a in self.arguments))


@dataclass(frozen=True)
class _Arithmetic(Node):
    """Operators of one binding strength, from left to right, such as `a - b + c`."""

    first: Node
    rest: tuple[tuple[str, Node], ...]

    def names(self) -> Iterator[str]:
        yield from self.first.names()
        for dummy, node in self.rest:
            yield from node.names()

    def value(self, values: Values) -> Any:
        result = _number(self.first.value(values), self.rest[0][0])
        for sign, node in self.rest:
            right = _number(node.value(values), sign)
            try:
                result = _ARITHMETIC[sign](result, right)
            except ZeroDivisionError:
                raise UndefinedError("division by zero") from None
            if not abs(result) <= _MAX_NUMBER:
                raise UndefinedError(f"{result:g} is too large a number")
        return result


@dataclass(frozen=True)
class _Comparison(Node):
    sign: str
    left: Node
    right: Node

    def names(self) -> Iterator[str]:
        yield from self.left.names()
        yield from self.right.names()

    def _sides(self, values: Values) -> tuple[Any, Any]:
        left, right = self.left.value(values), self.right.value(values)
        if self.sign not in ("==", "!=") and isinstance(left, str) != isinstance(right, str):
            raise ExpressionError(f"cannot compare {left!r} {self.sign} {right!r}: one is text, the other a number")
        return left, right

    def value(self, values: Values) -> bool:
        return _COMPARISONS[self.sign](*self._sides(values))

    def violation(self, values: Values) -> float:
        left, right = self._sides(values)
        if _COMPARISONS[self.sign](left, right):
            return 0.0
        if isinstance(left, str) or isinstance(right, str) or self.sign == "!=":
            return 1.0
        # Strict comparisons fail at equality too, so the gap alone could be 0 where the expression is false.
        return float(max(abs(left - right) / max(abs(left), abs(right), 1.0), 1e-9))


@dataclass(frozen=True)
class _Member(Node):
    item: Node
    choices: tuple[Node, ...]
    negated: bool

    def names(self) -> Iterator[str]:
        yield from self.item.names()
        for choice in self.choices:
            yield from choice.names()

    def value(self, values: Values) -> bool:
        item = self.item.value(values)
        return any(_equal(item, choice.value(values)) for choice in self.choices) != self.negated


@dataclass(frozen=True)
class _Not(Node):
    operand: Node

    def names(self) -> Iterator[str]:
        yield from self.operand.names()

    def value(self, values: Values) -> bool:
        return not self.operand.value(values)


@dataclass(frozen=True)
class _All(Node):
    """`and`. Operands that speak of inactive parameters matter only where the others leave the answer open."""

    operands: tuple[Node, ...]

    def names(self) -> Iterator[str]:
        for operand in self.operands:
            yield from operand.names()

    def value(self, values: Values) -> bool:
        return all(_known(self.operands, lambda operand: bool(operand.value(values)), decisive=False))

    def violation(self, values: Values) -> float:
        # The sum over all operands guides a search better than the first one that fails would; but as in `value`, one
        # that fails guards those behind it: `a != 0 and b / a < 2`.
        total = 0.0
        inactive: InactiveParameterError | None = None
        for operand in self.operands:
            try:
                total += operand.violation(values)
            except InactiveParameterError as error:
                inactive = error
            except ExpressionError:
                if total == 0.0:
                    raise
                total += 1.0
        if inactive is not None and total == 0.0:
            raise inactive
        return total


@dataclass(frozen=True)
class _Any(_All):
    """`or`."""

    def value(self, values: Values) -> bool:
        return any(_known(self.operands, lambda operand: bool(operand.value(values)), decisive=True))

    def violation(self, values: Values) -> float:
        return float(min(_known(self.operands, lambda operand: operand.violation(values), decisive=0.0)))


def _known(operands: tuple[Node, ...], worth: Callable[[Node], Any], decisive: Any) -> Iterator[Any]:
    """The worth of each operand, up to the first decisive one.

    InactiveParameterError where there is none, but an inactive operand leaves the answer open.
    """
    inactive: InactiveParameterError | None = None
    for operand in operands:
        try:
            found = worth(operand)
        except InactiveParameterError as error:
            inactive = error
            continue
        yield found
        if found == decisive:
            return
    if inactive is not None:
        raise inactive


def _number(value: Any, where: str) -> Any:
    if isinstance(value, str):
        raise ExpressionError(f"'{where}' needs numbers, found the text {value!r}")
    return value


@dataclass(frozen=True)
class Expression:
    """A parsed expression; `text` is what the user wrote, `names` the parameters it mentions."""

    text: str
    root: Node
    names: frozenset[str]

    def holds(self, values: Values) -> bool:
        """Whether it is true.

        InactiveParameterError when a name that matters has no value, UndefinedError on division by zero,
        ExpressionError when types do not fit.
        """
        return bool(self.root.value(values))

    def violation(self, values: Values) -> float:
        """0.0 where it holds, else a positive distance. Raises as `holds` does."""
        return float(self.root.violation(values))

    def number(self, values: Values) -> float:
        """The number it is worth, such as a share of the memory there is.

        InactiveParameterError when a name that matters has no value, ExpressionError when it is worth no number.
        """
        value = self.root.value(values)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ExpressionError(f"gives {value!r}, expected a number")
        return value

    def renamed(self, names: Mapping[str, str]) -> str:
        """The text with each of these names replaced, by another name or by a number."""
        pieces, end = [], 0
        for kind, token, start in _Parser.split(self.text):
            name = token[1:-1] if kind == "quoted" else token
            if kind in ("quoted", "name") and name in names:
                pieces += [self.text[end:start], names[name]]
                end = start + len(token)
        return "".join([*pieces, self.text[end:]])

    def problem(self, values: Values) -> str:
        """Why the expression makes no sense where its parameters have such values, or an empty string."""
        try:
            value = self.root.value(values)
        except UndefinedError:
            return ""
        except ExpressionError as error:
            return str(error)
        return "" if isinstance(value, bool) else f"gives {value!r}, expected true or false, as from a comparison"


def parse(text: str) -> Expression:
    """The expression written in `text`; ExpressionError says where it stops making sense."""
    if not isinstance(text, str):
        raise ExpressionError(f"expected an expression as text, found {text!r}")
    if len(text) > _MAX_LENGTH:
        raise ExpressionError(f"longer than {_MAX_LENGTH} characters: {_excerpt(text)}")
    root = _Parser(text).parse()
    return Expression(text, root, frozenset(root.names()))


def _excerpt(text: str) -> str:
    """The text, or the start of a long one, for messages."""
    return repr(text) if len(text) <= 200 else f"{text[:200]!r}..."


class _Parser:
    """Recursive descent over the tokens, loosest binding first."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self.split(text))
        self._at = 0
        self._depth = 0

    @staticmethod
    def split(text: str) -> Iterator[tuple[str, str, int]]:
        """Kind, text and position of each token."""
        position, end = 0, len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None:
                bad = text[position:].strip()[:12]
                raise ExpressionError(f"cannot read {bad!r} in {_excerpt(text)}")
            kind = str(match.lastgroup)
            yield kind, match.group(kind), match.start(kind)
            position = match.end()

    def parse(self) -> Node:
        node = self._or()
        if self._at < len(self._tokens):
            raise self._unexpected("an operator or the end")
        return node

    def _peek(self) -> str:
        """The next operator or keyword, or an empty string."""
        if self._at < len(self._tokens):
            kind, token, dummy = self._tokens[self._at]
            if kind == "operator" or (kind == "name" and token in _KEYWORDS):
                return token
        return ""

    def _take(self, *tokens: str) -> str:
        token = self._peek()
        if token and token in tokens:
            self._at += 1
            return token
        return ""

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise self._unexpected(repr(token))

    def _unexpected(self, expected: str) -> ExpressionError:
        if self._at < len(self._tokens):
            dummy, token, position = self._tokens[self._at]
            return ExpressionError(
                f"expected {expected}, found {token[:40]!r} at character {position + 1} of {_excerpt(self._text)}"
            )
        return ExpressionError(f"expected {expected} at the end of {_excerpt(self._text)}")

    def _or(self) -> Node:
        operands = [self._and()]
        while self._take("or"):
            operands.append(self._and())
        return operands[0] if len(operands) == 1 else _Any(tuple(operands))

    def _and(self) -> Node:
        operands = [self._not()]
        while self._take("and"):
            operands.append(self._not())
        return operands[0] if len(operands) == 1 else _All(tuple(operands))

    def _not(self) -> Node:
        negations = 0
        while self._take("not"):
            negations += 1
        node = self._comparison()
        return _Not(node) if negations % 2 else node

    def _comparison(self) -> Node:
        first = self._sum()
        if self._take("in"):
            return _Member(first, self._list(), negated=False)
        if self._take("not"):
            self._expect("in")
            return _Member(first, self._list(), negated=True)
        links: list[Node] = []  # A chain such as `1 <= a < b` says `1 <= a and a < b`.
        left = first
        while sign := self._take(*_COMPARISONS):
            right = self._sum()
            links.append(_Comparison(sign, left, right))
            left = right
        if len(links) > 1:
            return _All(tuple(links))
        return links[0] if links else first

    def _list(self) -> tuple[Node, ...]:
        self._expect("[")
        return self._arguments("]")

    def _arguments(self, closing: str) -> tuple[Node, ...]:
        if self._take(closing):
            return ()
        arguments = [self._sum()]
        while self._take(","):
            arguments.append(self._sum())
        self._expect(closing)
        return tuple(arguments)

    def _sum(self) -> Node:
        return self._operators(self._product, "+", "-")

    def _product(self) -> Node:
        return self._operators(self._signed, "*", "/", "//", "%")

    def _operators(self, operand: Callable[[], Node], *signs: str) -> Node:
        first = operand()
        rest = []
        while sign := self._take(*signs):
            rest.append((sign, operand()))
        return _Arithmetic(first, tuple(rest)) if rest else first

    def _signed(self) -> Node:
        negative = False
        while sign := self._take("-", "+"):
            negative ^= sign == "-"
        node = self._atom()
        return _Arithmetic(_Literal(0), (("-", node),)) if negative else node

    def _atom(self) -> Node:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ExpressionError(f"nested more than {_MAX_DEPTH} deep: {_excerpt(self._text)}")
        node = self._group() or self._word()
        self._depth -= 1
        return node

    def _group(self) -> Node | None:
        """An expression in parentheses, if one starts here."""
        if not self._take("("):
            return None
        node = self._or()
        self._expect(")")
        return node

    def _word(self) -> Node:
        if word := self._take("true", "True", "false", "False"):
            return _Literal(word.lower() == "true")
        if self._peek() or self._at >= len(self._tokens):
            raise self._unexpected("a parameter, a number or a text")
        kind, token, dummy = self._tokens[self._at]
        self._at += 1
        if kind == "number":
            return _Literal(self._literal_number(token))
        if kind == "string":
            return _Literal(token[1:-1])
        if kind == "quoted":
            return _Name(token[1:-1])
        if self._peek() == "(":
            return self._call(token)
        return _Name(token)

    def _literal_number(self, token: str) -> float:
        if len(token) > 100 or float(token) > _MAX_NUMBER:
            raise ExpressionError(f"{token[:40]} is too large or too long a number in {_excerpt(self._text)}")
        return float(token) if re.search(r"[.eE]", token) else int(token)

    def _call(self, function: str) -> Node:
        if function not in _FUNCTIONS:
            names = ", ".join(_FUNCTIONS)
            raise ExpressionError(f"unknown function {function[:40]!r} in {_excerpt(self._text)}; there are: {names}")
        self._expect("(")
        arguments = self._arguments(")")
        if len(arguments) < 2:
            raise ExpressionError(f"{function}() needs at least two values in {_excerpt(self._text)}")
        return _Call(function, arguments)
