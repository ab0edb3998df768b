"""Measurements, as ratios between what was measured in the same run."""
