"""Episode logs: one world's whole episode, kept, written, read again, and re-simulated bit for bit.

``record`` plays and keeps one episode; ``Recorder`` keeps episodes of worlds that are being played. ``write_log`` and
``read_log`` are the file (docs/logs.md has its schema), ``verify`` plays it again. Measures are functions of
:class:`EpisodeLog` alone.
"""

from sd_env.record.columns import FORMAT, VERSION, LogError
from sd_env.record.episode import EpisodeLog
from sd_env.record.files import PACK_ABOVE, log_bytes, read_log, write_log
from sd_env.record.recorder import Collector, Recorder, record
from sd_env.record.verify import Verification, verify

__all__ = [
    "FORMAT",
    "PACK_ABOVE",
    "VERSION",
    "Collector",
    "EpisodeLog",
    "LogError",
    "Recorder",
    "Verification",
    "log_bytes",
    "read_log",
    "record",
    "verify",
    "write_log",
]
