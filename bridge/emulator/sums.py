"""Simple arithmetic, for an agent that likes to show off."""

import operator
import re
from collections.abc import Callable

SUM = re.compile(r"(-?\d{1,12}(?:\.\d{1,6})?)\s*([-+*x×/÷])\s*(-?\d{1,12}(?:\.\d{1,6})?)")
_OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "x": operator.mul,
    "×": operator.mul,
    "/": operator.truediv,
    "÷": operator.truediv,
}


def solution(text: str) -> str:
    """Work out the first `a * b` in `text`; empty if there is none."""
    found = SUM.search(text)
    if found is None:
        return ""
    left, sign, right = _number(found[1]), found[2], _number(found[3])
    if sign in "/÷" and right == 0:
        return f"{found[1]} {sign} 0? Not on my bridge."
    result = _OPERATORS[sign](left, right)
    return f"{found[1]} {sign} {found[3]} = **{_written(result)}**"


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)


def _written(number: float) -> str:
    if isinstance(number, int) or number.is_integer():
        return f"{int(number)}"
    return f"{number:.6g}"
