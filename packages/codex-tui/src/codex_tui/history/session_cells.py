"""The session itself: its header, its settings, its MCP servers (spec: tui.md sections 6.1 and 6.12)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from codex_core.presentation import blocks, reports
from codex_core.presentation.safe_text import exact_line, exact_text
from codex_core.presentation.spans import Line, Paragraph, Span, Style, line
from codex_tui.history.wrapping import line_width, wrapped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from codex_core.config.config import Config
    from codex_protocol.tokens import TokenUsage

_MAX_INNER = 56
_MIN_BOX = 12
_COMMANDS = (
    ("/init", "write an AGENTS.md that tells Codex about this project"),
    ("/status", "see the settings of this session and what it has used"),
    ("/approvals", "decide what Codex may do without asking"),
    ("/model", "choose the model and how hard it thinks"),
)


@dataclass(frozen=True, slots=True)
class HeaderCell:
    """What this is, which model it talks to, and where it works."""

    version: str
    model: str
    effort: str
    cwd: str
    home: str = ""
    session_id: str = ""
    has_tips: bool = True
    continues: bool = False

    def paragraphs(self, width: int, _now: float = 0.0) -> list[Paragraph]:
        found: list[Paragraph] = []
        if width >= _MIN_BOX:
            found = [Paragraph(row) for row in self._box(min(width - 2, _MAX_INNER))]
        if self.has_tips:
            indent = line("  ")
            title = line(Span("Describe a task to get started, or try", Style.DIM))
            found += [Paragraph(()), Paragraph(title, indent, indent), Paragraph(())]
            for name, what in _COMMANDS:
                tip = line(Span(name, Style.ACCENT), Span(f" - {what}", Style.DIM))
                found.append(Paragraph(tip, indent, line("    ")))
        return found

    def _box(self, inner: int) -> list[Line]:
        model = exact_text(" ".join(filter(None, (self.model, self.effort)))).replace("\n", " ")
        room = inner - len(" directory: ") - 1
        rows = [
            line(
                Span(" >_ ", Style.DIM), Span("Codex", Style.STRONG), Span(f" (v{self.version})", Style.DIM)
            ),
            (),
            line(
                Span(" model:     ", Style.DIM), model,
                Span("   ", Style.DIM), Span("/model", Style.ACCENT), Span(" to change", Style.DIM),
            ),
            line(Span(" directory: ", Style.DIM), shown_directory(self.cwd, self.home, room)),
        ]  # fmt: skip
        edge = Span("│", Style.DIM)
        boxed = [line(Span(f"╭{'─' * inner}╮", Style.DIM))]
        for row in rows:
            cut = wrapped([Paragraph(row)], inner)[0]
            boxed.append((edge, *cut, Span(" " * (inner - line_width(cut))), edge))
        return [*boxed, line(Span(f"╰{'─' * inner}╯", Style.DIM))]

    def story(self) -> list[Paragraph]:
        return reports.note(f"session {self.session_id}") if self.session_id else []


def shown_directory(path: str, home: str, room: int) -> str:
    """A directory in at most `room` cells: from home if it lies there, middle parts left out as needed."""
    home = home.rstrip("/")
    if home and f"{path}/".startswith(f"{home}/"):
        path = "~" + path[len(home) :]
    shown = exact_line(path)
    if line_width(line(shown)) <= room:
        return shown
    parts = shown.split("/")
    # Two parts at the end first, then as many at the beginning as fit.
    for kept_last in (2, 1):
        for kept_first in range(len(parts) - kept_last - 1, 0, -1):
            candidate = "/".join((*parts[:kept_first], "…", *parts[-kept_last:]))
            if line_width(line(candidate)) <= room:
                return candidate
    last = parts[-1]
    while last and line_width(line("…" + last)) > room:
        last = last[1:]
    return f"…{last}" if room > 0 else ""


@dataclass(frozen=True, slots=True)
class ModelChangedCell:
    """The session goes on with another model than was asked for."""

    requested: str
    used: str
    continues: bool = False

    def paragraphs(self, _width: int, _now: float = 0.0) -> list[Paragraph]:
        head = line(Span("model changed:", Style.AGENT))
        return [
            Paragraph(head),
            *reports.note(f"requested: {self.requested}", Style.PLAIN),
            *reports.note(f"used: {self.used}", Style.PLAIN),
        ]

    def story(self) -> list[Paragraph]:
        return []


@dataclass(frozen=True, slots=True)
class Section:
    """Facts under a title: (name, value) pairs, the value empty where the name says it all."""

    title: str
    facts: Sequence[tuple[str, str]] = ()
    is_item: bool = False
    """Whether it is one of several below the title before."""


@dataclass(frozen=True, slots=True)
class FactsCell:
    """Answers to `/status`, `/mcp` and `/help`: a title and sections of facts."""

    command: str
    sections: Sequence[Section] = field(default_factory=tuple)
    continues: bool = False

    def paragraphs(self, _width: int, _now: float = 0.0) -> list[Paragraph]:
        found = [Paragraph(line(Span(exact_line(self.command), Style.AGENT)))]
        for number, section in enumerate(self.sections):
            found += [Paragraph(())] if number else []
            indent = "  " if section.is_item else ""
            title = Span(exact_line(section.title), Style.STRONG)
            found.append(Paragraph(line(title), line("  • ") if indent else (), line(indent * 2)))
            for name, value in section.facts:
                text = exact_line(value)
                label = exact_line(name)
                body = line(Span(f"{label}: ", Style.DIM), text) if value else line(label)
                found.append(Paragraph(body, line(f"{indent}  • "), line(f"{indent}    ")))
        return found

    def story(self) -> list[Paragraph]:
        return self.paragraphs(0)


def mcp_sections(tools_by_server: Mapping[str, tuple[str, Sequence[str]]]) -> list[Section]:
    """The configured MCP servers: name -> (how it is started, names of its tools)."""
    if not tools_by_server:
        return [Section("🔌 MCP Tools", (("No MCP servers configured.", ""),))]
    found = [Section("🔌 MCP Tools")]
    for name, (command, tools) in sorted(tools_by_server.items()):
        facts = (("Command", command), ("Tools", ", ".join(sorted(tools)) or "(none)"))
        found.append(Section(f"Server: {name}", facts, is_item=True))
    return found


def status_sections(
    config: Config,
    *,
    version: str,
    session_id: str,
    usage: TokenUsage | None,
    agents_files: Sequence[str] = (),
    account: Sequence[tuple[str, str]] = (),
    home: str = "",
) -> list[Section]:
    """What `/status` tells (spec: tui.md section 6.12); `account` is left out when there is none."""
    settings = dict(blocks.config_rows(config))
    effort, summaries = settings.get("reasoning effort"), settings.get("reasoning summaries")
    model = [("Name", config.model), ("Provider", config.model_provider.name or config.model_provider_id)]
    if effort is not None and summaries is not None:
        model += [("Reasoning Effort", effort), ("Reasoning Summaries", summaries)]
    workspace = [
        ("Path", shown_directory(config.cwd, home, 10_000)),
        ("Approval Mode", settings["approval"]),
        ("Sandbox", settings["sandbox"]),
        ("AGENTS files", ", ".join(agents_files) or "(none)"),
    ]
    tokens = [("Session ID", session_id)] if session_id else []
    if usage is not None:
        cached = usage.cached_input_tokens
        also = f" (+ {blocks.format_count(cached)} cached)" if cached else ""
        tokens += [
            ("Input", blocks.format_count(usage.non_cached_input) + also),
            ("Output", blocks.format_count(usage.output_tokens)),
            ("Total", blocks.format_count(usage.blended_total)),
        ]
    sections = [
        Section("📂 Workspace", workspace),
        Section("👤 Account", account),
        Section("🧠 Model", model),
        Section("💻 Client", [("CLI Version", version)]),
        Section("📊 Token Usage", tokens),
    ]
    return [section for section in sections if section.facts]
