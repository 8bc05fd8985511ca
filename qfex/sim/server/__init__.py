"""The simulator's servers: aiohttp on one event loop in one background thread, loopback only."""
