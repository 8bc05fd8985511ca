"""The context of a command: its settings, and clients that connect on first use."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import attrs
import click

from ..client import TradeClient
from ..environment import Environment
from ..errors import ConfigurationError
from ..models.instruments import Instrument
from ..rest import RestClient
from .credentials import Found, find_credentials
from .environments import chosen_name, is_real, named_environment
from .output import Output

if TYPE_CHECKING:
    from ..market_data import MarketDataClient
    from ..sim import Simulator


@attrs.define
class Settings:
    """The options that every command has."""

    env: str | None = None
    json: bool = False
    credentials_file: Path | None = None
    account: str | None = None
    timeout: float = 10.0
    yes: bool = False


class App:
    """One run of the program. Leaving its ``with`` block closes all clients."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.has_sent = False  # whether the command has sent an order whose end it then waits for
        self._opened = ExitStack()

    def __enter__(self) -> App:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    @property
    def out(self) -> Output:
        """Where the command prints its result."""
        return Output(self.settings.json)

    @cached_property
    def env_name(self) -> str:
        """``sim``, ``uat`` or ``prod``."""
        return chosen_name(self.settings.env)

    @cached_property
    def environment(self) -> Environment:
        """The URLs of the exchange. Starts a simulator if ``--env sim`` names no running one."""
        return named_environment(self.env_name) or self.simulator.environment

    @cached_property
    def simulator(self) -> Simulator:
        """The simulator that this command started."""
        try:
            from ..sim import Simulator
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                f"--env sim needs the extra \"sim\": pip install 'qfex-sync[sim]' ({error.name} is missing)"
            ) from None
        return self._opened.enter_context(Simulator(price_path="calm", ledger_limit=10_000))

    @property
    def has_own_simulator(self) -> bool:
        """Whether the command uses a simulator of its own."""
        return named_environment(self.env_name) is None

    @cached_property
    def found(self) -> Found:
        """The credentials and their source."""
        if self.has_own_simulator:
            return Found(self.simulator.credentials, "the simulator")
        return find_credentials(self.env_name, self.settings.credentials_file)

    @property
    def account_id(self) -> str | None:
        """The subaccount to use, or None for the main account."""
        return self.settings.account or self.found.account_id

    @cached_property
    def trade(self) -> TradeClient:
        """The connected trade client."""
        return self._opened.enter_context(self.unconnected_trade())

    def unconnected_trade(self, instruments: dict[str, Instrument] | None = None) -> TradeClient:
        """Return a new trade client that is not connected and that the caller must close."""
        return TradeClient(
            self.environment,
            self.found.credentials,
            account_id=self.account_id,
            request_timeout=self.settings.timeout,
            instruments=instruments,
        )

    @cached_property
    def rest(self) -> RestClient:
        """The REST client of the account."""
        return self._opened.enter_context(
            RestClient(
                self.environment,
                self.found.credentials,
                account_id=self.account_id,
                timeout=self.settings.timeout,
            )
        )

    @cached_property
    def public_rest(self) -> RestClient:
        """The REST client for public data, without credentials."""
        return self._opened.enter_context(RestClient(self.environment, timeout=self.settings.timeout))

    @cached_property
    def market(self) -> MarketDataClient:
        """The connected market data client."""
        from ..market_data import MarketDataClient

        client = MarketDataClient(self.environment, request_timeout=self.settings.timeout)
        return self._opened.enter_context(client)

    @property
    def must_confirm(self) -> bool:
        """Whether the command trades real money and ``--yes`` is not given."""
        return not self.settings.yes and is_real(self.environment)

    def confirm(self, what: str) -> None:
        """Ask for confirmation before trading real money, unless ``--yes`` is given.

        Parameters
        ----------
        what : str
            What will be done, completely.

        Raises
        ------
        ConfigurationError
            If stdin is not a terminal or the output is JSON.
        click.Abort
            If the answer is no.
        """
        self.require_confirmable(what)
        if self.must_confirm:
            click.confirm(f"{what} on {self.env_name} trades real money. Continue?", abort=True, err=True)

    def require_confirmable(self, what: str) -> None:
        """Refuse to go on if a confirmation is needed and nobody can be asked.

        Raises
        ------
        ConfigurationError
            If stdin is not a terminal or the output is JSON.
        """
        if self.must_confirm and (self.settings.json or not _is_interactive()):
            raise ConfigurationError(f"{what} on {self.env_name} trades real money: confirm with --yes")


def _is_interactive() -> bool:
    return sys.stdin.isatty()
