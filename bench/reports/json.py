"""summary.json: the object that `bench report --as json` and `bench run --json` print."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.reports.assembly import Rendering


class JsonReport:
    """The summary as it is; nothing is rounded."""

    name = "json"

    def render(self, run: Rendering) -> Mapping[PurePosixPath, bytes]:
        """summary.json."""
        import orjson  # noqa: PLC0415 - late, see `bench --help`

        data = run.view.run.summary.model_dump(mode="json", by_alias=True)
        text = orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        return {PurePosixPath("summary.json"): text}
