"""What a history must know of its surroundings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_tui.history.markdown import NO_LINKS, Links

if TYPE_CHECKING:
    from codex_core.config.config import Config


@dataclass(frozen=True, slots=True)
class HistorySettings:
    """Places and choices; all of them come from the configuration."""

    version: str
    cwd: str
    home: str = ""
    requested_model: str = ""
    shows_thoughts: bool = False
    """Whether summaries of the model's reasoning stand in the conversation, not in the transcript alone."""
    hides_thoughts: bool = False
    """Whether they are not even there (config key `hide_agent_reasoning`)."""
    links: Links = NO_LINKS


def settings_for(config: Config, *, version: str, home: str) -> HistorySettings:
    """The settings a configuration stands for."""
    from codex_core.config.config import FileOpener
    from codex_core.model.families import family_for

    summary_format = config.model_reasoning_summary_format or family_for(config.model).summary_format
    scheme = "" if config.file_opener is FileOpener.NONE else str(config.file_opener)
    return HistorySettings(
        version=version,
        cwd=config.cwd,
        home=home,
        requested_model=config.model,
        shows_thoughts=str(summary_format) == "experimental",
        hides_thoughts=config.hide_agent_reasoning,
        links=Links(config.cwd, scheme),
    )
