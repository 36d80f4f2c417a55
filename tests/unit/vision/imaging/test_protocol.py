import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.domain.errors import MediaFault
from idv.domain.images import MediaType
from idv.vision.imaging.pixels import Plan
from idv.vision.imaging.protocol import (
    Malformed,
    Reply,
    Request,
    pack_reply,
    pack_request,
    pixels_at,
    unpack_reply,
    unpack_request,
)

_u32 = st.integers(0, 2**32 - 1)
_plans = st.builds(
    Plan,
    media_type=st.sampled_from(MediaType),
    width=_u32,
    height=_u32,
    orientation=st.integers(1, 8),
    alpha=st.booleans(),
    reduction=_u32,
    max_side_px=_u32,
)


@given(st.builds(Request, sequence=st.integers(0, 2**64 - 1), size=st.integers(0, 2**64 - 1), plan=_plans))
def test_requests_survive_the_pipe(request: Request) -> None:
    """What is packed is what is unpacked."""
    assert unpack_request(pack_request(request)) == request


@given(st.integers(0, 2**64 - 1), st.none() | st.sampled_from(MediaFault), st.tuples(_u32, _u32, _u32, _u32))
def test_replies_survive_the_pipe(
    sequence: int, fault: MediaFault | None, sizes: tuple[int, int, int, int]
) -> None:
    """Every fault and any sizes."""
    reply = Reply(sequence, fault, *sizes)
    assert unpack_reply(pack_reply(reply)) == reply


@given(st.binary(max_size=64))
def test_any_bytes_are_a_reply_or_malformed(data: bytes) -> None:
    """Bytes of a subverted worker raise nothing else."""
    try:
        unpack_reply(data)
    except Malformed:
        return


def test_a_reply_with_an_unknown_fault_is_malformed() -> None:
    """A status beyond the list of faults is not guessed at."""
    data = bytearray(pack_reply(Reply(1, None)))
    data[12] = 200
    with pytest.raises(Malformed):
        unpack_reply(bytes(data))


@pytest.mark.parametrize(("size", "offset"), [(0, 0), (1, 4096), (4096, 4096), (4097, 8192)])
def test_pixels_begin_at_a_page_behind_the_bytes(size: int, offset: int) -> None:
    """The offset is the next whole page."""
    assert pixels_at(size) == offset
