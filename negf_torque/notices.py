"""Warnings about the physics of a calculation, for the user to read."""

__all__ = ["ConvergenceWarning", "PhysicsWarning"]


class PhysicsWarning(UserWarning):
    """The calculation is valid but probably not what was wanted (no open channel, say)."""


class ConvergenceWarning(PhysicsWarning):
    """A result has not reached its tolerance; it is marked as not converged."""
