"""Which addresses may be connected to: the rules that keep a caller's URL from reaching inside.

A name is resolved once and the connection goes to the address that was judged, so a second answer of the
name server changes nothing. Addresses that carry another one (v4-mapped, NAT64, 6to4, Teredo, ISATAP)
are judged by what they carry.
"""

import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import NamedTuple
from urllib.parse import urlsplit

from idv.domain.errors import RequestError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], Sequence[str]]
"""Host and port -> addresses as text; raises OSError when there are none."""

_V4_REFUSED = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
"""IANA IPv4 Special-Purpose Address Registry, multicast, and 240/4. Written out, since what the standard
library calls private differs between its patch releases."""
_V6_GLOBAL = IPv6Network("2000::/3")
"""All of IPv6 that is given out; outside it nothing is reachable that was not asked for."""
_V6_REFUSED = tuple(
    IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3ffe::/16", "3fff::/20")
)
_EMBEDS_LAST = tuple(
    IPv6Network(text) for text in ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")
)
"""v4-compatible, v4-mapped, v4-translated, NAT64: the IPv4 address is the last 32 bits."""
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")
_ISATAP = 0x5EFE
_ISATAP_MASK = 0xFCFFFFFF
"""RFC 5214: in the upper half of the interface identifier the universal and group bits vary."""
_V4_BITS = 0xFFFFFFFF


class AddressFault(RequestError):
    """A URL that must not be called; the code says which rule it breaks."""


class Destination(NamedTuple):
    """A URL that may be called and the one address to connect to."""

    url: str
    host: str
    port: int
    address: str


@dataclass(frozen=True)
class AddressRules:
    """What is allowed beyond the public internet over https; both are for tests and closed networks."""

    allowed: tuple[Network, ...] = ()
    allow_http: bool = False

    def permits(self, address: Address) -> bool:
        """Whether everything the address leads to is public or expressly allowed."""
        return all(_inside(one, self.allowed) or is_public(one) for one in reached(address))

    def judge(self, url: str, resolve: Resolver) -> Destination:
        """Resolve once and judge every answer. Raises AddressFault.

        One refused answer refuses the name: a name that points inside and outside is an attack or a mistake.
        """
        host, port = self._parsed(url)
        try:
            found = [ip_address(text) for text in resolve(host, port)]
        except (OSError, ValueError) as error:
            raise AddressFault("address_unresolvable", "The host name has no address.") from error
        if not found:
            raise AddressFault("address_unresolvable", "The host name has no address.")
        if not all(self.permits(address) for address in found):
            raise AddressFault("address_refused", "The host name leads to an address that is not allowed.")
        return Destination(url, host, port, str(found[0]))

    def _parsed(self, url: str) -> tuple[str, int]:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise AddressFault("url_invalid", "The URL cannot be read.") from error
        if parts.scheme != "https" and not (parts.scheme == "http" and self.allow_http):
            raise AddressFault("url_scheme", "The URL must begin with https.")
        clean = url.isascii() and url.isprintable() and not set(url) & set(" \\")
        if not host or not clean or parts.username is not None or "%" in host:
            raise AddressFault("url_invalid", "The URL needs a plain host name and no credentials.")
        return host, port or (443 if parts.scheme == "https" else 80)


def is_public(address: Address) -> bool:
    """Whether an address that carries no other one belongs to the public internet."""
    if isinstance(address, IPv4Address):
        return not _inside(address, _V4_REFUSED)
    return address in _V6_GLOBAL and not _inside(address, _V6_REFUSED)


def reached(address: Address) -> Iterator[Address]:
    """What a connection to an address reaches: itself, or the IPv4 addresses that it carries.

    Several where the layout is ambiguous or a relay stands in between.
    """
    bits = int(address)
    if isinstance(address, IPv4Address) or bits <= 1:  # :: and ::1 carry nothing
        yield address
    elif _inside(address, _EMBEDS_LAST):
        yield IPv4Address(bits & _V4_BITS)
    elif address in _NAT64_LOCAL:
        yield from _nat64_local(bits)
    elif address in _SIX_TO_FOUR:
        yield IPv4Address(bits >> 80 & _V4_BITS)
    elif address in _TEREDO:  # RFC 4380: the server in the clear, the client with its bits inverted
        yield IPv4Address(bits >> 64 & _V4_BITS)
        yield IPv4Address(~bits & _V4_BITS)
    else:
        yield address
        if bits >> 32 & _ISATAP_MASK == _ISATAP:
            yield IPv4Address(bits & _V4_BITS)


def system_resolver(host: str, port: int) -> Sequence[str]:
    """The operating system's answer, once."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def networks(*texts: str) -> tuple[Network, ...]:
    """Networks from text, for `AddressRules.allowed`. Raises ValueError."""
    return tuple(ip_network(text) for text in texts)


def _nat64_local(bits: int) -> Iterator[IPv4Address]:
    """RFC 8215 leaves the layout to the operator, so unless it must be /96, all of RFC 6052's are judged."""
    yield IPv4Address(bits & _V4_BITS)
    if bits >> 32 & 0xFFFF_FFFF_FFFF:
        yield IPv4Address(_without_u(bits) >> 40 & _V4_BITS)  # /48
        yield IPv4Address(_without_u(bits) >> 32 & _V4_BITS)  # /56
        yield IPv4Address(_without_u(bits) >> 24 & _V4_BITS)  # /64


def _without_u(bits: int) -> int:
    """The low 80 bits less the octet at bits 64 to 71, which RFC 6052 keeps out of the address: 72 bits."""
    return (bits >> 64 & 0xFFFF) << 56 | bits & ((1 << 56) - 1)


def _inside(address: Address, candidates: Sequence[Network]) -> bool:
    return any(address in network for network in candidates)
