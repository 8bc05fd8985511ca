"""A fast stand-in for the exchange's trade gateway: blocking sockets, hand-made frames, canned answers.

It is not a simulator. It is fast so that the benchmarks measure the clients and not the server.
"""
