"""Impurities and what they do on average: self-energies, vertex corrections, configurations."""
