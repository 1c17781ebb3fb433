"""The run directory: the only place that writes in it, and reads it back.

Every file is written to a temporary name and renamed. trials.jsonl is append-only with fsync:
any prefix of it is a valid run, a torn or damaged line is set aside with its reason.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from bench.errors import StoreError, UsageError
from bench.model.copies import known_copies
from bench.model.finding import Finding
from bench.model.host_facts import Host
from bench.model.plan import Plan
from bench.model.summary import BuildRecord, RunInfo
from bench.model.trial_record import TrialRecord
from bench.store.atomic import replace_file
from bench.store.derived import remove_charts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_M = TypeVar("_M", bound=BaseModel)
_TRIALS = "trials.jsonl"
_MEND = "free some space and go on with `bench run --resume latest`"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # the disk, the user's share, `ulimit -f`
TORN = "torn"
"""Reason of a last line that was not written to its end."""
NEEDED_BYTES = 200_000_000
"""Free space without which no trial is started: raw output of one trial is below 100 MB."""


class Damaged(NamedTuple):
    """A line of trials.jsonl that is not a record; 1-based number and reason."""

    line: int
    reason: str


class RunDirectory:
    """One run on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, reports: Path, run_id: str) -> RunDirectory:
        """Make a new directory, private to the user; `<id>-2` where two runs began in one second.

        Raises:
            StoreError: it cannot be made.
        """
        for number in range(1, 1000):
            path = reports / (run_id if number == 1 else f"{run_id}-{number}")
            with _as_store_error("make", path), contextlib.suppress(FileExistsError):
                path.mkdir(parents=True, mode=0o700)
                return cls(path)
        raise StoreError(f"cannot make {path}: File exists")

    # -- writing ----------------------------------------------------------------------------

    def write_bytes(self, name: str, data: bytes) -> None:
        """Write one file atomically; folders are made as needed.

        Raises:
            StoreError: disk full, no permission.
        """
        write_atomic(self.path / name, data)

    def write_model(self, name: str, value: BaseModel | Sequence[BaseModel]) -> None:
        """Write a model, or a list of them, as indented JSON."""
        self.write_bytes(name, _dump(value, orjson.OPT_INDENT_2) + b"\n")

    def trial_folder(self, trial: str) -> Path:
        """Make an empty folder for a trial; what an interrupted one left there is removed."""
        folder = self.path / "trials" / trial
        with _as_store_error("make", folder):
            if folder.exists():
                shutil.rmtree(folder)
            folder.mkdir(parents=True, mode=0o700)
        return folder

    def append_trial(self, record: TrialRecord) -> None:
        """Write trial.json, then the line in trials.jsonl that makes the trial count.

        Raises:
            StoreError: nothing was recorded (disk full, no permission).
        """
        self.write_model(f"trials/{record.trial}/trial.json", record)
        path = self.path / _TRIALS
        line = _dump(record) + b"\n"
        with _as_store_error("write", path):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                line = _line_break(descriptor) + line
                size = os.fstat(descriptor).st_size
                try:
                    if os.write(descriptor, line) != len(line):
                        raise OSError(errno.ENOSPC, "No space left on device")  # noqa: TRY301 - a short write is that
                    os.fsync(descriptor)
                except OSError:
                    os.ftruncate(descriptor, size)
                    raise
            finally:
                os.close(descriptor)

    def seal_trial(self, record: TrialRecord) -> TrialRecord:
        """Add the hashes of the raw output that lies in the trial's folder, and append it."""
        folder = self.path / "trials" / record.trial
        with _as_store_error("read", folder):
            hashes = {
                str(path.relative_to(folder)): sha256_file(path)
                for path in sorted(folder.rglob("*"))
                if path.is_file() and path.name != "trial.json"
            }
        sealed = record.replace(raw_sha256=hashes)
        self.append_trial(sealed)
        return sealed

    def repair(self) -> tuple[Damaged, ...]:
        """Move lines of trials.jsonl that are no records to trials.damaged.

        Returns:
            Those moved, the torn last one among them.

        Raises:
            StoreError: disk full, no permission.
        """
        damaged = self.trials()[1]
        if not damaged:
            return ()
        lines = (self.path / _TRIALS).read_bytes().split(b"\n")
        numbers = {item.line for item in damaged}
        kept = [line for number, line in enumerate(lines, 1) if number not in numbers and line]
        aside = self.path / "trials.damaged"
        before = aside.read_bytes() if aside.exists() else b""
        moved = b"".join(lines[number - 1] + b"\n" for number in sorted(numbers))
        self.write_bytes(aside.name, before + moved)
        self.write_bytes(_TRIALS, b"".join(line + b"\n" for line in kept))
        return damaged

    def write_derived(self, files: Mapping[str, bytes]) -> None:
        """Write rendered reports; old charts of bench that are not among them are removed."""
        charts = sorted((self.path / "charts").glob("*.svg"))
        remove_charts(old for old in charts if f"charts/{old.name}" not in files)
        for name, data in files.items():
            self.write_bytes(name, data)

    def free_bytes(self) -> int:
        """Free space on the disk that holds the run."""
        return shutil.disk_usage(self.path).free

    # -- reading ----------------------------------------------------------------------------

    def read_model(self, name: str, kind: type[_M]) -> _M:
        """Read one JSON file.

        Raises:
            UsageError: it is missing or is not what it should be.
        """
        path = self.path / name
        try:
            return kind.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise UsageError(
                f"{self.path} is not a whole run directory: {name} is missing"
            ) from None
        except (ValidationError, OSError) as error:
            raise UsageError(f"{path} cannot be read: {_first(error)}") from None

    def info(self) -> RunInfo:
        """run.json."""
        return self.read_model("run.json", RunInfo)

    def plan(self) -> Plan:
        """plan.json; in an old one copies are recognized by what is equal."""
        return known_copies(self.read_model("plan.json", Plan))

    def host(self) -> Host:
        """host.json."""
        return self.read_model("host.json", Host)

    def host_after(self) -> Host | None:
        """host.after.json, None while the run has not ended."""
        if not (self.path / "host.after.json").exists():
            return None
        return self.read_model("host.after.json", Host)

    def findings(self) -> tuple[Finding, ...]:
        """findings.json, empty where there is none."""
        path = self.path / "findings.json"
        if not path.exists():
            return ()
        try:
            return tuple(Finding.model_validate(item) for item in orjson.loads(path.read_bytes()))
        except (ValueError, TypeError, OSError) as error:
            raise UsageError(f"{path} cannot be read: {_first(error)}") from None

    def builds(self) -> dict[str, BuildRecord]:
        """builds/<server>.json by arm name."""
        folder = self.path / "builds"
        names = sorted(path.name for path in folder.glob("*.json")) if folder.is_dir() else []
        return {
            name.removesuffix(".json"): self.read_model(f"builds/{name}", BuildRecord)
            for name in names
        }

    def trials(self) -> tuple[tuple[TrialRecord, ...], tuple[Damaged, ...]]:
        """The finished trials in order, and the lines that are no records.

        Raises:
            UsageError: trials.jsonl cannot be read.
        """
        records: list[TrialRecord] = []
        damaged: list[Damaged] = []
        lines = self._trials_bytes().split(b"\n")
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                records.append(TrialRecord.model_validate_json(line))
            except ValidationError as error:
                torn = number == len(lines)
                damaged.append(Damaged(number, TORN if torn else _first(error)))
        return tuple(records), tuple(damaged)

    def trials_sha256(self) -> str:
        """Hash of trials.jsonl; of nothing where there is none."""
        return hashlib.sha256(self._trials_bytes()).hexdigest()

    def _trials_bytes(self) -> bytes:
        path = self.path / _TRIALS
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None

    def histogram(self, trial: str) -> bytes | None:
        """The merged histogram of a trial as it lies there; None where there is none."""
        try:
            return (self.path / "trials" / trial / "histogram.json").read_bytes()
        except OSError:
            return None


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file at once, even with readers and writers at the same time.

    Raises:
        StoreError: disk full, no permission; nothing is left half written.
    """
    with _as_store_error("write", path):
        replace_file(path, data)


def sha256_file(path: Path) -> str:
    """Hash of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _dump(value: BaseModel | Sequence[BaseModel], option: int = 0) -> bytes:
    models = [value] if isinstance(value, BaseModel) else value
    plain = [item.model_dump(mode="json", by_alias=True) for item in models]
    return orjson.dumps(plain[0] if models is not value else plain, option=option)


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return f"{place}: {first['msg']}" if place else first["msg"]
    return str(error)


def _line_break(descriptor: int) -> bytes:
    """A line break where the last line was torn off, so that the next one stays whole."""
    size = os.fstat(descriptor).st_size
    if size == 0 or os.pread(descriptor, 1, size - 1) == b"\n":
        return b""
    return b"\n"


@contextlib.contextmanager
def _as_store_error(verb: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"cannot {verb} {path}: {error.strerror or error}",
            advice=_MEND if error.errno in _FULL else "",
        ) from error
