"""Which addresses and URLs may be called."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idv.infra.transport.addresses import AddressFault, AddressRules, is_public, networks

RULES = AddressRules()
V4 = st.integers(0, 2**32 - 1).map(IPv4Address)
V6 = st.integers(0, 2**128 - 1).map(IPv6Address)


def carriers(v4: IPv4Address) -> list[IPv6Address]:
    """Every IPv6 address that leads to an IPv4 address."""
    bits = int(v4)
    high, low = bits >> 16, bits & 0xFFFF
    local = int(IPv6Address("64:ff9b:1::"))
    return [
        IPv6Address(int(IPv6Address("::ffff:0:0")) | bits),
        IPv6Address(int(IPv6Address("64:ff9b::")) | bits),
        IPv6Address(local | bits),
        IPv6Address(local | high << 64 | low << 40),
        IPv6Address(int(IPv6Address("2002::")) | bits << 80),
        IPv6Address(int(IPv6Address("2001:0:808:808::")) | bits ^ 0xFFFFFFFF),
        IPv6Address(int(IPv6Address("2001::")) | bits << 64 | 0xFFFFFFFF ^ 0x08080808),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0",  # noqa: S104 - an address to refuse
        "10.1.2.3",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "169.254.169.254",
        "172.31.255.255",
        "192.0.0.1",
        "192.168.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::5efe:808:808",
        "2001:db8::1",
        "2a00::5efe:7f00:1",
        "2a00::200:5efe:a00:1",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "100::1",
        "3fff::1",
        "5f00::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b:1::7f00:1",
        "64:ff9b:1:7f00:0:100::",
        "64:ff9b:1:7f00:0:100:808:808",
        "2002:7f00:1::1",
        "2001:0:7f00:1::",
    ],
)
def test_inside_addresses_are_refused(text: str) -> None:
    """Private, shared, local, multicast and reserved addresses are refused, also inside other addresses."""
    assert not RULES.permits(ip_address(text))


@pytest.mark.parametrize(
    "text",
    ["8.8.8.8", "100.63.255.255", "100.128.0.0", "172.32.0.0", "192.31.196.1", "2606:4700::1111"],
)
def test_public_addresses_are_permitted(text: str) -> None:
    """Addresses next to refused ranges are not refused with them."""
    assert RULES.permits(ip_address(text))


@given(V4)
def test_a_carrier_of_a_refused_address_is_refused(v4: IPv4Address) -> None:
    """An IPv4 address that is refused is refused in every IPv6 form."""
    if not RULES.permits(v4):
        assert not any(RULES.permits(carrier) for carrier in carriers(v4))


@given(V4)
def test_a_carrier_of_a_public_address_is_permitted(v4: IPv4Address) -> None:
    """A public IPv4 address is permitted as v4-mapped, NAT64 and 6to4, where nothing else is carried."""
    if is_public(v4):
        mapped, nat64, local, _, six_to_four, *_ = carriers(v4)
        assert all(RULES.permits(carrier) for carrier in (mapped, nat64, local, six_to_four))


@given(st.one_of(V4, V6))
def test_nothing_the_standard_library_knows_as_special_is_permitted(
    address: IPv4Address | IPv6Address,
) -> None:
    """Whatever is permitted is global for the standard library too, unless it carries an IPv4 address."""
    special = (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
    )
    carried = isinstance(address, IPv6Address) and (
        address.ipv4_mapped or address.sixtofour or address.teredo or int(address) >> 32 == 0x64FF9B << 64
    )
    if special and not carried:
        assert not RULES.permits(address)


@given(V6)
def test_outside_global_unicast_only_carriers_are_permitted(address: IPv6Address) -> None:
    """Outside 2000::/3 an address is permitted only for the IPv4 address it carries."""
    if RULES.permits(address) and int(address) >> 125 != 1:
        assert is_public(IPv4Address(int(address) & 0xFFFFFFFF))


def test_a_setting_can_allow_a_network() -> None:
    """An allowed network is permitted, directly and carried; its neighbours are not."""
    rules = AddressRules(allowed=networks("127.0.0.0/8", "fd00::/8"))
    assert rules.permits(ip_address("127.9.9.9"))
    assert rules.permits(ip_address("::ffff:127.0.0.1"))
    assert rules.permits(ip_address("fd12::1"))
    assert not rules.permits(ip_address("10.0.0.1"))


def test_one_refused_answer_refuses_the_name() -> None:
    """A name with a public and a private address is refused."""
    with pytest.raises(AddressFault) as raised:
        RULES.judge("https://both.example/", lambda *_: ["8.8.8.8", "10.0.0.1"])
    assert raised.value.code == "address_refused"


def test_the_name_is_resolved_once_and_the_first_answer_is_pinned() -> None:
    """A resolver that answers differently the second time is never asked a second time."""
    answers = [["8.8.4.4", "8.8.8.8"], ["127.0.0.1"]]
    destination = RULES.judge("https://hooks.example:8443/a?b=c", lambda *_: answers.pop(0))
    assert (destination.host, destination.port, destination.address) == ("hooks.example", 8443, "8.8.4.4")
    assert answers == [["127.0.0.1"]]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://hooks.example/", "url_scheme"),
        ("ftp://hooks.example/", "url_scheme"),
        ("file:///etc/passwd", "url_scheme"),
        ("//hooks.example/", "url_scheme"),
        ("", "url_scheme"),
        ("https://", "url_invalid"),
        ("https://user@hooks.example/", "url_invalid"),
        ("https://hooks.example:99999/", "url_invalid"),
        ("https://[::1/", "url_invalid"),
        ("https://[fe80::1%25eth0]/", "url_invalid"),
        ("https://hooks.example\\@inside/", "url_invalid"),
        ("https://hooks.example/\r\nX: y", "url_invalid"),
        ("https://höoks.example/", "url_invalid"),
    ],
)
def test_urls_that_must_not_be_called(url: str, code: str) -> None:
    """Other schemes, credentials, zones, control and non-ASCII characters are refused before any look-up."""
    with pytest.raises(AddressFault) as raised:
        RULES.judge(url, lambda *_: pytest.fail("resolved"))
    assert raised.value.code == code


@pytest.mark.parametrize("host", ["127.1", "0x7f000001", "2130706433", "017700000001", "localhost"])
def test_other_spellings_of_loopback_are_refused(host: str) -> None:
    """What the system resolver makes of odd spellings is judged, not the spelling."""
    with pytest.raises(AddressFault):
        RULES.judge(f"https://{host}/", lambda name, _: ["127.0.0.1"] if name == host else [])


def test_a_name_without_an_address_is_unresolvable() -> None:
    """No answer, an error and a malformed answer are all named outcomes."""

    def _fail(*_: object) -> list[str]:
        raise OSError

    for resolve in (_fail, lambda *_: [], lambda *_: ["not an address"]):
        with pytest.raises(AddressFault) as raised:
            RULES.judge("https://hooks.example/", resolve)
        assert raised.value.code == "address_unresolvable"
