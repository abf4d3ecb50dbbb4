"""No test reaches beyond this machine."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

_connect = socket.socket.connect
_resolve = socket.getaddrinfo


def _local(host: object) -> bool:
    if host in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def _guarded_connect(self: socket.socket, address: Any) -> None:
    if self.family != socket.AF_UNIX and not _local(address[0]):
        raise AssertionError(f"a test tried to reach {address[0]}")
    _connect(self, address)


def _guarded_resolve(host: Any, *arguments: Any, **options: Any) -> Any:
    if not _local(host.decode() if isinstance(host, bytes) else host):
        raise AssertionError(f"a test tried to look up {host}")
    return _resolve(host, *arguments, **options)


socket.socket.connect = _guarded_connect  # type: ignore[method-assign]
socket.getaddrinfo = _guarded_resolve
