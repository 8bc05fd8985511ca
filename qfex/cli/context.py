"""What a command works with: settings, and connections that are made when they are first needed."""

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
from .output import Output
from .place import chosen_name, is_real, named_environment

if TYPE_CHECKING:
    from ..market_data import MarketDataClient
    from ..sim import Simulator


@attrs.define
class Settings:
    """The options that every command takes."""

    env: str | None = None
    json: bool = False
    credentials_file: Path | None = None
    account: str | None = None
    timeout: float = 10.0
    yes: bool = False


class App:
    """One run of the program. Its connections end with its ``with`` block."""

    def __init__(self) -> None:
        self.settings = Settings()
        self._opened = ExitStack()

    def __enter__(self) -> App:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    @property
    def out(self) -> Output:
        """Where the answer goes."""
        return Output(self.settings.json)

    @cached_property
    def env_name(self) -> str:
        """``sim``, ``uat`` or ``prod``."""
        return chosen_name(self.settings.env)

    @cached_property
    def environment(self) -> Environment:
        """Where the exchange is; a simulator is started where one is wanted and none runs."""
        return named_environment(self.env_name) or self.simulator.environment

    @cached_property
    def simulator(self) -> Simulator:
        """A simulator of this command's own."""
        try:
            from ..sim import Simulator
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                f"--env sim needs the extra \"sim\": pip install 'qfex-sync[sim]' ({error.name} is missing)"
            ) from None
        return self._opened.enter_context(Simulator(price_path="calm", ledger_limit=10_000))

    @property
    def has_own_simulator(self) -> bool:
        """Whether this command started its simulator itself."""
        return named_environment(self.env_name) is None

    @cached_property
    def found(self) -> Found:
        """The credentials, and where they came from."""
        if self.has_own_simulator:
            return Found(self.simulator.credentials, "the simulator")
        return find_credentials(self.env_name, self.settings.credentials_file)

    @property
    def account_id(self) -> str | None:
        """The subaccount to act for."""
        return self.settings.account or self.found.account_id

    @cached_property
    def trade(self) -> TradeClient:
        """The trade client, connected."""
        return self._opened.enter_context(self.unconnected_trade())

    def unconnected_trade(self, instruments: dict[str, Instrument] | None = None) -> TradeClient:
        """Make a trade client and leave the rest to the caller."""
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
        """The REST client for what everybody may know."""
        return self._opened.enter_context(RestClient(self.environment, timeout=self.settings.timeout))

    @cached_property
    def market(self) -> MarketDataClient:
        """The market data client, connected."""
        from ..market_data import MarketDataClient

        client = MarketDataClient(self.environment, request_timeout=self.settings.timeout)
        return self._opened.enter_context(client)

    def confirm(self, what: str) -> None:
        """Ask before real money moves, unless told ``--yes``.

        Raises
        ------
        ConfigurationError
            If nobody is there to be asked.
        click.Abort
            If the answer is no.
        """
        if self.settings.yes or not is_real(self.environment):
            return
        if self.settings.json or not _someone_is_there():
            raise ConfigurationError(f"{what} on {self.env_name} is for real: say --yes")
        click.confirm(f"{what} on {self.env_name} is for real. Go on?", abort=True, err=True)


def _someone_is_there() -> bool:
    return sys.stdin.isatty()
