"""The REST API: operations, requests and retries. `qfex.rest` combines them in a client."""
