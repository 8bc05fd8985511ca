"""What the exchange means: pure code, without threads, sockets or a clock of its own. Private to users."""
