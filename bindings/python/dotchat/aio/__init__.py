"""A node on asyncio: sockets, timers, trackers, the store and the files, with nothing but Python."""

from .node import Node

__all__ = ["Node"]
