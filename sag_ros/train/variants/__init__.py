"""Policies retrained for another sampler; a folder each."""
