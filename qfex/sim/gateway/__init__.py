"""The trade gateway: decodes commands, calls the engine, encodes replies and events.

It owns no socket and no thread, and reads the wall clock only to check signatures.
"""
