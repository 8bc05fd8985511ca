"""Sockets: TCP, TLS, proxies, the handshake and the frames of a WebSocket. Private to users."""
