"""The rules of a gate, `gate.toml`: which rates, cut where, on which slices, must not become worse.

nominal = 0.02                  # false alarms a run, over all tests together
[[rule]]
check = "face_match"
rate = "fnmr"                   # a rate of the catalogue, or `misread`
at = "fmr=1e-3"                 # or "outcome": as the run itself decided
slices = ["region"]             # each value of these columns is tested too; `species` as well
part = "test"                   # left out: everything that is not sealed
allowed = 0.0                   # a difference up to this is let through
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from idv.domain.errors import ConfigurationError, RequestError
from idv.domain.eval_sets import Part
from idv.domain.results import CheckName
from idv.evaluation.catalogue import rates_of
from idv.evaluation.reports.targets import parse_target

OUTCOME = "outcome"
"""The threshold of a rule that takes each run's own decisions."""
MISREAD = "misread"
"""Of the items that have something to read, the share that was not read exactly."""
SPECIES = "species"
_RULE_KEYS = {"check", "rate", "at", "slices", "part", "allowed"}
_HIGHEST_NOMINAL = 0.5


@dataclass(frozen=True)
class GateRule:
    """One rate that must not become worse, on the whole set and on each value of its slices."""

    check: CheckName
    rate: str
    at: str = OUTCOME
    slices: tuple[str, ...] = ()
    part: Part | None = None
    allowed: float = 0.0


@dataclass(frozen=True)
class GateRules:
    """All rules of a gate. `nominal`: probability that a run whose candidate is no worse fails."""

    rules: tuple[GateRule, ...]
    nominal: float = 0.02
    confidence: float = 0.95
    resamples: int = 1000
    seed: int = 0

    def about(self, check: CheckName) -> tuple[GateRule, ...]:
        """The rules of one check. Raises RequestError `gate_without_rules` when there are none."""
        found = tuple(rule for rule in self.rules if rule.check is check)
        if not found:
            raise RequestError("gate_without_rules", f"no rule of this gate is about {check}", field="rules")
        return found


def read_rules(path: Path) -> GateRules:
    """The rules in a file. Raises ConfigurationError with every fault."""
    try:
        body = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError([f"{path.name} cannot be read ({type(error).__name__})"]) from error
    return parse_rules(body, name=path.name)


def parse_rules(body: Mapping[str, Any], *, name: str = "gate.toml") -> GateRules:
    """The rules of a parsed file. Raises ConfigurationError with every fault."""
    rules, faults = [], _faults_of_gate(body)
    for number, table in enumerate(body.get("rule", ()), 1):
        try:
            rules.append(_rule(table))
        except (ValueError, TypeError, KeyError, RequestError) as error:
            faults.append(f"rule {number}: {error}")
    if not rules and not faults:
        faults.append("there is no [[rule]]")
    if faults:
        raise ConfigurationError([f"{name}: {fault}" for fault in faults])
    return GateRules(tuple(rules), **{key: body[key] for key in _SETTINGS if key in body})


_SETTINGS = {field.name for field in fields(GateRules)} - {"rules"}


def _faults_of_gate(body: Mapping[str, Any]) -> list[str]:
    faults = [f"{key}: no such setting" for key in sorted(body.keys() - _SETTINGS - {"rule"})]
    if not 0 < body.get("nominal", 0.02) <= _HIGHEST_NOMINAL:
        faults.append("nominal lies between 0 and 0.5")
    if not 0 < body.get("confidence", 0.95) < 1:
        faults.append("confidence lies between 0 and 1")
    if not isinstance(body.get("resamples", 1), int) or body.get("resamples", 100) < 100:  # noqa: PLR2004 - fewer say nothing about a tail
        faults.append("resamples is a whole number of at least 100")
    if not isinstance(body.get("rule", []), list):
        faults.append("rules are written as [[rule]]")
    return faults


def _rule(table: Mapping[str, Any]) -> GateRule:
    unknown = sorted(table.keys() - _RULE_KEYS)
    if unknown:
        raise ValueError(f"{unknown[0]}: no such key")
    check = CheckName(table["check"])
    rate, at = str(table["rate"]), table.get("at", OUTCOME)
    known = [*(known.name for known in rates_of(check)), MISREAD]
    if rate not in known:
        raise ValueError(f"{check} has the rates {', '.join(known)}; not {rate}")
    if not isinstance(at, str):
        raise TypeError("a threshold is never compared across models: give `at` a target such as fmr=1e-3")
    if at != OUTCOME:
        parse_target(at, check, field="at")
    allowed = float(table.get("allowed", 0.0))
    if not 0.0 <= allowed < 1.0:
        raise ValueError("allowed is a difference of rates in [0, 1)")
    part = Part(table["part"]) if "part" in table else None
    if part is Part.SEALED:
        raise ValueError("a gate never uses the sealed part")
    return GateRule(check, rate, at, tuple(table.get("slices", ())), part, allowed)
