"""Settings of a node."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, fields
from typing import Mapping, Optional, Tuple

from . import constants
from ._native import check, lib, new
from ._structs import bitchat_config, bitchat_limits
from .errors import InvalidError


@dataclass(frozen=True)
class Config:
    """Settings; None is the library's default."""

    rekey_interval_ms: Optional[int] = None
    """A link's keys are renewed this long after the first user data under them; 1,000 to 120,000."""
    keepalive_ms: Optional[int] = None
    """An idle link says that it lives this often at first; 1,000 to 30,000."""
    idle_timeout_ms: Optional[int] = None
    """A link on which nothing was heard for this long is dead; more than twice `keepalive_ms`."""
    port: Optional[int] = None
    """The UDP port wanted; 0 leaves the choice to the system."""
    ipv4: Optional[bool] = None
    ipv6: Optional[bool] = None
    local_trackers: Optional[bool] = None
    """Allow trackers on loopback and private addresses."""
    store: Optional[bool] = None
    """Whether `Persist` and `Load` are answered. False: everything is forgotten at the end."""
    crypto: Optional[int] = None
    """`constants.CRYPTO_...`: which library computes."""
    insecure_key_log: Optional[int] = None
    """Dangerous, for debugging only: `constants.INSECURE_KEY_LOG` gives all secrets away."""
    log: Optional[int] = None
    """`constants.LOG_...`: how much `Node.poll_log` gives."""
    qlog: Optional[bool] = None
    """Trace every link for `Node.poll_qlog`."""
    clock: Optional[int] = None
    """`constants.CLOCK_...`: what the clock of `Moment.mono_ns` does while the host sleeps."""
    dht: Optional[bool] = None
    """Look for members in the DHT as well, as soon as a node of it is known."""
    dht_routers: Optional[str] = None
    """Nodes of the DHT besides those of `.chat` files: HOST:PORT, a space between two."""
    limits: Optional[Mapping[str, int]] = None
    """Bounds on what peers can make the node hold, by the names of the struct `bitchat_limits`."""

    def native(self) -> Tuple[bitchat_config, Optional[bitchat_limits]]:
        """As the library has it. Both have to live as long as the settings are read."""
        config = new(bitchat_config)
        check(lib.bitchat_config_init(ctypes.byref(config)))
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and field.name not in ("limits", "dht_routers"):
                _set(config, field.name, int(value))
        if self.dht_routers is not None:
            # The text lives as long as the struct.
            config.routers = ctypes.create_string_buffer(self.dht_routers.encode())
            config.dht_routers = ctypes.addressof(config.routers)
        limits = None
        if self.limits is not None:
            limits = new(bitchat_limits)
            check(lib.bitchat_limits_init(ctypes.byref(limits)))
            for name, value in self.limits.items():
                if name == "struct_size" or not hasattr(limits, name):
                    raise InvalidError(f"there is no limit {name!r}", constants.ERR_INVALID)
                _set(limits, name, int(value))
            config.limits = ctypes.addressof(limits)
        return config, limits


def _set(struct: ctypes.Structure, name: str, value: int) -> None:
    """Sets a field. ctypes itself would cut a number that does not fit, without a word."""
    setattr(struct, name, value)
    if getattr(struct, name) != value:
        raise InvalidError(f"{name} cannot be {value}", constants.ERR_INVALID)
