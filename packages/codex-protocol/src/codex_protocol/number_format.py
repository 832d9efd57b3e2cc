"""Token counts as people read them: with separators after the locale's habit, or cut to three digits.

The habits of the locales in the table are those the reference shows; others follow their language,
unknown ones English (spec: protocol.md section 5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Habit(NamedTuple):
    """How digits are grouped: by `mark`, from `least` digits on before it, in twos after the first three."""

    mark: str = ","
    least: int = 1
    in_twos: bool = False
    zero: str = "0"


_SPACE = "\u00a0"
_NARROW_SPACE = "\u202f"
_QUOTE = "\u2019"
_TABLE: tuple[tuple[_Habit, str], ...] = (
    (_Habit(), "en es_419 es_DO es_GT es_HN es_MX es_NI es_PA es_PE es_PR es_SV es_US ar gsw"),
    (
        _Habit("."),
        (
            "ar_MA az bs ca da de el en_AT en_BE en_DE en_DK en_NL es_AR es_BO es_CL es_CO es_EC es_PY es_UY "
            "es_VE eu fo fr_LU fr_MA gl hr id is lb lo mk nl pt ro sr tr vi"
        ),
    ),
    (_Habit(".", 2), "es it sl"),
    (_Habit(_QUOTE), "de_CH de_LI en_CH rm"),
    (_Habit(_QUOTE, 2), "it_CH"),
    (_Habit(_NARROW_SPACE), "fr"),
    (
        _Habit(_SPACE),
        "af br cs de_AT en_FI en_SE en_ZA eo es_CR fi fr_CA hy kk ky lt nb nn no pt_AO ru sk sv tg tk uk uz",
    ),
    (_Habit(_SPACE, 2), "be bg et hu ka lv pl pt_CH pt_MZ pt_PT sq"),
    (_Habit(in_twos=True), "en_IN gu hi ml or pa ta te"),
    (_Habit(in_twos=True, zero="\u09e6"), "as bn"),
    (_Habit(in_twos=True, zero="\u0966"), "mr ne"),
    (_Habit("\u066c", zero="\u06f0"), "fa ps"),
    (_Habit("\u066c", zero="\u0660"), "ar_EG ar_SA"),
    (_Habit(zero="\u1040"), "my"),
)


def with_separators(number: int, locale: str = "en_US") -> str:
    """`number` with its digits grouped as readers of `locale` (like `de_DE.UTF-8`) expect it."""
    habit = _habit_of(locale)
    digits = str(abs(number))
    if len(digits) >= 3 + habit.least:
        head, groups = digits[:-3], [digits[-3:]]
        size = 2 if habit.in_twos else 3
        while head:
            groups.insert(0, head[-size:])
            head = head[:-size]
        digits = habit.mark.join(groups)
    if habit.zero != "0":
        offset = ord(habit.zero) - ord("0")
        digits = "".join(chr(ord(char) + offset) if char.isdigit() else char for char in digits)
    return f"-{digits}" if number < 0 else digits


def locale_of(environ: Mapping[str, str]) -> str:
    """The locale a process with this environment speaks; `C` when it does not say."""
    for variable in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        names = [name for name in environ.get(variable, "").split(":") if name]
        if names:
            return names[0]
    return "C"


def in_three_digits(number: int) -> str:
    """`number` with three significant digits and K, M or G: 12345678 is `12.3M`."""
    if number < 1000:
        return str(number)
    for unit, letter in ((10**3, "K"), (10**6, "M"), (10**9, "G")):
        for decimals in (2, 1, 0):
            scaled = _round_half_up(number * 10**decimals, unit)
            if scaled < 1000:
                return f"{scaled / 10**decimals:.{decimals}f}{letter}"
    return f"{with_separators(_round_half_up(number, 10**9))}G"


def _round_half_up(number: int, unit: int) -> int:
    return (2 * number + unit) // (2 * unit)


def _habit_of(locale: str) -> _Habit:
    parts = locale.split(".")[0].split("@")[0].replace("-", "_").split("_")
    language = parts[0].lower()
    # A script may stand between language and region, as in sr_Latn_RS.
    region = parts[-1].upper() if len(parts) > 1 else ""
    habits = {name: habit for habit, names in _TABLE for name in names.split()}
    return habits.get(f"{language}_{region}") or habits.get(language) or _Habit()
