"""Numerical derivatives with an error estimate of their own."""
