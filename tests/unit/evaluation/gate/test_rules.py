"""Reading `gate.toml`."""

import tomllib
from pathlib import Path

import pytest

from idv.domain.errors import ConfigurationError, RequestError
from idv.domain.eval_sets import Part
from idv.domain.results import CheckName
from idv.evaluation.gate.rules import GateRule, parse_rules, read_rules


def test_a_rule_is_read_with_its_defaults() -> None:
    """Only check and rate must be given: the run's own outcomes, the whole set, nothing let through."""
    rules = parse_rules(tomllib.loads('[[rule]]\ncheck = "liveness"\nrate = "apcer"'))
    assert rules.rules == (GateRule(CheckName.LIVENESS, "apcer", "outcome", (), None, 0.0),)
    assert (rules.nominal, rules.confidence) == (0.02, 0.95)


def test_everything_a_rule_can_say_is_read() -> None:
    """Target, slices, part and what is let through."""
    text = """
    nominal = 0.05
    resamples = 200
    [[rule]]
    check = "face_match"
    rate = "fnmr"
    at = "fmr=1e-3"
    slices = ["region", "species"]
    part = "tune"
    allowed = 0.01
    """
    rules = parse_rules(tomllib.loads(text))
    expected = GateRule(CheckName.FACE_MATCH, "fnmr", "fmr=1e-3", ("region", "species"), Part.TUNE, 0.01)
    assert rules.rules == (expected,)
    assert (rules.nominal, rules.resamples) == (0.05, 200)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('rate = "fmr"', "the rates apcer"),
        ('rate = "bpcer"\nat = 2.2', "never compared across models"),
        ('rate = "bpcer"\nat = "apcer=2"', "RATE=SHARE"),
        ('rate = "bpcer"\nat = "fmr=0.1"', "liveness has the rates"),
        ('rate = "bpcer"\npart = "sealed"', "sealed"),
        ('rate = "bpcer"\npart = "train"', "train"),
        ('rate = "bpcer"\nallowed = 1.5', "allowed"),
        ('rate = "bpcer"\ntolerance = 1', "tolerance: no such key"),
        ("", "rate"),
    ],
)
def test_a_faulty_rule_is_named_with_its_number(line: str, fault: str) -> None:
    """The second rule's fault is told as the second rule's."""
    good = '[[rule]]\ncheck = "liveness"\nrate = "apcer"\n'
    with pytest.raises(ConfigurationError) as raised:
        parse_rules(tomllib.loads(f'{good}[[rule]]\ncheck = "liveness"\n{line}'))
    (told,) = raised.value.faults
    assert told.startswith("gate.toml: rule 2: ")
    assert fault in told


def test_all_faults_of_a_file_are_told_at_once() -> None:
    """Settings and rules alike."""
    text = 'nominal = 0\nresamples = 5\nspeed = 1\n[[rule]]\ncheck = "x"\nrate = "y"'
    with pytest.raises(ConfigurationError) as raised:
        parse_rules(tomllib.loads(text))
    assert len(raised.value.faults) == 4


def test_a_gate_without_rules_is_refused() -> None:
    """It would let everything through."""
    with pytest.raises(ConfigurationError, match="no \\[\\[rule"):
        parse_rules({})


def test_a_gate_without_rules_for_a_check_is_refused() -> None:
    """A gate that tests nothing of this run must not look green."""
    rules = parse_rules(tomllib.loads('[[rule]]\ncheck = "liveness"\nrate = "apcer"'))
    with pytest.raises(RequestError) as raised:
        rules.about(CheckName.FACE_MATCH)
    assert raised.value.code == "gate_without_rules"


def test_a_file_that_is_no_toml_is_a_configuration_error(tmp_path: Path) -> None:
    """So is one that is not there."""
    (tmp_path / "gate.toml").write_text("[[rule", encoding="utf-8")
    for name in ("gate.toml", "absent.toml"):
        with pytest.raises(ConfigurationError):
            read_rules(tmp_path / name)
