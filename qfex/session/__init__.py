"""Threads, sockets and locks: a thin shell around `qfex.protocol`."""
