"""The hooks. Built-ins and strangers' packages alike implement them in an entry-point group named ``jknbridge``.

Each docstring says when the hook is called. A misspelt hook fails at start (:func:`jknbridge.plugins.build`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import click
import pluggy
from pydantic import BaseModel

if TYPE_CHECKING:
    from jknbridge.clock import Clock
    from jknbridge.edge import Edge
    from jknbridge.host import Host
    from jknbridge.sandbox.target import SandboxTarget
    from jknbridge.targets import Adapter

PROJECT = "jknbridge"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Specs:
    """What a plugin may implement; every hook is optional."""

    @hookspec
    def jknbridge_adapters(self) -> Sequence[Adapter]:  # type: ignore[empty-body]
        """The targets this plugin brings. Called once, before the settings are read."""

    @hookspec
    def jknbridge_settings(self) -> Mapping[str, type[BaseModel]]:  # type: ignore[empty-body]
        """Top-level sections of the config file this plugin owns. Called once, before the settings are read."""

    @hookspec
    def jknbridge_commands(self) -> Sequence[click.Command]:  # type: ignore[empty-body]
        """Commands to add to ``jknbridge``. Called when the command line is built."""

    @hookspec
    def jknbridge_sandboxes(self) -> Mapping[str, Callable[[Clock], SandboxTarget]]:  # type: ignore[empty-body]
        """Simulated targets by name. Called when ``jknbridge sandbox`` or ``demo`` starts."""

    @hookspec
    def jknbridge_edges(self, host: Host) -> Sequence[Edge]:  # type: ignore[empty-body]
        """Where events come in and records go out (Kafka). Called when a worker starts, after the ledger is open."""
