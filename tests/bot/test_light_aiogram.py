"""aiogram comes in light, whole, and by one door; a version that does not allow it is refused."""

import json
import subprocess
import sys
from pathlib import Path

from tests.bare_environment import bare

TOP = Path(__file__).parents[2]

LIGHT = """
import json, resource, sys
from jk_bms.bot import light_aiogram as light

built = [name for name in light._names if getattr(light._names[name], "__pydantic_complete__", False)]
update = {"update_id": 1, "callback_query": {"id": "1", "chat_instance": "1", "data": "x",
    "from": {"id": 1, "is_bot": False, "first_name": "A"},
    "message": {"message_id": 2, "date": 0, "chat": {"id": 1, "type": "private"}}}}
message = {"message_id": 1, "date": 1700000000, "chat": {"id": 1, "type": "private"}, "text": "/x",
    "reply_to_message": {"message_id": 3, "date": 1700000000, "chat": {"id": 1, "type": "private"}}}
answer = light.Response[list[light.Update]].model_validate(
    {"ok": True, "result": [update, {"update_id": 2, "message": message}]})
sent = light.Response[light.Message].model_validate({"ok": True, "result": message}).result
memory = int(next(line for line in open("/proc/self/status") if line.startswith("VmRSS")).split()[1]) / 1024

import aiogram
methods = [getattr(aiogram.methods, name) for name in aiogram.methods.__all__]
for method in methods:
    if method is not aiogram.methods.TelegramMethod:
        assert method.model_rebuild() is not False, method
print(json.dumps({
    "built": built, "known": len(light._names), "memory": memory, "methods": len(methods),
    "press": type(answer.result[0].callback_query.message).__name__,
    "text": answer.result[1].message.text,
    "replied": type(sent.reply_to_message).__name__,
}))
"""

FOREIGN = """
import pydantic, pydantic.main
real = pydantic.BaseModel.__dict__["model_rebuild"]

class Other(pydantic.BaseModel):
    x: "int"

import jk_bms.bot.light_aiogram
assert pydantic.BaseModel.__dict__["model_rebuild"] is real
assert not pydantic.BaseModel.model_config.get("defer_build")

class Later(pydantic.BaseModel):
    x: int

assert Later.__pydantic_complete__
assert Other(x=1).x == 1
"""


def run(script: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=TOP,
        env=bare(**{"PYTHONPATH": str(TOP), **env}),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_nothing_is_built_before_it_is_used_and_everything_can_be() -> None:
    result = run(LIGHT)

    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["built"] == []
    assert told["known"] > 300
    assert told["methods"] > 150
    assert (told["press"], told["text"], told["replied"]) == ("InaccessibleMessage", "/x", "Message")
    assert told["memory"] < 90  # MB; 170 when all is built at import


def test_pydantic_is_as_it_was_afterwards() -> None:
    result = run(FOREIGN)

    assert result.returncode == 0, result.stderr


def test_an_aiogram_that_builds_its_models_itself_is_refused(tmp_path: Path) -> None:
    """A copy of aiogram whose types call for a build in another way than we know."""
    import aiogram

    source = Path(aiogram.__file__).parent
    copy = tmp_path / "aiogram"
    copy.mkdir()
    for entry in source.iterdir():
        if entry.name != "types":
            (copy / entry.name).symlink_to(entry)
    types = copy / "types"
    types.mkdir()
    for entry in (source / "types").iterdir():
        (types / entry.name).symlink_to(entry)
    init = types / "__init__.py"
    text = init.read_text()
    init.unlink()
    assert "_entity.model_rebuild(_types_namespace=_types_namespace)" in text
    init.write_text(text.replace("_entity.model_rebuild(_types_namespace=_types_namespace)", "pass"))

    result = run("import jk_bms.bot.light_aiogram", PYTHONPATH=f"{tmp_path}:{TOP}")

    assert result.returncode != 0
    assert "does not let its models be built late" in result.stderr


def test_there_is_one_door() -> None:
    others = [
        str(file.relative_to(TOP))
        for file in (*(TOP / "jk_bms").rglob("*.py"), *TOP.glob("*.py"))
        if file.name != "light_aiogram.py"
        and any(line.strip().startswith(("import aiogram", "from aiogram")) for line in file.open())
    ]

    assert others == []
