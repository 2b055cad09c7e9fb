"""Stores of a program: the operations as types, and how the engine calls a store."""
