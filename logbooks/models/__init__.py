"""The three logbooks, their chains, the certificates, the alarms."""

from logbooks.models.alarm import Alarm
from logbooks.models.certificate import Certificate, RevocationList
from logbooks.models.chain import ChainHead
from logbooks.models.configuration import (
    ConfigurationChange,
    ConfigurationSeal,
    ConfigurationTrigger,
)
from logbooks.models.device_state import DeviceState, StorageSample
from logbooks.models.entries import (
    CalibrationLogEntry,
    ConsumerLog,
    ConsumerLogEntry,
    LogEntry,
    SystemLogEntry,
)
from logbooks.models.firmware import FirmwarePackage
from logbooks.models.self_test import CheckPosition, SelfTestRun
from logbooks.models.time_state import TimeState

__all__ = [
    "Alarm",
    "CalibrationLogEntry",
    "Certificate",
    "ChainHead",
    "CheckPosition",
    "ConfigurationChange",
    "ConfigurationSeal",
    "ConfigurationTrigger",
    "ConsumerLog",
    "ConsumerLogEntry",
    "DeviceState",
    "FirmwarePackage",
    "LogEntry",
    "RevocationList",
    "SelfTestRun",
    "StorageSample",
    "SystemLogEntry",
    "TimeState",
]
