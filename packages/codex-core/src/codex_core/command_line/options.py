"""Options that several commands have: one definition, whoever takes them (spec: config-cli.md section 3)."""

from __future__ import annotations

import os.path

from codex_core.command_line.grammar import DIRECTORY, FILE, Option

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".avif")

MODEL_GROUP = "Model"
INPUT_GROUP = "Input"
SAFETY_GROUP = "What commands may do"
WORKSPACE_GROUP = "Where"
OUTPUT_GROUP = "Output"


def is_further_image(word: str) -> bool:
    """Whether a word behind an image is one more image, and not the prompt.

    It is if it names a file that is there, or reads like the name of a picture.
    """
    is_picture_name = word.lower().endswith(IMAGE_SUFFIXES) and not any(each.isspace() for each in word)
    return is_picture_name or all(os.path.isfile(part) for part in word.split(","))


CONFIG = Option(
    "-c",
    "--config",
    key="config",
    value="key=value",
    is_repeatable=True,
    help="Override one value of the configuration; repeatable",
    details="The key is as in config.toml, with dots where it is in a table; the value is TOML, or else a "
    "plain text: -c model=o3, -c tools.web_search=true. Where two name the same key, the last one counts.",
)
IMAGE = Option(
    "-i",
    "--image",
    key="image",
    value="FILE",
    is_repeatable=True,
    takes_more=is_further_image,
    completes=FILE,
    group=INPUT_GROUP,
    help="Image to send along with the prompt",
    details="Several: -i a.png b.png, -i a.png,b.png, or -i again. A word behind it that is no file and does "
    "not end like a picture is the prompt.",
)
MODEL = Option("-m", "--model", key="model", value="MODEL", group=MODEL_GROUP, help="Model to ask")
PROFILE = Option(
    "-p",
    "--profile",
    key="profile",
    value="CONFIG_PROFILE",
    group=MODEL_GROUP,
    help="Use this profile of config.toml",
)
OSS = Option(
    "--oss",
    key="oss",
    group=MODEL_GROUP,
    help="Use a local open-weight model (Ollama)",
    details="gpt-oss:20b, unless --model names another.",
)
LOCAL_PROVIDER = Option(
    "--local-provider",
    key="local_provider",
    value="OSS_PROVIDER",
    choices=("ollama", "lmstudio"),
    group=MODEL_GROUP,
    help="Which server --oss means: ollama or lmstudio",
)
DEMO = Option(
    "--demo",
    key="demo",
    group=MODEL_GROUP,
    help="Use the scripted offline model: no key, no network",
    details="Tools and sandbox are real: it may write in the workspace unless --sandbox says otherwise.",
)
SANDBOX = Option(
    "-s",
    "--sandbox",
    key="sandbox",
    value="SANDBOX_MODE",
    choices=("read-only", "workspace-write", "danger-full-access"),
    group=SAFETY_GROUP,
    help="What commands may write",
)
APPROVAL = Option(
    "-a",
    "--ask-for-approval",
    key="approval",
    value="APPROVAL_POLICY",
    choices=("untrusted", "on-failure", "on-request", "never"),
    group=SAFETY_GROUP,
    help="When you are asked",
    details="untrusted: before every command that is not known to be harmless. on-failure: when one failed "
    "in the sandbox. on-request: when the model asks for it. never: failures go back to the model.",
)
BYPASS = Option(
    "--dangerously-bypass-approvals-and-sandbox",
    hidden_names=("--yolo",),
    key="bypass",
    group=SAFETY_GROUP,
    help="No questions and no sandbox. Only where the machine itself is one",
)
CD = Option(
    "-C",
    "--cd",
    key="cd",
    value="DIR",
    completes=DIRECTORY,
    group=WORKSPACE_GROUP,
    help="Directory to work in (default: this one)",
)
SEARCH = Option("--search", key="search", group=MODEL_GROUP, help="Let the model search the web")
LAST = Option("--last", key="last", help="Take the newest session", group="Session")
