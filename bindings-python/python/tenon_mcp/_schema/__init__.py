"""JSON Schemas of Python types and signatures, and values made of JSON by them.

``signature`` reads the parameters of a function. ``signature_schema`` makes the input schema, or the arguments of a
prompt, from them. The schemas of JSON's own types are in ``plain_types``, those of other types in ``types``.
"""
