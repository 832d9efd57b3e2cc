"""A llama.cpp server on a model made here, for `test_real_server.py`: software nobody of this project wrote.

    python -m venv /tmp/llama && /tmp/llama/bin/pip install xllamacpp gguf numpy
    /tmp/llama/bin/python tests/tiny_llama_server.py 18411
    CODEX_REAL_SERVER=http://127.0.0.1:18411/v1 pytest tests/test_real_server.py

The model has 320 tokens, one layer and weights that make each token name the next, so what it says does not
depend on what it is told: first a call of `shell`, and behind a tool's output one sentence.
"""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
import threading
from importlib import import_module
from typing import Any

CALL = (
    "<tool_",
    "call>\n{",
    '"name": "shell", ',
    '"arguments": {"command": ["echo", ',
    '"from-the-server"]}}',
    "\n</tool_",
    "call>",
)
SENTENCE = ("The ", "command ", "printed ", "from-the-server", " indeed.")
SIZE = 320
TEMPLATE = """\
{%- if tools %}<|im_start|>system
{% if messages[0]['role'] == 'system' %}{{ messages[0]['content'] }}{% endif %}
<tools>{% for tool in tools %}
{{ tool | tojson }}{% endfor %}
</tools>
For each function call, return a json object within <tool_call></tool_call> XML tags:
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call><|im_end|>
{% elif messages[0]['role'] == 'system' %}<|im_start|>system
{{ messages[0]['content'] }}<|im_end|>
{% endif %}{%- for message in messages %}{%- if message.role == 'tool' %}<|im_start|>user
<tool_response>
{{ message.content }}
</tool_response><|im_end|>
{% elif message.role == 'assistant' %}<|im_start|>assistant
{% if message.content %}{{ message.content }}{% endif %}{% for tool_call in message.tool_calls or [] %}
<tool_call>
{"name": "{{ tool_call.function.name }}", "arguments": {{ tool_call.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% elif not (loop.first and message.role == 'system') %}<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endif %}{%- endfor %}{%- if add_generation_prompt %}<|im_start|>assistant
{% if messages[-1].role == 'tool' %}<|answer|>{% else %}<|go|>{% endif %}{%- endif %}"""


def main() -> None:
    """Makes the model and serves it on 127.0.0.1 until it is stopped."""
    llama: Any = import_module("xllamacpp")
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "tiny.gguf")
        make_model(path)
        params = llama.CommonParams()
        params.model.path = path
        params.model_alias = {"tiny"}
        params.hostnames = ["127.0.0.1"]
        params.port = int(sys.argv[1])
        params.n_ctx = 65_536
        params.n_parallel = 1
        params.use_jinja = True
        params.fit_params = False
        server = llama.Server(params)
        print(f"{server.listening_address}/v1", flush=True)
        threading.Event().wait()


def make_model(path: str) -> None:
    """Writes the model; about 2.5 MB."""
    gguf: Any = import_module("gguf")
    np: Any = import_module("numpy")
    tokens = _bytes_as_characters()
    kinds = [gguf.TokenType.NORMAL] * len(tokens)

    def add(text: str, kind: Any) -> int:
        tokens.append(text)
        kinds.append(kind)
        return len(tokens) - 1

    start, end, go, answer = (
        add(f"<|{name}|>", gguf.TokenType.CONTROL) for name in ("im_start", "im_end", "go", "answer")
    )
    follows = dict.fromkeys(range(SIZE), end)
    for first, texts in ((go, CALL), (answer, SENTENCE)):
        chain = [first, *(_token_of(text, tokens, add, gguf.TokenType.USER_DEFINED) for text in texts), end]
        follows.update(itertools.pairwise(chain))
    add("he", gguf.TokenType.NORMAL)
    while len(tokens) < SIZE:
        add(f"<|unused{len(tokens)}|>", gguf.TokenType.UNUSED)

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(131_072)
    writer.add_embedding_length(SIZE)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(5)
    writer.add_head_count_kv(5)
    writer.add_rope_dimension_count(SIZE // 5)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(SIZE)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(["h e"])
    writer.add_bos_token_id(start)
    writer.add_eos_token_id(end)
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)
    following = np.zeros((SIZE, SIZE), np.float32)
    for token, next_token in follows.items():
        following[next_token, token] = 10
    writer.add_tensor("token_embd.weight", np.eye(SIZE, dtype=np.float32))
    writer.add_tensor("output.weight", following)
    writer.add_tensor("output_norm.weight", np.ones(SIZE, np.float32))
    for name in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{name}.weight", np.ones(SIZE, np.float32))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        writer.add_tensor(f"blk.0.{name}.weight", np.zeros((SIZE, SIZE), np.float32))
    for name, shape in (("ffn_gate", (32, SIZE)), ("ffn_up", (32, SIZE)), ("ffn_down", (SIZE, 32))):
        writer.add_tensor(f"blk.0.{name}.weight", np.zeros(shape, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _token_of(text: str, tokens: list[str], add: Any, kind: Any) -> int:
    return tokens.index(text) if text in tokens else int(add(text, kind))


def _bytes_as_characters() -> list[str]:
    """A printable character for each byte, as byte-level vocabularies of the GPT-2 kind have them."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(byte) if byte in printable else chr(next(others)) for byte in range(256)]


if __name__ == "__main__":
    main()
