"""Threads and locks: a thin shell around `qfex.protocol`. Private to users."""
