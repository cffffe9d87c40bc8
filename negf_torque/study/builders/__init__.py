"""Builders of systems, one file each, found by the name that a card gives."""
