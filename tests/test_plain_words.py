"""What a user reads, and what a developer reads first, is in words that need no translation."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

BENCH: Final = Path(__file__).parents[1] / "bench"

HOUSE_WORDS: Final = re.compile(
    r"\b(told|anew|mend(s|ed)?|gone on with|whoever|somebody"
    r"|(?<!there )is none|(?<!there )is no(?= ))\b"
)
"""Write: said, given; again; fix; resumed; all that; another process; is not a. In every docstring
and text; "there is no such file" is plain."""

NOT_YET: Final = {
    "analysis": "aggregate width",
    "cli": (
        "__init__ ab_command doctor_command init_command matrix_options progress "
        "report_command run_command setup_command"
    ),
    "host": "facts",
    "host/darwin": "machine",
    "loadtools": "oha_json oha_rows tool wrk_detail wrk_text",
    "loadtools/install": "find",
    "model": "config field_schemas plan summary trial_record",
    "plans": "ab find_cargo find_python request_checks server_files starter try_ typed_command",
    "plans/yaml": "document reader scalars",
    "profiling": "into_run profile_run profiled_trial report spy",
    "reports": "blocks rows",
    "reports/charts": "chart",
    "reports/sections": "configuration profile_quality samples servers_tested",
    "reports/wording": "host_words run_words time_goes trial_words",
    "run": "build_and_verify calibration deadline events fitness resume serving start",
    "run/importing": "import_run import_trials",
    "sampler": "observe",
    "servers": "building",
    "stats": "histogram",
    "trial": "duet load",
    "workload": "json_equal requests",
}
"""Folder -> modules that still have such words: this list only gets shorter."""


def test_words_are_plain() -> None:
    """No docstring and no text has words of this house, but in modules on the list."""
    found = {
        str(path.relative_to(BENCH).with_suffix(""))
        for path in BENCH.rglob("*.py")
        if _house_words(path.read_text(encoding="utf-8"))
    }
    listed = {
        str(Path(folder, name)) for folder, names in NOT_YET.items() for name in names.split()
    }

    assert sorted(found - listed) == []
    assert sorted(listed - found) == [], "done: take them off the list"


def _house_words(text: str) -> list[str]:
    """The texts of a module that have one."""
    return [
        node.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and HOUSE_WORDS.search(node.value)
    ]
