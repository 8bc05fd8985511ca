"""A fast stand-in for the exchange's trade socket: blocking sockets, hand-made frames, canned answers.

It is not a simulator. It exists so that the server is never what a benchmark measures.
"""
