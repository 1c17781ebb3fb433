"""A server built by Gradle: started by the script that `installDist` makes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bench.plans.found_server import UP, FoundServer, text_of

if TYPE_CHECKING:
    from pathlib import Path

_FILES: Final = ("build.gradle.kts", "build.gradle")
_NAME: Final = re.compile(r"""rootProject\.name\s*=\s*["']([\w.-]+)["']""")
_APPLICATION: Final = re.compile(r"""(?m)^\s*application\s*$|["']application["']""")
_UNKNOWN: Final = "THE-JAR"


def find_gradle(folder: Path, _name: str) -> FoundServer | None:
    """The application of a Gradle build; None without build.gradle."""
    file = next((name for name in _FILES if (folder / name).is_file()), None)
    if file is None:
        return None
    text = text_of(folder / file)
    settings = "".join(text_of(folder / f"settings{end}") for end in (".gradle.kts", ".gradle"))
    named = _NAME.search(settings)
    name = named[1] if named else folder.resolve().name
    own = (folder / "gradlew").is_file()
    boot = "org.springframework.boot" in text
    starts = not boot and _APPLICATION.search(text) is not None
    task = "bootJar" if boot else "installDist" if starts else "assemble"
    script = f"{UP}/build/install/{name}/bin/{name}"
    return FoundServer(
        kind=file,
        language="Kotlin" if file.endswith(".kts") else "Java",
        needs="java" if own else "java, gradle",
        build=[[f"{UP}/gradlew" if own else "gradle", "-p", UP, "--console=plain", task]],
        run=[script] if starts else ["java", "-jar", f"{UP}/build/libs/{_UNKNOWN}.jar"],
        look=f"{name} is started by the script of installDist: how is it given its port?"
        if starts
        else f"name the file in build/libs that `gradle {task}` makes for {_UNKNOWN}.jar",
        unknown="" if starts else _UNKNOWN,
    )
