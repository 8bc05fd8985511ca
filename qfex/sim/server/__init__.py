"""The simulator's server: aiohttp on one event loop in one background thread, on loopback.

Capacity, measured with ``python -m tests.sim.server.capacity`` (CPython 3.11, the simulator on one core of a
2-core virtual machine, the clients on the other; resting orders, each
answered by an ACK):

================================================  ==========  ============================
load                                              orders/s    simulator's processor, each
================================================  ==========  ============================
1 connection, 1 order in flight                    5,200       158 us
1 connection, 100 in flight                       15,200        63 us
50 connections, 1 in flight each                   8,600        99 us
50 connections, 10 in flight each                 15,200        63 us
the package's own client, 100 in flight            9,700        66 us (the client is the limit)
================================================  ==========  ============================
"""
