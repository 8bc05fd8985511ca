"""The REST interface: requests, retries and operations. `qfex.rest` puts them together."""
