"""All checks, in the order in which one needs the other."""

from __future__ import annotations

from collections.abc import Iterator

from ...environment import require_safe_for_secrets
from ...errors import ConfigurationError
from ..context import App
from .finding import Finding, broken, fine
from .keys import check_keys
from .reach import check_reach
from .versions import check_versions


def check_all(app: App) -> Iterator[Finding]:
    """Check everything, one after the other."""
    yield from check_versions()
    try:
        environment = app.environment
        require_safe_for_secrets(environment.trade_url)
        require_safe_for_secrets(environment.rest_url)
    except ConfigurationError as error:
        yield broken("environment", error, "mend QFEX_ENV and the QFEX_..._URL variables")
        return
    yield fine("environment", app.env_name)
    yield from check_reach(environment, app.settings.timeout)
    yield from check_keys(app)
