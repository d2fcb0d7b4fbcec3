"""The three logbooks, their chains, the certificates, the alarms."""

from logbooks.models.alarm import Alarm
from logbooks.models.certificate import Certificate
from logbooks.models.chain import ChainHead
from logbooks.models.entries import (
    CalibrationLogEntry,
    ConsumerLog,
    ConsumerLogEntry,
    LogEntry,
    SystemLogEntry,
)

__all__ = [
    "Alarm",
    "CalibrationLogEntry",
    "Certificate",
    "ChainHead",
    "ConsumerLog",
    "ConsumerLogEntry",
    "LogEntry",
    "SystemLogEntry",
]
