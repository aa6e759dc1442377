"""Logs: structlog to stderr, one event a line, JSON for machines or coloured text for a terminal; masked either way.

Other libraries' records go through the same processors, so that what they quote is masked too. Kafka's loggers print
key, value and headers of every record at DEBUG: they are pinned to WARNING whatever level is asked for, and lose
their tracebacks (a lost broker writes dozens).

Not for what a command answers: that goes to stdout (:mod:`jknbridge.cli.output`).
"""

from __future__ import annotations

import logging
import sys
from typing import Literal, TextIO, TypeAlias

import structlog
from structlog.typing import Processor

from jknbridge.masking import Masker

Format: TypeAlias = Literal["auto", "json", "teks"]

PINNED = {
    "kafka": logging.WARNING,
    "aiohttp": logging.WARNING,
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "alembic": logging.WARNING,
    "sqlalchemy": logging.WARNING,
    "asyncio": logging.INFO,
}
"""Lowest level of loggers that quote bodies, URLs or parameters at DEBUG or INFO."""


def configure(
    masker: Masker, *, level: str = "INFO", form: Format = "auto", stream: TextIO | None = None
) -> logging.Handler:
    """Set up structlog and the standard library. May be called again; the handler made last is the only one."""
    out = stream or sys.stderr
    as_json = form == "json" or (form == "auto" and not out.isatty())
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="waktu"),
    ]
    render: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=out.isatty())
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *before,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=before,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            masker.processor,
            render,
        ],
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    handler.addFilter(_kafka_in_one_line)
    root = logging.getLogger()
    for old in [h for h in root.handlers if getattr(h, "_jknbridge", False)]:
        root.removeHandler(old)
    handler._jknbridge = True  # type: ignore[attr-defined]
    root.addHandler(handler)
    root.setLevel(level)
    for name, lowest in PINNED.items():
        logging.getLogger(name).setLevel(max(lowest, logging.getLevelNamesMapping()[level]))
    return handler


def _kafka_in_one_line(record: logging.LogRecord) -> bool:
    """Kafka's tracebacks say nothing that its status does not."""
    if record.name.partition(".")[0] == "kafka":
        record.exc_info = record.exc_text = record.stack_info = None
    return True
