"""JSON and what is common to the messages of both gateways: numbers, names, errors and their echoes."""
