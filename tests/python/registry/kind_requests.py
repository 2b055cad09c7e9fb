"""Requests for entries of every kind."""

import functools


def both(function):
    """The function, and the same as a coroutine function."""
    async def as_async(**arguments):
        return function(**arguments)

    return [function, functools.wraps(function)(as_async)]


def read(client, uri):
    return client.request("resources/read", uri=uri)["result"]["contents"]


def get(client, name, **arguments):
    return client.request("prompts/get", name=name, arguments=arguments)["result"]["messages"]


def complete(client, reference, argument, value, **context):
    params = {"ref": reference, "argument": {"name": argument, "value": value}}
    if context:
        params["context"] = {"arguments": context}
    return client.request("completion/complete", **params)["result"]["completion"]
