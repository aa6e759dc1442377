"""The typed façade over pluggy: built in ``main()`` and in each test, never at import.

Adapters come through here and nowhere else, so a test may hand in its own without touching global state.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pluggy
from pydantic import BaseModel

from jknbridge.errors import StartRefused
from jknbridge.spec import PROJECT, Specs

if TYPE_CHECKING:
    from jknbridge.clock import Clock
    from jknbridge.edge import Edge
    from jknbridge.host import Host
    from jknbridge.sandbox.target import SandboxTarget
    from jknbridge.targets import Adapter


class Plugins:
    """What the registered plugins bring, typed."""

    def __init__(self, manager: pluggy.PluginManager) -> None:
        self._manager = manager

    @cached_property
    def adapters(self) -> dict[str, Adapter]:
        """Every target by name; imported when first asked for, so that ``--help`` is quick."""
        found: dict[str, Adapter] = {}
        for group in self._manager.hook.jknbridge_adapters():
            for adapter in group:
                if adapter.target in found:
                    raise StartRefused(
                        f"two plugins bring the target {adapter.target!r}: name one of them in the config"
                    )
                found[adapter.target] = adapter
        return found

    def settings(self) -> dict[str, type[BaseModel]]:
        return _merged(self._manager.hook.jknbridge_settings())

    def commands(self) -> list[click.Command]:
        return [command for group in self._manager.hook.jknbridge_commands() for command in group]

    def sandboxes(self) -> dict[str, Callable[[Clock], SandboxTarget]]:
        return _merged(self._manager.hook.jknbridge_sandboxes())

    def edges(self, host: Host) -> list[Edge]:
        return [edge for group in self._manager.hook.jknbridge_edges(host=host) for edge in group]

    def describe(self) -> list[dict[str, Any]]:
        """Each plugin with its version and hooks, for ``jknbridge adapters list``."""
        versions = {id(plugin): dist.version for plugin, dist in self._manager.list_plugin_distinfo()}
        rows = []
        for name, plugin in self._manager.list_name_plugin():
            if plugin is None:
                continue
            hooks = sorted(caller.name for caller in self._manager.get_hookcallers(plugin) or [])
            group = plugin.jknbridge_adapters() if hasattr(plugin, "jknbridge_adapters") else ()
            targets = [adapter.target for adapter in group]
            rows.append({"name": name, "version": versions.get(id(plugin), "-"), "hooks": hooks, "targets": targets})
        return rows


def build(extra: Iterable[object] = (), *, files: Iterable[Path] = (), entry_points: bool = True) -> Plugins:
    """A fresh manager. ``files``: single-file plugins named in the config; ``extra``: objects a test hands in.

    Raises :class:`StartRefused` for a misspelt hook, a plugin that does not import, or two plugins for one target.
    """
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(Specs)
    if entry_points:
        _load_entry_points(manager)
    for path in files:
        manager.register(_load_file(path), name=path.stem)
    for plugin in extra:
        manager.register(plugin)
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise StartRefused(f"a plugin implements a hook that does not exist: {error}") from error
    return Plugins(manager)


def _load_entry_points(manager: pluggy.PluginManager) -> None:
    for entry in importlib.metadata.entry_points(group=PROJECT):
        if manager.get_plugin(entry.name) is None:
            try:
                manager.load_setuptools_entrypoints(PROJECT, name=entry.name)
            except Exception as error:
                raise StartRefused(f"the plugin {entry.name!r} ({entry.value}) does not load: {error}") from error


def _load_file(path: Path) -> object:
    spec = importlib.util.spec_from_file_location(f"jknbridge_file_{path.stem}", path)
    if spec is None or spec.loader is None or not path.exists():
        raise StartRefused(f"the plugin file {path} cannot be read")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _merged(groups: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {name: value for group in groups for name, value in group.items()}
