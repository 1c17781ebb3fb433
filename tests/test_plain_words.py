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
    "analysis": "aggregate analyze capacities cost_verdicts shifts trials width",
    "cli": (
        "__init__ ab_command bisect_command bisect_progress capacity_command "
        "doctor_command history_command init_command matrix_options progress "
        "report_command run_command setup_command try_command"
    ),
    "host/darwin": "machine",
    "host": "facts",
    "loadtools/install": "find ready",
    "loadtools": ("oha_json oha_rows paced_json paced_pool paced_result tool wrk_detail wrk_text"),
    "model": ("capacity config field_schemas plan promise server_config summary trial_record"),
    "plans": (
        "ab bisect_plan capacity_plan find_cargo find_go find_jvm find_node find_python "
        "first_answers lengths load_curves request_checks server_files starter try_ "
        "typed_command"
    ),
    "plans/yaml": "document reader scalars",
    "process": "supervisor",
    "profiling": "into_run profile_run profiled_trial report spy",
    "reports": "ab_answer blocks decisions host_answer",
    "reports/charts": "chart points",
    "reports/sections": "configuration profile_quality samples servers_tested",
    "reports/wording": (
        "bisect_words capacity_words conclusion history_words host_words run_words "
        "time_goes trial_words"
    ),
    "run": (
        "asking build_and_verify calibration deadline events fitness resume searching serving start"
    ),
    "run/importing": "conditions import_run import_trials",
    "sampler": "observe platforms",
    "servers": "building git readiness",
    "stats": ("bisection change_points crossing histogram rate_search window_length"),
    "store": "history_files",
    "trial": "duet framing load side_channel thresholds warmup",
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
