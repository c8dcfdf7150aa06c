"""Validation: published, measured and peers' numbers against ours, as rows of one form."""
