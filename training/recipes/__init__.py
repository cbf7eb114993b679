"""Recipes: what a network is trained on, from what, and how."""
