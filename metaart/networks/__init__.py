"""Learners: modules that know nothing of meta-learning."""
