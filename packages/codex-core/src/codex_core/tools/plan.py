"""`update_plan`: the model keeps its task list where the user can see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.tools.runtime import ToolOutput, bad_arguments

if TYPE_CHECKING:
    from codex_core.conversation.turn_context import TurnContext
    from codex_core.model.tool_spec import ToolSpec
    from codex_core.tools.runtime import ToolCall, ToolRuntime


class PlanTool:
    """Shows the plan as an event; the output only acknowledges it."""

    names = ("update_plan",)
    is_parallel_safe = False

    def spec(self, context: TurnContext) -> ToolSpec | None:
        """Offered where a front end shows plans."""
        if not context.offers_plan:
            return None
        from codex_core.model.tool_spec import FunctionTool, array, object_schema, string

        step = object_schema(
            {
                "status": string("pending, in_progress or completed"),
                "step": string("What will be done, in a few words."),
            },
            required=("step", "status"),
        )
        return FunctionTool(
            name="update_plan",
            description=(
                "Records your plan for the task and shows it to the user. Send the whole list each time, "
                "with the state of every step; at most one step may be in_progress. Say in `explanation` "
                "why the plan changed, if it did."
            ),
            parameters=object_schema(
                {
                    "explanation": string("Why the plan looks like this now."),
                    "plan": array(step, "All steps, in order."),
                },
                required=("plan",),
            ),
        )

    async def run(self, call: ToolCall, runtime: ToolRuntime) -> ToolOutput:
        """Emits `plan_update`."""
        from codex_protocol.errors import ProtocolError
        from codex_protocol.events import PlanUpdateEvent
        from codex_protocol.jsonio import loads_object
        from codex_protocol.plan import UpdatePlanArgs

        try:
            plan = UpdatePlanArgs.from_wire(loads_object(call.arguments))
        except ProtocolError as error:
            return bad_arguments(str(error))
        await runtime.emit(PlanUpdateEvent(explanation=plan.explanation, plan=plan.plan))
        return ToolOutput("Plan updated", success=True)
