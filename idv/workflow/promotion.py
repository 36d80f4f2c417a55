"""The life of an operating point: registered as a shadow, later promoted by a named person; both audited."""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from idv.domain.errors import ConfigurationError, RequestError
from idv.domain.operating_points import OperatingPoint, PointStatus
from idv.domain.ports import Clock
from idv.domain.results import CheckName
from idv.domain.stores import AuditLog
from idv.workflow.operating_points import EARLIER_FOLDER, SHADOW_FOLDER, parse_point, read_point

REGISTERED = "policy.shadow_registered"
PROMOTED = "policy.point_promoted"
_STATUS = re.compile(r'^status\s*=\s*"shadow"[^\n]*$', re.MULTILINE)
_DIGEST_CHARACTERS = 12
_BATCH = 1000


class Promotion(NamedTuple):
    """What a promotion did: the point now in force, its file, and where the one before it lies."""

    point: OperatingPoint
    file: Path
    earlier: Path | None
    audit_sequence: int


@dataclass(frozen=True)
class PointRegistry:
    """The folder of a pack's operating points, and the audit log that says how each came there.

    `loaded`: the digest of each check as it is loaded; a point made for other models is refused.
    """

    folder: Path
    audit: AuditLog
    clock: Clock
    loaded: Mapping[CheckName, str]

    def read(self, source: Path) -> OperatingPoint:
        """The shadow point in a file. Raises as `register`."""
        return self._shadow(source)[1]

    def register(self, source: Path, *, actor: str) -> Path:
        """Let a point be scored without effect from the next start on; returns its file.

        Raises ConfigurationError for a file that is no point, RequestError `point_not_shadow` or
        `operating_point_mismatch`, StorageUnavailable when the audit log cannot be written.
        """
        text, point = self._shadow(source)
        kept = self.folder / SHADOW_FOLDER / f"{point.check}-{sha256_of(text)[:_DIGEST_CHARACTERS]}.toml"
        self._note_registered(text, point, actor)
        _replace(kept, text)
        return kept

    def promote(self, source: Path, *, approver: str, reason: str) -> Promotion:
        """Put a shadow point in force from the next start on, keeping the one before it.

        The audit entry comes first: without it nothing changes. Who approved and why stands in the file;
        the log holds a keyed hash of the name and the digest of the file.
        Raises as `register`, and RequestError `approver_missing` or `reason_missing`.
        """
        approver, reason = approver.strip(), reason.strip()
        for value, field in ((approver, "approver"), (reason, "reason")):
            if not value:
                raise RequestError(f"{field}_missing", f"a promotion needs its {field}", field=field)
        text, point = self._shadow(source)
        self._note_registered(text, point, approver)
        enforced = self._enforced(text, approver=approver, reason=reason)
        target = self.folder / f"{point.check}.toml"
        earlier = self._keep(target)
        entry = self.audit.append(PROMOTED, self._body(enforced, point, approver) | _earlier(earlier))
        _replace(target, enforced)
        for shadow in self._registered(text):
            shadow.unlink(missing_ok=True)
        return Promotion(parse_point(enforced), target, earlier, entry.sequence)

    def _shadow(self, source: Path) -> tuple[str, OperatingPoint]:
        point = read_point(source)
        if point.status is not PointStatus.SHADOW:
            raise RequestError("point_not_shadow", f"{source.name} is not a shadow point", field="point")
        if self.loaded.get(point.check) != point.check_digest:
            message = f"the point of {point.check} was made for other models than those loaded"
            raise RequestError("operating_point_mismatch", message, field="point")
        return source.read_text(encoding="utf-8"), point

    def _note_registered(self, text: str, point: OperatingPoint, actor: str) -> None:
        """Once a point: promoting one that was never registered leaves both entries."""
        if not self._knows(sha256_of(text)):
            self.audit.append(REGISTERED, self._body(text, point, actor))

    def _knows(self, digest: str) -> bool:
        after = 0
        while batch := self.audit.entries(after=after, limit=_BATCH):
            if any(e.action == REGISTERED and e.body.get("point") == digest for e in batch):
                return True
            after = batch[-1].sequence
        return False

    def _body(self, text: str, point: OperatingPoint, actor: str) -> dict[str, str]:
        return {
            "check": point.check,
            "point": sha256_of(text),
            "run": point.run_id,
            "check_digest": point.check_digest,
            "eval_set_digest": point.eval_set_digest,
            "actor": self.audit.pseudonym(actor),
        }

    def _enforced(self, text: str, *, approver: str, reason: str) -> str:
        """The same file, in force, with who approved it and why."""
        promoted, changed = _STATUS.subn('status = "enforced"', text, count=1)
        lines = {"approver": approver, "reason": reason, "shadow_sha256": sha256_of(text)}
        table = "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in lines.items())
        promoted = f"{promoted.rstrip()}\n\n[promotion]\nat = {self.clock.now().isoformat()}\n{table}"
        try:
            whole = parse_point(promoted)
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigurationError([f"the point cannot be rewritten ({type(error).__name__})"]) from error
        if not changed or whole.status is not PointStatus.ENFORCED:
            raise ConfigurationError(['the point must say status = "shadow" on a line of its own'])
        return promoted

    def _keep(self, target: Path) -> Path | None:
        """A copy of what is in force now, named after its content."""
        if not target.exists():
            return None
        text = target.read_text(encoding="utf-8")
        kept = self.folder / EARLIER_FOLDER / f"{target.stem}-{sha256_of(text)[:_DIGEST_CHARACTERS]}.toml"
        _replace(kept, text)
        return kept

    def _registered(self, text: str) -> list[Path]:
        """The files in `shadow/` that hold this very point."""
        files = (self.folder / SHADOW_FOLDER).glob("*.toml")
        return [path for path in files if path.read_text(encoding="utf-8") == text]


def sha256_of(text: str) -> str:
    """Lower-case hexadecimal SHA-256 of a file's text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _earlier(kept: Path | None) -> dict[str, str]:
    return {} if kept is None else {"earlier": sha256_of(kept.read_text(encoding="utf-8"))}


def _replace(path: Path, text: str) -> None:
    """Write beside and rename: a reader sees the old file or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
