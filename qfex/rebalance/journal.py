"""The journal: a record on disk of every step of a rebalancer, written before the step is sent."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Any

import attrs

from ..credentials import Credentials
from ..enums import Side
from ..environment import Environment
from ..errors import ConfigurationError
from .identity import account_scope, client_id, client_id_prefix
from .lock import RunLock
from .plan import Plan, PlannedTrade
from .records import JournalEvent, Run, RunState, Step, StepKind, StepState, Work

_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    run_id INTEGER PRIMARY KEY, scope TEXT NOT NULL, key TEXT NOT NULL UNIQUE, period TEXT NOT NULL,
    digest TEXT NOT NULL, execution TEXT NOT NULL, created REAL NOT NULL, equity TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'open', finished REAL);
CREATE TABLE IF NOT EXISTS trades (
    run_id INTEGER NOT NULL REFERENCES runs, symbol TEXT NOT NULL, current TEXT NOT NULL, target TEXT NOT NULL,
    side TEXT NOT NULL, quantity TEXT NOT NULL, mark TEXT NOT NULL, notional TEXT NOT NULL,
    reduce_only INTEGER NOT NULL, reason TEXT NOT NULL,
    falls_short INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (run_id, symbol));
CREATE TABLE IF NOT EXISTS steps (
    step_id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL REFERENCES runs, symbol TEXT NOT NULL, name TEXT NOT NULL,
    kind TEXT NOT NULL, client_id TEXT NOT NULL UNIQUE, side TEXT NOT NULL, quantity TEXT NOT NULL, price TEXT,
    created REAL NOT NULL, state TEXT NOT NULL DEFAULT 'intended', filled TEXT NOT NULL DEFAULT '0',
    order_id TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS events (
    event_id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL REFERENCES runs, time REAL NOT NULL, symbol TEXT NOT NULL,
    what TEXT NOT NULL);
"""

_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "equity": Decimal, "current": Decimal, "target": Decimal, "quantity": Decimal, "mark": Decimal,
    "notional": Decimal, "filled": Decimal, "price": lambda text: None if text is None else Decimal(text),
    "side": Side, "reduce_only": bool, "falls_short": bool,
}  # fmt: skip


