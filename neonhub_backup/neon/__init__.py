"""Databases that Neon hosts: branches as snapshots, and branches of any second of its history."""
