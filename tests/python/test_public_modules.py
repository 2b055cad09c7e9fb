"""The public modules: what they export, and what importing the package loads."""

import importlib
import subprocess
import sys

import pytest
import tenon_mcp

MODULES = ["auth", "context", "errors", "results", "server", "settings", "testing", "types"]
# Defined where they are, because loading them with their public module takes long or makes a circle.
DEFINED_ELSEWHERE = {
    "AccessRule", "ApiKey", "ApiKeys", "Introspection", "JWT", "Principal", "Verifier",
    "ApiKeyOptions", "ApiKeysOptions", "IntrospectionOptions", "JWTOptions",
    "Cache", "CacheOptions", "CircuitBreaker", "CircuitBreakerOptions",
    "RateLimit", "RateLimitOptions", "RateLimits", "Retry", "RetryOptions",
    "Answer", "Root", "Credentials", "Depends", "Limits", "CacheHints", "ServerOptions",
    "Store", "StoreEntry", "StoreOp", "StoreRecord", "StoreReply",
    "EmbedOptions", "HasFileno", "HttpOptions", "SseOptions", "Transports", "UnixOptions", "WebOptions",
}  # fmt: skip
# Unions, which have no name of their own.
UNIONS = {"RateLimits", "StoreOp", "StoreReply", "Verifier"}


def public(name):
    return importlib.import_module(f"tenon_mcp.{name}")


def loaded(source):
    done = subprocess.run(
        [sys.executable, "-c", f"{source}\nimport sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return {name for name in done.stdout.split() if name.partition(".")[0] == "tenon_mcp"}


@pytest.mark.parametrize("name", MODULES)
def test_every_name_can_be_imported(name):
    module = public(name)
    assert module.__doc__
    assert sorted(module.__all__) == list(module.__all__) and len(set(module.__all__)) == len(module.__all__)
    for exported in module.__all__:
        assert not exported.startswith("_")
        value = getattr(module, exported)
        assert exported in UNIONS or value.__name__ == exported
        # Where both have the name, it is the same object.
        assert getattr(tenon_mcp, exported, value) is value
        if name != "testing" and exported not in DEFINED_ELSEWHERE and not exported.endswith("Policies"):
            assert value.__module__ == f"tenon_mcp.{name}"


def test_a_star_import_gives_exactly_these_names():
    for name in MODULES:
        names = {}
        exec(f"from tenon_mcp.{name} import *", names)
        assert names.keys() - {"__builtins__"} == set(public(name).__all__)


def test_every_name_of_the_package_is_in_a_public_module():
    exported = {name for module in MODULES for name in public(module).__all__}
    assert set(tenon_mcp.__all__) <= exported
    # Also in the package, except for clients of tests, objects with a descriptor, and the types of keywords.
    others = exported - set(tenon_mcp.__all__)
    options = {name for name in public("types").__all__ if name.endswith("Policies")}
    options |= {"ServerOptions", "EmbedOptions", "Transports", "Verifier"}
    options |= {"ApiKeyOptions", "ApiKeysOptions", "IntrospectionOptions", "JWTOptions"}
    options |= {"CacheOptions", "CircuitBreakerOptions", "RateLimitOptions", "RateLimits", "RetryOptions"}
    assert others == (set(public("testing").__all__) | {"HasFileno"} | options) - set(tenon_mcp.__all__)


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="Nothing"):
        _ = public("context").Nothing
    with pytest.raises(ImportError, match="Nothing"):
        exec("from tenon_mcp.context import Nothing")


def test_modules_that_not_every_program_needs_are_not_loaded():
    names = loaded("from tenon_mcp import Server; Server('x')")
    assert {"tenon_mcp.context", "tenon_mcp.errors", "tenon_mcp.server"} <= names
    assert not names & {
        "tenon_mcp.auth",
        "tenon_mcp._auth.principal",
        "tenon_mcp._auth.verifiers",
        "tenon_mcp.results",
        "tenon_mcp.settings",
        "tenon_mcp.testing",
        "tenon_mcp.types",
        "tenon_mcp._handlers.depends",
        "tenon_mcp._runtime.bridge",
        "tenon_mcp._runtime.questions",
        "tenon_mcp._schema.types",
        "tenon_mcp._serve.limits",
        "tenon_mcp._serve.service",
    }


def test_modules_for_type_checkers_are_never_loaded():
    source = "import tenon_mcp.testing, tenon_mcp.types, tenon_mcp._embedded.asgi, tenon_mcp._runtime.middleware"
    assert not loaded(source) & {
        "tenon_mcp._handlers.handler_function",
        "tenon_mcp._runtime.call_port",
        "tenon_mcp._serve.server_state",
    }
