"""The trade gateway: commands in, engine calls, frames out. Pure: no sockets, no threads, no wall clock."""
