"""The completion script for elvish."""

from __future__ import annotations

from codex_cli.completion.text import doubled_quotes, filled
from codex_core.command_line.grammar import DIRECTORY, FILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from codex_cli.completion.places import Place

_SCRIPT = r"""# elvish completion for codex, made by `codex completion elvish`.
use str

set edit:completion:arg-completer[codex] = {|@words|
    fn offer {|name text| edit:complex-candidate $name &display=$name' '$text }
    var below = [
        &''=''
@BELOW@
    ]
    var valued = [
        &''=''
@VALUED@
    ]
    var after-word = [
        &''=''
@WORDS@
    ]
    var offers = [
        &''=''
@OFFERS@
    ]
    var place = codex
    var pending = ''
    var done = $false
    for word $words[1..-1] {
        var key = $place'|'$word
        if (not-eq $pending '') {
            set pending = ''
        } elif (eq $word '--') {
            set done = $true
        } elif (has-key $below $key) {
            set place = $below[$key]
        } elif (has-key $valued $key) {
            set pending = $key
        } elif (and (has-key $after-word $place) (or (eq $word '-') (not (str:has-prefix $word '-')))) {
            set place = $after-word[$place]
        }
    }
    if (or $done (eq $place '')) {
        edit:complete-filename $words[-1]
    } elif (not-eq $pending '') {
        $valued[$pending]
    } elif (has-key $offers $place) {
        $offers[$place]
    }
}
"""


def script(places: Sequence[Place]) -> str:
    """The script for these places."""
    return filled(
        _SCRIPT,
        places,
        {"BELOW": (8, _below), "VALUED": (8, _valued), "WORDS": (8, _after_word), "OFFERS": (8, _offers)},
    )


def _below(place: Place) -> Iterator[str]:
    for name, path, _ in place.below:
        yield f"&{doubled_quotes(f'{place.path}|{name}')}={doubled_quotes(path)}"


def _valued(place: Place) -> Iterator[str]:
    for option in place.valued:
        if option.choices:
            body = f"put {' '.join(map(doubled_quotes, option.choices))}"
        else:
            body = "edit:complete-filename ''" if option.completes in (FILE, DIRECTORY) else "nop"
        for name in option.names:
            yield f"&{doubled_quotes(f'{place.path}|{name}')}={{ {body} }}"


def _after_word(place: Place) -> Iterator[str]:
    if place.after_word is not None:
        yield f"&{doubled_quotes(place.path)}={doubled_quotes(place.after_word)}"


def _offers(place: Place) -> Iterator[str]:
    yield f"&{doubled_quotes(place.path)}={{"
    for name, _, text in place.below:
        yield f"    offer {doubled_quotes(name)} {doubled_quotes(text)}"
    for word in place.words:
        yield f"    put {doubled_quotes(word)}"
    for option in place.options:
        for name in option.names:
            yield f"    offer {doubled_quotes(name)} {doubled_quotes(option.help)}"
    yield "}"
