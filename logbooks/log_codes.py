"""What the manual's codes of the log system, 14000xx and 14005xx, mean here (R87).

The maker's logs are numbered files with hash files beside them; ours are tables of one
database. One table says of each code what it stands for, or why it cannot arise.
"""

from dataclasses import dataclass

PROTECTION_GONE = 1400560
CHAINS_MISSING = 1400551
NOT_OLD_ENOUGH = 1400523


@dataclass(frozen=True, slots=True)
class LogCode:
    """A code: `meaning` in the database, or `reason` why it cannot be provoked.

    `finding` is the value of a `chains.Finding`, where the check of a chain raises it;
    no import of that, so that the table of codes needs no Django.
    """

    code: int
    meaning: str = ""
    finding: str = ""
    reason: str = ""


LOG_UNREADABLE = 1400509
LOG_NOT_WRITTEN = 1400513
_ONE_WAY_OUT = (
    "There is one way to write an entry, in the transaction of the change it reports: "
    "what a damaged database refuses is 1400513, a full disk is 1900082."
)
_ONE_WAY_IN = (
    "There is one way to read a log: what a damaged database cannot give is 1400509."
)
_NO_FILES = "A log is a table of the one database: no file is opened or made for it."
_BY_CHAIN = "A chain that does not fit is 1400002, 1400003, 1400005, 1400009 or 1400011"

TABLE = (
    LogCode(1400001, reason="Primary keys: no part of a log can be there twice."),
    LogCode(1400002, "an entry's number is missing", "missing"),
    LogCode(1400003, "an entry's number was never given", "inserted"),
    LogCode(1400005, "an entry does not fit its chain", "changed"),
    LogCode(
        1400008,
        reason="The log is a library of each process; a silent service is 26001NN.",
    ),
    LogCode(1400009, "a chain's head is not the gateway's", "head"),
    LogCode(1400010, reason=f"{_BY_CHAIN}; a missing head is 1400551."),
    LogCode(1400011, "the end of a log is gone", "cut"),
    LogCode(1400012, "a calibration entry's signature is wrong", "signature"),
    LogCode(1400013, reason=_NO_FILES),
    LogCode(LOG_UNREADABLE, "the database cannot give the entries of a log"),
    LogCode(LOG_NOT_WRITTEN, "the database cannot take an entry: it is damaged"),
    LogCode(1400514, reason=_NO_FILES),
    LogCode(1400515, reason=_ONE_WAY_IN),
    LogCode(1400516, reason=_ONE_WAY_IN),
    LogCode(1400517, reason=_ONE_WAY_OUT),
    LogCode(1400518, reason=_ONE_WAY_OUT),
    LogCode(NOT_OLD_ENOUGH, "a full consumer log has nothing older than 15 months"),
    LogCode(1400550, reason=f"{_BY_CHAIN}, at a start as at any other time."),
    LogCode(CHAINS_MISSING, "there are fewer or more logs than were made"),
    LogCode(1400552, reason=_NO_FILES),
    LogCode(PROTECTION_GONE, "a log's table refuses changes no more"),
)
"""Every code of the log system, ascending but for the last of its group."""

CHAIN_CODES = {row.finding: row.code for row in TABLE if row.finding}
"""The code of each `chains.Finding` in a log, by its value."""


def not_provokable() -> dict[int, str]:
    """Why a code cannot arise here, for each that cannot."""
    return {row.code: row.reason for row in TABLE if row.reason}