class Journal:
    """The runs of one account, in an SQLite file.

    Every change is committed before the method returns.

    Parameters
    ----------
    path : Path or str
        The file, which is created if it does not exist. A file may contain several accounts, but an account must always
        use the same file: orders of the rebalancer that are not in the journal are cancelled.
    scope : str
        Name of the account. See `Journal.of_account`.
    clock : callable
        Returns the current time in unix seconds.

    Raises
    ------
    ConfigurationError
        If the file cannot be used.
    """

    def __init__(
        self, path: Path | str, scope: str = "default", clock: Callable[[], float] = time.time
    ) -> None:
        self.path, self.scope = Path(path), scope
        self._clock = clock
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Create the file before SQLite does, so that other users cannot read it.
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            self._db = _open(self.path)
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(f"the journal {self.path} cannot be used: {error}") from None

    @classmethod
    def of_account(
        cls,
        path: Path | str,
        environment: Environment,
        credentials: Credentials,
        account_id: str | None = None,
    ) -> Journal:
        """Open the journal of the account of the credentials, or of a subaccount."""
        return cls(path, account_scope(environment, credentials, account_id))

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def lock(self) -> RunLock:
        """Return the lock of this account, which must be held while trading."""
        return RunLock(self.path.with_name(f"{self.path.name}.{self.scope}.lock"))

    @property
    def client_id_prefix(self) -> str:
        """Prefix of the client ids of all steps."""
        return client_id_prefix(self.scope)

    # --- runs --------------------------------------------------------------------------------------------------

    def begin(self, period: str, digest: str, execution: str, plan: Plan) -> Run:
        """Record a new run with all its trades, in one transaction."""
        now = self._clock()
        # The key contains the time, so that client ids are not repeated if the journal is lost.
        key = f"{self.scope}/{period}/{digest}/{now!r}"
        with self._transaction():
            cursor = self._db.execute(
                "INSERT INTO runs (scope, key, period, digest, execution, created, equity) VALUES (?,?,?,?,?,?,?)",
                (self.scope, key, period, digest, execution, now, str(plan.equity)),
            )
            run_id = int(cursor.lastrowid or 0)
            for row in plan.rows:
                self._insert("trades", {"run_id": run_id, **attrs.asdict(row)})
            self._note(run_id, "", f"planned {len(plan.trades)} trades")
        return self.run(run_id)

    def run(self, run_id: int) -> Run:
        """Return a run."""
        return self._runs("run_id = ?", run_id)[0]

    def runs(self) -> list[Run]:
        """Return all runs of the account, oldest first."""
        return self._runs("1 = 1")

    def find(self, period: str, digest: str) -> Run | None:
        """Return the newest run of a period for targets with this digest, or None."""
        found = self._runs("period = ? AND digest = ?", period, digest)
        return found[-1] if found else None

    def traded_after(self, run: Run) -> bool:
        """Whether a later run has traded, or may have traded, a symbol of this run."""
        query = (
            "SELECT count(*) FROM steps JOIN runs USING (run_id) WHERE scope = ? AND run_id > ? AND "
            "(filled <> '0' OR steps.state IN ('intended', 'live')) AND "
            "symbol IN (SELECT symbol FROM trades WHERE run_id = ?)"
        )
        (count,) = self._db.execute(query, (self.scope, run.run_id, run.run_id)).fetchone()
        return bool(count)

    def unsettled(self) -> list[Run]:
        """Return the runs that are open or have steps that may still trade."""
        pending = "SELECT run_id FROM steps WHERE state IN ('intended', 'live')"
        return self._runs(f"state = 'open' OR run_id IN ({pending})")

    def finish(self, run: Run, state: RunState) -> Run:
        """Record the end of a run."""
        with self._transaction():
            self._db.execute(
                "UPDATE runs SET state = ?, finished = ? WHERE run_id = ?", (state, self._clock(), run.run_id)
            )
            self._note(run.run_id, "", f"run {state}")
        return self.run(run.run_id)

    def plan_of(self, run: Run) -> Plan:
        """Return the plan of a run."""
        rows = self._db.execute("SELECT * FROM trades WHERE run_id = ? ORDER BY symbol", (run.run_id,))
        return Plan(run.equity, [_restore(PlannedTrade, row) for row in rows.fetchall()])

    def work_of(self, run: Run) -> list[Work]:
        """Return the trades of a run, each with its steps."""
        return self._with_steps(run, self.plan_of(run).trades)

    def all_work_of(self, run: Run) -> list[Work]:
        """Return the trades of a run, each with its steps, and then the rows of its plan that are not traded."""
        plan = self.plan_of(run)
        return self._with_steps(run, [*plan.trades, *(row for row in plan.rows if not row.quantity)])

    def _with_steps(self, run: Run, rows: list[PlannedTrade]) -> list[Work]:
        steps = self.steps(run)
        return [Work(row, tuple(step for step in steps if step.symbol == row.symbol)) for row in rows]

    # --- steps -------------------------------------------------------------------------------------------------

    def intend(
        self, run: Run, trade: PlannedTrade, kind: StepKind, quantity: Decimal, price: Decimal | None
    ) -> Step:
        """Record a step before it is sent."""
        with self._transaction():
            (count,) = self._db.execute(
                "SELECT count(*) FROM steps WHERE run_id = ? AND symbol = ?", (run.run_id, trade.symbol)
            ).fetchone()
            name = f"{trade.symbol}/{count + 1}/{kind}"
            # A journal that was restored from a backup does not know the steps that were sent later. With the random part
            # the ids of those are not used again.
            identifier = client_id(self.scope, run.key, f"{name}/{token_hex(16)}")
            members = {
                "run_id": run.run_id, "symbol": trade.symbol, "name": name, "kind": kind, "client_id": identifier,
                "side": trade.side, "quantity": quantity, "price": price, "created": self._clock(),
            }  # fmt: skip
            self._insert("steps", members)
            terms = f"{trade.side} {quantity:f} {trade.symbol}" + (f" at {price:f}" if price else "")
            self._note(run.run_id, trade.symbol, f"intend {kind} {terms} as {identifier}")
        return self._steps("client_id = ?", identifier)[0]

    def settle(
        self,
        step: Step,
        state: StepState,
        *,
        filled: Decimal | None = None,
        order_id: str = "",
        note: str = "",
    ) -> Step:
        """Record what is known about a step."""
        known = step.filled if filled is None else filled
        with self._transaction():
            self._db.execute(
                "UPDATE steps SET state = ?, filled = ?, order_id = ?, note = ? WHERE step_id = ?",
                (state, str(known), order_id or step.order_id, note or step.note, step.step_id),
            )
            what = f"{step.kind} {step.client_id} {state}, filled {known:f}{': ' if note else ''}{note}"
            self._note(step.run_id, step.symbol, what)
        return self._steps("step_id = ?", step.step_id)[0]

    def steps(self, run: Run) -> list[Step]:
        """Return the steps of a run, oldest first."""
        return self._steps("run_id = ?", run.run_id)

    def client_ids(self) -> set[str]:
        """Return the client ids of all steps of the account."""
        query = "SELECT client_id FROM steps JOIN runs USING (run_id) WHERE scope = ?"
        return {row["client_id"] for row in self._db.execute(query, (self.scope,)).fetchall()}

    # --- events ------------------------------------------------------------------------------------------------

    def note(self, run: Run, symbol: str, what: str) -> None:
        """Record an event of a run."""
        with self._transaction():
            self._note(run.run_id, symbol, what)

    def events(self, run: Run) -> list[JournalEvent]:
        """Return the events of a run, oldest first."""
        query = "SELECT time, symbol, what FROM events WHERE run_id = ? ORDER BY event_id"
        return [JournalEvent(**dict(row)) for row in self._db.execute(query, (run.run_id,)).fetchall()]

    # --- SQL ---------------------------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _note(self, run_id: int, symbol: str, what: str) -> None:
        self._insert("events", {"run_id": run_id, "time": self._clock(), "symbol": symbol, "what": what})

    def _insert(self, table: str, members: dict[str, Any]) -> None:
        values = [str(value) if isinstance(value, Decimal | str) else value for value in members.values()]
        marks = ", ".join("?" * len(members))
        self._db.execute(f"INSERT INTO {table} ({', '.join(members)}) VALUES ({marks})", values)

    def _runs(self, where: str, *values: Any) -> list[Run]:
        query = f"SELECT * FROM runs WHERE scope = ? AND ({where}) ORDER BY run_id"
        return [_restore(Run, row) for row in self._db.execute(query, (self.scope, *values)).fetchall()]

    def _steps(self, where: str, *values: Any) -> list[Step]:
        rows = self._db.execute(f"SELECT * FROM steps WHERE {where} ORDER BY step_id", values).fetchall()
        return [_restore(Step, row) for row in rows]


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=10.0, isolation_level=None)
    database.row_factory = sqlite3.Row
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")  # an intent must also survive a power failure
        database.executescript(_SCHEMA)
        _add_new_columns(database)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _add_new_columns(database: sqlite3.Connection) -> None:
    """Add the columns that a journal of an earlier version does not have."""
    names = {row["name"] for row in database.execute("PRAGMA table_info(trades)").fetchall()}
    if "falls_short" not in names:
        database.execute("ALTER TABLE trades ADD COLUMN falls_short INTEGER NOT NULL DEFAULT 0")


def _restore(model: type[Any], row: sqlite3.Row) -> Any:
    """Build a model from a row, ignoring columns that the model does not have."""
    names = [field.name for field in attrs.fields(model) if field.name in row.keys()]  # noqa: SIM118 - a Row is not a mapping
    return model(**{name: _CONVERTERS.get(name, _unchanged)(row[name]) for name in names})


def _unchanged(value: Any) -> Any:
    return value
