"""Facts about the log: codes come through, everything else does not."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.infra.telemetry.log import (
    FIELDS,
    MAX_VALUE_CHARACTERS,
    REDACTED,
    JsonFormatter,
    bound,
    configure,
    logger,
    redacted,
)


def written(*records: logging.LogRecord) -> list[dict[str, object]]:
    """The lines a handler writes for records."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    for record in records:
        handler.emit(record)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize("value", ["face_match", "/v1/verifications/{id}", "ver_1a", 7, 0.5, True, None])
def test_codes_and_numbers_are_written(value: str | float | None) -> None:
    """What looks like a code, an identifier, a route or a number stays."""
    assert redacted({"code": value}) == {"code": value}


@pytest.mark.parametrize("value", ["ANNA MARIA", "P<UTOERIKSSON", "a@b.c", "naïve", "x\ny", "{'a': 1}"])
def test_texts_are_withheld(value: str) -> None:
    """Names, MRZ lines, addresses and sentences do not, even under a known field."""
    assert redacted({"code": value}) == {"code": REDACTED}


def test_unknown_fields_lose_their_value() -> None:
    """Only fields on the list are written, whatever they hold."""
    assert redacted({"surname": "X", "count": 1}) == {"surname": REDACTED, "count": 1}


@pytest.mark.parametrize("value", [b"\xff\xd8", ["X"], {"a": "X"}, object()])
def test_values_of_other_types_are_withheld(value: object) -> None:
    """Bytes and containers never get as far as a record."""
    assert redacted({"code": value}) == {"code": REDACTED}  # type: ignore[dict-item] # the point


def test_numbers_that_are_none_become_null() -> None:
    """A line stays valid JSON."""
    assert redacted({"latency_ms": float("nan")}) == {"latency_ms": None}


@given(st.text(), st.text())
def test_no_text_is_longer_than_the_limit(name: str, value: str) -> None:
    """Values are cut or withheld, whatever the field."""
    (safe,) = redacted({name: value}).values()
    assert len(str(safe)) <= MAX_VALUE_CHARACTERS
    assert safe == REDACTED or name in FIELDS


def test_a_record_holds_only_safe_fields(caplog: pytest.LogCaptureFixture) -> None:
    """Redaction happens before the record exists, so no handler can see more."""
    with caplog.at_level(logging.INFO, "idv.test"):
        logger("idv.test").info("something", surname="CANARY", code="ok")
    (record,) = caplog.records
    assert "CANARY" not in str(record.__dict__)
    (line,) = written(record)
    assert (line["event"], line["code"], line["surname"]) == ("something", "ok", REDACTED)


def test_bound_fields_are_on_every_record(caplog: pytest.LogCaptureFixture) -> None:
    """Inside `bound` a request's id is added, outside it is not."""
    log = logger("idv.test")
    with caplog.at_level(logging.INFO, "idv.test"):
        with bound(request_id="req_1"):
            log.warning("inside")
        log.error("outside")
    inside, outside = written(*caplog.records)
    assert inside["request_id"] == "req_1"
    assert "request_id" not in outside


def test_libraries_are_heard_without_their_words() -> None:
    """A foreign record keeps its logger, its level and the type of its exception, nothing it says."""
    try:
        int("CANARY")
    except ValueError as error:
        info = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("lib", logging.ERROR, "f", 1, "it said %s", ("CANARY",), info)
    (line,) = written(record)
    assert (line["logger"], line["event"], line["error_type"]) == ("lib", "library_message", "ValueError")
    assert "CANARY" not in json.dumps(line)


def test_levels_below_the_threshold_cost_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A debug line is not made when nobody listens."""
    with caplog.at_level(logging.INFO, "idv.test"):
        logger("idv.test").debug("unheard")
    assert caplog.records == []


@pytest.fixture
def own_handlers() -> Iterator[None]:
    """Puts the handlers and levels of pytest back that `configure` replaces."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    logging.getLogger("idv").setLevel(logging.NOTSET)


@pytest.mark.usefixtures("own_handlers")
def test_configuring_gives_a_silenced_logger_its_voice_back() -> None:
    """A framework that disables existing loggers does not keep us from being heard afterwards."""
    stream = io.StringIO()
    named = logging.getLogger("idv.silenced")
    named.disabled = True
    configure(stream=stream)
    logger("idv.silenced").error("heard")
    assert json.loads(stream.getvalue())["event"] == "heard"
