"""What terminals call their keys, under the names Textual has for them."""

from __future__ import annotations

FINAL_KEYS = {
    "A": "up",
    "B": "down",
    "C": "right",
    "D": "left",
    "E": "begin",
    "F": "end",
    "H": "home",
    "P": "f1",
    "Q": "f2",
    "R": "f3",
    "S": "f4",
    "Z": "shift+tab",
    # rxvt: lower case is with shift
    "a": "shift+up",
    "b": "shift+down",
    "c": "shift+right",
    "d": "shift+left",
}
SS3_KEYS = {
    **{final: FINAL_KEYS[final] for final in "ABCDEFHPQRS"},
    "M": "enter",
    "X": "=",
    "a": "ctrl+up",
    "b": "ctrl+down",
    "c": "ctrl+right",
    "d": "ctrl+left",
    # the number pad in application mode
    **{chr(code): chr(code - 64) for code in range(ord("j"), ord("z"))},
}
TILDE_KEYS = {
    1: "home",
    2: "insert",
    3: "delete",
    4: "end",
    5: "pageup",
    6: "pagedown",
    7: "home",
    8: "end",
    29: "menu",
    **dict(
        zip(
            (*range(11, 16), *range(17, 22), 23, 24, 25, 26, 28), (f"f{n}" for n in range(1, 16)), strict=True
        )
    ),
    **dict(zip(range(31, 35), (f"f{n}" for n in range(17, 21)), strict=True)),
}
RXVT_MODIFIERS = {"$": "shift", "^": "ctrl", "@": "ctrl+shift"}
CODES = {8: "backspace", 9: "tab", 10: "enter", 13: "enter", 27: "escape", 32: "space", 127: "backspace"}
# Kitty's private codes (spec: its keyboard protocol, "functional key definitions").
KITTY_CODES = {
    57358: "",
    57359: "",
    57360: "",
    57361: "print_screen",
    57362: "pause",
    57363: "menu",
    **{57376 + n: f"f{13 + n}" for n in range(23)},
    **{57399 + n: str(n) for n in range(10)},
    57409: ".",
    57410: "/",
    57411: "*",
    57412: "-",
    57413: "+",
    57414: "enter",
    57415: "=",
    57416: ",",
    57417: "left",
    57418: "right",
    57419: "up",
    57420: "down",
    57421: "pageup",
    57422: "pagedown",
    57423: "home",
    57424: "end",
    57425: "insert",
    57426: "delete",
    57427: "begin",
}
CONTROL_NAMES = {
    0: "ctrl+@",
    9: "tab",
    13: "enter",
    28: "ctrl+backslash",
    29: "ctrl+right_square_bracket",
    30: "ctrl+circumflex_accent",
    31: "ctrl+underscore",
    127: "backspace",
}
MODIFIERS = ((1, "shift"), (2, "alt"), (4, "ctrl"), (8, "super"), (16, "hyper"), (32, "meta"))
