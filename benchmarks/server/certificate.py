"""A certificate for 127.0.0.1, new in each run and signed by a temporary authority."""

from __future__ import annotations

import ssl
from pathlib import Path


def available() -> bool:
    """Return whether certificates can be made, that is, whether the package ``trustme`` is installed."""
    try:
        import trustme  # noqa: F401
    except ImportError:
        return False
    return True


def server_context(authority_file: Path) -> ssl.SSLContext:
    """Return a server's TLS context, and write a file with the authority that clients have to trust."""
    import trustme

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(authority_file))
    return context
