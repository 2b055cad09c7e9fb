"""Handlers: how a function is called with its arguments, and what its return value becomes.

``function`` makes the parts of an entry that follow from a signature. ``invocation_plan`` converts arguments and
results whose types are more than JSON's own. ``string_arguments`` is for the arguments of prompts and the variables of
templates. ``returns`` reads the return annotation, and ``results`` converts return values that JSON cannot express.
"""
