"""JSON Schemas of Python types and signatures, and values made of JSON by them."""
