"""The terminal: history in its own scrollback, a live view below, overlays on the alternate screen.

    rows            `Piece` (text, style) -> `make_row` -> `Row`: safe, clipped, measured; `cell_width`
    surface         `View` (rows, cursor, overlay) and `Surface`: what is on the terminal -> escape sequences
    tty             `Terminal`: raw mode and back, size, reading, writing
    boot            `Boot`: the first frame before the heavy imports; keys typed meanwhile
    facts           `TerminalFacts`: background, marked pastes, extended keys, as the terminal tells them
    keys, inputs    `KeyDecoder`: bytes -> `Key`, `Paste`, `Focus`, `CursorReport`, `Reply`
    reader          `InputReader`: reads in an event loop; when a key was typed, though the loop was busy
    signals         `TerminalSignals`: window, job control, ends; `others_at_work`
    viewport        `Viewport`: when to write; resizes (`ResizePolicy`), suspension, `redraw`
    textual_bridge  `InlineApp`, `InlineScreen`, `OverlayScreen`, `run_inline`: Textual on top of all that

A program: `with Boot(Terminal(), draw) as boot:` paints; then the app is imported and `run_inline(App(boot))`
runs it. An app derives from `InlineApp` and

- keeps what it has to say as an append-only list, gives each finished part to `viewport.commit` as rows made
  for `viewport.cols`, and refreshes a widget (or calls `request_frame`), so that both leave in one frame;
- gives all rows again in `history_rows(cols)`, newest first, for `viewport.redraw` and changes of the window;
- has base screens of `InlineScreen` (as high as their content) and pagers of `OverlayScreen`;
- gives focus to a widget in `on_mount`; until one has it, keys wait. `type_ahead` gets what was typed before;
- inserts `event.character` of a key if that is not None (`is_printable` is false for the joiners in emoji);
- ends a key handler with `paint_now(widget)`: the echo does not wait for Textual's timer;
- looks at `facts`, filled as the terminal answers, and may want to hear of more by `facts_changed`;
- wants the terminal's cursor by a method `cursor_cell() -> (column, row) | None` of the focused widget;
- tells the window its title and the user what happened by `viewport.set_title` and `viewport.notify`;
- wraps another program on the terminal (an editor) in `terminal_given_away()`; Ctrl-Z works by itself.

Nothing but the viewport writes to the terminal; nothing but `textual_bridge` touches Textual's private names.
Importing this package imports nothing.
"""
