"""Scripts run as users run them: in their own process, with every warning an error."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from time import monotonic

from qfex import Environment, HmacCredentials

_ROOT = Path(__file__).parents[2]
_PATIENCE = 30.0  # seconds: an upper limit, never a delay


class UserScript:
    """A running script, in which ``client``, all names of ``qfex`` and ``ready()``, which prints a line, are defined."""

    def __init__(self, body: str, environment: Environment, credentials: HmacCredentials) -> None:
        lines = "from qfex import *\nclient = TradeClient.from_env(request_timeout=60)\n"
        lines += "def ready():\n    print('ready', flush=True)\n"
        self._process = subprocess.Popen(
            [sys.executable, "-X", "dev", "-W", "error", "-c", lines + textwrap.dedent(body)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
            start_new_session=True,  # the only Ctrl-C that it gets is the test's
            env={
                **os.environ,
                "QFEX_TRADE_URL": environment.trade_url,
                "QFEX_MDS_URL": environment.market_data_url,
                "QFEX_REST_URL": environment.rest_url,
                "QFEX_PUBLIC_KEY": credentials.public_key,
                "QFEX_SECRET_KEY": credentials.secret_key,
            },
        )

    def __enter__(self) -> UserScript:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._process.kill()
        self._process.communicate()

    def read_line(self) -> str:
        """The next line that it prints."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line, self._process.communicate()[1]
        return line

    def press_ctrl_c(self) -> None:
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """Kill the process."""
        self._process.kill()
        self._process.wait()

    def wait(self) -> tuple[int, str, float]:
        """Wait until it ends; its exit code, its stderr, and the seconds that the wait took."""
        begun = monotonic()
        _, errors = self._process.communicate(timeout=_PATIENCE)
        return self._process.returncode, errors, monotonic() - begun
