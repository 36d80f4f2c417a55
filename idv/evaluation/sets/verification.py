"""Whether a set's media are all there and unaltered."""

from collections.abc import Callable
from typing import NamedTuple

from idv.domain.errors import EvalSetError, SetFault
from idv.domain.eval_sets import EvalSet
from idv.evaluation.sets.media import MediaRoot


class MediaState(NamedTuple):
    """Files that are as the set names them, and what is wrong with the others."""

    files: int
    faults: tuple[SetFault, ...]


def verify_media(
    given: EvalSet, root: MediaRoot, *, on_item: Callable[[int], None] = lambda _: None
) -> MediaState:
    """Read every file of a set and compare its digest; `on_item` is told the items done."""
    files, faults = 0, list[SetFault]()
    for number, item in enumerate(given.items, start=1):
        for ref in item.media.values():
            files += 1
            try:
                root.bytes_of(ref)
            except EvalSetError as error:
                faults += [SetFault(fault.code, f"item {number}: {fault.message}") for fault in error.faults]
        on_item(number)
    return MediaState(files, tuple(faults))
