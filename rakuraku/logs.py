"""Structured logs without secrets."""

import logging
import re
from typing import Any

import structlog

SECRET_WORDS = re.compile(
    r"secret|password|passwd|token|authorization|cookie|api_?key|credential", re.IGNORECASE
)
_INBOUND = re.compile(r"(/punchout/cxml/)[^\s?\"']+")
_SHARED_SECRET = re.compile(r"(<(?:\w+:)?SharedSecret[^>]*>).*?(</)", re.IGNORECASE | re.DOTALL)
HIDDEN = "***"


def without_secrets(text: str) -> str:
    """``text`` with the secret part of inbound URLs and shared secrets hidden."""
    return _SHARED_SECRET.sub(rf"\1{HIDDEN}\2", _INBOUND.sub(rf"\1{HIDDEN}", text))


def redact(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Processor: hide values whose key names a secret, and secrets inside texts."""
    return {key: _clean(key, value) for key, value in event.items()}


def _clean(key: str, value: Any) -> Any:
    if SECRET_WORDS.search(key):
        return HIDDEN
    if isinstance(value, dict):
        return {name: _clean(str(name), inner) for name, inner in value.items()}
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, list | tuple | set):
        return [_clean(key, inner) for inner in value]
    if value is None or isinstance(value, int | float):
        return value
    return without_secrets(str(value))


class RedactingFilter(logging.Filter):
    """The same for records of libraries that know nothing of structlog."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.msg, str):
            record.msg = without_secrets(record.getMessage())
            record.args = ()
        return True


_BEFORE: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=False),
]


def configuration(*, json: bool, level: str) -> dict[str, Any]:
    """``LOGGING`` for Django, and structlog set up along with it."""
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if json
        # Rich tracebacks would print local variables, and with them secrets.
        else structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_BEFORE,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    # Tracebacks become text before the redaction, which then sees them too.
    tail: list[Any] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
    ]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"redact": {"()": RedactingFilter}},
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [*tail, redact, renderer],
                "foreign_pre_chain": _BEFORE,
            }
        },
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["redact"]}
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django's own handlers would mail tracebacks or print past the redaction.
            "django": {"handlers": [], "propagate": True, "level": level},
            "django.server": {"handlers": [], "propagate": True},
        },
    }
