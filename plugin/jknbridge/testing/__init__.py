"""The testing kit: what an adapter's author, ours or a stranger, tests with.

``clock.py``: a clock a test owns. ``memory.py``: a whole target in memory with its adapter, small enough to read in one
sitting, with every fault a target can show. ``pytest_plugin.py``: fixtures, found by pytest through an entry point.
"""
