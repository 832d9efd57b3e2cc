"""`/model` and `/approvals`: what there is to pick, and what follows (spec: tui.md section 12)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codex_core.errors import CodexError, ConfigError
from codex_tui.history.notice_cells import NoticeKind

if TYPE_CHECKING:
    from codex_core.config.config import Config
    from codex_protocol.config_types import AskForApproval, ReasoningEffort
    from codex_protocol.sandbox_policy import SandboxPolicy
    from codex_tui.controller import Controller

_LIST_TIMEOUT_S = 3.0
"""How long a local server may take to say which models it has."""


@dataclass(frozen=True, slots=True)
class ModelPreset:
    """A model and how hard it thinks."""

    model: str
    effort: ReasoningEffort | None
    name: str
    description: str


def model_presets(*, has_codex_models: bool) -> list[ModelPreset]:
    """What `/model` offers; the first three need a ChatGPT login (spec: tui.md section 12)."""
    from codex_protocol.config_types import ReasoningEffort as Effort

    codex = [
        ModelPreset("gpt-5-codex", Effort.LOW, "gpt-5-codex low", "made for code; answers soonest"),
        ModelPreset("gpt-5-codex", None, "gpt-5-codex medium", "made for code; thinks as long as it needs"),
        ModelPreset("gpt-5-codex", Effort.HIGH, "gpt-5-codex high", "made for code; for hard problems"),
    ]
    general = [
        ModelPreset("gpt-5", Effort.MINIMAL, "gpt-5 minimal", "hardly thinks; for small, clear tasks"),
        ModelPreset("gpt-5", Effort.LOW, "gpt-5 low", "thinks a little; for plain questions"),
        ModelPreset("gpt-5", Effort.MEDIUM, "gpt-5 medium", "a balance; good for most work"),
        ModelPreset("gpt-5", Effort.HIGH, "gpt-5 high", "thinks longest; for open or tricky problems"),
    ]
    return [*codex, *general] if has_codex_models else general


async def pick_model(controller: Controller, arguments: str) -> None:
    """`/model`: picked from what the provider is known to have; `/model NAME [EFFORT]`: whatever it is."""
    if arguments:
        preset = _named_model(controller, arguments)
        if preset is not None:
            await _use_model(controller, preset)
        return
    from codex_tui.screens.picker import ListPicker, Option

    config = controller.state.config
    present = (config.model, config.model_reasoning_effort)
    presets = await _offered_models(controller)
    if len(presets) == 1:
        provider = config.model_provider.name or config.model_provider_id
        hint = (
            f"Its other models are not known here; /model NAME takes one, /model NAME {'|'.join(_efforts())}."
        )
        controller.notice(NoticeKind.INFO, f"The model is {config.model}, of {provider}.", hint)
        return
    options = [
        Option(preset.name, preset, preset.description, (preset.model, preset.effort) == present)
        for preset in presets
    ]
    picker = ListPicker(
        "Select model and reasoning level",
        options,
        explanation="For this session and those to come. Any other: /model NAME",
    )
    picked = await controller.ask(picker)
    if isinstance(picked, ModelPreset):
        await _use_model(controller, picked)


async def _offered_models(controller: Controller) -> list[ModelPreset]:
    """What the provider has, the present model among them."""
    from codex_protocol.config_types import AuthMode

    config = controller.state.config
    if config.model_provider.requires_openai_auth:
        presets = model_presets(has_codex_models=controller.launch.auth.mode is not AuthMode.API_KEY)
    else:
        names = await _local_models(controller)
        presets = [ModelPreset(name, config.model_reasoning_effort, name, "") for name in names]
    if all(preset.model != config.model for preset in presets):
        effort = config.model_reasoning_effort
        name = f"{config.model} {effort}" if effort is not None else config.model
        presets.insert(0, ModelPreset(config.model, effort, name, "as configured"))
    return presets


async def _local_models(controller: Controller) -> list[str]:
    """The models of a server on this machine; none of others, which are not asked."""
    from codex_core.config.providers import OSS_ID
    from codex_core.oss.lm_studio import PROVIDER_ID as LM_STUDIO_ID

    config, transport = controller.state.config, controller.launch.services.http_transport
    base_url = config.model_provider.base_url or ""
    try:
        async with asyncio.timeout(_LIST_TIMEOUT_S):
            if config.model_provider_id == OSS_ID:
                from codex_core.oss.ollama import Ollama

                return await Ollama(base_url, transport).models()
            if config.model_provider_id == LM_STUDIO_ID:
                from codex_core.oss.lm_studio import list_models

                return await list_models(base_url, transport)
    except (CodexError, TimeoutError) as error:
        reason = str(error) or "it takes too long"
        controller.notice(NoticeKind.WARNING, f"The local server does not say which models it has: {reason}")
    return []


def _efforts() -> list[str]:
    from codex_protocol.config_types import ReasoningEffort

    return [effort.value for effort in ReasoningEffort]


def _named_model(controller: Controller, arguments: str) -> ModelPreset | None:
    """The model that was typed; None after saying what is wrong with it."""
    from codex_protocol.config_types import ReasoningEffort

    words = arguments.split()
    effort = controller.state.config.model_reasoning_effort
    if len(words) > 2 or (len(words) == 2 and words[1] not in _efforts()):
        controller.notice(
            NoticeKind.ERROR, f"/model takes a name and, if you like, one of {', '.join(_efforts())}."
        )
        return None
    if len(words) == 2:
        effort = ReasoningEffort(words[1])
    return ModelPreset(words[0], effort, " ".join(words), "")


async def _use_model(controller: Controller, preset: ModelPreset) -> None:
    from codex_core.config.edit import set_default_model
    from codex_protocol.ops import CLEAR_EFFORT, OverrideTurnContextOp

    effort = CLEAR_EFFORT if preset.effort is None else preset.effort
    controller.submit(OverrideTurnContextOp(model=preset.model, effort=effort))
    config = replace(controller.state.config, model=preset.model, model_reasoning_effort=preset.effort)
    controller.state.config = config
    controller.history.settings = replace(controller.history.settings, requested_model=preset.model)
    profile = config.active_profile
    try:
        await asyncio.to_thread(
            set_default_model,
            config.codex_home,
            model=preset.model,
            effort=None if preset.effort is None else preset.effort.value,
            profile=profile,
        )
    except ConfigError as error:
        what = f"model for profile `{profile}`" if profile else "default model"
        controller.notice(NoticeKind.ERROR, f"Failed to save {what}: {error}")
        return
    place = f" for {profile} profile" if profile else ""
    controller.notice(NoticeKind.INFO, f"Model changed to {preset.name}{place}")


@dataclass(frozen=True, slots=True)
class ApprovalPreset:
    """A sandbox and when to ask, under one name."""

    name: str
    approval: AskForApproval
    sandbox: SandboxPolicy
    description: str


def approval_presets(config: Config) -> list[ApprovalPreset]:
    """What `/approvals` offers (spec: tui.md section 12)."""
    from codex_protocol.config_types import AskForApproval
    from codex_protocol.sandbox_policy import DangerFullAccessPolicy, ReadOnlyPolicy

    return [
        ApprovalPreset(
            "Read Only",
            AskForApproval.ON_REQUEST,
            ReadOnlyPolicy(),
            "reads files and answers; asks before it changes anything or uses the network",
        ),
        ApprovalPreset(
            "Auto",
            AskForApproval.ON_REQUEST,
            config.workspace_write,
            "changes and runs things in the workspace; asks for anything beyond, and for the network",
        ),
        ApprovalPreset(
            "Full Access",
            AskForApproval.NEVER,
            DangerFullAccessPolicy(),
            "changes anything, uses the network, and never asks; only where nothing can be lost",
        ),
    ]


async def pick_approvals(controller: Controller) -> None:
    """`/approvals`: what may be done without a question, for this session."""
    from codex_protocol.ops import OverrideTurnContextOp
    from codex_tui.screens.picker import ListPicker, Option

    config = controller.state.config
    present = (config.approval_policy, config.sandbox_policy)
    options = [
        Option(preset.name, preset, preset.description, (preset.approval, preset.sandbox) == present)
        for preset in approval_presets(config)
    ]
    preset = await controller.ask(
        ListPicker("Select approval mode", options, explanation="For this session only.")
    )
    if not isinstance(preset, ApprovalPreset):
        return
    controller.submit(OverrideTurnContextOp(approval_policy=preset.approval, sandbox_policy=preset.sandbox))
    controller.state.config = replace(
        controller.state.config, approval_policy=preset.approval, sandbox_policy=preset.sandbox
    )
    controller.notice(NoticeKind.INFO, f"Approval mode changed to {preset.name}")
