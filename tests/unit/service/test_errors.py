"""Facts about the mapping of errors to HTTP: complete, and telling nothing from inside."""

import inspect
import json

import pytest

from idv.domain import errors as domain
from idv.service.errors import BY_CLASS, BY_CODE, fault_of, response

CLASSES = [cls for _, cls in inspect.getmembers(domain, inspect.isclass) if issubclass(cls, domain.IdvError)]


@pytest.mark.parametrize("cls", CLASSES)
def test_every_exception_class_is_mapped(cls: type[domain.IdvError]) -> None:
    """Each class of the domain has an entry of its own, none by inheritance alone."""
    assert cls in BY_CLASS


def test_nothing_else_is_mapped() -> None:
    """An entry for a class that is gone is a mistake."""
    assert set(BY_CLASS) == set(CLASSES)


@pytest.mark.parametrize("fault", domain.MediaFault)
def test_every_media_fault_is_the_callers(fault: domain.MediaFault) -> None:
    """Whatever a file does to the decoder is a 4xx with the fault's code."""
    told = fault_of(domain.MediaError(fault, "no", field="selfie"))
    assert told.status in (413, 415, 422)
    assert (told.code, told.field) == (fault.value, "selfie")


def test_the_table_of_codes_holds_4xx_only() -> None:
    """A code can move a fault among the caller's faults, never to the server's."""
    assert all(400 <= status < 500 for status in BY_CODE.values())


@pytest.mark.parametrize(
    "error",
    [
        domain.ModelError("model_missing", "/srv/models/canary is absent"),
        domain.IntegrityError("chain_broken", "entry canary"),
        domain.ConfigurationError(["canary is wrong"]),
    ],
)
def test_messages_from_inside_stay_inside(error: domain.IdvError) -> None:
    """Paths and internals are not told to callers."""
    body = bytes(response(fault_of(error), "req_1").body)
    assert b"canary" not in body
    assert json.loads(body)["error"]["code"] == error.code


def test_overload_says_when_to_come_back() -> None:
    """Retry-After is in whole seconds, at least one."""
    told = fault_of(domain.Overloaded("capacity_exhausted", "full", retry_after_s=0.2))
    assert (told.status, told.headers["retry-after"]) == (429, "1")


def test_a_missing_key_is_challenged() -> None:
    """401 comes with WWW-Authenticate."""
    told = fault_of(domain.Unauthenticated("key_missing", "no"))
    assert (told.status, told.headers["www-authenticate"]) == (401, "Bearer")
