"""Kafka: events in, results and contacts out. Open ``intake.py`` first, then ``publisher.py``.

This package imports the host and never ``jknbridge_adapters``.
"""
