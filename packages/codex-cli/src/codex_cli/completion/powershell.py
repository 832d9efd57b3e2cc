"""The completion script for PowerShell."""

from __future__ import annotations

from codex_cli.completion.text import doubled_quotes, filled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from codex_cli.completion.places import Place

_SCRIPT = r"""# PowerShell completion for codex, made by `codex completion powershell`.
using namespace System.Management.Automation

Register-ArgumentCompleter -Native -CommandName 'codex' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    # Not literals, for those tell -c and -C apart no more than -C and -c.
    $below, $valued, $afterWord, $offers = 1..4 | ForEach-Object {
        , [System.Collections.Hashtable]::new([System.StringComparer]::Ordinal)
    }
@BELOW@
@VALUED@
@WORDS@
@OFFERS@
    $place = 'codex'
    $pending = $null
    foreach ($element in @($commandAst.CommandElements | Select-Object -Skip 1)) {
        if ($element.Extent.EndOffset -ge $cursorPosition) { break }
        $word = $element.Extent.Text
        if ($pending) { $pending = $null; continue }
        if ($word -ceq '--') { return }
        if ($below.ContainsKey("$place|$word")) { $place = $below["$place|$word"] }
        elseif ($valued.ContainsKey("$place|$word")) { $pending = "$place|$word" }
        elseif ((-not $word.StartsWith('-') -or $word -ceq '-') -and $afterWord.ContainsKey($place)) {
            if (-not $afterWord[$place]) { return }
            $place = $afterWord[$place]
        }
    }
    $found = if ($pending) { $valued[$pending] } else { $offers[$place] }
    foreach ($each in $found) {
        $name, $text = $each
        if (-not $wordToComplete -and -not $pending -and $name.StartsWith('-')) { continue }
        if ($name.StartsWith($wordToComplete, [System.StringComparison]::Ordinal)) {
            [CompletionResult]::new($name, $name, [CompletionResultType]::ParameterValue, $text)
        }
    }
}
"""


def script(places: Sequence[Place]) -> str:
    """The script for these places."""
    return filled(
        _SCRIPT,
        places,
        {"BELOW": (4, _below), "VALUED": (4, _valued), "WORDS": (4, _after_word), "OFFERS": (4, _offers)},
    )


def _below(place: Place) -> Iterator[str]:
    for name, path, _ in place.below:
        yield f"$below[{doubled_quotes(f'{place.path}|{name}')}] = {doubled_quotes(path)}"


def _valued(place: Place) -> Iterator[str]:
    for option in place.valued:
        for name in option.names:
            key = doubled_quotes(f"{place.path}|{name}")
            yield f"$valued[{key}] = {_pairs([(each, each) for each in option.choices])}"


def _after_word(place: Place) -> Iterator[str]:
    if place.after_word is not None:
        yield f"$afterWord[{doubled_quotes(place.path)}] = {doubled_quotes(place.after_word)}"


def _offers(place: Place) -> Iterator[str]:
    pairs = [(name, text) for name, _, text in place.below]
    pairs += [(word, word) for word in place.words]
    pairs += [(name, option.help) for option in place.options for name in option.names]
    yield f"$offers[{doubled_quotes(place.path)}] = {_pairs(pairs)}"


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    # The comma in front keeps a pair from being taken apart.
    return "@(" + "".join(f"\n        , @({doubled_quotes(a)}, {doubled_quotes(b)})" for a, b in pairs) + ")"
