"""The composer: keys, pastes and answers go in, what the app has to do comes out, and rows to draw.

It does no I/O but for looking at a file that may be a picture, and knows no time but that of the keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_tui.composer.draft import EMPTY, Message, draft_of, edited_elsewhere, element_draft, pasted_draft
from codex_tui.composer.editor import Editor
from codex_tui.composer.file_popup import FilePopup, inserted_path
from codex_tui.composer.history_search import HistorySearch
from codex_tui.composer.key_map import EDITING_KEYS, POPUP_KEYS, SEARCH_KEYS, Action
from codex_tui.composer.message_queue import MessageQueue
from codex_tui.composer.outcomes import (
    Asked,
    Cleared,
    CommandChosen,
    EditorWanted,
    FilesWanted,
    HistoryWanted,
    Refused,
    Submitted,
)
from codex_tui.composer.paste_burst import PasteBurst
from codex_tui.composer.pasted_images import pasted_path, read_image
from codex_tui.composer.popups import CommandPopup, Popups
from codex_tui.composer.prompt_history import PromptHistory
from codex_tui.composer.saved_prompts import PromptArgumentsError, expand_prompt
from codex_tui.composer.slash_commands import (
    COMMANDS,
    CommandTable,
    SavedPrompt,
    SlashCommand,
    typed_command,
)
from codex_tui.composer.undo import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from codex_tui.composer.draft import AttachedImage, Draft
    from codex_tui.composer.file_popup import FoundFile
    from codex_tui.composer.key_map import KeyMap
    from codex_tui.composer.outcomes import Outcome
    from codex_tui.composer.slash_commands import Entry
    from codex_tui.term.inputs import Key

MENTION = "mention"
_IMAGE_ENDINGS = (".png", ".jpg", ".jpeg")
_APP_ACTIONS = frozenset({Action.ESCAPE, Action.PASTE_IMAGE, Action.TRANSCRIPT})


class Composer:
    """A message being written, its past, its popups and the queue behind it."""

    def __init__(
        self,
        *,
        cwd: str = "",
        home: str = "",
        environ: Mapping[str, str] | None = None,
        commands: Sequence[SlashCommand] = COMMANDS,
        disable_paste_burst: bool = False,
        keys: KeyMap = EDITING_KEYS,
        image_reader: Callable[[str, str], AttachedImage | None] = read_image,
    ) -> None:
        """`cwd` is the session's directory, which pasted paths are relative to."""
        self.editor = Editor()
        self.history = PromptHistory()
        self.queue = MessageQueue()
        self.commands = CommandTable(commands)
        self.popups = Popups(self.commands)
        self.search: HistorySearch | None = None
        self.cwd = cwd
        self.is_running = False
        """Whether a turn runs: Tab queues then, and some commands are refused. Set by the app."""
        self._home = home
        self._environ = environ
        self._keys = keys
        self._image_reader = image_reader
        self._disable_paste_burst = disable_paste_burst
        self._burst = PasteBurst(is_disabled=disable_paste_burst)
        self._out: list[Outcome] = []

    # --- what comes in -------------------------------------------------------------------------------

    def press(self, key: Key, *, is_typeahead: bool = False) -> list[Outcome]:
        """Does what a key means. Keys typed before the app was ready are no paste, however close."""
        at = key.at
        if self._burst.is_over(at):
            self._end_burst()
        if is_typeahead:
            self._burst.reset()
        action = self._action(key.name)
        if self._is_of_burst(action, at):
            self._character("\n" if action is not Action.QUEUE else "\t", at)
        elif action is not None:
            self._end_burst()
            self._burst.reset()
            self._act(action)
        elif key.text:
            if self.search is not None:
                self.search.type(key.text)
            elif is_typeahead:
                self.editor.type(key.text)
            else:
                self._character(key.text, at)
        return self._settle()

    def paste(self, text: str) -> list[Outcome]:
        """Takes what was pasted at once: text, a label for a large one, or the picture it is the path of."""
        self._end_burst()
        self._burst.reset()
        if self.search is not None:
            self.search.type(text.split("\n", 1)[0].strip())
        elif image := self._pasted_image(text):
            self.editor.insert(element_draft(image) + draft_of(" "))
        elif text:
            self.editor.insert(pasted_draft(text))
        return self._settle()

    def attach(self, image: AttachedImage) -> list[Outcome]:
        """Puts in a picture, such as the clipboard's."""
        self._leave_search()
        self.editor.insert(element_draft(image) + draft_of(" "))
        return self._settle()

    def set_burst(self, *, is_disabled: bool) -> None:
        """Whether pastes are told by their speed: not where the terminal says that it marks them."""
        self._burst.is_disabled = is_disabled or self._disable_paste_burst

    @property
    def deadline(self) -> float | None:
        """When `tick` is due, on the clock of the keys; None if nothing waits for it."""
        return self._burst.deadline

    def tick(self, now: float) -> list[Outcome]:
        """Ends a paste that came as keys, if nothing follows any more."""
        if self._burst.is_over(now):
            self._end_burst()
        return self._settle()

    def provide_prompt(self, log_id: int, offset: int, text: str | None) -> list[Outcome]:
        """Takes a prompt of the history, fetched because of `HistoryWanted`."""
        if self.history.provide(log_id, offset, text):
            if self.search is not None:
                self.search.resume()
            else:
                draft = self.history.arrived(offset, self.editor.text, self.editor.caret)
                if draft is not None:
                    self._recall(draft)
        return self._settle()

    def provide_files(self, query: str, files: Sequence[FoundFile]) -> list[Outcome]:
        """Takes what was found because of `FilesWanted`."""
        if isinstance(self.popups.open, FilePopup):
            self.popups.open.provide(query, files)
        return self._settle()

    def provide_saved_prompts(self, prompts: Iterable[SavedPrompt]) -> list[Outcome]:
        """Takes the user's saved prompts."""
        self.commands.set_prompts(prompts)
        self.popups.reload()
        return self._settle()

    def edited(self, text: str, before: Draft | None = None) -> list[Outcome]:
        """Takes the draft back from the user's editor, to which it went as `before`, by default as it is.

        What came into the composer meanwhile, such as a queue after an interrupt, stays above it.
        """
        now = self.editor.draft
        draft = edited_elsewhere(before or now, text)
        if before is not None and now != before and now.text:
            is_above = now.text.endswith(before.text)
            above = now.cut(0, len(now.text) - len(before.text)) if is_above else now + draft_of("\n")
            draft = above + draft
        self.editor.reset(draft)
        return self._settle()

    # --- the app's hands -----------------------------------------------------------------------------

    @property
    def draft(self) -> Draft:
        """What is written."""
        return self.editor.draft

    def set_draft(self, draft: Draft, caret: int | None = None) -> list[Outcome]:
        """Another draft in place of this one; the caret at its end by default."""
        self._leave_search()
        self._burst.reset()
        self.editor.reset(draft, caret)
        return self._settle()

    def restore_queue(self) -> list[Outcome]:
        """After an interrupt: what was queued comes back to be edited, above what is being written."""
        if not len(self.queue):
            return self._settle()
        waiting = self.queue.take_all()
        if self.draft.text.strip():
            waiting = waiting + draft_of("\n") + self.draft
        return self.set_draft(waiting)

    # --- keys ----------------------------------------------------------------------------------------

    def _action(self, name: str) -> Action | None:
        if self.search is not None and name in SEARCH_KEYS:
            return SEARCH_KEYS[name]
        if self.popups.open is not None and name in POPUP_KEYS:
            is_empty = self.popups.open.choices.current is None
            if not is_empty or POPUP_KEYS[name] is Action.POPUP_CLOSE:
                return POPUP_KEYS[name]
        return self._keys.get(name)

    def _is_of_burst(self, action: Action | None, at: float) -> bool:
        """Whether Enter or Tab is a character of a paste; never where a command is typed."""
        if self.search is not None or self.editor.text.startswith("/"):
            return False
        if action in (Action.SUBMIT, Action.POPUP_ACCEPT):
            return self._burst.takes_enter(at)
        if action is Action.NEWLINE:
            return self._burst.is_active and self._burst.takes_enter(at)
        return action in (Action.QUEUE, Action.POPUP_COMPLETE) and self._burst.takes_tab(at)

    def _character(self, text: str, at: float) -> None:
        self._burst.character(text, at, self.editor.caret)
        self.editor.type(text, Kind.PASTED if self._burst.is_active else Kind.TYPED)

    def _end_burst(self) -> None:
        """Takes what came as one paste out of the draft and puts it in as one."""
        if not self._burst.is_active:
            return
        start, end = self._burst.start, self.editor.caret
        text = self.editor.text[start:end]
        pasted = pasted_draft(text)
        if image := self._pasted_image(text):
            self.editor.replace(start, end, element_draft(image) + draft_of(" "))
        elif pasted.elements:
            self.editor.replace(start, end, pasted)
        else:
            self.editor.buffer.close_step()
        self._burst.end()

    def _pasted_image(self, text: str) -> AttachedImage | None:
        path = pasted_path(text, home=self._home, environ=self._environ)
        return self._image_reader(path, self.cwd) if path else None

    def _act(self, action: Action) -> None:
        if self.search is not None and not self._act_in_search(self.search, action):
            return
        match action:
            case Action.SUBMIT:
                self._submit(later=False)
            case Action.QUEUE:
                if self.is_running:
                    self._submit(later=True)
            case Action.UP | Action.DOWN if self.history.takes_keys(self.editor.text, self.editor.caret):
                draft = self.history.older() if action is Action.UP else self.history.newer()
                if draft is not None:
                    self._recall(draft)
            case Action.SEARCH_HISTORY:
                self.search = HistorySearch(self.history, self.editor.draft, self.editor.caret)
            case Action.EDIT_ELSEWHERE:
                self._out.append(EditorWanted(self.editor.text))
            case Action.TAKE_BACK:
                draft = self.queue.take_newest()
                if draft is not None:
                    self.editor.reset(draft)
            case Action.CANCEL if self.editor.text:
                self.editor.clear()
                self.history.leave()
                self._out.append(Cleared())
            case Action.CANCEL:
                self._out.append(Asked(Action.INTERRUPT_OR_QUIT))
            case Action.ERASE_RIGHT_OR_QUIT if self.editor.text:
                self.editor.act(Action.ERASE_RIGHT)
            case Action.ERASE_RIGHT_OR_QUIT:
                self._out.append(Asked(Action.QUIT))
            case _ if action in _APP_ACTIONS:
                self._out.append(Asked(action))
            case _ if self.editor.can(action):
                self.editor.act(action)
            case _:
                self._act_in_popup(action)

    def _act_in_search(self, search: HistorySearch, action: Action) -> bool:
        """Does what a key means in the history search; True if it ended and the key means more."""
        match action:
            case Action.SEARCH_OLDER:
                search.older()
            case Action.SEARCH_NEWER:
                search.newer()
            case Action.SEARCH_ERASE:
                search.erase()
            case Action.SEARCH_LEAVE:
                self.search = None
            case _:
                self._leave_search()
                return action is not Action.SEARCH_ACCEPT
        return False

    def _leave_search(self) -> None:
        """Ends the history search with what was found."""
        if self.search is not None and self.search.match is not None:
            self._recall(self.search.match, caret=len(self.search.match.text))
        self.search = None

    def _recall(self, draft: Draft, caret: int = 0) -> None:
        self.editor.reset(draft, caret)
        self.popups.close(self.editor.draft, self.editor.caret)

    def _act_in_popup(self, action: Action) -> None:
        popup = self.popups.open
        if popup is None:
            return
        match action:
            case Action.POPUP_UP:
                popup.choices.move(-1)
            case Action.POPUP_DOWN:
                popup.choices.move(1)
            case Action.POPUP_CLOSE:
                self.popups.close(self.editor.draft, self.editor.caret)
            case _ if isinstance(popup, FilePopup):
                self._insert_file(popup.choices.current)
            case _:
                self._choose(popup, completes=action is Action.POPUP_COMPLETE)

    def _choose(self, popup: CommandPopup, *, completes: bool) -> None:
        match = popup.choices.current
        if match is None:
            return
        if completes:
            self.editor.replace(0, 1 + len(popup.typed), f"/{match.shown} ")
        else:
            self._run(match.entry, "")

    def _insert_file(self, found: FoundFile | None) -> None:
        token = self.popups.token
        if found is None or token is None:
            return
        image = None
        if found.path.lower().endswith(_IMAGE_ENDINGS):
            image = self._image_reader(found.path, self.cwd)
        put = element_draft(image) + draft_of(" ") if image else draft_of(inserted_path(found.path))
        self.editor.replace(token.start, token.end, put)

    # --- sending -------------------------------------------------------------------------------------

    def _submit(self, *, later: bool) -> None:
        message = self.editor.draft.message()
        typed = typed_command(message.text) if self.editor.text.startswith("/") else None
        entry = self.commands.named(typed.name) if typed is not None else None
        if typed is not None and entry is not None:
            self._run(entry, typed.arguments, later=later)
        elif not message.is_empty:
            self.history.remember(self.editor.draft)
            self._send(message, later=later)

    def _run(self, entry: Entry, arguments: str, *, later: bool = False) -> None:
        if isinstance(entry, SavedPrompt):
            try:
                text = expand_prompt(entry.name, entry.content, arguments)
            except PromptArgumentsError as error:
                self._out.append(Refused(str(error)))
                return
            message = Message(text, self.editor.draft.message().images)
            if message.is_empty:
                self._out.append(Refused(f"The saved prompt /{entry.name} is empty."))
                return
            self._send(message, later=later)
        elif self.is_running and not entry.works_during_turn:
            self._out.append(Refused(f"'/{entry.name}' is disabled while a task is in progress."))
        elif entry.name == MENTION:
            self.editor.reset(draft_of("@"))
        else:
            self.editor.clear()
            self._out.append(CommandChosen(entry, arguments))

    def _send(self, message: Message, *, later: bool) -> None:
        self.editor.forget()
        self.history.leave()
        self._out.append(Submitted(message, later))

    # --- afterwards ----------------------------------------------------------------------------------

    def _settle(self) -> list[Outcome]:
        """Brings popups in line with the draft and hands out what the app has to do."""
        shown = (EMPTY, 0) if self.search is not None else (self.editor.draft, self.editor.caret)
        query = self.popups.follow(*shown)
        if query is not None:
            self._out.append(FilesWanted(query))
        self._out += [HistoryWanted(log_id, offset) for log_id, offset in self.history.take_requests()]
        out, self._out = self._out, []
        return out
